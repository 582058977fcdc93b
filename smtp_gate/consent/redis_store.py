"""Look-ups in Redis: one round trip for all recipients of a mail, and nothing odd ever grants anything.

What is read by one command: the live pointer (epoch and how far the cache has come) and the values of all people.
The epoch is part of every key, so a process guesses the one that it saw last; when the pointer names another one, a
reload just ended, and the values are read once more under the new one, within the same time limit.
"""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, NamedTuple

from smtp_gate.consent.breaker import Breaker
from smtp_gate.consent.clock import Clock, Onward, utc_now
from smtp_gate.consent.redis_pool import Kept, Pool, ask, trouble
from smtp_gate.consent.standing import WITHDRAWN, read_value
from smtp_gate.errors import StoreUnavailable
from smtp_gate.limits import STORE_CONNECTIONS, STORE_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smtp_gate.consent.recent import RecentWithdrawals
    from smtp_gate.model import Consent

PREFIX = "smtp_gate"
"""In front of all our keys."""
_LIVE = re.compile(rb"1 ([0-9a-f]{16}) (\d{1,18})")


class Position(NamedTuple):
    """What the live pointer says: the epoch to read, and the seq up to which it holds every event."""

    epoch: bytes
    applied: int


class RedisStore:
    """A :class:`~smtp_gate.consent.store.ConsentStore` on a cache that ``RedisCache`` fills.

    Args:
        url: of the Redis server.
        recent: withdrawals that this process read from the ledger itself; they beat what the cache says. None
            only where no ledger is at hand.
        prefix: in front of all keys.
        clock: decides what is expired.
        monotonic: for the breaker.
    """

    def __init__(
        self,
        url: str,
        recent: RecentWithdrawals | None,
        *,
        prefix: str = PREFIX,
        clock: Clock = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._redis = Kept(url, STORE_CONNECTIONS)
        self._recent = recent
        self._prefix = prefix
        self._live = live_key(prefix)
        self._now = Onward(clock)
        self._breaker = Breaker(monotonic)
        self._epoch: bytes | None = None

    async def look_up(self, controller: str, subjects: Sequence[bytes]) -> list[Consent]:
        """As :meth:`ConsentStore.look_up`."""
        if not subjects:
            return []
        self._breaker.check()
        try:
            async with asyncio.timeout(STORE_TIMEOUT):
                applied, values = await self._read(controller, subjects)
        except Exception as problem:  # noqa: BLE001 - hostile bytes raise what they like; the mail must flow on
            error = trouble(problem)
            if error.reason not in _ANSWERED:
                self._breaker.failed()
            raise error from None
        self._breaker.succeeded()
        now = self._now()
        found = [read_value(octets, subject, now) for octets, subject in zip(values, subjects, strict=True)]
        recent = self._recent
        if recent is None:
            return [value.consent for value in found]
        recent.check(applied)
        return [
            WITHDRAWN if value.seq < recent.seq_of(controller, subject) else value.consent
            for value, subject in zip(found, subjects, strict=True)
        ]

    async def close(self) -> None:
        """Close all connections."""
        await self._redis.close()

    async def _read(self, controller: str, subjects: Sequence[bytes]) -> tuple[int, list[object]]:
        epoch = self._epoch
        if epoch is None:
            epoch = parse_position(await self._redis.ask("GET", self._live)).epoch
        for _ in range(2):
            head = record_key(self._prefix, epoch, controller)
            values = await self._redis.ask("MGET", self._live, *[head + subject for subject in subjects])
            if not isinstance(values, list) or len(values) != 1 + len(subjects):
                raise StoreUnavailable("bad_reply")
            try:
                position = parse_position(values[0])
            except StoreUnavailable:
                self._epoch = None
                raise
            if position.epoch == epoch:
                self._epoch = epoch
                return position.applied, values[1:]
            epoch = position.epoch
        raise StoreUnavailable("epoch_moved")


_ANSWERED = frozenset(["no_epoch", "epoch_moved"])
"""Reasons that come with an answer in time: nothing that leaving the store alone would help."""


def live_key(prefix: str) -> bytes:
    """Key of the live pointer."""
    return f"{prefix}:live".encode()


def record_key(prefix: str, epoch: bytes, controller: str) -> bytes:
    """Key of a person's value, without the 16 octets of the subject at its end."""
    return b"%s:r:%s:%s:" % (prefix.encode(), epoch, controller.encode())


async def read_position(pool: Pool, key: bytes) -> Position:
    """Read the live pointer.

    Raises:
        StoreUnavailable: ``no_epoch``, as :func:`parse_position`.
    """
    return parse_position((await ask(pool, ("GET", key)))[0])


def parse_position(pointer: object) -> Position:
    """What a live pointer says.

    Raises:
        StoreUnavailable: ``no_epoch``: nothing was ever loaded, or all is lost, or another program's data.
    """
    found = _LIVE.fullmatch(pointer) if isinstance(pointer, bytes) else None
    if not found:
        raise StoreUnavailable("no_epoch")
    return Position(found[1], int(found[2]))
