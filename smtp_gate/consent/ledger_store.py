"""Look-ups straight from the ledger, for an installation without a cache.

One thread with one connection of the SQLite driver, beside SQLAlchemy: there the way to the query costs several
times the query. And a thread, although a look-up on the event loop itself would be four times as fast (about 15
against 75 microseconds): a disk that stalls then costs these mails their trackers after ``STORE_TIMEOUT``, instead
of stopping every connection of the process.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from smtp_gate.consent.breaker import Breaker
from smtp_gate.consent.clock import Clock, Onward, utc_now
from smtp_gate.consent.event import Choice
from smtp_gate.consent.standing import DOUBT, consent_at, unpack_grants
from smtp_gate.consent.tables import LOOK_UP, connect
from smtp_gate.errors import StoreUnavailable
from smtp_gate.limits import STORE_TIMEOUT
from smtp_gate.model import UNKNOWN, Consent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

CHUNK = 500
"""Subjects in one query."""


class LedgerStore:
    """A :class:`~smtp_gate.consent.store.ConsentStore` on the ledger's own file.

    Args:
        path: of the ledger, which must exist when the first question comes; connected to at that time.
        clock: decides what is expired.
        monotonic: for the breaker.
    """

    def __init__(self, path: Path, clock: Clock = utc_now, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._path = path
        self._now = Onward(clock)
        self._breaker = Breaker(monotonic)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="consent")
        self._connection: sqlite3.Connection | None = None

    async def look_up(self, controller: str, subjects: Sequence[bytes]) -> list[Consent]:
        """As :meth:`ConsentStore.look_up`."""
        self._breaker.check()
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(STORE_TIMEOUT):
                rows = await loop.run_in_executor(self._thread, self._read, controller, tuple(subjects))
        except TimeoutError:
            self._breaker.failed()
            raise StoreUnavailable("timeout") from None
        except sqlite3.Error:
            self._breaker.failed()
            raise StoreUnavailable("ledger") from None
        self._breaker.succeeded()
        now = self._now()
        return [_consent(rows.get(subject), now) for subject in subjects]

    async def close(self) -> None:
        """End the thread; one that hangs is not waited for."""
        loop = asyncio.get_running_loop()
        with suppress(TimeoutError):
            async with asyncio.timeout(STORE_TIMEOUT):
                await loop.run_in_executor(self._thread, self._disconnect)
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _read(self, controller: str, subjects: tuple[bytes, ...]) -> dict[bytes, tuple[object, object]]:
        try:
            if self._connection is None:
                self._connection = connect(self._path)
            found = {}
            for at in range(0, len(subjects), CHUNK):
                chunk = subjects[at : at + CHUNK]
                query = LOOK_UP.format(",".join("?" * len(chunk)))
                for subject, mark, grants in self._connection.execute(query, (controller, *chunk)):
                    found[subject] = (mark, grants)
        except sqlite3.Error:
            self._disconnect()
            raise
        return found

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def _consent(row: tuple[object, object] | None, now: float) -> Consent:
    if row is None:
        return UNKNOWN
    mark, octets = row
    grants = unpack_grants(octets) if isinstance(octets, bytes) else None
    if grants is None or not isinstance(mark, str) or mark not in Choice.__members__.values():
        return DOUBT
    return consent_at(Choice(mark), grants, now)
