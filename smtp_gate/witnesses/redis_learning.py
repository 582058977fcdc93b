"""Sightings counted in Redis, by its HyperLogLog.

Keys, all below one prefix (``PREFIX:learn:{TAG}:`` in a Cluster, so that they lie in one slot):

* ``PREFIX:learn:r:ID``, ``:p:ID``, ``:v:ID``: readers, pairs and values of one skeleton; they end by themselves.
* ``PREFIX:learn:ends``: sorted set of ids by the time when they end, so that their number stays bounded.
* ``PREFIX:learn:known``: hash of ids to what was learnt: ``COPIES PAIRS VALUES END`` and the label.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from smtp_gate.consent.redis_layout import PREFIX
from smtp_gate.consent.redis_pool import translated
from smtp_gate.consent.redis_scripts import Script
from smtp_gate.consent.redis_servers import open_servers
from smtp_gate.errors import StoreUnavailable
from smtp_gate.limits import LEARN_COPIES, LEARN_MEMORY, LEARN_SHARE, LEARN_TIMEOUT, LEARNT_MEMORY, MAX_SKELETONS
from smtp_gate.trackers.learnt import Tally
from smtp_gate.witnesses.learning_store import read_label

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Sequence

    from smtp_gate.consent.redis_pool import Server
    from smtp_gate.trackers.learnt import Lesson
    from smtp_gate.witnesses.learning_store import Sighting

_CONNECTIONS = 2
_NUMBERS = 4
_NOTE = Script("""
local head, now, brief, long = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local most, least, share = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
local at, told = 8, {}
local function forget(id)
    redis.call('DEL', head .. 'r:' .. id, head .. 'p:' .. id, head .. 'v:' .. id)
    redis.call('HDEL', KEYS[2], id)
    redis.call('ZREM', KEYS[1], id)
end
while at <= #ARGV do
    local id, label = ARGV[at], ARGV[at + 1]
    at = at + 2
    local counts = {}
    for number, kind in ipairs({'r:', 'p:', 'v:'}) do
        local key, marks = head .. kind .. id, tonumber(ARGV[at])
        at = at + 1
        local last = at + marks - 1
        while at <= last do
            local till = math.min(at + 999, last)
            redis.call('PFADD', key, unpack(ARGV, at, till))
            at = till + 1
        end
        counts[number] = redis.call('PFCOUNT', key)
        told[#told + 1] = counts[number]
    end
    local learnt = counts[1] >= least and counts[3] >= share * counts[2]
    local life = learnt and long or brief
    for _, kind in ipairs({'r:', 'p:', 'v:'}) do redis.call('PEXPIRE', head .. kind .. id, life) end
    redis.call('ZADD', KEYS[1], now + life, id)
    if learnt then
        local line = string.format('%.0f %.0f %.0f %.0f', counts[1], counts[2], counts[3], now + life)
        redis.call('HSET', KEYS[2], id, line .. '\\n' .. label)
    else
        redis.call('HDEL', KEYS[2], id)
    end
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now, 'LIMIT', 0, 200)) do forget(id) end
local over = redis.call('ZCARD', KEYS[1]) - most
if over > 0 then
    for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, over - 1)) do forget(id) end
end
return told
""")
"""KEYS ends, known; ARGV head of the sketches' keys, now in ms, both lives in ms, most skeletons, least copies,
share; then for each sighting id, label, and three times a number and so many marks. Tells three counts for each."""


class RedisLearning:
    """A :class:`~smtp_gate.witnesses.learning_store.LearningStore` in Redis.

    Args:
        url: of Redis, see ``redis_address``.
        prefix: in front of all keys.
        clock: seconds since 1970.
    """

    def __init__(self, url: str, *, prefix: str = PREFIX, clock: Callable[[], float] = time.time) -> None:
        self._servers = open_servers(url, _CONNECTIONS)
        tags = self._servers.tags
        self._head = f"{prefix}:learn:".encode() if len(tags) == 1 else f"{prefix}:learn:{{{tags[0]}}}:".encode()
        self._ends, self._known = self._head + b"ends", self._head + b"known"
        self._clock = clock

    async def note(self, sightings: Sequence[Sighting]) -> list[Tally]:
        """As :meth:`LearningStore.note`."""
        arguments = [
            self._head,
            int(self._clock() * 1000),
            int(LEARN_MEMORY * 1000),
            int(LEARNT_MEMORY * 1000),
            MAX_SKELETONS,
            LEARN_COPIES - 1,
            LEARN_SHARE,
            *_arguments(sightings),
        ]
        async with self._server() as server:
            told = await _NOTE.run(server, [self._ends, self._known], arguments)
            return [Tally(*(int(count) for count in told[at : at + 3])) for at in range(0, 3 * len(sightings), 3)]

    async def lessons(self) -> list[Lesson]:
        """As :meth:`LearningStore.lessons`."""
        async with self._server() as server:
            (told,) = await server.ask(("HGETALL", self._known))
        now = self._clock() * 1000
        if not isinstance(told, list):
            raise StoreUnavailable("bad_reply")
        return [lesson for text in told[1::2] if (lesson := _lesson(text, now)) is not None]

    async def close(self) -> None:
        """Close all connections."""
        await self._servers.close()

    @asynccontextmanager
    async def _server(self) -> AsyncIterator[Server]:
        try:
            async with translated(), asyncio.timeout(LEARN_TIMEOUT):
                await self._servers.ready()
                yield self._servers.of(0)
        except StoreUnavailable:
            self._servers.failed()
            raise


def _arguments(sightings: Sequence[Sighting]) -> Iterator[bytes | str | int]:
    for sighting in sightings:
        yield sighting.id
        yield sighting.label
        for marks in (sighting.readers, sighting.pairs, sighting.values):
            yield len(marks)
            yield from marks


def _lesson(text: object, now: float) -> Lesson | None:
    """What one entry says; None when it has ended, or is no entry of ours."""
    if not isinstance(text, bytes):
        return None
    line, _, label = text.decode("utf-8", "replace").partition("\n")
    numbers = line.split(" ")
    if len(numbers) != _NUMBERS or not all(number.isdecimal() for number in numbers):
        return None
    copies, pairs, values, end = map(int, numbers)
    return read_label(label, Tally(copies, pairs, values)) if end > now else None
