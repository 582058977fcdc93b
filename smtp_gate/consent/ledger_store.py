"""Look-ups straight from the ledger, for an installation without a cache.

One thread with one connection of the database's own driver. A thread, although a look-up in a file of SQLite on the
event loop itself would be four times as fast (about 15 against 75 microseconds): a disk that stalls then costs
these mails their trackers after ``STORE_TIMEOUT``, instead of stopping every connection of the process.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING

from smtp_gate.consent.breaker import Breaker
from smtp_gate.consent.clock import Clock, Onward, utc_now
from smtp_gate.consent.event import Choice
from smtp_gate.consent.standing import DOUBT, consent_at, unpack_grants
from smtp_gate.errors import StoreUnavailable
from smtp_gate.limits import STORE_TIMEOUT
from smtp_gate.model import UNKNOWN, Consent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smtp_gate.consent.database import Reader


class LedgerStore:
    """A :class:`~smtp_gate.consent.store.ConsentStore` on the ledger's own database.

    Args:
        reader: of the ledger (:meth:`Ledger.reader`), used by this store alone.
        clock: decides what is expired.
        monotonic: for the breaker.
    """

    def __init__(
        self, reader: Reader, clock: Clock = utc_now, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._reader = reader
        self._now = Onward(clock)
        self._breaker = Breaker(monotonic)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="consent")

    async def look_up(self, controller: str, subjects: Sequence[bytes]) -> list[Consent]:
        """As :meth:`ConsentStore.look_up`."""
        self._breaker.check()
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(STORE_TIMEOUT):
                rows = await loop.run_in_executor(self._thread, self._reader.read, controller, tuple(subjects))
        except TimeoutError:
            self._breaker.failed()
            raise StoreUnavailable("timeout") from None
        except StoreUnavailable:
            self._breaker.failed()
            raise
        except Exception:  # noqa: BLE001 - a database that fails in a new way has no answer either; mail must flow on
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
                await loop.run_in_executor(self._thread, self._reader.close)
        self._thread.shutdown(wait=False, cancel_futures=True)


def _consent(row: tuple[object, object] | None, now: float) -> Consent:
    if row is None:
        return UNKNOWN
    mark, octets = row
    grants = unpack_grants(octets) if isinstance(octets, bytes) else None
    if grants is None or not isinstance(mark, str) or mark not in Choice.__members__.values():
        return DOUBT
    return consent_at(Choice(mark), grants, now)
