"""When people were asked for consent by mail, so that nobody is asked again and again.

A question has its own table and is no event: nothing was decided. What counts as having been asked is the later of
the last question that the next hop took and the last decision, whatever it was.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import sqlalchemy as sa

from smtp_gate.consent.clock import Clock, micros, utc_now
from smtp_gate.consent.tables import CHUNK, events, questions

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from smtp_gate.consent.ledger import Ledger

_DAY = 86_400_000_000


class Asked:
    """Knows who was asked, and notes who is.

    Args:
        ledger: whose database has the decisions and keeps the questions.
        clock: what time it is.
    """

    def __init__(self, ledger: Ledger, clock: Clock = utc_now) -> None:
        self._ledger = ledger
        self._clock = clock

    async def lately(self, controller: str, subjects: Sequence[bytes], days: int) -> set[bytes]:
        """Those who were asked, or decided anything, in so many days.

        Raises:
            StoreUnavailable: when the ledger does not say.
        """
        since = micros(self._clock()) - days * _DAY
        return await asyncio.to_thread(self._ledger.asked, controller, subjects, since)

    async def note(self, controller: str, subjects: Sequence[bytes]) -> None:
        """These were asked, just now.

        Raises:
            StoreUnavailable: when the ledger did not keep it.
        """
        await asyncio.to_thread(self._ledger.note_asked, controller, subjects, micros(self._clock()))


def asked_in(connection: sa.Connection, controller: str, subjects: Sequence[bytes], since: int) -> set[bytes]:
    """As :meth:`Asked.lately`; ``since`` is in microseconds since 1970."""
    found: set[bytes] = set()
    for chunk in _chunks(subjects):
        for table in (questions, events):
            query = sa.select(table.c.subject).where(
                table.c.controller == controller, table.c.subject.in_(chunk), table.c.at > since
            )
            found.update(row.subject for row in connection.execute(query))
    return found


def note_in(connection: sa.Connection, controller: str, subjects: Sequence[bytes], now: int) -> None:
    """As :meth:`Asked.note`, in a writing transaction."""
    for chunk in _chunks(sorted(set(subjects))):
        mine = sa.and_(questions.c.controller == controller, questions.c.subject.in_(chunk))
        connection.execute(questions.delete().where(mine))
        connection.execute(
            questions.insert(), [{"controller": controller, "subject": subject, "at": now} for subject in chunk]
        )


def unasked_in(connection: sa.Connection, subject: bytes, controller: str = "") -> None:
    """Take away that a person was asked; by all controllers when none is named."""
    mine = questions.c.subject == subject
    if controller:
        mine = sa.and_(mine, questions.c.controller == controller)
    connection.execute(questions.delete().where(mine))


def _chunks(subjects: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    for at in range(0, len(subjects), CHUNK):
        yield subjects[at : at + CHUNK]
