"""How much the gate finds and how little else it changes, on the corpus of real mails beside the project.

Every mail is rewritten with nothing granted, then read again by ``email``, BeautifulSoup and lxml, html5lib. The
table goes to the terminal, the figures to ``build/evidence/accuracy.json``, what was missed to
``accuracy-misses.tsv`` beside it, and after a full run the table in ``docs/accuracy.md`` is made anew. The exit
code is 1 when a bar is missed.
"""

from __future__ import annotations

import argparse
import csv
import json
import multiprocessing
import sys
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from bench.accuracy.measure import measure  # noqa: E402 - the folder is no package of the installed project
from bench.accuracy.report import PAGE_BEGIN, PAGE_END, Figures, misses, page  # noqa: E402 - the same
from bench.accuracy.rows import mails  # noqa: E402 - the same
from tests.corpus import ARCHIVE  # noqa: E402 - the same

QUICK = 8
"""Every eighth mail, for a short run."""


def main() -> int:
    """Measure, print, write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help=f"every {QUICK}th mail; docs stay as they are")
    options.add_argument("--evidence", type=Path, default=ROOT / "build/evidence/accuracy.json")
    options.add_argument("--page", type=Path, default=ROOT / "docs/accuracy.md")
    chosen = options.parse_args()
    if not ARCHIVE.exists():
        print(f"the corpus of real mails is not there: {ARCHIVE}", file=sys.stderr)
        return 66
    corpus = mails()
    with multiprocessing.Pool() as pool:
        outcomes = pool.map(measure, corpus[::QUICK] if chosen.quick else corpus, chunksize=8)
    figures = Figures(outcomes)
    chosen.evidence.parent.mkdir(parents=True, exist_ok=True)
    chosen.evidence.write_text(json.dumps(figures.evidence(), indent=2) + "\n", encoding="utf-8")
    with (chosen.evidence.parent / "accuracy-misses.tsv").open("w", encoding="utf-8", newline="") as table:
        csv.writer(table, delimiter="\t").writerows(misses(figures))
    made = page(figures, datetime.now(UTC).date().isoformat())
    print(made)
    if not chosen.quick:
        text = chosen.page.read_text(encoding="utf-8")
        head, tail = text.partition(PAGE_BEGIN)[0], text.partition(PAGE_END)[2]
        chosen.page.write_text(head + PAGE_BEGIN + "\n" + made + "\n" + PAGE_END + tail, encoding="utf-8")
    missed = [bar.name for bar in figures.bars() if not bar.kept]
    print(f"bars: {'; '.join(missed) or 'met'}")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
