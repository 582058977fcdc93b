"""A TCP proxy in front of a real server: counts what is sent, and spoils the answers; and where a person lies."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Self

from smtp_gate.consent.redis_layout import bucket_of, parse_position, places

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from tests.redis_server import RedisServer

STORE_TIMEOUT = 0.6
"""The store's limit in these tests: the real one, 0.15 s, is missed now and then where two test processes run."""


def lies(server: RedisServer, prefix: str, subject: bytes) -> tuple[bytes, bytes]:
    """Key and field of a person, towards acme, in the epoch that is read."""
    position = parse_position(server.say("GET", f"{prefix}:{{0}}:live").split(b"\r\n")[1])
    place = places("acme", 1)(subject)
    bucket = bucket_of(place.along, position.buckets)
    return b"%s:{0}:%s:%07d" % (prefix.encode(), position.epoch, bucket), place.field


class Wire:
    """Between clients and 127.0.0.1:`port`; use it with ``async with``.

    Attributes:
        requests: what clients sent, one item a read of the socket.
        delay: seconds each answer is held back.
        spoil: what becomes of an answer; returning None breaks the connection with RST after its first octets.
        pause: octets of an answer after which the rest comes 10 ms later; 0: at once.
        deaf: whether nothing is passed on to the server any more.
        url: as the server's own would be written.
    """

    def __init__(self, port: int) -> None:
        self.requests: list[bytes] = []
        self.delay = 0.0
        self.spoil: Callable[[bytes], bytes | None] | None = None
        self.pause = 0
        self.deaf = False
        self.url = ""
        self._port = port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._session, "127.0.0.1", 0)
        self.url = f"redis://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/0"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        there_writer = None
        try:
            there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._port)
            async with asyncio.TaskGroup() as group:
                group.create_task(self._up(reader, there_writer))
                group.create_task(self._down(there_reader, writer))
        except (asyncio.CancelledError, OSError):
            pass  # the test ends, or the server is gone
        finally:
            self._tasks.discard(task)
            writer.transport.abort()
            if there_writer is not None:
                there_writer.transport.abort()

    async def _up(self, reader: asyncio.StreamReader, there: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(1 << 20):
                self.requests.append(data)
                if not self.deaf:
                    there.write(data)
        there.transport.abort()

    async def _down(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await there.read(1 << 20):
                if self.delay:
                    await asyncio.sleep(self.delay)
                answer = self.spoil(data) if self.spoil else data
                if answer is None:
                    writer.write(data[:7])
                    await asyncio.sleep(0)
                    break
                if self.pause:
                    writer.write(answer[: self.pause])
                    answer = answer[self.pause :]
                    await asyncio.sleep(0.01)
                writer.write(answer)
        writer.transport.abort()
