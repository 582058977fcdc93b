"""One connection: octets in, replies out, time limits, TLS, and the loop of command and answer.

This module alone decides when a connection ends. The library's own loop, timers and callbacks are replaced,
since they cancel whatever runs when a client leaves and turn an exception into a 500 with its text on the wire.
"""

from __future__ import annotations

import asyncio
import traceback
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, AnyStr, Final, cast

from aiosmtpd.smtp import SMTP

from smtp_gate import limits, replies
from smtp_gate.listener.reader import FLOOD, Inbox, Stopped

if TYPE_CHECKING:
    from smtp_gate.listener.front import Front
    from smtp_gate.listener.house import House
    from smtp_gate.replies import Reply

_HTTP: Final = frozenset(
    [b"GET", b"POST", b"PUT", b"HEAD", b"PATCH", b"DELETE", b"OPTIONS", b"CONNECT", b"TRACE", b"PRI"]
)
"""A web page can make a browser send mail commands inside such a request, so its first line ends the session."""
_FAULTS: Final = frozenset(
    [
        replies.BAD_ARGUMENT,
        replies.BAD_COMMAND,
        replies.BAD_LINE,
        replies.BAD_PARAMETER,
        replies.BAD_RECIPIENT,
        replies.BAD_SENDER,
        replies.BAD_SEQUENCE,
        replies.NOT_ALLOWED,
        replies.NOT_IMPLEMENTED,
        replies.TLS_NEEDED,
    ]
)
"""What counts as an error of the client; what the next hop or a policy refuses does not."""


class _NoHooks:
    """Stands for aiosmtpd's handler, of which nothing is used; its methods would be listed at each connection."""

    def __dir__(self) -> list[str]:
        return []


_NO_HOOKS: Final = _NoHooks()


class Connection(SMTP):
    """The part of a session that does not depend on its commands."""

    def __init__(self, house: House, front: Front) -> None:
        loop = asyncio.get_running_loop()
        super().__init__(_NO_HOOKS, hostname=house.hostname, tls_context=front.tls, data_size_limit=None, loop=loop)
        self.house = house
        self.front = front
        self.inbox = Inbox(loop)
        self.peer = ""
        self.errors = 0
        self.late = replies.IDLE_TOO_LONG
        self._wire: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None

    def __dir__(self) -> list[str]:
        """Nothing: aiosmtpd lists itself for its command methods at each connection, and commands are ours."""
        return []

    async def execute(self, verb: bytes, argument: bytes) -> Reply | None:
        """Answer one command; None when it answered itself. :class:`Stopped` ends the session."""
        raise NotImplementedError

    async def forget(self) -> None:
        """Forget the mail transaction, if there is one; raises nothing."""
        raise NotImplementedError

    # --- for the house and the commands ---------------------------------------------------------------------
    @property
    def task(self) -> asyncio.Task[None] | None:
        """What serves this connection; None before it was made."""
        return self._handler_coroutine

    @property
    def encrypted(self) -> bool:
        """Whether TLS is on."""
        return self._tls_protocol is not None

    def dismiss(self, reply: Reply) -> None:
        """End the session with these words as soon as it waits for the client."""
        self.inbox.stop(reply)

    def say(self, *said: Reply) -> None:
        """Send replies. A client that reads none of them is cut off."""
        wire = self._wire
        if wire is None or wire.is_closing():
            return
        wire.write(_octets(said[0]) if len(said) == 1 else b"".join([_octets(reply) for reply in said]))
        if wire.get_write_buffer_size() > FLOOD:
            wire.abort()

    def trouble(self, error: BaseException) -> None:
        """Tell of an exception: its kind and where it came from, never its text."""
        frames = traceback.extract_tb(error.__traceback__)
        where = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else "?"
        self.house.events("trouble", peer=self.peer, detail=f"{type(error).__name__} at {where}")

    def refused(self, reply: Reply) -> None:
        """Tell of a refusal: its codes, never its text, which may be the next hop's."""
        self.house.events("refused", peer=self.peer, detail=f"{reply.code} {reply.status}")

    async def start_tls(self) -> None:
        """Say 220 and go on encrypted; everything that was said in clear is forgotten (RFC 3207 section 4.2).

        Raises:
            Stopped: when the handshake fails or takes too long; there is no way back to clear text.
        """
        try:
            async with asyncio.timeout(limits.TLS_TIMEOUT):
                await self.smtp_STARTTLS("")
        except Exception:  # noqa: BLE001 - whatever it was, the client's TLS does not work with ours
            self.house.events("refused", peer=self.peer, detail="tls")
            raise Stopped(None) from None

    # --- asyncio's callbacks --------------------------------------------------------------------------------
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to serve; called a second time when TLS is on."""
        # uvloop's transports are asyncio's by duty, not by class.
        self._wire = cast("asyncio.Transport", transport)
        self.inbox.attach(self._wire)
        if self.transport is None:
            peername = transport.get_extra_info("peername")
            self.peer = peername[0] if isinstance(peername, tuple) else ""
            self._watch()
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Octets came."""
        self.inbox.feed(data)

    def eof_received(self) -> bool:
        """The client sends no more. It may still read, except over TLS; whatever runs for it goes on."""
        self.inbox.end()
        return self._tls_protocol is None

    def connection_lost(self, error: Exception | None) -> None:
        """The connection is gone; whatever runs for it goes on."""
        if self._timer is not None:
            self._timer.cancel()
        if self._original_transport is not None:
            self._original_transport.close()
        asyncio.StreamReaderProtocol.connection_lost(self, error)
        self.transport = self._wire = None
        self.inbox.end()

    # --- the library's hooks --------------------------------------------------------------------------------
    def _reset_timeout(self, duration: float | None = None) -> None:
        """Nothing: the time limits are the inbox's (:meth:`_watch`)."""

    async def push(self, status: AnyStr) -> None:  # noqa: ARG002 - its own words are not ours
        """The library speaks at one point only: before a TLS handshake."""
        self.say(replies.TLS_READY)

    async def _handle_client(self) -> None:
        last_words: Reply | None = None
        try:
            await self._admit()
            while True:
                await self._turn()
        except Stopped as stop:
            last_words = stop.reply
        except Exception as error:  # noqa: BLE001 - no fault of ours may end in an open, silent connection
            self.trouble(error)
            last_words = replies.OWN_TROUBLE
        finally:
            await self._leave(last_words)

    async def _admit(self) -> None:
        """Greet a client that may come and waits for the greeting (RFC 5321 section 3.1)."""
        if not self.front.peers.allow(self.peer):
            raise Stopped(replies.NO_SERVICE)
        if self.house.draining:
            raise Stopped(replies.SHUTTING_DOWN)
        if len(self.house.connections) >= limits.MAX_CONNECTIONS:
            raise Stopped(replies.TOO_MANY_CONNECTIONS)
        self.house.connections.add(self)
        self.house.events("connected", peer=self.peer)
        # The event loop starts to read after the first turn; what was sent before the greeting shows after it.
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if self.inbox.pending:
            raise Stopped(replies.NOT_SYNCHRONISED)
        self.say(replies.greeting(self.house.hostname, lmtp=self.front.lmtp))

    async def _turn(self) -> None:
        """One command and its answer."""
        line = await self.inbox.line(limits.COMMAND_TIMEOUT)
        wire = self._wire
        reply = replies.BAD_LINE if line is None else await self._answer(line)
        if self._wire is not wire:
            # What came over a new TLS layer waited for its handshake.
            return
        if self.inbox.pending:
            # Something came before our answer: PIPELINING is not offered, so this is an attack or a broken client.
            raise Stopped(replies.NOT_SYNCHRONISED)
        if reply is None:
            return
        if not reply.accepted:
            self.refused(reply)
            if reply in _FAULTS:
                self.errors += 1
                if self.errors > limits.MAX_ERRORS:
                    raise Stopped(replies.TOO_MANY_ERRORS)
        self.say(reply)

    async def _answer(self, line: bytes) -> Reply | None:
        """Execute a command that nothing came behind of."""
        word, _, argument = line.partition(b" ")
        verb = word.upper()
        if verb in _HTTP:
            raise Stopped(replies.NOT_HTTP)
        if self.inbox.pending:
            raise Stopped(replies.NOT_SYNCHRONISED)
        try:
            return await self.execute(verb, argument)
        except Stopped:
            raise
        except Exception as error:  # noqa: BLE001 - own trouble is 451, whatever it is, and the session goes on
            self.trouble(error)
            await self.forget()
            return replies.OWN_TROUBLE

    async def _leave(self, last_words: Reply | None) -> None:
        """Say the last words, let them arrive, close."""
        served = self in self.house.connections
        try:
            if last_words is not None:
                self.say(last_words)
                if not last_words.accepted:
                    self.refused(last_words)
            await self.forget()
            if served and last_words not in (None, replies.GOODBYE):
                await self._linger()
        finally:
            if self._timer is not None:
                self._timer.cancel()
            self.house.connections.discard(self)
            self._close()

    async def _linger(self) -> None:
        """Read on for a moment: closing over unread octets resets the connection and the last words get lost."""
        if self._wire is None or self.inbox.ended:
            return
        with suppress(Stopped, TimeoutError, OSError):
            if self._wire.can_write_eof():
                self._wire.write_eof()
            async with asyncio.timeout(limits.LINGER):
                while True:
                    await self.inbox.some(self.loop.time() + limits.LINGER)

    def _close(self) -> None:
        wire = self._wire
        if wire is None:
            return
        wire.close()
        if wire.get_write_buffer_size():
            # A client that reads nothing would keep the socket open for ever.
            self.loop.call_later(limits.LINGER, wire.abort)

    def _watch(self) -> None:
        """End a wait that took too long. One timer a connection, set anew only when it fires."""
        now = self.loop.time()
        if self.inbox.due <= now:
            self.inbox.stop(self.late)
            return
        # No wait that begins from now on can be over before the shortest patience is.
        horizon = now + min(limits.COMMAND_TIMEOUT, limits.DATA_TIMEOUT)
        self._timer = self.loop.call_at(min(self.inbox.due, horizon), self._watch)


@lru_cache(256)
def _octets(reply: Reply) -> bytes:
    """A reply as it goes on the wire; most are said again and again."""
    return reply.encode()
