"""Where decisions are taken in: the ledger first, then the cache. Used by the web pages and the command line.

A decision counts as stored when the ledger has it. The cache follows at once where it can; where it cannot, it is
behind the ledger by whole events, says so by its position, and :meth:`Register.catch_up` writes them again, from
any process, any number of times.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn, Protocol

from smtp_gate.consent.clock import Clock, utc_now
from smtp_gate.consent.event import Choice, Entry, Event
from smtp_gate.consent.notices import sha256_of
from smtp_gate.consent.standing import Record, consent_at
from smtp_gate.errors import StoreUnavailable
from smtp_gate.limits import CATCH_UP_PERIOD
from smtp_gate.model import EVERYTHING, UNKNOWN, Consent, Purpose

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from smtp_gate.consent.event import Recorded
    from smtp_gate.consent.ledger import Ledger
    from smtp_gate.consent.recent import RecentWithdrawals
    from smtp_gate.consent.redis_cache import RedisCache


class CacheReport(Protocol):
    """Who is told how the cache is."""

    def state(self, trouble: str) -> None:
        """What came of the last look; empty: ledger and cache are in step."""
        ...

    def unwise(self, setting: str) -> None:
        """A setting of Redis should be another one."""
        ...


class Register:
    """Takes in decisions and keeps the cache in step.

    Args:
        ledger: the authority.
        cache: None where look-ups read the ledger itself.
        recent: of this process, so that a withdrawal holds here without waiting for the next look.
        report: told how the cache is by :meth:`run`.
        clock: time of decisions that are taken now.
    """

    def __init__(
        self,
        ledger: Ledger,
        cache: RedisCache | None = None,
        *,
        recent: RecentWithdrawals | None = None,
        report: CacheReport | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self._ledger = ledger
        self._cache = cache
        self._recent = recent
        self._report = report
        self._clock = clock
        self._kept: set[tuple[str, str, str, bytes]] = set()

    async def grant(
        self,
        controller: str,
        subject: bytes,
        purposes: Purpose,
        *,
        method: str,
        source: str,
        reference: str = "",
        notice: str = "",
        language: str = "",
        actor: str = "",
        expires: datetime | None = None,
        address: bytes = b"",
    ) -> int:
        """A person agreed, now. Returns the event's seq; errors as :meth:`record`."""
        event = Event(
            controller=controller,
            subject=subject,
            purposes=purposes,
            decision=Choice.GRANT,
            at=self._clock(),
            method=method,
            source=source,
            reference=reference,
            notice=notice,
            language=language,
            actor=actor,
            expires=expires,
        )
        return await self.record(event, address)

    async def refuse(
        self,
        controller: str,
        subject: bytes,
        purposes: Purpose = EVERYTHING,
        *,
        method: str,
        source: str,
        reference: str = "",
        notice: str = "",
        language: str = "",
        actor: str = "",
        address: bytes = b"",
    ) -> int:
        """A person was asked and said no, now. Returns the event's seq; errors as :meth:`record`."""
        event = Event(
            controller=controller,
            subject=subject,
            purposes=purposes,
            decision=Choice.REFUSE,
            at=self._clock(),
            method=method,
            source=source,
            reference=reference,
            notice=notice,
            language=language,
            actor=actor,
        )
        return await self.record(event, address)

    async def withdraw(
        self,
        controller: str,
        subject: bytes,
        purposes: Purpose = EVERYTHING,
        *,
        method: str = "page",
        source: str = "withdrawal page",
        reference: str = "",
        notice: str = "",
        language: str = "",
        actor: str = "person",
        address: bytes = b"",
    ) -> int:
        """A person takes consent back, now: of these purposes, all the others stay. Defaults are the page's.

        Returns:
            The event's seq.

        Raises:
            StoreUnavailable: when the ledger did not store it; nobody may be told that it holds. A cache that
                fails is no error: it is caught up, and until then the ledger overrides it.
        """
        event = Event(
            controller=controller,
            subject=subject,
            purposes=purposes,
            decision=Choice.WITHDRAW,
            at=self._clock(),
            method=method,
            source=source,
            reference=reference,
            notice=notice,
            language=language,
            actor=actor,
        )
        return await self.record(event, address)

    async def record(self, event: Event, address: bytes = b"") -> int:
        """Store one decision: when this returns, it is on the ledger's disk.

        Args:
            event: what was decided.
            address: the person's, to be kept apart from the event.

        Returns:
            Its seq.

        Raises:
            StoreUnavailable: when the ledger did not store it.
            ValueError: when it claims to be of the future.
        """
        return await self.decide([event], address)

    async def decide(self, decided: Sequence[Event], address: bytes = b"") -> int:
        """Store what one person decided towards one controller at one time: all of it or nothing.

        Args:
            decided: what was agreed to and what was refused, say; at least one.
            address: as in :meth:`record`, which also names the errors.

        Returns:
            The seq of the last one.
        """
        entries = [Entry(event, address) for event in decided]
        seq = (await asyncio.to_thread(self._ledger.append_many, entries)).head
        controller, subject = decided[-1].controller, decided[-1].subject
        if self._recent is not None and any(event.decision is not Choice.GRANT for event in decided):
            self._recent.add(controller, subject, seq)
        if self._cache is not None:
            with suppress(StoreUnavailable):
                standing = await asyncio.to_thread(self._ledger.standing, controller, subject)
                if standing is not None:
                    await self._cache.write([Record(controller, subject, standing)])
        return seq

    async def current(self, controller: str, subject: bytes) -> tuple[Consent, int]:
        """Where a person stands by the ledger itself, and the seq of their last decision; 0 for none.

        Raises:
            StoreUnavailable: when the ledger cannot be read.
        """
        standing = await asyncio.to_thread(self._ledger.standing, controller, subject)
        if standing is None:
            return UNKNOWN, 0
        return consent_at(standing.mark, standing.grants, self._clock().timestamp()), standing.seq

    async def address(self, subject: bytes) -> bytes | None:
        """The address behind a subject, when the ledger knows it.

        Raises:
            StoreUnavailable: when the ledger cannot be read.
        """
        return await asyncio.to_thread(self._ledger.address, subject)

    async def keep_wording(self, controller: str, version: str, language: str, text: str) -> None:
        """Keep what people are shown, so that events that name it hold its hash and the proof shows its text.

        To be called before each decision that names it: the first call of a process asks the ledger, later ones
        with the same text nobody.

        Args:
            controller: whose it is.
            version: as events name it.
            language: as events name it.
            text: all of it, as it is shown.

        Raises:
            OtherWording: when there is another text under this version: a changed text needs a new version.
            StoreUnavailable: when the ledger does not keep it.
        """
        wording = (controller, version, language, sha256_of(text))
        if wording not in self._kept:
            await asyncio.to_thread(self._ledger.add_notice, controller, version, language, text)
            self._kept.add(wording)

    async def record_many(self, entries: Sequence[Entry]) -> dict[bytes, Recorded]:
        """Store decisions that may come twice, all of them or none; what has come before is passed over.

        Args:
            entries: each with its key.

        Returns:
            What stands in the ledger now under each key: the same decision, or another one that had it before.

        Raises:
            StoreUnavailable: when the ledger did not store them.
            ValueError: when one claims to be of the future.
        """
        await asyncio.to_thread(self._ledger.append_many, entries)
        found = await asyncio.to_thread(self._ledger.keyed, [entry.key for entry in entries])
        if self._recent is not None:
            for seq, _, event in found.values():
                if event.decision is not Choice.GRANT:
                    self._recent.add(event.controller, event.subject, seq)
        if self._cache is not None:
            with suppress(StoreUnavailable):
                records = []
                for controller, subject in {(entry.event.controller, entry.event.subject) for entry in entries}:
                    standing = await asyncio.to_thread(self._ledger.standing, controller, subject)
                    if standing is not None:
                        records.append(Record(controller, subject, standing))
                await self._cache.write(records)
        return found

    async def keyed(self, keys: Sequence[bytes]) -> dict[bytes, Recorded]:
        """The events of some keys (:attr:`Entry.key`), those that are there.

        Raises:
            StoreUnavailable: when the ledger cannot be read.
        """
        return await asyncio.to_thread(self._ledger.keyed, keys)

    async def history(self, subject: bytes, controller: str = "") -> list[Recorded]:
        """All that a person ever decided, oldest first.

        Raises:
            StoreUnavailable: when the ledger cannot be read.
        """
        return await asyncio.to_thread(self._ledger.history, subject, controller)

    async def catch_up(self) -> int:
        """Write into the cache what it may lack; load it anew where it is empty, too small, or of another ledger.

        Returns:
            How many standings were written.

        Raises:
            StoreUnavailable: when ledger or cache does not answer; the next call begins where this one stopped.
        """
        if self._cache is None:
            return 0
        position = await self._cache.position()
        head = await asyncio.to_thread(self._ledger.head)
        if position is None or position.newest > head:
            return (await self._cache.reload(self._ledger)).records
        applied, written = position.applied, 0
        while applied < head:
            records, last = await asyncio.to_thread(self._ledger.changes, applied)
            if last == applied:
                break
            there, crowded = await self._cache.write(records)
            if crowded:
                return (await self._cache.reload(self._ledger)).records
            if not there or not await self._cache.advance(position.epochs, last):
                break
            applied = last
            written += len(records)
        return written

    async def run(self) -> NoReturn:
        """Catch up again and again, until cancelled."""
        asked = False
        while True:
            trouble = ""
            try:
                await self.catch_up()
                if self._cache is not None and self._report is not None and not asked:
                    for setting in await self._cache.unwise():
                        self._report.unwise(setting)
                    asked = True
            except StoreUnavailable as problem:
                trouble, asked = problem.reason, False
            if self._report is not None:
                self._report.state(trouble)
            await asyncio.sleep(CATCH_UP_PERIOD)
