"""What the size of the catalogue costs: a start, and judging one address, with a few vendors and with all of them.

Addresses that nobody catalogued are most of what real mail holds; the trackers are the examples of the few vendors,
so that both catalogues give the same answers. A cold host is one that no mail had before. CPU time, the best of
several rounds, both catalogues in turn; the exit code is 1 when all vendors cost more than the bars below.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from smtp_gate.config.catalogue import load_catalogue  # noqa: E402 - the checkout, not what is installed
from smtp_gate.trackers import Catalogue  # noqa: E402 - the same

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FEW = (
    "hubspot salesforce_marketing_cloud pardot salesforce_core lemlist apollo outreach brevo mailchimp mandrill "
    "activecampaign"
)
BARS = {"plain": 2.0, "tracker": 2.0, "plain, cold host": 4.0}
"""All vendors may cost this many times what the few cost: their number is twenty times as large."""
NOBODY: frozenset[str] = frozenset()
PLAIN = [
    *(f"https://www.acme.example/products/{number}/spring-sale?utm_source=mail" for number in range(40)),
    *(f"https://news.shop.example/c/article-{number}.html" for number in range(40)),
    *(f"https://acme.example/en/open/jobs?id={number}" for number in range(40)),
    *(f"https://cdn.shop.example/e/images/click/{number}.png" for number in range(40)),
]


def best(rounds: int, work: Callable[[], object]) -> float:
    """Seconds of CPU that the quickest of some rounds took."""
    took = []
    for _ in range(rounds):
        started = time.process_time()
        work()
        took.append(time.process_time() - started)
    return min(took)


def judging(catalogue: Catalogue, urls: Sequence[str]) -> Callable[[], object]:
    """Judge each address once."""
    return lambda: [catalogue.link(url, str, NOBODY) for url in urls]


def measure(rounds: int) -> dict[str, dict[str, float]]:
    """What is measured -> microseconds an address with few vendors, with all, and their ratio."""
    whole = load_catalogue(None, {}, "")
    few = Catalogue(tuple(vendor for vendor in whole.vendors if vendor.id in FEW.split()))
    trackers = [url for vendor in few.vendors for link in vendor.links for url in link.examples]
    kinds = {
        "plain": lambda _: PLAIN,
        "tracker": lambda _: trackers,
        "plain, cold host": lambda turn: [
            url.replace("://", f"://h{turn}-{number}.") for number, url in enumerate(PLAIN)
        ],
    }
    figures: dict[str, dict[str, float]] = {}
    turn = 0
    for name, urls_of in kinds.items():
        took: dict[str, list[float]] = {"few": [], "all": []}
        for _ in range(rounds):
            turn += 1
            urls = urls_of(turn)
            for which, catalogue in (("few", few), ("all", whole)):
                again = 1 if "cold" in name else 20
                took[which].append(best(again, judging(catalogue, urls)) / len(urls) * 1e6)
        figures[name] = {which: min(times) for which, times in took.items()}
        figures[name]["ratio"] = figures[name]["all"] / figures[name]["few"]
    figures["vendors"] = {"few": len(few.vendors), "all": len(whole.vendors)}
    figures["start, ms"] = {"all": best(3, lambda: load_catalogue(None, {}, "")) * 1e3}
    return figures


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    figures = measure(arguments.rounds)
    if arguments.json:
        print(json.dumps(figures))
    else:
        for name, row in figures.items():
            print(f"{name + ':':18}" + "".join(f"{which} {value:8.2f}   " for which, value in row.items()))
    return int(any(figures[name]["ratio"] > bar for name, bar in BARS.items()))


if __name__ == "__main__":
    raise SystemExit(main())
