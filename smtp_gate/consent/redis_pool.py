"""Connections to Redis, with our time limits instead of the library's, and its errors turned into ours."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeout

from smtp_gate.errors import ConfigError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

Pool: TypeAlias = BlockingConnectionPool
KEY = "consent.cache"
"""The key of the configuration that names the cache."""


def open_pool(url: str, connections: int, seconds: float) -> Pool:
    """A pool that connects when it is needed first and never tries twice.

    It has no time limit of its own for connecting and reading: each caller has one around all that it does.

    Args:
        url: ``redis://``, ``rediss://`` or ``unix://``.
        connections: at most so many; who wants another waits for one.
        seconds: for that waiting.

    Raises:
        ConfigError: when it is no such address; the text does not hold it, since a password may stand in it.
    """
    try:
        pool: Pool = BlockingConnectionPool.from_url(
            url,
            max_connections=connections,
            timeout=seconds,
            socket_connect_timeout=None,
            socket_timeout=None,
            # The library would try ten times, over seconds in which the mail's client waits.
            retry=Retry(NoBackoff(), 0),
            protocol=2,
        )
        pool.make_connection()  # type: ignore[no-untyped-call] # or an unknown option would be found by the first mail
    except (ValueError, TypeError):
        problem = "is not an address of Redis; write redis://host:6379/0"
        raise ConfigError("", KEY, problem) from None
    return pool


async def ask(pool: Pool, *commands: tuple[str | bytes, ...]) -> list[Any]:
    """Send commands in one write and read all their replies, on one connection.

    A connection whose replies were not all read is closed, whatever the reason (an error, a time limit, a
    cancelled caller): on it, the next caller would read somebody else's answers.

    Raises:
        RedisError, OSError, TimeoutError: as the library says them; see :func:`translated`.
    """
    connection = await pool.get_connection()  # type: ignore[no-untyped-call]
    clean = False
    try:
        await connection.send_packed_command(connection.pack_commands(commands))
        replies = [await connection.read_response() for _ in commands]
        clean = True
    finally:
        try:
            if not clean:
                await connection.disconnect(nowait=True)
        finally:
            await pool.release(connection)
    return replies


@asynccontextmanager
async def translated() -> AsyncIterator[None]:
    """Whatever goes wrong with Redis inside becomes StoreUnavailable with a short reason."""
    try:
        yield
    except StoreUnavailable:
        raise
    except ResponseError:
        raise StoreUnavailable("error_reply") from None
    except (TimeoutError, RedisTimeout):
        raise StoreUnavailable("timeout") from None
    except (RedisError, OSError):
        raise StoreUnavailable("connection") from None
    except Exception:  # noqa: BLE001 - hostile bytes raise what they like in a parser; the mail must flow on
        raise StoreUnavailable("bad_reply") from None
