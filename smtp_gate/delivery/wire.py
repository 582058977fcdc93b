"""One connection's bytes: commands out, replies in, each reply paired with its command or the connection is over.

This module alone decides what a readable reply is. A line nobody asked for, a reply too many or garbage ends
the connection: after it no pairing can be trusted, and a wrong pairing would be a false 250.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections import deque
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from smtp_gate import replies
from smtp_gate.errors import GateError
from smtp_gate.limits import MAX_HOP_REPLY
from smtp_gate.replies import Reply, relayed

if TYPE_CHECKING:
    from collections.abc import Sequence

_LINE = re.compile(rb"([2-5][0-9][0-9])(?:([ -])([^\r]*))?\r?")
CLOSING = 421
"""The reply that ends a connection (RFC 5321 section 3.8); the only one that may come unasked."""


class HopReply(NamedTuple):
    r"""A reply as it came: code 200 to 599, text with its lines separated by ``"\n"``."""

    code: int
    text: str

    def for_client(self) -> Reply:
        """As an answer to our client; 421 is about the other connection, so it becomes 451."""
        return _relayed(451 if self.code == CLOSING else self.code, self.text)


_relayed = lru_cache(256)(relayed)
"""Most replies are the same few again and again."""


class Trouble(StrEnum):
    """Why a connection is of no more use."""

    CLOSED = "closed"
    SILENT = "silent"
    GARBLED = "garbled"


_REPLIES = {
    Trouble.CLOSED: replies.NEXT_HOP_LOST,
    Trouble.SILENT: replies.NEXT_HOP_DOWN,
    Trouble.GARBLED: replies.NEXT_HOP_GARBLED,
}


class HopError(GateError):
    """The connection is of no more use.

    Attributes:
        trouble: why.
        reply: what our client hears.
    """

    exit_code = 69

    def __init__(self, trouble: Trouble, reply: Reply | None = None) -> None:
        super().__init__(f"next hop: {trouble}")
        self.trouble = trouble
        self.reply = reply or _REPLIES[trouble]


class Wire(asyncio.Protocol):
    """Takes a connected transport over and pairs what is sent with what comes.

    Not for two tasks at a time. All times are those of the event loop.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._buffer = bytearray()
        self._due = 0
        self._held = 0  # replies that are due once all that is written has left
        self._ready: deque[HopReply] = deque()
        self._trouble: Trouble | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._patience = math.inf
        self._alarm: asyncio.TimerHandle | None = None
        self._alarm_at = math.inf
        transport.set_write_buffer_limits(high=0)
        transport.set_protocol(self)

    @property
    def lost(self) -> bool:
        """Whether it is known to be over."""
        return self._trouble is not None

    def send(self, data: bytes, due: int) -> None:
        """Write `data`, which will be answered by `due` replies.

        Raises:
            HopError: the connection is over; nothing was written.
        """
        if self._trouble is not None:
            raise HopError(self._trouble)
        self._due += due
        self._transport.write(data)

    async def reply(self, deadline: float) -> HopReply:
        """The next reply that is due.

        Raises:
            HopError: closed, unreadable, or not there at `deadline`.
        """
        while not self._ready:
            if self._trouble is not None:
                raise HopError(self._trouble)
            await self._news(deadline)
        return self._ready.popleft()

    async def content(self, pieces: Sequence[bytes], deadline: float) -> None:
        """Write pieces of which the last one is answered by one reply, and wait until all has left for the kernel.

        No reply is due before the last octet is out. What comes earlier came unasked, whatever it says.

        Raises:
            HopError: closed, something came unasked, or not out at `deadline`; then the last octets are not out and
                never will be.
        """
        if self._trouble is not None:
            raise HopError(self._trouble)
        self._held = 1
        self._transport.writelines(pieces)
        self._count_held()
        while self._held:
            if self._trouble is not None:
                raise HopError(self._trouble)
            await self._news(deadline)

    def quit(self) -> None:
        """Say goodbye and close, without waiting for an answer."""
        if self._trouble is None:
            self._due += 1
            self._transport.write(b"QUIT\r\n")
            self._trouble = Trouble.CLOSED
            self._transport.close()

    def abort(self) -> None:
        """Close at once; what is not written yet never will be."""
        self._over(Trouble.CLOSED)
        self._transport.abort()

    # --- asyncio.Protocol ---

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        if self._trouble is not None:
            return
        self._buffer += data
        if self._held:
            self._count_held()
        try:
            while self._due and (reply := self._take()) is not None:
                self._due -= 1
                self._ready.append(reply)
        except ValueError:
            self._garbled()
            return
        if self._buffer and not self._due:
            if self._buffer.startswith(b"421"):
                self._over(Trouble.CLOSED)
                self._transport.close()
            else:
                self._garbled()
            return
        self._wake()

    def eof_received(self) -> bool:
        """The other side has closed; so do we."""
        self._over(Trouble.CLOSED)
        return False

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - why does not matter
        """The connection is gone."""
        self._over(Trouble.CLOSED)

    def resume_writing(self) -> None:
        """The write buffer is empty again."""
        self._count_held()
        self._wake()

    # --- inside ---

    def _take(self) -> HopReply | None:
        """Cut one whole reply off the buffer; None while it is not there yet.

        Raises:
            ValueError: it is no reply.
        """
        start = 0
        code = b""
        texts = []
        while (end := self._buffer.find(b"\n", start)) >= 0:
            found = _LINE.fullmatch(self._buffer, start, end)
            if found is None or (code and found[1] != code):
                raise ValueError
            code = bytes(found[1])
            texts.append(bytes(found[3] or b"").decode("ascii", "replace"))
            start = end + 1
            if found[2] != b"-":
                del found
                del self._buffer[:start]
                return HopReply(int(code), "\n".join(texts))
        if len(self._buffer) > MAX_HOP_REPLY:
            raise ValueError
        return None

    def _garbled(self) -> None:
        self._ready.clear()
        self._over(Trouble.GARBLED)
        self._transport.abort()

    def _count_held(self) -> None:
        """The reply to what was written last is due from the moment on that all of it is out."""
        if not self._transport.get_write_buffer_size():
            self._due += self._held
            self._held = 0

    def _silent(self) -> None:
        self._over(Trouble.SILENT)
        self._transport.abort()

    def _over(self, trouble: Trouble) -> None:
        if self._trouble is None:
            self._trouble = trouble
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _news(self, deadline: float) -> None:
        """Wait until something happened; at `deadline` the connection is over."""
        self._waiter = waiter = self._loop.create_future()
        self._patience = deadline
        if self._alarm is None or self._alarm_at > deadline:
            self._set_alarm()
        try:
            await waiter
        finally:
            self._patience = math.inf
            self._waiter = None

    def _set_alarm(self) -> None:
        """One timer serves many waits: each is over long before its time, so it is set anew only when it fires."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm_at = self._patience
        self._alarm = self._loop.call_at(self._alarm_at, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        if self._patience <= self._alarm_at:
            self._silent()
        elif self._patience < math.inf:
            self._set_alarm()
