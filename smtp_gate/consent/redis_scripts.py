"""What Redis runs for us, each in one step: guarded writes, and the changes of the pointers of a part.

Every key of a script lies in one part, so in one slot of a Cluster. Keys of buckets are made inside the scripts,
because which ones they are depends on the pointers, which only the script reads in the same step.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from redis.exceptions import NoScriptError

from smtp_gate.consent.redis_pool import packed
from smtp_gate.limits import MAX_CACHE_BUCKETS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from smtp_gate.consent.redis_pool import Server

_PUT = """
local function seq(value)
    local a, b, c, d, e = string.byte(value, 2, 6)
    return (((a * 256 + b) * 256 + c) * 256 + d) * 256 + e
end
local function known(value)
    local size, top = #value, string.byte(value) or 0
    if top >= 128 then return size >= 16 and size % 5 == 1 end
    return top >= 32 and (size == 6 or size == 10)
end
local function put(key, field, value)
    local old = redis.call('HGET', key, field)
    if old and known(old) and seq(old) >= seq(value) then return end
    redis.call('HSET', key, field, value)
end
"""
"""Numbers are compared, since Redis' own comparison of strings goes by the locale of the server. What has not the
form of a value (``redis_layout``) is replaced, or it could keep everything newer out."""


class Script:
    """A script and the name by which Redis knows it once it has seen it."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._sha = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()

    async def run(
        self,
        server: Server,
        keys: Sequence[bytes],
        arguments: Iterable[bytes | str | float],
        more: bytes = b"",
        number: int = 0,
    ) -> Any:
        """Run it.

        Args:
            server: that runs it.
            keys: for KEYS.
            arguments: for ARGV.
            more: further arguments, as they go over the wire.
            number: how many these are.

        Raises:
            RedisError, OSError: as the library says them.
        """
        words = (len(keys), *keys, *arguments)
        try:
            (reply,) = await server.ask_packed(packed(("EVALSHA", self._sha, *words), more, number), 1)
        except NoScriptError:  # a server that has just started, or was promoted
            (reply,) = await server.ask_packed(packed(("EVAL", self._text, *words), more, number), 1)
        return reply


WRITE = Script(f"""{_PUT}
local epoch, most = string.match(redis.call('GET', KEYS[1]) or '', '^2 (%x+) %d+ (%d+)$')
local building, more = string.match(redis.call('GET', KEYS[2]) or '', '^(%x+) (%d+)$')
local fullest = 0
local function all(name, buckets)
    buckets = tonumber(buckets)
    for at = 2, #ARGV, 3 do
        local bucket = math.floor(tonumber(ARGV[at]) * buckets / 4294967296)
        local key = ARGV[1] .. name .. ':' .. string.format('%07d', bucket)
        put(key, ARGV[at + 1], ARGV[at + 2])
        if buckets < {MAX_CACHE_BUCKETS} then fullest = math.max(fullest, redis.call('HLEN', key)) end
    end
end
if building then all(building, more) end
fullest = 0
if epoch then all(epoch, most) end
if epoch or building then return fullest end
return -1
""")
"""KEYS live, building; ARGV head of bucket keys; then along, field and value of each record. Tells how many people
the fullest of the buckets that are read has now; -1: there is no epoch."""

LOAD = Script(f"""{_PUT}
if redis.call('GET', KEYS[1]) ~= ARGV[2] then return 0 end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
for at = 4, #ARGV, 3 do put(ARGV[1] .. ARGV[at], ARGV[at + 1], ARGV[at + 2]) end
return 1
""")
"""KEYS building; ARGV head of bucket keys with the epoch, building pointer, lease in ms; then bucket, field and
value of each record. 0: the epoch is not ours any more."""

ADVANCE = Script("""
local epoch, applied, buckets = string.match(redis.call('GET', KEYS[1]) or '', '^2 (%x+) (%d+) (%d+)$')
if epoch ~= ARGV[1] then return 0 end
if tonumber(applied) < tonumber(ARGV[2]) then
    redis.call('SET', KEYS[1], '2 ' .. epoch .. ' ' .. ARGV[2] .. ' ' .. buckets)
end
return 1
""")
"""KEYS live; ARGV epoch, seq. 0: another epoch is live."""

FLIP = Script("""
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
redis.call('DEL', KEYS[2])
return 1
""")
"""KEYS live, building; ARGV building pointer, live pointer. 0: the epoch is not ours any more."""

GIVE_UP = Script("if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0")
"""KEYS building; ARGV building pointer."""
