"""Connections to Redis, with our time limits instead of the library's, and its errors turned into ours.

The library connects (TLS, passwords, choosing a database, asking Sentinels); the questions are asked here.
"""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from redis.exceptions import AskError, MovedError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeout

from smtp_gate.consent.breaker import Breaker
from smtp_gate.errors import StoreUnavailable
from smtp_gate.limits import MAX_CACHE_REPLY

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Sequence

    from redis.asyncio.connection import AbstractConnection

_CHUNK = 65_536
_VALUE, _ERROR = b"$-"
_ELSEWHERE = ("MOVED ", "ASK ")
_ODD = b""
"""Stands for what is there and is no value."""


class Server:
    """Connections to one server, kept open, the last used first; made when they are needed.

    The library's pool takes as long as the question itself: a lock, a condition, telemetry and a check of its
    arguments at each taking and each return. Nothing here has a time limit of its own: each caller has one around
    all that it does.

    A connection whose replies were not all read is closed, whatever the reason (an error, a time limit, a cancelled
    caller): on it, the next caller would read somebody else's answers.

    Args:
        make: makes a connection, which connects when it is used first.
        connections: at most so many; who wants one more waits for one.
        breaker: when to leave this server alone.

    Attributes:
        busy: connections whose answer is waited for.
        breaker: as given.
    """

    def __init__(
        self, make: Callable[[], AbstractConnection], connections: int, breaker: Breaker | None = None
    ) -> None:
        self._make = make
        self._slots = asyncio.Semaphore(connections)
        self._idle: list[AbstractConnection] = []
        self._asked = 0
        self.busy: set[AbstractConnection] = set()
        self.breaker = breaker or Breaker()

    async def ask(self, *commands: tuple[str | bytes | float, ...]) -> list[Any]:
        """Send commands in one write and read all their replies.

        Raises:
            RedisError, OSError: as the library says them; see :func:`trouble`.
        """
        return await self.ask_packed(b"".join(packed(command) for command in commands), len(commands))

    async def ask_packed(self, request: bytes, number: int) -> list[Any]:
        """The same of commands as they go over the wire.

        Raises:
            RedisError, OSError: as :meth:`ask`.
        """
        async with self._connection() as connection:
            await connection.send_packed_command(request, check_health=False)
            return [await connection.read_response() for _ in range(number)]

    async def look(self, request: bytes, number: int) -> list[bytes | None]:
        """The same for many small values, several times as fast: all is read at once, and then taken apart.

        A last command that echoes the number of the request proves that the replies are those of this request.

        Args:
            request: commands as they go over the wire, each answered by a value or none.
            number: how many they are.

        Returns:
            The values; an empty one for what is there and is no value.

        Raises:
            StoreUnavailable: ``bad_reply`` when what came is not exactly these replies.
            RedisError, OSError: as :meth:`ask`.
        """
        self._asked += 1
        echo = b"$8\r\n%08x\r\n" % (self._asked & 0xFFFF_FFFF)
        async with self._connection() as connection:
            await connection.send_packed_command(request + b"*2\r\n$4\r\nECHO\r\n" + echo, check_health=False)
            reader = connection._reader  # noqa: SLF001 - the library reads each line by itself, at several times the cost
            if reader is None:
                raise ConnectionResetError
            reply = bytearray()
            while not reply.endswith(echo):
                more = await reader.read(_CHUNK)
                if not more:
                    raise ConnectionResetError
                reply += more
                if reply[0] == _ERROR and b"\r\n" in reply:  # it may be the last word, without an echo
                    raise ResponseError(reply[1 : reply.index(b"\r\n")].decode("latin-1"))
                if reply[0] != _VALUE or len(reply) > MAX_CACHE_REPLY:
                    raise StoreUnavailable("bad_reply")
            return _values(bytes(reply[: -len(echo)]), number)

    async def close(self) -> None:
        """Close all connections."""
        for connection in (*self._idle, *self.busy):
            await connection.disconnect(nowait=True)

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[AbstractConnection]:
        async with self._slots:
            connection = self._idle.pop() if self._idle else self._make()
            self.busy.add(connection)
            clean = False
            try:
                reader = connection._reader  # noqa: SLF001 - its own way to ask this reads, which costs as much as a question
                if reader is not None and reader.at_eof():  # the other side has closed it
                    await connection.disconnect(nowait=True)
                if not connection.is_connected:
                    # Not left to the sending: there the library asks no Sentinel, and goes to localhost:6379.
                    await connection.connect()  # type: ignore[no-untyped-call]
                yield connection
                clean = True
            finally:
                try:
                    if not clean:
                        await connection.disconnect(nowait=True)
                finally:
                    self.busy.discard(connection)
                    self._idle.append(connection)


def packed(words: Sequence[bytes | str | float], more: bytes = b"", number: int = 0) -> bytes:
    """A command as it goes over the wire; several times as fast as the library's way.

    Args:
        words: of it.
        more: words that are in this form already, see :func:`packed_word`.
        number: how many they are.
    """
    head = b"*%d\r\n" % (len(words) + number)
    return head + b"".join(map(packed_word, words)) + more


def packed_word(word: bytes | str | float) -> bytes:
    """One word of a command as it goes over the wire."""
    octets = word if isinstance(word, bytes) else str(word).encode()
    return b"$%d\r\n%b\r\n" % (len(octets), octets)


def _values(reply: bytes, number: int) -> list[bytes | None]:
    found: list[bytes | None] = []
    at = 0
    try:
        for _ in range(number):
            end = reply.index(b"\r\n", at)
            if reply[at] == _ERROR:
                if not reply.startswith(b"WRONGTYPE", at + 1):
                    raise ResponseError(reply[at + 1 : end].decode("latin-1"))
                found.append(_ODD)
                at = end + 2
                continue
            size = int(reply[at + 1 : end])
            start = end + 2
            if reply[at] != _VALUE or size < -1:
                break
            if size == -1:
                found.append(None)
                at = start
                continue
            at = start + size
            found.append(reply[start:at])
            if reply[at : at + 2] != b"\r\n":
                break
            at += 2
    except (ValueError, IndexError):
        at = -1
    if at != len(reply) or len(found) != number:
        raise StoreUnavailable("bad_reply")
    return found


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
        elsewhere = isinstance(problem, MovedError | AskError) or str(problem).startswith(_ELSEWHERE)
        return StoreUnavailable("moved" if elsewhere else "error_reply")
    if isinstance(problem, TimeoutError | RedisTimeout):
        return StoreUnavailable("timeout")
    return StoreUnavailable("connection" if isinstance(problem, RedisError | OSError) else "bad_reply")
