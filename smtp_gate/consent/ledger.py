"""The authority: an append-only list of events, with what they amount to in a table beside it.

Everything here blocks; asynchronous callers go through ``register`` and ``ledger_store``. The standing of a person
is written in the same transaction as the event, so no reader ever sees one without the other, and it is always
computed from that person's events and nothing else, so that :meth:`Ledger.rebuild` gives the same again.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, NamedTuple

import sqlalchemy as sa

from smtp_gate.consent import hook_state
from smtp_gate.consent.append import Appended, append_in, by_controller, known_in
from smtp_gate.consent.asked import asked_in, note_in
from smtp_gate.consent.clock import Clock, micros, utc_now
from smtp_gate.consent.database import Away, database_at
from smtp_gate.consent.erasure import erase_in
from smtp_gate.consent.event import Chained, Entry, Event, Recorded
from smtp_gate.consent.export import export_in
from smtp_gate.consent.notices import Notice, NoticeKey, Wordings, add_notice, find_notices, languages_in
from smtp_gate.consent.openings import keep_in, openings_in
from smtp_gate.consent.reach import Reached, reached_in
from smtp_gate.consent.rebuild import rebuild_in, wrong_standing_in
from smtp_gate.consent.retention import FIRST, due_in, still_due
from smtp_gate.consent.rows import record_of, recorded_of
from smtp_gate.consent.tables import CHUNK, NEGATIVE, addresses, events, head, standings
from smtp_gate.consent.verify import person_in, verify_in
from smtp_gate.errors import ConfigError
from smtp_gate.limits import CLOCK_SKEW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import timedelta

    from smtp_gate.consent.database import Reader
    from smtp_gate.consent.event import Choice
    from smtp_gate.consent.export import Span
    from smtp_gate.consent.hook_state import HookState
    from smtp_gate.consent.openings import Opening
    from smtp_gate.consent.retention import Due, Owner
    from smtp_gate.consent.standing import Record, Standing
    from smtp_gate.consent.verify import Verdict

_SKEW = int(CLOCK_SKEW * 1_000_000)


class Negative(NamedTuple):
    """A refusal or withdrawal, as far as overriding a cache needs it."""

    seq: int
    controller: str
    subject: bytes


class Ledger:
    """The ledger of one database.

    Args:
        url: ``sqlite:////path/to/consent.db``, made when it is not there, or ``postgresql://user@host/name``.
        clock: gives the time at which events are recorded.
        reached: subject ids that a withdrawal of an address also silences, see ``reach``.
        patient: whether a server that cannot be reached now is no error yet: it is asked again when it is needed.

    Raises:
        ConfigError: when the database cannot be used.
        Away: when its server cannot be reached.

    All methods but :meth:`close` raise StoreUnavailable when the database does not do what is asked, and then
    nothing of it was done; only a server that goes away at the very end of a write may have done it all the same.
    """

    def __init__(
        self, url: str, clock: Clock = utc_now, *, reached: Reached = lambda _: (), patient: bool = False
    ) -> None:
        self._database = database_at(url)
        self._turn = threading.Lock()
        self._clock = clock
        self._wordings = Wordings()
        self._reached = reached
        try:
            self._database.make_ready()
        except Away:
            if not patient:
                self._database.close()
                raise
        except ConfigError:
            self._database.close()
            raise

    def reader(self) -> Reader:
        """A new connection for look-ups."""
        return self._database.reader()

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
        # The lock lets the threads of this process queue; the database's own waiting is for other processes.
        with self._turn, self._database.write() as connection:
            further = reached_in(connection, entries, self._reached)
            if further:
                append_in(connection, further, now, self._wordings)
            return append_in(connection, entries, now, self._wordings)

    def add_notice(self, controller: str, version: str, language: str, text: str) -> bool:
        """Keep a wording for good; events recorded from now on hold its hash.

        Returns:
            False when the same one is there already.

        Raises:
            OtherWording: when there is another text under this version.
        """
        with self._turn, self._database.write() as connection:
            return add_notice(connection, (controller, version, language), text, micros(self._clock()))

    def erase(self, subject: bytes, controller: str = "", actor: str = "") -> dict[int, int]:
        """Take away all that can lead to a person; the chain stays whole, and tracking off. See ``erasure``.

        Returns:
            How many events lost their person, by the seq of the event that says so; empty when there were none.
        """
        with self._turn:
            with self._database.write() as connection:
                self._database.overwrite(connection)
                done = erase_in(connection, subject, controller, actor, micros(self._clock()))
            self._database.sweep()
        return done

    def keep_openings(self, days: Sequence[tuple[str, bytes, int]]) -> None:
        """Overwrite the days of last openings (controller, subject, days since 1970); see ``openings``."""
        with self._turn, self._database.write() as connection:
            keep_in(connection, days)

    def note_asked(self, controller: str, subjects: Sequence[bytes], now: int) -> None:
        """Remember that people were asked for consent; see ``asked``."""
        with self._turn, self._database.write() as connection:
            note_in(connection, controller, subjects, now)

    def begin_hook(self, endpoint: str) -> None:
        """Remember where a webhook begins; see ``hook_state``, also for the others."""
        with self._turn, self._database.write() as connection:
            hook_state.begin_in(connection, endpoint)

    def hold_hook(self, endpoint: str, holder: bytes, now: int, until: int) -> HookState | None:
        """Take the turn with a webhook."""
        with self._turn, self._database.write() as connection:
            return hook_state.hold_in(connection, endpoint, holder, now, until)

    def keep_hook(self, endpoint: str, holder: bytes, state: HookState, until: int | None) -> bool:
        """Write down where a webhook stands."""
        with self._turn, self._database.write() as connection:
            return hook_state.keep_in(connection, endpoint, holder, state, until)

    def retain(self, span: timedelta, actor: str = "", *, dry_run: bool = False) -> dict[str, int]:
        """Take out everybody whose proof was kept for long enough; see ``retention`` and :meth:`erase`.

        Args:
            span: how long it is kept after the last thing that happened.
            actor: recorded as the one who did it.
            dry_run: whether they are only counted.

        Returns:
            How many people, by controller.
        """
        before = micros(self._clock() - span)
        done: dict[str, int] = {}
        after: Owner | None = FIRST
        while after is not None:
            with self._database.walk() as connection:
                due, after = due_in(connection, before, after)
            for each in due if dry_run else self._take_out(due, actor):
                done[each.controller] = done.get(each.controller, 0) + 1
        if done and not dry_run:
            self._database.sweep()
        return done

    def _take_out(self, due: Sequence[Due], actor: str) -> list[Due]:
        if not due:
            return []
        with self._turn, self._database.write() as connection:
            self._database.overwrite(connection)
            still = [each for each in due if still_due(connection, each)]
            for each in still:
                erase_in(connection, each.subject, each.controller, actor, micros(self._clock()))
        return still

    def rebuild(self) -> int:
        """Make all standings again from the events.

        Returns:
            How many they are.
        """
        with self._turn, self._database.write(long=True) as connection:
            return rebuild_in(connection)

    # --- reading ----------------------------------------------------------------------------------------------
    def head(self) -> int:
        """The seq of the last event; 0 for an empty ledger."""
        with self._database.read() as connection:
            seq: int = connection.execute(sa.select(head.c.seq)).scalar_one()
            return seq

    def last(self) -> tuple[int, bytes]:
        """Seq and hash of the last event: the head that is signed."""
        with self._database.read() as connection:
            seq, last = connection.execute(sa.select(head.c.seq, head.c.hash)).one()
            return seq, last

    def hash_at(self, seq: int) -> bytes | None:
        """The hash of an event; None when there is no such event."""
        with self._database.read() as connection:
            query = sa.select(events.c.hash).where(events.c.seq == seq)
            found: bytes | None = connection.execute(query).scalar_one_or_none()
            return found

    def count(self) -> int:
        """How many standings there are: persons times controllers."""
        with self._database.walk() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(standings)).scalar_one()

    def history(self, subject: bytes, controller: str = "") -> list[Recorded]:
        """All that a person ever decided, oldest first; with one controller when it is named."""
        query = sa.select(events).where(events.c.subject == subject).order_by(events.c.seq)
        if controller:
            query = query.where(events.c.controller == controller)
        with self._database.read() as connection:
            return [recorded_of(row) for row in connection.execute(query)]

    def chained(self, subject: bytes, controller: str = "") -> list[Chained]:
        """As :meth:`history`, with the place of each event in the chain."""
        with self._database.read() as connection:
            return person_in(connection, subject, controller)

    def notices(self, keys: Iterable[NoticeKey]) -> dict[NoticeKey, Notice]:
        """The wordings of some keys, those that are there."""
        with self._database.read() as connection:
            return find_notices(connection, keys)

    def languages(self, controller: str, version: str) -> list[str]:
        """The languages in which a version of a controller's wording is kept."""
        with self._database.read() as connection:
            return languages_in(connection, controller, version)

    def verify(
        self, signed: Mapping[int, bytes] | None = None, progress: Callable[[int], None] = lambda _: None
    ) -> Verdict:
        """Look at every event (``verify``), and then at every standing (``rebuild``).

        Args:
            signed: hashes of events that were signed, by their seq.
            progress: told the number of events and standings looked at, now and then.
        """
        with self._database.walk() as connection:
            verdict = verify_in(connection, signed or {}, progress)
            if verdict.fault is not None:
                return verdict
            wrong = wrong_standing_in(connection, lambda looked: progress(verdict.events + looked))
            return verdict._replace(fault=wrong)

    def export(self, span: Span) -> Iterator[dict[str, Any]]:
        """The events of a span and all wordings, as lines of JSON; see ``export``."""
        with self._database.walk() as connection:
            yield from export_in(connection, span, self._clock())

    def known(self, keys: Sequence[bytes]) -> set[bytes]:
        """Those of some keys (:attr:`Entry.key`) that are there already."""
        with self._database.read() as connection:
            return known_in(connection, keys)

    def keyed(self, keys: Sequence[bytes]) -> dict[bytes, Recorded]:
        """The events of some keys (:attr:`Entry.key`), those that are there."""
        with self._database.read() as connection:
            return {
                row.key: recorded_of(row)
                for at in range(0, len(keys), CHUNK)
                for row in connection.execute(sa.select(events).where(events.c.key.in_(keys[at : at + CHUNK])))
            }

    def asked(self, controller: str, subjects: Sequence[bytes], since: int) -> set[bytes]:
        """Those who were asked or decided anything since a time in microseconds since 1970."""
        with self._database.read() as connection:
            return asked_in(connection, controller, subjects, since)

    def openings(self, controller: str) -> list[Opening]:
        """The days of last openings of one controller's mails; only ``smtp-gate inactive`` may ask."""
        with self._database.read() as connection:
            return list(openings_in(connection, controller))

    def hook(self, endpoint: str) -> HookState:
        """Where a webhook stands."""
        with self._database.read() as connection:
            return hook_state.state_in(connection, endpoint)

    def hook_events(
        self, after: int, controller: str, choices: Iterable[Choice], limit: int
    ) -> tuple[list[tuple[Recorded, bytes | None]], int]:
        """What a webhook is to be told next, with addresses, and the seq up to which all was looked at."""
        with self._database.read() as connection:
            return hook_state.next_in(connection, after, controller, choices, limit)

    def standing(self, controller: str, subject: bytes) -> Standing | None:
        """Where a person stands with a controller; None for somebody unknown."""
        where = sa.and_(standings.c.controller == controller, standings.c.subject == subject)
        with self._database.read() as connection:
            row = connection.execute(sa.select(standings).where(where)).first()
        return None if row is None else record_of(row).standing

    def address(self, subject: bytes) -> bytes | None:
        """The address behind a subject, when it is known."""
        query = sa.select(addresses.c.address).where(addresses.c.subject == subject)
        with self._database.read() as connection:
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
            with self._database.read() as connection:
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
        with self._database.read() as connection:
            rows = connection.execute(span.order_by(events.c.seq).limit(limit)).all()
            found: list[Record] = []
            for controller, owners in by_controller({(row.controller, row.subject) for row in rows}):
                where = sa.and_(standings.c.controller == controller, standings.c.subject.in_(owners))
                found += [record_of(row) for row in connection.execute(sa.select(standings).where(where))]
        return found, rows[-1].seq if rows else after

    def negatives(self, after: int, limit: int) -> tuple[list[Negative], int]:
        """Refusals and withdrawals after a seq, the newest ``limit`` of them in order, and the head."""
        columns = (events.c.seq, events.c.controller, events.c.subject)
        query = sa.select(*columns).where(events.c.seq > after, NEGATIVE)
        with self._database.read() as connection:
            last = connection.execute(sa.select(head.c.seq)).scalar_one()
            if last <= after:
                return [], last
            rows = connection.execute(query.order_by(events.c.seq.desc()).limit(limit)).all()
        return [Negative(*row) for row in reversed(rows)], last

    def close(self) -> None:
        """Give back all connections."""
        self._database.close()
