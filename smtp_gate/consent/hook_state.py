"""How far each webhook was told of the ledger's events, and whose turn it is: one row an endpoint.

The cursor is a seq of the ledger, so nothing is lost on a crash and any process may go on where another stopped. A
process that tells holds the row for a while; one that dies lets it go by time.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from smtp_gate.consent.rows import recorded_of
from smtp_gate.consent.tables import addresses, events, head, webhooks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smtp_gate.consent.event import Choice, Recorded

_NEW = sa.text(
    "INSERT INTO webhook (endpoint, seq, attempts, due, held_until) VALUES (:endpoint, :seq, 0, 0, 0) "
    "ON CONFLICT (endpoint) DO NOTHING"
)


class HookState(NamedTuple):
    """Where an endpoint stands.

    Attributes:
        seq: of the last event that it was told, or that is none of its own.
        attempts: how often the next one was tried in vain.
        due: when it is tried again, in microseconds since 1970.
    """

    seq: int
    attempts: int
    due: int


def state_in(connection: sa.Connection, endpoint: str) -> HookState:
    """Where an endpoint stands; a new one is told of what comes from now on."""
    columns = (webhooks.c.seq, webhooks.c.attempts, webhooks.c.due)
    query = sa.select(*columns).where(webhooks.c.endpoint == endpoint)
    row = connection.execute(query).first()
    if row is None:
        last = connection.execute(sa.select(head.c.seq)).scalar_one()
        return HookState(last, 0, 0)
    return HookState(*row)


def begin_in(connection: sa.Connection, endpoint: str) -> None:
    """Remember where an endpoint begins."""
    last = connection.execute(sa.select(head.c.seq)).scalar_one()
    connection.execute(_NEW, {"endpoint": endpoint, "seq": last})


def hold_in(connection: sa.Connection, endpoint: str, holder: bytes, now: int, until: int) -> HookState | None:
    """Take the turn, where nobody has it and it is time; None otherwise."""
    free = sa.or_(webhooks.c.holder.is_(None), webhooks.c.holder == holder, webhooks.c.held_until < now)
    taken = connection.execute(
        webhooks.update()
        .where(webhooks.c.endpoint == endpoint, free, webhooks.c.due <= now)
        .values(holder=holder, held_until=until)
    )
    return state_in(connection, endpoint) if taken.rowcount else None


def keep_in(connection: sa.Connection, endpoint: str, holder: bytes, state: HookState, until: int | None) -> bool:
    """Write down where an endpoint stands, and hold on until then or let go; False when the turn was lost."""
    done = connection.execute(
        webhooks.update()
        .where(webhooks.c.endpoint == endpoint, webhooks.c.holder == holder)
        .values(
            seq=state.seq,
            attempts=state.attempts,
            due=state.due,
            holder=None if until is None else holder,
            held_until=until or 0,
        )
    )
    return bool(done.rowcount)


def next_in(
    connection: sa.Connection, after: int, controller: str, choices: Iterable[Choice], limit: int
) -> tuple[list[tuple[Recorded, bytes | None]], int]:
    """Events of a controller after a seq with people's addresses, and the seq up to which all were looked at."""
    wanted = (
        events.c.seq > after,
        events.c.controller == controller,
        events.c.decision.in_([choice.value for choice in choices]),
        events.c.erased.is_(None),
    )
    last: int = connection.execute(sa.select(head.c.seq)).scalar_one()
    joined = events.outerjoin(addresses, addresses.c.subject == events.c.subject)
    query = sa.select(events, addresses.c.address).select_from(joined).where(*wanted).order_by(events.c.seq)
    rows = connection.execute(query.limit(limit)).all()
    found = [(recorded_of(row), row.address) for row in rows]
    return found, found[-1][0].seq if len(found) == limit else max(last, after)
