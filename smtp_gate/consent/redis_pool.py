"""Connections to Redis, with our time limits instead of the library's, and its errors turned into ours."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from redis.asyncio import BlockingConnectionPool
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeout

from smtp_gate.errors import ConfigError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from redis.asyncio.connection import AbstractConnection

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


class Kept:
    """Connections for short questions, kept open, the last used first; made when they are needed.

    The library's pool takes as long as the question itself: a lock, a condition, telemetry and a check of its
    arguments at each taking and each return. As it, this has no time limit of its own.

    Attributes:
        busy: connections whose answer is waited for.
    """

    def __init__(self, url: str, connections: int) -> None:
        """Prepare, as :func:`open_pool`; who wants one more than ``connections`` waits for one."""
        self._make = cast("Callable[[], AbstractConnection]", open_pool(url, connections, 0).make_connection)
        self._slots = asyncio.Semaphore(connections)
        self._idle: list[AbstractConnection] = []
        self.busy: set[AbstractConnection] = set()

    async def ask(self, *command: str | bytes) -> Any:
        """One command's answer; a connection whose answer was not read to its end is closed, as in :func:`ask`.

        Raises:
            RedisError, OSError: as the library says them; see :func:`trouble`.
        """
        async with self._slots:
            connection = self._idle.pop() if self._idle else self._make()
            self.busy.add(connection)
            clean = False
            try:
                # Something to read before the question: the other side has closed it.
                if connection.is_connected and await connection.can_read():
                    await connection.disconnect(nowait=True)
                await connection.send_packed_command(connection.pack_command(*command))
                reply = await connection.read_response()
                clean = True
            finally:
                try:
                    if not clean:
                        await connection.disconnect(nowait=True)
                finally:
                    self.busy.discard(connection)
                    self._idle.append(connection)
        return reply

    async def close(self) -> None:
        """Close all connections."""
        for connection in (*self._idle, *self.busy):
            await connection.disconnect(nowait=True)


@asynccontextmanager
async def translated() -> AsyncIterator[None]:
    """Whatever goes wrong with Redis inside becomes StoreUnavailable with a short reason."""
    try:
        yield
    except Exception as problem:  # noqa: BLE001 - hostile bytes raise what they like in a parser; the mail must flow on
        raise trouble(problem) from None


def trouble(problem: Exception) -> StoreUnavailable:
    """What went wrong with Redis, in our words."""
    if isinstance(problem, StoreUnavailable):
        return problem
    if isinstance(problem, ResponseError):
        return StoreUnavailable("error_reply")
    if isinstance(problem, TimeoutError | RedisTimeout):
        return StoreUnavailable("timeout")
    return StoreUnavailable("connection" if isinstance(problem, RedisError | OSError) else "bad_reply")
