"""What Redis must be set to: what would let it forget, and what only wastes its memory.

A cache that Redis may throw records out of by itself is not used at all. One thrown out while a reload runs could
be the withdrawal that keeps an older record from being written. Records have no end of their own, so only the
policies that take any key do that; the ``volatile`` ones can end a reload, which is then begun anew, and what was
learnt about addresses.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from redis.exceptions import ResponseError

from smtp_gate.limits import CACHE_BUCKET_FULL

if TYPE_CHECKING:
    from smtp_gate.consent.redis_pool import Server

_FIELD = re.compile(rb"^(maxmemory|maxmemory_policy):(\S+)", re.MULTILINE)
_LONGEST_VALUE = 31
"""Octets of a value with five grants that end at different times."""
_LEAST = {
    "hash-max-listpack-entries": CACHE_BUCKET_FULL,
    "hash-max-listpack-value": _LONGEST_VALUE,
    # the names before Redis 7, which newer ones still know
    "hash-max-ziplist-entries": CACHE_BUCKET_FULL,
    "hash-max-ziplist-value": _LONGEST_VALUE,
}


async def evicts(server: Server) -> bool:
    """Whether a server throws away any record when its memory is used up. One that does not tell does not.

    Raises:
        RedisError, OSError: as the library says them.
    """
    return (await _policy(server)).startswith(b"allkeys")


async def unwise(server: Server) -> list[str]:
    """Settings of a server that should be others; the cache is right with them, but slower or larger.

    Raises:
        RedisError, OSError: as the library says them.
    """
    found = [] if await _policy(server) in (b"noeviction", b"") else ["maxmemory-policy"]
    try:
        (told,) = await server.ask(("CONFIG", "GET", "hash-max-*"))
    except ResponseError:  # a service that lets nobody ask
        return found
    set_to = {name.decode(): value for name, value in zip(told[::2], told[1::2], strict=False)}
    names = [name for name, least in _LEAST.items() if name in set_to and int(set_to[name]) < least]
    return found + [
        name for name in names if "ziplist" not in name or name.replace("ziplist", "listpack") not in names
    ]


async def _policy(server: Server) -> bytes:
    """The eviction policy, where memory is limited; empty where it is not, or nobody may ask."""
    try:
        (told,) = await server.ask(("INFO", "memory"))
    except ResponseError:
        return b""
    fields = dict(_FIELD.findall(told if isinstance(told, bytes) else b""))
    return b"" if fields.get(b"maxmemory", b"0") == b"0" else fields.get(b"maxmemory_policy", b"")
