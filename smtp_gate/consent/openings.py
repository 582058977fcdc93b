"""The exempt measure of deliverability: the day of a person's last opening, overwritten, and nothing else.

Kept to see whom to stop writing to, and read for that alone (``smtp-gate inactive``). No hour, message, address or
device is kept anywhere: hits wait in memory as days, and are written in the order of their keys, minutes later, so
that neither the place of a row nor the time of a write tells when somebody opened a mail. Whoever objects loses the
day at once, with the event that says so.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import date
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, NoReturn

import sqlalchemy as sa

from smtp_gate.consent.clock import utc_now
from smtp_gate.consent.tables import CHUNK, openings
from smtp_gate.errors import StoreUnavailable
from smtp_gate.limits import MAX_OPENINGS, OPENINGS_PERIOD

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from smtp_gate.consent.clock import Clock
    from smtp_gate.consent.ledger import Ledger

_FIRST = date(1970, 1, 1)
_KEEP = sa.text(
    "INSERT INTO opening (controller, subject, day) VALUES (:controller, :subject, :day) "
    "ON CONFLICT (controller, subject) DO UPDATE SET day = excluded.day WHERE excluded.day > opening.day"
)


class Opening(NamedTuple):
    """The last opening of one person, as far as one controller is concerned."""

    controller: str
    subject: bytes
    day: date


class Openings:
    """Takes days in, off the way of the hits.

    Args:
        ledger: whose database keeps them.
        clock: says which day it is, in UTC.
    """

    def __init__(self, ledger: Ledger, clock: Clock = utc_now) -> None:
        self._ledger = ledger
        self._clock = clock
        self._waiting: dict[tuple[str, bytes], int] = {}

    def opened(self, controller: str, subject: bytes) -> None:
        """A person opened a mail, today. With too many waiting, it is forgotten: an opening more or less."""
        if len(self._waiting) < MAX_OPENINGS or (controller, subject) in self._waiting:
            self._waiting[controller, subject] = (self._clock().date() - _FIRST).days

    async def write(self) -> None:
        """Write what waits.

        Raises:
            StoreUnavailable: when the database does not take it; it goes on waiting.
        """
        while self._waiting:
            batch = sorted(islice(self._waiting.items(), CHUNK))
            await asyncio.to_thread(self._ledger.keep_openings, [(*owner, day) for owner, day in batch])
            for owner, day in batch:
                if self._waiting.get(owner) == day:
                    del self._waiting[owner]

    async def run(self) -> NoReturn:
        """Write again and again, until cancelled."""
        while True:
            await asyncio.sleep(OPENINGS_PERIOD)
            with suppress(StoreUnavailable):
                await self.write()


def keep_in(connection: sa.Connection, days: Sequence[tuple[str, bytes, int]]) -> None:
    """Overwrite the days of some people with later ones."""
    rows = [{"controller": controller, "subject": subject, "day": day} for controller, subject, day in days]
    connection.execute(_KEEP, rows)


def forget_in(connection: sa.Connection, subject: bytes, controller: str = "") -> None:
    """Take away the day of a person; with all controllers when none is named."""
    mine = openings.c.subject == subject
    if controller:
        mine = sa.and_(mine, openings.c.controller == controller)
    connection.execute(openings.delete().where(mine))


def openings_in(connection: sa.Connection, controller: str) -> Iterator[Opening]:
    """All days of one controller, in the order of the subjects."""
    query = sa.select(openings).where(openings.c.controller == controller).order_by(openings.c.subject)
    for row in connection.execute(query.execution_options(yield_per=CHUNK)):
        yield Opening(row.controller, row.subject, date.fromordinal(_FIRST.toordinal() + row.day))
