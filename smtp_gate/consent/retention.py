"""When the proof of a person has been kept for long enough, and who that is.

The time runs from the last thing the person decided, or from the end of a consent that ran out, whichever is later;
while anything is granted it does not run. What is then taken away, and what stays, is the same as in every erasure.
"""

from __future__ import annotations

from typing import NamedTuple

import sqlalchemy as sa

from smtp_gate.consent.erasure import MARK
from smtp_gate.consent.rows import record_of
from smtp_gate.consent.standing import NO_END
from smtp_gate.consent.tables import events, standings

Owner = tuple[str, bytes]
"""Controller and subject."""
FIRST: Owner = ("", b"")
BATCH = 500
"""People looked at, and taken out, in one transaction."""


class Due(NamedTuple):
    """A person whose proof has been kept for long enough, and the seq of the last event that says so."""

    controller: str
    subject: bytes
    seq: int


def due_in(connection: sa.Connection, before: int, after: Owner) -> tuple[list[Due], Owner | None]:
    """Some of the people for whom nothing happened since a time.

    Args:
        connection: in a reading transaction.
        before: microseconds since 1970.
        after: where the last call ended; :data:`FIRST` to begin.

    Returns:
        Them, and where this call ended; None when everybody was looked at.
    """
    owner = sa.tuple_(standings.c.controller, standings.c.subject)
    # An erasure is the last thing that is ever kept of a person.
    old = sa.and_(
        events.c.recorded < before, events.c.at < before, sa.or_(events.c.method != MARK, events.c.source != MARK)
    )
    query = sa.select(standings, old.label("old")).join(events, events.c.seq == standings.c.seq)
    rows = connection.execute(query.where(owner > after).order_by(*owner).limit(BATCH)).all()
    due = [Due(row.controller, row.subject, row.seq) for row in rows if row.old and _ended(row, before)]
    return due, (rows[-1].controller, rows[-1].subject) if rows else None


def still_due(connection: sa.Connection, due: Due) -> bool:
    """Whether nothing was recorded of the person since they were found; asked by the only writer."""
    mine = sa.and_(standings.c.controller == due.controller, standings.c.subject == due.subject)
    return connection.execute(sa.select(standings.c.seq).where(mine)).scalar() == due.seq


def _ended(row: sa.Row[tuple[object, ...]], before: int) -> bool:
    grants = record_of(row).standing.grants
    return all(until != NO_END and until * 1_000_000 < before for _, until in grants)
