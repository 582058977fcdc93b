"""Look-ups in Redis: one round trip for all recipients of a mail, and nothing odd ever grants anything.

What is read at once: the live pointer (epoch, how far the cache has come, how many buckets) and the values of all
people. Epoch and buckets are needed to know the keys, so a process guesses those that it saw last; when the pointer
says something else, a reload just ended, and the values are read once more, within the same time limit.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from smtp_gate.consent.clock import Clock, Onward, utc_now
from smtp_gate.consent.redis_layout import (
    BUCKET_DIGITS,
    PREFIX,
    PartKeys,
    bucket_of,
    parse_position,
    places,
    read_value,
)
from smtp_gate.consent.redis_pool import trouble
from smtp_gate.consent.redis_servers import open_servers
from smtp_gate.consent.standing import WITHDRAWN
from smtp_gate.errors import StoreUnavailable
from smtp_gate.limits import STORE_CONNECTIONS, STORE_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smtp_gate.consent.recent import RecentWithdrawals
    from smtp_gate.consent.redis_layout import Place, Position
    from smtp_gate.consent.redis_pool import Server
    from smtp_gate.consent.redis_servers import Servers
    from smtp_gate.model import Consent

    Answer = tuple[int, Sequence[bytes | None]]
    """How far the cache has come, and the values of people."""


class RedisStore:
    """A :class:`~smtp_gate.consent.store.ConsentStore` on a cache that ``RedisCache`` fills.

    Args:
        url: of Redis, see ``redis_address``.
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
        self._servers: Servers = open_servers(url, STORE_CONNECTIONS, monotonic)
        self._parts = [_Part(PartKeys(prefix, tag)) for tag in self._servers.tags]
        self._recent = recent
        self._now = Onward(clock)
        self._places: dict[str, Callable[[bytes], Place]] = {}

    async def look_up(self, controller: str, subjects: Sequence[bytes]) -> list[Consent]:
        """As :meth:`ConsentStore.look_up`."""
        if not subjects:
            return []
        place = self._places.get(controller)
        if place is None:
            place = self._places[controller] = places(controller, len(self._parts))
        deadline = asyncio.get_running_loop().time() + STORE_TIMEOUT
        try:
            applied, values = await self._read([place(subject) for subject in subjects], deadline)
        except Exception as problem:  # noqa: BLE001 - hostile bytes raise what they like; the mail must flow on
            raise trouble(problem) from None
        now = self._now()
        found = [read_value(octets, now) for octets in values]
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
        await self._servers.close()

    async def _read(self, people: Sequence[Place], deadline: float) -> Answer:
        """Ask the servers that hold these people, all at the same time; one that fails is no answer for anybody."""
        servers = self._servers
        if len(self._parts) == 1:
            return await self._ask(servers.of(0), people, deadline)
        async with asyncio.timeout_at(deadline):
            await servers.ready()
        groups: dict[Server, list[int]] = {}
        for number, person in enumerate(people):
            groups.setdefault(servers.of(person.part), []).append(number)
        if len(groups) == 1:
            return await self._ask(next(iter(groups)), people, deadline)
        answers = await asyncio.gather(
            *(self._ask(server, [people[at] for at in group], deadline) for server, group in groups.items()),
            return_exceptions=True,
        )
        values: list[bytes | None] = [None] * len(people)
        reached = []
        for group, answer in zip(groups.values(), answers, strict=True):
            if isinstance(answer, BaseException):
                raise answer
            reached.append(answer[0])
            for number, value in zip(group, answer[1], strict=True):
                values[number] = value
        return min(reached), values

    async def _ask(self, server: Server, people: Sequence[Place], deadline: float) -> Answer:
        """Ask one server, which is left alone for a while when it fails again and again."""
        try:
            server.breaker.check()
            async with asyncio.timeout_at(deadline):
                answer = await self._ask_twice(server, people)
        except Exception as problem:
            reason = trouble(problem).reason
            if reason not in _ANSWERED:
                server.breaker.failed()
            if reason not in _NOT_ITS_FAULT:
                self._servers.failed()
            raise
        server.breaker.succeeded()
        return answer

    async def _ask_twice(self, server: Server, people: Sequence[Place]) -> Answer:
        parts = [self._parts[number] for number in dict.fromkeys(person.part for person in people)]
        request = [part.question for part in parts]
        pointers = len(parts)
        for _ in range(3):  # the pointer alone, where it was never seen; then a guess; then what it says
            # Kept here: another look-up may learn of a new epoch while this one waits for values of the old.
            used = [part.position for part in parts]
            known = None not in used
            if known:
                request[pointers:] = [self._parts[person.part].question_about(person) for person in people]
            answers = await server.look(b"".join(request), len(request))
            now = [part.take(answer) for part, answer in zip(parts, answers, strict=False)]
            if known and all(one and one.epoch == two.epoch for one, two in zip(used, now, strict=True)):
                return min(position.applied for position in now), answers[pointers:]
        raise StoreUnavailable("epoch_moved")


class _Part:
    """What a process knows of a part: where its pointer is, and what it said last."""

    def __init__(self, keys: PartKeys) -> None:
        self._keys = keys
        self.question = b"*2\r\n$3\r\nGET\r\n$%d\r\n%b\r\n" % (len(keys.live), keys.live)
        self.position: Position | None = None
        self._pointer: bytes | None = None
        self._about = b""
        self._buckets = 0

    def take(self, pointer: bytes | None) -> Position:
        """Take in what the pointer says now.

        Raises:
            StoreUnavailable: ``no_epoch``.
        """
        if self.position is not None and pointer == self._pointer:
            return self.position
        self.position = None
        position = parse_position(pointer)
        head = self._keys.epoch(position.epoch)
        self._about = b"*3\r\n$4\r\nHGET\r\n$%d\r\n%b" % (len(head) + BUCKET_DIGITS, head)
        self.position, self._pointer, self._buckets = position, pointer, position.buckets
        return position

    def question_about(self, person: Place) -> bytes:
        """The command for a person's value, once there is a position."""
        return b"%b%07d\r\n$8\r\n%b\r\n" % (self._about, bucket_of(person.along, self._buckets), person.field)


_ANSWERED = frozenset(["no_epoch", "epoch_moved", "breaker_open", "moved"])
"""Reasons that are no failure of the server: it answered in time, or was not asked."""
_NOT_ITS_FAULT = frozenset(["no_epoch", "epoch_moved"])
"""Reasons that another place could not explain."""
