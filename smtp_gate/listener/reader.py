"""What arrived on a connection and was not read yet: command lines and runs of octets, bounded.

A command ends in CRLF and in nothing else (RFC 5321 section 2.3.8). The reader is also where a waiting session is
woken for another reason than octets: the client left, time is up, the process stops.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

from smtp_gate.limits import MAX_COMMAND_LINE
from smtp_gate.replies import BAD_LINE

if TYPE_CHECKING:
    import asyncio

    from smtp_gate.replies import Reply

FLOOD: Final = 65_536
"""Octets nobody reads yet, above which the socket is not read either."""

_CONTROL: Final = re.compile(rb"[\x00-\x1f\x7f]")
_TLS_HANDSHAKE: Final = b"\x16"
"""First octet of a TLS record (RFC 8446 section 5.1); no command starts with it."""


class Stopped(Exception):  # noqa: N818 - said to a session, not a mistake
    """The session ends now.

    Attributes:
        reply: last words for the client; None when it is gone.
    """

    def __init__(self, reply: Reply | None) -> None:
        super().__init__()
        self.reply = reply


class Inbox:
    """Octets of one connection, in order; one reader at a time.

    Attributes:
        pending: octets that arrived and were not read.
        ended: whether the client has closed its side, or the connection is lost.
        due: time of the event loop at which the one who reads now has waited too long; infinite when nobody reads.
    """

    __slots__ = ("_chunks", "_last_words", "_loop", "_paused", "_transport", "_waiter", "due", "ended", "pending")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport | None = None
        self._chunks: list[bytes] = []
        self._waiter: asyncio.Future[None] | None = None
        self._last_words: Reply | None = None
        self._paused = False
        self.pending = 0
        self.ended = False
        self.due = math.inf

    # --- what the connection does ---------------------------------------------------------------------------
    def attach(self, transport: asyncio.Transport) -> None:
        """Read from this transport from now on; what came over the last one is forgotten (RFC 3207 section 4.2)."""
        self._transport = transport
        self._paused = False
        self._chunks.clear()
        self.pending = 0

    def feed(self, octets: bytes) -> None:
        """Take what arrived."""
        self._chunks.append(octets)
        self.pending += len(octets)
        if self._waiter is not None:
            self._wake()
        if self.pending > FLOOD and not self._paused and self._transport is not None:
            self._transport.pause_reading()
            self._paused = True

    def end(self) -> None:
        """Nothing will arrive any more."""
        self.ended = True
        self._wake()

    def stop(self, reply: Reply) -> None:
        """End the session with these words: now if it waits for the client, else as soon as it does."""
        if self._last_words is None:
            self._last_words = reply
        self._wake()

    # --- what the session does ------------------------------------------------------------------------------
    async def line(self, patience: float) -> bytes | None:
        """The next command line without its CRLF.

        Args:
            patience: seconds for the whole line, however it drips in.

        Returns:
            The line; None for one that is too long or has a bare CR, a bare LF or another control character.
            All of it was read then, and none of it kept.

        Raises:
            Stopped: when there will be none.
        """
        self.due = self._loop.time() + patience
        try:
            octets = await self._arrival()
            fits = True
            while (end := octets.find(b"\r\n")) < 0:
                if octets.startswith(_TLS_HANDSHAKE):
                    raise Stopped(BAD_LINE)
                if len(octets) >= MAX_COMMAND_LINE:
                    fits = False
                    octets = octets[-1:]
                octets += await self._arrival()
        finally:
            self.due = math.inf
        self.put_back(octets[end + 2 :])
        if not fits or end > MAX_COMMAND_LINE - 2 or _CONTROL.search(octets, 0, end):
            return None
        return octets[:end]

    async def some(self, due: float) -> bytes:
        """What has arrived, at least one octet.

        Args:
            due: time of the event loop until which there must be something.

        Raises:
            Stopped: when there will be nothing.
        """
        self.due = due
        try:
            return await self._arrival()
        finally:
            self.due = math.inf

    def put_back(self, octets: bytes) -> None:
        """Give back what was read and belongs to the next reader."""
        if octets:
            self._chunks.insert(0, octets)
            self.pending += len(octets)

    async def _arrival(self) -> bytes:
        while True:
            if self._last_words is not None:
                raise Stopped(self._last_words)
            if self._chunks:
                chunks, self._chunks = self._chunks, []
                self.pending = 0
                return chunks[0] if len(chunks) == 1 else b"".join(chunks)
            if self.ended:
                raise Stopped(None)
            if self._paused and self._transport is not None:
                self._transport.resume_reading()
                self._paused = False
            self._waiter = self._loop.create_future()
            await self._waiter

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
