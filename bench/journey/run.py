"""What a person lives through, with real processes and a real browser, and how fast a withdrawal holds everywhere.

Two tables go to the terminal, the figures to ``build/evidence/journey.json``, pictures of all pages with a sheet
``index.html`` to ``build/journey``. The exit code is 1 when a step went otherwise or a node took more than 5
seconds.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from rich.console import Console  # noqa: E402 - the folder is no package of the installed project
from rich.table import Table  # noqa: E402 - the same

from bench.journey.nodes import BAR, GATES, PEOPLE, SITES, WATCHED, Nodes, Outcome  # noqa: E402 - the same
from bench.journey.pictures import pictures  # noqa: E402 - the same
from bench.journey.story import Step, story  # noqa: E402 - the same

ROUNDS = 5
FEW = 20_000
"""People in the ledger of a short run."""


def main() -> int:
    """Live through it, measure, print, write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="two tools' mails, two languages, one round")
    options.add_argument("--evidence", type=Path, default=ROOT / "build/evidence/journey.json")
    options.add_argument("--pictures", type=Path, default=ROOT / "build/journey")
    chosen = options.parse_args()
    steps = story(quick=chosen.quick)
    outcomes = withdrawals(1 if chosen.quick else ROUNDS, FEW if chosen.quick else PEOPLE)
    shutil.rmtree(chosen.pictures, ignore_errors=True)
    number = pictures(chosen.pictures, quick=chosen.quick)
    show(steps, outcomes)
    print(f"{number} pictures of pages: {chosen.pictures / 'index.html'}")
    chosen.evidence.parent.mkdir(parents=True, exist_ok=True)
    told = {
        "story": [{"step": step.name, "seen": step.seen, "wanted": step.wanted} for step in steps],
        "withdrawal": {
            "gates": GATES,
            "web_parts": SITES,
            "bar_seconds": BAR,
            "watched_seconds": WATCHED,
            "measured": [outcome._asdict() for outcome in outcomes],
        },
        "pictures": number,
    }
    chosen.evidence.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
    missed = [step.name for step in steps if not step.kept]
    missed += [f"withdrawal, {outcome.during}" for outcome in outcomes if not outcome.kept]
    print(f"bars: {'; '.join(missed) or 'met'}")
    return 1 if missed else 0


def withdrawals(rounds: int, people: int) -> list[Outcome]:
    """Each kind so many times."""
    with Nodes(people) as nodes:
        return [take() for take in (nodes.quiet, nodes.reloading, nodes.failing_over) for _ in range(rounds)]


def show(steps: list[Step], outcomes: list[Outcome]) -> None:
    """Both tables."""
    table = Table("step", "seen", "wanted", title="One person's story")
    for step in steps:
        table.add_row(step.name, str(step.seen), "the same" if step.kept else f"[red]{step.wanted}[/red]")
    Console().print(table)
    table = Table(
        "meanwhile", "first node", "last node", "for good", title=f"{GATES} gates, {SITES} web parts: seconds"
    )
    for outcome in outcomes:
        first, last = outcome.seconds[0], outcome.seconds[-1]
        table.add_row(outcome.during, f"{first:.2f}", f"{last:.2f}", f"{outcome.held:.2f}")
    Console().print(table)


if __name__ == "__main__":
    sys.exit(main())
