"""The authority: an append-only list of events, with what they amount to in a table beside it.

Everything here blocks; asynchronous callers go through ``register`` and ``ledger_store``. The standing of a person
is written in the same transaction as the event, so no reader ever sees one without the other, and it is always
computed from that person's events and nothing else, so that :meth:`Ledger.rebuild` gives the same again.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from smtp_gate.consent.clock import Clock, micros, utc_now
from smtp_gate.consent.event import Entry, Event, Recorded
from smtp_gate.consent.rows import EventRow, event_row, record_of, recorded_of, standing_row
from smtp_gate.consent.standing import Record, Standing, Step, fold
from smtp_gate.consent.tables import (
    ERRORS,
    NEGATIVE,
    addresses,
    cause_of,
    events,
    head,
    open_engine,
    sqlite_path,
    standings,
)
from smtp_gate.errors import StoreUnavailable
from smtp_gate.limits import CLOCK_SKEW

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

CHUNK = 500
"""Values in one IN list: SQLite before 3.32 takes 999 parameters."""
_STEP = (
    events.c.seq,
    events.c.purposes,
    events.c.decision,
    events.c.at,
    events.c.recorded,
    events.c.expires,
)
_SKEW = int(CLOCK_SKEW * 1_000_000)


class Appended(NamedTuple):
    """What became of some entries: ``head`` is the seq of the last event of the ledger."""

    head: int
    taken: int
    repeated: int


class Negative(NamedTuple):
    """A refusal or withdrawal, as far as overriding a cache needs it."""

    seq: int
    controller: str
    subject: bytes


class Ledger:
    """The ledger of one database.

    Args:
        url: ``sqlite:////path/to/consent.db``; made when it is not there.
        clock: gives the time at which events are recorded.

    Raises:
        ConfigError: when the database cannot be used.

    All methods but :meth:`close` raise StoreUnavailable when the database does not do what is asked, and then
    nothing of it was done.
    """

    def __init__(self, url: str, clock: Clock = utc_now) -> None:
        self._engine = open_engine(url)
        self._writer = self._engine.execution_options(write=True)
        self._turn = threading.Lock()
        self._clock = clock
        self._path = sqlite_path(url)

    @property
    def path(self) -> Path:
        """The file of the database."""
        return self._path

    # --- writing ----------------------------------------------------------------------------------------------
    def append(self, event: Event, address: bytes = b"") -> int:
        """Record one event for good; when this returns, it is on the disk.

        Returns:
            Its seq.

        Raises:
            ValueError: when it claims to be of the future.
        """
        return self.append_many([Entry(event, address)]).head

    def append_many(self, entries: Sequence[Entry]) -> Appended:
        """Record many events in one transaction: all of them or none. A key that is there already is passed over.

        Raises:
            ValueError: when one claims to be of the future.
        """
        now = micros(self._clock())
        if any(micros(entry.event.at) > now + _SKEW for entry in entries):
            raise ValueError("at must not be in the future")
        # The lock lets the threads of this process queue; SQLite's own waiting is for other processes, and unfair.
        with self._turn, _trouble(), self._writer.begin() as connection:
            last = connection.execute(sa.select(head.c.seq).with_for_update()).scalar_one()
            fresh = _fresh(connection, entries)
            if fresh:
                rows = [event_row(last + at, entry, now) for at, entry in enumerate(fresh, 1)]
                connection.execute(events.insert(), rows)
                connection.execute(head.update().values(seq=last + len(rows)))
                _settle(connection, rows)
                _remember(connection, fresh)
        return Appended(last + len(fresh), len(fresh), len(entries) - len(fresh))

    def rebuild(self) -> int:
        """Make all standings again from the events.

        Returns:
            How many they are.
        """
        with self._turn, _trouble(), self._writer.begin() as connection:
            connection.execute(standings.delete())
            owners = (events.c.controller, events.c.subject)
            rows = connection.execution_options(yield_per=10_000).execute(
                sa.select(*owners, *_STEP).order_by(*owners, events.c.seq)
            )
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

    # --- reading ----------------------------------------------------------------------------------------------
    def head(self) -> int:
        """The seq of the last event; 0 for an empty ledger."""
        with _trouble(), self._engine.begin() as connection:
            seq: int = connection.execute(sa.select(head.c.seq)).scalar_one()
            return seq

    def count(self) -> int:
        """How many standings there are: persons times controllers."""
        with _trouble(), self._engine.begin() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(standings)).scalar_one()

    def history(self, subject: bytes, controller: str = "") -> list[Recorded]:
        """All that a person ever decided, oldest first; with one controller when it is named."""
        query = sa.select(events).where(events.c.subject == subject).order_by(events.c.seq)
        if controller:
            query = query.where(events.c.controller == controller)
        with _trouble(), self._engine.begin() as connection:
            return [recorded_of(row) for row in connection.execute(query)]

    def known(self, keys: Sequence[bytes]) -> set[bytes]:
        """Those of some keys (:attr:`Entry.key`) that are there already."""
        with _trouble(), self._engine.begin() as connection:
            return _known(connection, keys)

    def standing(self, controller: str, subject: bytes) -> Standing | None:
        """Where a person stands with a controller; None for somebody unknown."""
        where = sa.and_(standings.c.controller == controller, standings.c.subject == subject)
        with _trouble(), self._engine.begin() as connection:
            row = connection.execute(sa.select(standings).where(where)).first()
        return None if row is None else record_of(row).standing

    def address(self, subject: bytes) -> bytes | None:
        """The address behind a subject, when it is known."""
        query = sa.select(addresses.c.address).where(addresses.c.subject == subject)
        with _trouble(), self._engine.begin() as connection:
            found: bytes | None = connection.execute(query).scalar_one_or_none()
            return found

    def records(self, batch: int = 2000) -> Iterator[list[Record]]:
        """All standings in batches, in the order of controller and subject.

        Each batch is a transaction of its own: what changes behind it, the caller learns by :meth:`changes`.
        """
        after: tuple[str, bytes] = ("", b"")
        owner = sa.tuple_(standings.c.controller, standings.c.subject)
        while True:
            query = sa.select(standings).where(owner > after).order_by(*owner).limit(batch)
            with _trouble(), self._engine.begin() as connection:
                found = [record_of(row) for row in connection.execute(query)]
            if not found:
                return
            yield found
            after = (found[-1].controller, found[-1].subject)

    def changes(self, after: int, limit: int = 2000) -> tuple[list[Record], int]:
        """The standings, as they are now, of all people in the events after a seq.

        Args:
            after: seq that is known already.
            limit: at most so many events.

        Returns:
            The standings, and the seq of the last event that was looked at (``after`` when there was none).
        """
        span = sa.select(events.c.seq, events.c.controller, events.c.subject).where(events.c.seq > after)
        with _trouble(), self._engine.begin() as connection:
            rows = connection.execute(span.order_by(events.c.seq).limit(limit)).all()
            found: list[Record] = []
            for controller, owners in _by_controller({(row.controller, row.subject) for row in rows}):
                where = sa.and_(standings.c.controller == controller, standings.c.subject.in_(owners))
                found += [record_of(row) for row in connection.execute(sa.select(standings).where(where))]
        return found, rows[-1].seq if rows else after

    def negatives(self, after: int, limit: int) -> tuple[list[Negative], int]:
        """Refusals and withdrawals after a seq, the newest ``limit`` of them in order, and the head."""
        columns = (events.c.seq, events.c.controller, events.c.subject)
        query = sa.select(*columns).where(events.c.seq > after, NEGATIVE)
        with _trouble(), self._engine.begin() as connection:
            last = connection.execute(sa.select(head.c.seq)).scalar_one()
            if last <= after:
                return [], last
            rows = connection.execute(query.order_by(events.c.seq.desc()).limit(limit)).all()
        return [Negative(*row) for row in reversed(rows)], last

    def close(self) -> None:
        """Give back all connections."""
        self._engine.dispose()


def _known(connection: sa.Connection, keys: Sequence[bytes]) -> set[bytes]:
    known: set[bytes] = set()
    for at in range(0, len(keys), CHUNK):
        query = sa.select(events.c.key).where(events.c.key.in_(keys[at : at + CHUNK]))
        known.update(connection.execute(query).scalars().all())
    return known


def _fresh(connection: sa.Connection, entries: Sequence[Entry]) -> list[Entry]:
    """The entries that are not there yet, each key once."""
    known = _known(connection, list({entry.key for entry in entries if entry.key}))
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
    for controller, subjects in _by_controller(set(steps)):
        mine = sa.and_(standings.c.controller == controller, standings.c.subject.in_(subjects))
        known = connection.execute(sa.select(standings.c.subject).where(mine)).scalars().all()
        if known:
            connection.execute(standings.delete().where(mine))
            theirs = sa.and_(events.c.controller == controller, events.c.subject.in_(known))
            found = connection.execute(
                sa.select(events.c.subject, *_STEP).where(theirs).order_by(events.c.subject, events.c.seq)
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


def _by_controller(owners: set[tuple[str, bytes]]) -> Iterator[tuple[str, list[bytes]]]:
    """Subjects by controller, at most CHUNK at a time."""
    for controller, group in groupby(sorted(owners), key=lambda owner: owner[0]):
        subjects = [subject for _, subject in group]
        for at in range(0, len(subjects), CHUNK):
            yield controller, subjects[at : at + CHUNK]


@contextmanager
def _trouble() -> Iterator[None]:
    """Whatever the database library says becomes one of ours."""
    try:
        yield
    except ERRORS as error:
        raise StoreUnavailable("ledger_locked" if "locked" in cause_of(error) else "ledger") from None
