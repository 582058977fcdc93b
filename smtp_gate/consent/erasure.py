"""How a person is taken out of the ledger, and how one can still see that nobody was taken out in secret.

The erasure is itself an event: a withdrawal of everything, with the method ``erasure``, one for each controller. It
stays under the person's keyed hash, so that tracking stays off and an old list that is imported again revives
nothing. From all earlier events of the person the personal fields go, with the salt of their commitment; each names
the erasing event by its seq, and that event's reference says how many they are and holds a hash of their numbers.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

import sqlalchemy as sa

from smtp_gate.consent.append import append_in
from smtp_gate.consent.asked import unasked_in
from smtp_gate.consent.chain import NOBODY, encoded
from smtp_gate.consent.clock import from_micros
from smtp_gate.consent.event import Choice, Entry, Event
from smtp_gate.consent.notices import Wordings
from smtp_gate.consent.openings import forget_in
from smtp_gate.consent.tables import CHUNK, addresses, events
from smtp_gate.model import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from smtp_gate.consent.chain import Value

MARK = "erasure"
"""Method and source of an event that erases."""
_REFERENCE = re.compile(r"[1-9][0-9]* [0-9a-f]{64}")
LAYOUT = "smtp_gate erasure 1"


def erase_in(connection: sa.Connection, subject: bytes, controller: str, actor: str, now: int) -> dict[int, int]:
    """Take a person out, in a writing transaction.

    Args:
        connection: in a writing transaction.
        subject: who.
        controller: of one controller's events only; empty for all.
        actor: recorded as the one who did it.
        now: microseconds since 1970.

    Returns:
        How many events lost their person, by the seq of the event that says so.
    """
    mine = sa.and_(events.c.subject == subject, sa.or_(events.c.method != MARK, events.c.source != MARK))
    found: dict[str, list[int]] = {}
    for name, seq in connection.execute(
        sa.select(events.c.controller, events.c.seq).where(mine).order_by(events.c.controller, events.c.seq)
    ):
        if controller in ("", name):
            found.setdefault(name, []).append(seq)
    done = {}
    for name, seqs in found.items():
        event = Event(
            controller=name,
            subject=subject,
            purposes=EVERYTHING,
            decision=Choice.WITHDRAW,
            at=from_micros(now),
            method=MARK,
            source=MARK,
            reference=reference_of(seqs),
            actor=actor,
        )
        by = append_in(connection, [Entry(event)], now, Wordings()).head
        for at in range(0, len(seqs), CHUNK):
            connection.execute(
                events.update()
                .where(events.c.seq.in_(seqs[at : at + CHUNK]))
                .values(subject=NOBODY, source="", reference="", key=None, salt=None, erased=by)
            )
        done[by] = len(seqs)
    if connection.execute(sa.select(events.c.seq).where(mine)).first() is None:
        connection.execute(addresses.delete().where(addresses.c.subject == subject))
    forget_in(connection, subject, controller)
    unasked_in(connection, subject, controller)
    return done


def reference_of(seqs: Sequence[int]) -> str:
    """How an erasing event vouches for what it erased."""
    return f"{len(seqs)} {hashlib.sha256(encoded(LAYOUT, seqs)).hexdigest()}"


def is_erasing(row: Mapping[str, Value]) -> bool:
    """Whether a row is an event that erases."""
    marks = (row["method"], row["source"], row["decision"])
    return marks == (MARK, MARK, Choice.WITHDRAW) and _REFERENCE.fullmatch(str(row["reference"])) is not None


def number_erased(event: Event) -> int:
    """How many events an erasing event covers; 0 for an event that is none."""
    if (event.method, event.source) == (MARK, MARK) and _REFERENCE.fullmatch(event.reference):
        return int(event.reference.partition(" ")[0])
    return 0


class Pending:
    """Erased events on the way through the ledger, until the event that erased them comes."""

    def __init__(self) -> None:
        self._seqs: dict[int, list[int]] = {}

    def add(self, by: int, seq: int) -> None:
        """An event that names another as its erasure."""
        self._seqs.setdefault(by, []).append(seq)

    def settle(self, by: int, reference: str) -> bool:
        """Whether an erasing event vouches for exactly those that name it."""
        return reference_of(self._seqs.pop(by, [])) == reference

    def left(self) -> int:
        """The first event whose erasure never came; 0 for none."""
        return min((seqs[0] for seqs in self._seqs.values()), default=0)
