"""Generated people: a ledger whose standings are written directly, and what a question about each must answer.

The events behind the standings are left out: look-ups and reloads never read them, and to append ten million of
them, each with its hashes, would take hours. How fast appending is, is another measurement.
"""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from smtp_gate.consent import Ledger
from smtp_gate.consent.standing import Grant, pack_grants
from smtp_gate.model import NOTHING, Consent, Purpose

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONTROLLER = "acme"
WITHDRAWN = 10
"""Every tenth person took consent back; the others agreed to two purposes, with an end each of their own."""
_AGREED = Purpose.PERFORMANCE | Purpose.CLICKS
_END = 2_000_000_000
_ROW = "INSERT INTO standing (controller, subject, seq, mark, grants) VALUES (?, ?, ?, ?, ?)"


def subject(number: int, people: int) -> bytes:
    """Who this one of so many people is; in the order of numbers, as they lie in the ledger."""
    start = (number << 64) // people
    return start.to_bytes(8, "big") + hashlib.blake2b(number.to_bytes(8, "big"), digest_size=8).digest()


def expected(number: int) -> Consent:
    """What the store must say of them."""
    if number % WITHDRAWN == 0:
        return Consent(NOTHING, "withdrawn")
    return Consent(_AGREED, "granted")


def make_ledger(path: Path, people: int) -> Ledger:
    """A ledger of so many people."""
    Ledger(f"sqlite:///{path}").close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.executemany(_ROW, _rows(people))
    return Ledger(f"sqlite:///{path}")


def _rows(people: int) -> Iterator[tuple[str, bytes, int, str, bytes]]:
    for number in range(people):
        seq = number + 1
        if number % WITHDRAWN == 0:
            yield CONTROLLER, subject(number, people), seq, "withdraw", b""
        else:
            end = pack_grants([Grant(_AGREED, _END + number % 10_000_000)])
            yield CONTROLLER, subject(number, people), seq, "grant", end
