"""Standings follow from the events: made again from them, and compared with them.

Both go through all people, one transaction long, and hold a piece of them in memory at a time.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import sqlalchemy as sa

from smtp_gate.consent.append import STEP
from smtp_gate.consent.rows import standing_row
from smtp_gate.consent.standing import Step, fold
from smtp_gate.consent.tables import CHUNK, events, standings
from smtp_gate.consent.verify import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_OWNERS = (events.c.controller, events.c.subject)


def rebuild_in(connection: sa.Connection) -> int:
    """Make all standings again, in a writing transaction; how many they are."""
    connection.execute(standings.delete())
    steps = sa.select(*_OWNERS, *STEP).where(events.c.erased.is_(None)).order_by(*_OWNERS, events.c.seq)
    rows = connection.execute(steps.execution_options(yield_per=10_000))
    number = 0
    batch: list[dict[str, object]] = []
    for (controller, subject), group in groupby(rows, key=lambda row: (row[0], row[1])):
        batch.append(standing_row(controller, subject, fold(Step(*row[2:]) for row in group)))
        number += 1
        if len(batch) == CHUNK:
            connection.execute(standings.insert(), batch)
            batch = []
    if batch:
        connection.execute(standings.insert(), batch)
    return number


def wrong_standing_in(connection: sa.Connection, progress: Callable[[int], None] = lambda _: None) -> Fault | None:
    """The first standing that is not what its events amount to, by the seq of an event; never by the person.

    Args:
        connection: in a reading transaction.
        progress: told how many were looked at, now and then.
    """
    looked = 0
    after: tuple[str, bytes] = ("", b"")
    owner = sa.tuple_(standings.c.controller, standings.c.subject)
    while True:
        query = sa.select(standings).where(owner > after).order_by(*owner).limit(CHUNK)
        kept = connection.execute(query).all()
        if not kept:
            break
        wrong = _wrong_among(connection, kept)
        if wrong is not None:
            return wrong
        after = (kept[-1].controller, kept[-1].subject)
        looked += len(kept)
        progress(looked)
    theirs = sa.and_(standings.c.controller == events.c.controller, standings.c.subject == events.c.subject)
    lost = sa.select(events.c.seq, events.c.controller).where(events.c.erased.is_(None), ~sa.exists().where(theirs))
    row = connection.execute(lost.order_by(events.c.seq).limit(1)).first()
    if row is None:
        return None
    return Fault(
        row.seq, "standing", f"what event {row.seq} of {row.controller} came to is missing for look-ups{_CURE}"
    )


_CURE = "; make all anew: smtp-gate ledger rebuild"


def _wrong_among(connection: sa.Connection, kept: Sequence[sa.Row[tuple[object, ...]]]) -> Fault | None:
    found: dict[tuple[str, bytes], dict[str, object]] = {}
    for controller, group in groupby(kept, key=lambda row: row.controller):
        subjects = [row.subject for row in group]
        mine = sa.and_(events.c.controller == controller, events.c.subject.in_(subjects), events.c.erased.is_(None))
        steps = sa.select(events.c.subject, *STEP).where(mine).order_by(events.c.subject, events.c.seq)
        for subject, rows in groupby(connection.execute(steps), key=lambda row: row[0]):
            found[controller, subject] = standing_row(controller, subject, fold(Step(*row[1:]) for row in rows))
    for row in kept:
        if found.get((row.controller, row.subject)) != dict(row._mapping):  # noqa: SLF001 - public in SQLAlchemy
            text = f"what look-ups are told of a person of {row.controller} is not what their events come to"
            return Fault(row.seq, "standing", f"{text}; the last one should be event {row.seq}{_CURE}")
    return None
