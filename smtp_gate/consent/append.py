"""How events come into the ledger: in one order, each holding on to the one before, with what follows.

Everything here works in the writing transaction of its caller, which is the only one at that time.
"""

from __future__ import annotations

import secrets
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from smtp_gate.consent.chain import SALT_SIZE
from smtp_gate.consent.event import Choice
from smtp_gate.consent.notices import Wordings, key_of
from smtp_gate.consent.openings import forget_in
from smtp_gate.consent.rows import EventRow, event_row, link, standing_row
from smtp_gate.consent.standing import Step, fold
from smtp_gate.consent.tables import CHUNK, addresses, events, head, standings
from smtp_gate.model import Purpose

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from smtp_gate.consent.event import Entry

STEP = (
    events.c.seq,
    events.c.purposes,
    events.c.decision,
    events.c.at,
    events.c.recorded,
    events.c.expires,
)
"""The columns of a :class:`Step`."""

_HEAD = sa.select(head.c.seq, head.c.hash, head.c.notices).with_for_update()


class Appended(NamedTuple):
    """What became of some entries: ``head`` is the seq of the last event of the ledger."""

    head: int
    taken: int
    repeated: int


def append_in(connection: sa.Connection, entries: Sequence[Entry], now: int, wordings: Wordings) -> Appended:
    """Record entries at a time in microseconds since 1970; a key that is there already is passed over."""
    last, previous, number = connection.execute(_HEAD).one()
    fresh = _fresh(connection, entries)
    if fresh:
        hashes = wordings.of(connection, number)
        salts = secrets.token_bytes(SALT_SIZE * len(fresh))
        rows = []
        for at, entry in enumerate(fresh):
            row = event_row(last + at + 1, entry, now, hashes.get(key_of(entry.event)))
            link(row, previous, salts[at * SALT_SIZE : (at + 1) * SALT_SIZE])
            previous = row["hash"]
            rows.append(row)
        connection.execute(events.insert(), rows)
        connection.execute(head.update().values(seq=last + len(rows), hash=previous))
        _settle(connection, rows)
        _remember(connection, fresh)
        for event in (entry.event for entry in fresh):
            if event.decision is not Choice.GRANT and Purpose.DELIVERABILITY in event.purposes:
                forget_in(connection, event.subject, event.controller)
    return Appended(last + len(fresh), len(fresh), len(entries) - len(fresh))


def known_in(connection: sa.Connection, keys: Sequence[bytes]) -> set[bytes]:
    """Those of some keys that are there already."""
    known: set[bytes] = set()
    for at in range(0, len(keys), CHUNK):
        query = sa.select(events.c.key).where(events.c.key.in_(keys[at : at + CHUNK]))
        known.update(connection.execute(query).scalars().all())
    return known


def _fresh(connection: sa.Connection, entries: Sequence[Entry]) -> list[Entry]:
    """The entries that are not there yet, each key once."""
    known = known_in(connection, list({entry.key for entry in entries if entry.key}))
    fresh = []
    for entry in entries:
        if not entry.key:
            fresh.append(entry)
        elif entry.key not in known:
            known.add(entry.key)
            fresh.append(entry)
    return fresh


def _settle(connection: sa.Connection, rows: Sequence[EventRow]) -> None:
    """Compute the standings of all people in new events, from all their events."""
    steps: dict[tuple[str, bytes], list[Step]] = {}
    for row in rows:
        steps.setdefault((row["controller"], row["subject"]), []).append(
            Step(row["seq"], row["purposes"], row["decision"], row["at"], row["recorded"], row["expires"])
        )
    for controller, subjects in by_controller(set(steps)):
        mine = sa.and_(standings.c.controller == controller, standings.c.subject.in_(subjects))
        known = connection.execute(sa.select(standings.c.subject).where(mine)).scalars().all()
        if known:
            connection.execute(standings.delete().where(mine))
            theirs = sa.and_(events.c.controller == controller, events.c.subject.in_(known))
            found = connection.execute(
                sa.select(events.c.subject, *STEP).where(theirs).order_by(events.c.subject, events.c.seq)
            ).all()
            for subject, group in groupby(found, key=lambda row: row[0]):
                steps[controller, subject] = [Step(*row[1:]) for row in group]
        new = [standing_row(controller, subject, fold(steps[controller, subject])) for subject in subjects]
        connection.execute(standings.insert(), new)


def _remember(connection: sa.Connection, fresh: Sequence[Entry]) -> None:
    """Keep addresses that are not known yet."""
    given = {entry.event.subject: entry.address for entry in fresh if entry.address}
    subjects = list(given)
    for at in range(0, len(subjects), CHUNK):
        query = sa.select(addresses.c.subject).where(addresses.c.subject.in_(subjects[at : at + CHUNK]))
        for known in connection.execute(query).scalars().all():
            del given[known]
    if given:
        rows = [{"subject": subject, "address": address} for subject, address in given.items()]
        connection.execute(addresses.insert(), rows)


def by_controller(owners: set[tuple[str, bytes]]) -> Iterator[tuple[str, list[bytes]]]:
    """Subjects by controller, at most CHUNK at a time."""
    for controller, group in groupby(sorted(owners), key=lambda owner: owner[0]):
        subjects = [subject for _, subject in group]
        for at in range(0, len(subjects), CHUNK):
            yield controller, subjects[at : at + CHUNK]
