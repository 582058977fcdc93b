"""Writing the Redis cache: guarded, so that an older record never replaces a newer one, and reloaded beside itself.

Keys, all below one prefix:

* ``PREFIX:live``: ``1 EPOCH SEQ``: which epoch is read, and up to which event it holds everything.
* ``PREFIX:building``: the epoch that a running reload fills; it ends by itself when the loader dies.
* ``PREFIX:r:EPOCH:CONTROLLER:SUBJECT``: one person; a withdrawn one has a value too, which says so.

Every write of a decision goes, in one script, into each epoch that exists at that moment. So an event that is
committed to the ledger after a reload began is either in what the reload reads, or written into its epoch as well,
and no order of the two brings the older one back.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

from redis.asyncio import Redis

from smtp_gate.consent.redis_pool import ask, open_pool, translated
from smtp_gate.consent.redis_store import PREFIX, Position, live_key, read_position
from smtp_gate.consent.standing import VERSION, Record, write_value
from smtp_gate.errors import StoreUnavailable
from smtp_gate.limits import CACHE_LOAD_TIMEOUT, CACHE_WRITE_TIMEOUT, LOADER_LEASE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from smtp_gate.consent.ledger import Ledger

BATCH = 500
"""Records in one script: Redis serves nobody else while it runs, here about 2 ms."""
_CONNECTIONS = 4
_SWEEP = 1000

_PUT = f"""
local function put(head, name, value)
    local key = head .. name
    local old = redis.call('GET', key)
    if old and #old >= 9 and string.byte(old) == {VERSION} then
        if struct.unpack('>I8', old, 2) >= struct.unpack('>I8', value, 2) then return end
    end
    redis.call('SET', key, value)
end
"""
_WRITE = f"""{_PUT}
local live = string.match(redis.call('GET', KEYS[1]) or '', '^1 (%x+) %d+$')
local building = redis.call('GET', KEYS[2])
for _, epoch in ipairs({{live or '', building or ''}}) do
    if epoch ~= '' then
        for at = 2, #ARGV, 2 do put(ARGV[1] .. epoch .. ':', ARGV[at], ARGV[at + 1]) end
    end
end
if live or building then return 1 end
return 0
"""
"""KEYS live, building; ARGV head of record keys, then name and value of each record. 0: there is no epoch."""
_LOAD = f"""{_PUT}
if redis.call('GET', KEYS[1]) ~= ARGV[2] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
for at = 4, #ARGV, 2 do put(ARGV[1] .. ARGV[2] .. ':', ARGV[at], ARGV[at + 1]) end
return 1
"""
"""KEYS building; ARGV head of record keys, epoch, lease in ms, then records. 0: the epoch is not ours any more."""
_ADVANCE = """
local epoch, applied = string.match(redis.call('GET', KEYS[1]) or '', '^1 (%x+) (%d+)$')
if epoch ~= ARGV[1] then return 0 end
if tonumber(applied) < tonumber(ARGV[2]) then redis.call('SET', KEYS[1], '1 ' .. epoch .. ' ' .. ARGV[2]) end
return 1
"""
"""KEYS live; ARGV epoch, seq. 0: another epoch is live."""
_FLIP = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], '1 ' .. ARGV[1] .. ' ' .. ARGV[2])
redis.call('DEL', KEYS[2])
return 1
"""
"""KEYS live, building; ARGV epoch, seq. 0: the epoch is not ours any more."""
_GIVE_UP = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class Reloaded(NamedTuple):
    """What a reload did: records written, records of older epochs removed, seq it goes up to."""

    records: int
    removed: int
    applied: int


class RedisCache:
    """The writing side of the cache.

    Args:
        url: of the Redis server.
        prefix: in front of all keys; the same as the store's.

    All methods but :meth:`close` raise StoreUnavailable when Redis does not do what is asked.
    """

    def __init__(self, url: str, *, prefix: str = PREFIX) -> None:
        self._pool = open_pool(url, _CONNECTIONS, CACHE_LOAD_TIMEOUT)
        client = Redis(connection_pool=self._pool)
        self._live = live_key(prefix)
        self._building = f"{prefix}:building".encode()
        self._head = f"{prefix}:r:".encode()
        self._write = client.register_script(_WRITE)
        self._load = client.register_script(_LOAD)
        self._advance = client.register_script(_ADVANCE)
        self._flip = client.register_script(_FLIP)
        self._give_up = client.register_script(_GIVE_UP)

    async def position(self) -> Position | None:
        """How far the cache has come; None when nothing was ever loaded, or all was lost."""
        try:
            async with translated(), asyncio.timeout(CACHE_WRITE_TIMEOUT):
                return await read_position(self._pool, self._live)
        except StoreUnavailable as error:
            if error.reason == "no_epoch":
                return None
            raise

    async def write(self, records: Sequence[Record]) -> bool:
        """Write records into every epoch there is; what is there and newer stays.

        Returns:
            Whether there is an epoch at all.
        """
        there = True
        for batch in _batches(records):
            async with translated(), asyncio.timeout(CACHE_WRITE_TIMEOUT):
                keys = [self._live, self._building]
                there = bool(await self._write(keys=keys, args=[self._head, *_arguments(batch)]))
        return there

    async def advance(self, epoch: bytes, seq: int) -> bool:
        """Note that an epoch holds all events up to a seq; never goes back.

        Returns:
            Whether this epoch is the live one.
        """
        async with translated(), asyncio.timeout(CACHE_WRITE_TIMEOUT):
            return bool(await self._advance(keys=[self._live], args=[epoch, seq]))

    async def reload(self, ledger: Ledger, progress: Callable[[int], None] = lambda _: None) -> Reloaded:
        """Fill a new epoch from the ledger beside the live one, and change over when it has caught up.

        Args:
            ledger: the authority.
            progress: told the number of records written, again and again.

        Raises:
            StoreUnavailable: also ``reload_running`` when another one is, and ``reload_lost`` when it took so
                long that another one began. What was read before is then read on.
        """
        epoch = secrets.token_hex(8).encode()
        async with translated(), asyncio.timeout(CACHE_WRITE_TIMEOUT):
            lease = int(LOADER_LEASE * 1000)
            (begun,) = await ask(self._pool, ("SET", self._building, epoch, "NX", "PX", str(lease)))
        if not begun:
            raise StoreUnavailable("reload_running")
        try:
            written, applied = await self._fill(ledger, epoch, progress)
            await self._change_over(epoch, applied)
        except BaseException:
            with suppress(StoreUnavailable):
                async with translated(), asyncio.timeout(CACHE_WRITE_TIMEOUT):
                    await self._give_up(keys=[self._building], args=[epoch])
            raise
        return Reloaded(written, await self.sweep(), applied)

    async def sweep(self) -> int:
        """Remove the records of epochs that are neither read nor filled, a few at a time.

        Returns:
            How many they were.
        """
        removed, cursor = 0, b"0"
        while True:
            async with translated(), asyncio.timeout(CACHE_LOAD_TIMEOUT):
                (found,) = await ask(self._pool, ("SCAN", cursor, "MATCH", self._head + b"*", "COUNT", str(_SWEEP)))
                cursor, keys = found
                # Asked after the keys were seen: a key of an epoch begun since then would be found in use.
                live, building = await ask(self._pool, ("GET", self._live), ("GET", self._building))
                used = {(live or b"").split(b" ")[1:2] and live.split(b" ")[1], building}
                dead = [key for key in keys if key[len(self._head) :].split(b":", 1)[0] not in used]
                if dead:
                    await ask(self._pool, ("UNLINK", *dead))
            removed += len(dead)
            if cursor == b"0":
                return removed

    async def close(self) -> None:
        """Close all connections."""
        await self._pool.aclose()

    async def _fill(self, ledger: Ledger, epoch: bytes, progress: Callable[[int], None]) -> tuple[int, int]:
        # Read first: every event after it is replayed below, wherever the walk was when it happened.
        applied = await asyncio.to_thread(ledger.head)
        written = 0
        walk = ledger.records()
        while batch := await asyncio.to_thread(next, walk, None):
            written += len(batch)
            await self._put(epoch, batch)
            progress(written)
        while True:
            changed, last = await asyncio.to_thread(ledger.changes, applied)
            if last == applied:
                return written, applied
            await self._put(epoch, changed)
            applied = last

    async def _change_over(self, epoch: bytes, applied: int) -> None:
        async with translated(), asyncio.timeout(CACHE_WRITE_TIMEOUT):
            if not await self._flip(keys=[self._live, self._building], args=[epoch, applied]):
                raise StoreUnavailable("reload_lost")

    async def _put(self, epoch: bytes, records: Sequence[Record]) -> None:
        for batch in _batches(records):
            async with translated(), asyncio.timeout(CACHE_LOAD_TIMEOUT):
                lease = b"%d" % int(LOADER_LEASE * 1000)
                arguments = [self._head, epoch, lease, *_arguments(batch)]
                if not await self._load(keys=[self._building], args=arguments):
                    raise StoreUnavailable("reload_lost")


def _batches(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    for at in range(0, len(records), BATCH):
        yield records[at : at + BATCH]


def _arguments(records: Sequence[Record]) -> Iterator[bytes]:
    for record in records:
        yield b"%s:%s" % (record.controller.encode(), record.subject)
        yield write_value(record)
