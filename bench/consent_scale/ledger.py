"""How fast the ledger is, and how large, on both databases.

Every commit is synced, as in use. PostgreSQL is Debian's, started on a free port in a temporary folder with its own
defaults. Functions take a :class:`Ledger` each, so that others can measure with them. The table goes to the
terminal, the figures to ``build/evidence/ledger.json``. ``--quick``: ten thousand events.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import sys
import tempfile
import time
from contextlib import ExitStack, closing
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

ROOT = Path(__file__).parent.parent.parent
sys.path.insert(0, str(ROOT))

from smtp_gate.consent import Choice, Entry, Event, Ledger  # noqa: E402 - the folder is no package of the project
from smtp_gate.model import Purpose  # noqa: E402 - the same
from tests.postgres_server import PostgresServer  # noqa: E402 - the same

BATCH = 5000
"""Rows of one transaction of an import."""


def event(number: int, *, people: int = 10**9) -> Event:
    """An event as a web form makes it; about the ``number % people``-th person."""
    return Event(
        controller="acme",
        subject=(number % people).to_bytes(16, "big"),
        purposes=Purpose.PERFORMANCE | Purpose.CLICKS,
        decision=Choice.GRANT,
        at=datetime.now(UTC),
        method="form",
        source="https://shop.example/account/preferences",
        reference=f"form 7, row {number}",
        notice="2026-04",
        language="fr",
        actor="person",
    )


def appends(ledger: Ledger, number: int, first: int = 0) -> float:
    """Decisions a second, one at a time, each on the disk when it is told."""
    start = time.perf_counter()
    for at in range(first, first + number):
        ledger.append(event(at), b"person%d@reader.example" % at)
    return number / (time.perf_counter() - start)


def imports(ledger: Ledger, number: int, first: int = 0) -> float:
    """Decisions a second in pieces as of an import."""
    start = time.perf_counter()
    for at in range(first, first + number, BATCH):
        some = range(at, min(at + BATCH, first + number))
        entries = [Entry(event(each), b"person%d@reader.example" % each, each.to_bytes(16, "big")) for each in some]
        ledger.append_many(entries)
    return number / (time.perf_counter() - start)


def verified(ledger: Ledger) -> float:
    """Events a second of `ledger verify`, standings compared too; raises when the ledger is not good."""
    start = time.perf_counter()
    verdict = ledger.verify()
    if verdict.fault is not None:
        raise RuntimeError(verdict.fault.text)
    return verdict.events / (time.perf_counter() - start)


def look_ups(ledger: Ledger, number: int, recipients: int, people: int) -> float:
    """Look-ups a second of one connection, for so many recipients at once."""
    with closing(ledger.reader()) as reader:
        start = time.perf_counter()
        for at in range(number):
            some = [((at * 7919 + each) % people).to_bytes(16, "big") for each in range(recipients)]
            if len(reader.read("acme", some)) != recipients:
                raise RuntimeError("somebody is unknown")
        return number / (time.perf_counter() - start)


def octets(ledger: Ledger) -> int:
    """Size of the whole database, addresses and indexes too."""
    with ledger._database.read() as connection:  # noqa: SLF001 - nobody else asks for it
        if connection.dialect.name == "postgresql":
            query = (
                "SELECT sum(pg_total_relation_size(oid)) FROM pg_class WHERE relkind = 'r' AND relnamespace = 2200"
            )
            return int(connection.execute(sa.text(query)).scalar_one())
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        return int(pages * connection.exec_driver_sql("PRAGMA page_size").scalar_one())


def _write(url: str, number: int, first: int) -> None:
    with closing(Ledger(url)) as ledger:
        appends(ledger, number, first)


def together(url: str, processes: int, number: int, first: int) -> float:
    """Decisions a second of several processes, each one at a time."""
    spawn = multiprocessing.get_context("spawn")
    workers = [spawn.Process(target=_write, args=(url, number, first + each * number)) for each in range(processes)]
    start = time.perf_counter()
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise RuntimeError("a writer failed")
    return processes * number / (time.perf_counter() - start)


def measured(url: str, *, single: int, many: int) -> dict[str, float]:
    """All figures of one database, which must be empty."""
    with closing(Ledger(url)) as ledger:
        found = {
            "import, events/s": imports(ledger, many),
            "append, events/s": appends(ledger, single, many),
            "6 processes, events/s": together(url, 6, single, many + single),
            "verify, events/s": verified(ledger),
            "octets an event": octets(ledger) / ledger.head(),
            "look-ups/s, 1 recipient": look_ups(ledger, 2000, 1, many),
            "look-ups/s, 100 recipients": look_ups(ledger, 200, 100, many),
        }
        expected = many + 7 * single
        if ledger.head() != expected:
            raise RuntimeError(f"{ledger.head()} events instead of {expected}")
        return {name: round(value, 1) for name, value in found.items()}


def main() -> None:
    """Print a table and write the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--events", type=int, default=200_000)
    words = parser.parse_args()
    sizes = {"single": 100, "many": 10_000} if words.quick else {"single": 1000, "many": words.events}
    with ExitStack() as rooms:
        folder = rooms.enter_context(tempfile.TemporaryDirectory())
        server = rooms.enter_context(
            PostgresServer(fsync="on", full_page_writes="on", shared_buffers="128MB", autovacuum="on")
        )
        figures = {
            "SQLite": measured(f"sqlite:///{folder}/consent.db", **sizes),
            "PostgreSQL": measured(server.new(), **sizes),
        }
    print(f"{'':28}" + "".join(f"{name:>14}" for name in figures))
    for name in figures["SQLite"]:
        print(f"{name:28}" + "".join(f"{each[name]:>14,}" for each in figures.values()))
    evidence = ROOT / "build" / "evidence" / "ledger.json"
    evidence.parent.mkdir(parents=True, exist_ok=True)
    evidence.write_text(json.dumps({"sizes": sizes, "figures": figures}, indent=1) + "\n")


if __name__ == "__main__":
    main()
