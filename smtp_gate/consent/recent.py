"""Withdrawals that a process read from the ledger itself, so that a cache that lost one cannot bring consent back.

A cache can lose what it acknowledged (a failover to a replica that lags, a restart) and can miss what was never
written to it. Each process therefore looks into the ledger every ``RECENT_PERIOD`` and keeps the newest refusals
and withdrawals; an answer of the cache about such a person counts only when it is newer.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from smtp_gate.errors import StoreUnavailable
from smtp_gate.limits import MAX_RECENT, RECENT_PERIOD, RECENT_STALE

if TYPE_CHECKING:
    from collections.abc import Callable

    from smtp_gate.consent.ledger import Ledger


class RecentWithdrawals:
    """The newest ``MAX_RECENT`` refusals and withdrawals of the ledger, by person.

    Nothing is trusted before the first :meth:`poll`.

    Args:
        ledger: where they are read.
        monotonic: seconds that only go forward.
        capacity: people kept.
    """

    def __init__(
        self,
        ledger: Ledger,
        monotonic: Callable[[], float] = time.monotonic,
        capacity: int = MAX_RECENT,
    ) -> None:
        self._ledger = ledger
        self._monotonic = monotonic
        self._capacity = capacity
        self._seqs: dict[tuple[str, bytes], int] = {}
        self._seen = 0
        self._floor = 0
        self._looked = float("-inf")

    def seq_of(self, controller: str, subject: bytes) -> int:
        """Seq of the person's newest refusal or withdrawal; -2, below every other, when none is kept."""
        return self._seqs.get((controller, subject), -2)

    def check(self, applied: int) -> None:
        """Ask before a cache is believed that holds all events up to a seq.

        Raises:
            StoreUnavailable: ``stale`` when the ledger could not be read for ``RECENT_STALE``; ``behind`` when the
                cache lacks withdrawals that are not kept here any more.
        """
        if self._monotonic() - self._looked > RECENT_STALE:
            raise StoreUnavailable("stale")
        if applied < self._floor:
            raise StoreUnavailable("behind")

    def add(self, controller: str, subject: bytes, seq: int) -> None:
        """Take in one that this process has just written, without waiting for the next look."""
        owner = (controller, subject)
        seq = max(seq, self._seqs.pop(owner, 0))
        self._seqs[owner] = seq
        while len(self._seqs) > self._capacity:
            self._floor = max(self._floor, self._seqs.pop(next(iter(self._seqs))))

    async def poll(self) -> None:
        """Look for new ones.

        Raises:
            StoreUnavailable: when the ledger cannot be read.
        """
        began = self._monotonic()
        found, head = await asyncio.to_thread(self._ledger.negatives, self._seen, self._capacity)
        if len(found) == self._capacity:
            self._floor = max(self._floor, found[0].seq - 1)
        for negative in found:
            self.add(negative.controller, negative.subject, negative.seq)
        self._seen = max(self._seen, head)
        self._looked = began

    async def run(self) -> NoReturn:
        """Look again and again, until cancelled; a ledger that cannot be read shows in :meth:`check`."""
        while True:
            with suppress(StoreUnavailable):
                await self.poll()
            await asyncio.sleep(RECENT_PERIOD)
