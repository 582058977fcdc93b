"""How long an import takes: a million made-up people from CSV, the same again, and JSON lines by a map.

``make import-scale`` (QUICK=1: twenty thousand) makes the lists, imports them into a ledger of its own and checks
that it holds what it should. CPU seconds are told too, since other work on the machine changes the clock's.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from smtp_gate.config.source_map import PLAIN, Map
from smtp_gate.consent import Ledger
from smtp_gate.consent.imports import Imported, import_rows
from smtp_gate.consent.mapping import Mapper, plain_columns
from smtp_gate.consent.raw_rows import CsvRows, JsonRows
from smtp_gate.tokens import Keyring, subject_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smtp_gate.consent.raw_rows import RawRow

MANY, FEW = 1_000_000, 20_000
KEYRING = Keyring({1: bytes(64)}, 1, bytes(64))
HEADER = "address,controller,purposes,decision,at,method,source,notice,reference\n"
CRM = Map.model_validate(
    {
        "email": "contact.mail",
        "controller": {"fixed": "acme"},
        "purposes": {"each": {"performance": "opens", "clicks": "clicks"}},
        "at": {"column": "when", "format": "unix"},
        "method": {"fixed": "form"},
        "source": {"fixed": "https://acme.example/newsletter"},
        "reference": "contact.id",
        "notice": {"column": "text", "values": {"new": "v3"}},
    }
)


class Took(NamedTuple):
    """What one import came to."""

    name: str
    done: Imported
    seconds: float
    cpu: float

    def __str__(self) -> str:
        rate, busy = self.done.read / self.seconds, self.done.read / self.cpu
        return (
            f"| {self.name} | {self.done.read:,} | {self.done.taken:,} | {self.done.repeated:,} "
            f"| {self.seconds:.1f} | {rate:,.0f} | {busy:,.0f} |"
        )


def measure(people: int, folder: Path) -> list[Took]:
    """Import the same people three times."""
    ledger = Ledger(f"sqlite:///{folder}/consent.db")
    try:
        lists = _csv(people, folder / "people.csv"), _json(people, folder / "people.jsonl")
        found = []
        for name, path in (("CSV", lists[0]), ("CSV again", lists[0]), ("JSON lines by a map", lists[1])):
            with path.open("rb") as file:
                rows: Iterable[RawRow] = JsonRows(file, path.name)
                columns = CRM
                if path.suffix == ".csv":
                    read = CsvRows(file, path.name)
                    read.columns, rows, columns = plain_columns(read.columns), read, PLAIN
                begun, busy = time.perf_counter(), time.process_time()
                mapper = Mapper(columns, partial(subject_of, KEYRING), {"acme": "Acme"}, folder=folder)
                done = import_rows(rows, mapper, ledger)
                found.append(Took(name, done, time.perf_counter() - begun, time.process_time() - busy))
        assert [took.done.taken for took in found] == [people, 0, people]  # noqa: S101 - a rate of nothing is none
        assert (ledger.head(), ledger.count()) == (2 * people, people)  # noqa: S101
        return found
    finally:
        ledger.close()


def _csv(people: int, path: Path) -> Path:
    with path.open("w") as file:
        file.write(HEADER)
        for number in range(people):
            decision = "withdraw" if number % 10 == 0 else "grant"
            moment = f"2026-04-20T10:{number // 60 % 60:02}:{number % 60:02}+02:00"
            origin = f"form,https://acme.example/newsletter,v3,{number}"
            file.write(f"person{number}@example.com,acme,performance,{decision},{moment},{origin}\n")
    return path


def _json(people: int, path: Path) -> Path:
    with path.open("w") as file:
        for number in range(people):
            contact = {"mail": f"person{number}@example.com", "id": number}
            row = {
                "contact": contact,
                "opens": "yes",
                "clicks": None,
                "when": 1_776_800_000 + number,
                "text": "new",
            }
            file.write(json.dumps(row) + "\n")
    return path


def main() -> None:
    """Measure and print a table."""
    words = argparse.ArgumentParser()
    words.add_argument("--quick", action="store_true", help=f"{FEW:,} people instead of {MANY:,}")
    people = FEW if words.parse_args().quick else MANY
    with tempfile.TemporaryDirectory() as folder:
        print("| source | rows | new events | there already | s | rows/s | rows per CPU second |")
        print("|---|---|---|---|---|---|---|")
        for took in measure(people, Path(folder)):
            print(took)


if __name__ == "__main__":
    main()
