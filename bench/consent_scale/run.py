"""Consent for many millions of people: octets a person, look-ups a second, time to load, in Redis and in SQLite.

Starts a redis-server of its own. For each size a ledger with generated people is written, loaded into Redis by the
same code as ``consent reload``, compared with it record by record, and asked, each answer checked. The table goes
to the terminal, the figures to ``build/evidence/consent-scale.json``; the exit code is 1 when a bar is missed.
``--quick``: up to 100 thousand people.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import uvloop

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from bench.consent_scale.look_ups import RECIPIENTS, measure  # noqa: E402 - the folder is no package of the project
from bench.consent_scale.people import CONTROLLER, make_ledger, subject  # noqa: E402 - the same
from smtp_gate import consent  # noqa: E402 - the same
from smtp_gate.consent.redis_verify import compare  # noqa: E402 - the same
from tests.redis_server import RedisServer  # noqa: E402 - the same

if TYPE_CHECKING:
    from smtp_gate.consent import Ledger

SIZES = (10_000, 100_000, 1_000_000, 10_000_000)
QUICK = SIZES[:2]
BAR_OCTETS = 25.0
"""Octets of Redis' memory for a person, keys and all, from 100 thousand people on."""
SLACK_OCTETS = 1.0
"""Beyond that bar: how full buckets are by chance, and what jemalloc rounds up."""
BAR_FLAT = 2.0
"""The median time of a look-up with the most people, beside that with the fewest, in Redis."""
PATIENCE = 5.0
"""Seconds a look-up may take here: the machine does other things too, and what is late shows in the p99."""
_PLAIN = 20_000


def main() -> int:
    """Measure, print, write."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="up to 100 thousand people")
    options.add_argument("--people", type=int, nargs="+", help="other sizes")
    options.add_argument("--share", type=float, default=1.0, help="of the usual number of look-ups")
    options.add_argument("--evidence", type=Path, default=ROOT / "build/evidence/consent-scale.json")
    chosen = options.parse_args()
    consent.redis_store.STORE_TIMEOUT = consent.ledger_store.STORE_TIMEOUT = PATIENCE
    sizes = chosen.people or (QUICK if chosen.quick else SIZES)
    figures = [uvloop.run(one_size(people, chosen.share)) for people in sizes]
    plain = plain_octets()
    missed = misses(figures)
    evidence = {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "plain_octets": plain,
        "sizes": figures,
        "missed": missed,
    }
    chosen.evidence.parent.mkdir(parents=True, exist_ok=True)
    chosen.evidence.write_text(json.dumps(evidence, indent=2) + "\n", encoding="utf-8")
    show(figures, plain)
    print(f"\nbars: {BAR_OCTETS:.0f} octets and {SLACK_OCTETS:.0f} of slack, "
          f"a median that stays below {BAR_FLAT:.0f} times the first: {'; '.join(missed) or 'met'}")  # fmt: skip
    return 1 if missed else 0


async def one_size(people: int, share: float) -> dict[str, Any]:
    """All figures for so many people."""
    with tempfile.TemporaryDirectory(prefix="consent-scale-") as folder, RedisServer() as server:
        path = Path(folder) / "consent.db"
        began = time.monotonic()
        ledger = make_ledger(path, people)
        made = time.monotonic() - began
        print(f"{people:,} people: ledger made in {made:.0f} s", file=sys.stderr)
        redis = await in_redis(server, ledger, people, share)
        print(f"{people:,} people: loaded in {redis['reload_seconds']:.0f} s", file=sys.stderr)
        store = consent.LedgerStore(ledger.reader())
        sqlite = {"octets": path.stat().st_size / people, "look_ups": await measure(store, people, share)}
        await store.close()
        ledger.close()
    return {"people": people, "redis": redis, "sqlite": sqlite}


async def in_redis(server: RedisServer, ledger: Ledger, people: int, share: float) -> dict[str, Any]:
    """Load, compare, ask."""
    cache = consent.RedisCache(server.url)
    began, cpu = time.monotonic(), resource.getrusage(resource.RUSAGE_SELF).ru_utime
    loaded = await cache.reload(ledger)
    seconds = time.monotonic() - began
    cpu = resource.getrusage(resource.RUSAGE_SELF).ru_utime - cpu
    began = time.monotonic()
    compared = await compare(ledger, cache)
    verify = time.monotonic() - began
    await cache.close()
    recent = consent.RecentWithdrawals(ledger, monotonic=lambda: 0)
    await recent.poll()
    store = consent.RedisStore(server.url, recent)
    look_ups = await measure(store, people, share)
    await store.close()
    full = used(server)
    server.say("FLUSHALL", "SYNC")  # so that scripts and connections, which stay, do not count
    return {
        "octets": (full - used(server)) / people,
        "reload_seconds": seconds,
        "reload_cpu_seconds": cpu,
        "reload_per_second": loaded.records / seconds,
        "verify_seconds": verify,
        "same": compared.same and compared.records == people,
        "look_ups": look_ups,
    }


def used(server: RedisServer) -> int:
    """Octets that Redis has handed out."""
    lines = server.say("INFO", "memory").split(b"\r\n")
    return int(next(line for line in lines if line.startswith(b"used_memory:")).partition(b":")[2])


def plain_octets() -> float:
    """Octets a person with a key each, whose value holds the subject again: what the layout is compared with."""
    with RedisServer() as server:
        for at in range(0, _PLAIN, 500):
            pairs = [
                (b"smtp_gate:r:0123456789abcdef:%b:%b" % (CONTROLLER.encode(), who), bytes(15) + who)
                for who in (subject(number, _PLAIN) for number in range(at, at + 500))
            ]
            server.say("MSET", *(word for pair in pairs for word in pair))
        full = used(server)
        server.say("FLUSHALL", "SYNC")
        return (full - used(server)) / _PLAIN


def misses(figures: list[dict[str, Any]]) -> list[str]:
    """The bars that were missed."""
    missed = []
    for each in figures:
        octets = each["redis"]["octets"]
        if each["people"] >= QUICK[-1] and octets > BAR_OCTETS + SLACK_OCTETS:
            missed.append(f"{each['people']:,} people: {octets:.1f} octets")
        if not each["redis"]["same"]:
            missed.append(f"{each['people']:,} people: cache and ledger differ")
    for recipients in map(str, RECIPIENTS):
        medians = [each["redis"]["look_ups"][recipients]["median_ms"] for each in figures]
        if medians[-1] > BAR_FLAT * medians[0]:
            missed.append(f"{recipients} recipients: {medians[-1] / medians[0]:.1f} times the first median")
    return missed


def show(figures: list[dict[str, Any]], plain: float) -> None:
    """The table."""
    print(f"\nRedis: a key a person would take {plain:.0f} octets each\n")
    print(f"{'people':>12}{'octets each':>13}{'reload s':>10}{'a second':>10}{'verify s':>10}  cache = ledger")
    for each in figures:
        redis = each["redis"]
        print(f"{each['people']:12,}{redis['octets']:13.1f}{redis['reload_seconds']:10.1f}"
              f"{redis['reload_per_second']:10,.0f}{redis['verify_seconds']:10.1f}  {redis['same']}")  # fmt: skip
    for store in ("redis", "sqlite"):
        print(f"\n{store}: one process\n{'people':>12}{'recipients':>12}{'look-ups/s':>12}{'people/s':>12}"
              f"{'median ms':>11}{'p99 ms':>9}")  # fmt: skip
        for each in figures:
            for recipients in RECIPIENTS:
                found = each[store]["look_ups"][str(recipients)]
                rates = f"{found['look_ups_per_second']:12,.0f}{found['people_per_second']:12,.0f}"
                print(f"{each['people']:12,}{recipients:12}{rates}{found['median_ms']:11.2f}{found['p99_ms']:9.2f}")


if __name__ == "__main__":
    raise SystemExit(main())
