"""A next hop for tests: records what it is given, and misbehaves exactly as the script says.

::

    async with ScriptedHop() as hop:
        hop.when("RCPT", b"550 5.1.1 No such user", to=b"bob@")     # every RCPT that names bob@
        hop.when("DOT", close(), nth=2)                             # the second message: hang up without a word
        ...
        assert hop.messages[0].content == b"..."

Steps that can be scripted: ``CONNECT EHLO STARTTLS MAIL RCPT DATA DOT RSET NOOP QUIT`` (``DOT`` is the end of the
content). Among rules that fit, the newest wins; without one the answer is the friendly one.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from types import TracebackType

    from tests.certificate import Certificate

EXTENSIONS = ("PIPELINING", "SIZE 26214400", "8BITMIME", "SMTPUTF8", "DSN", "ENHANCEDSTATUSCODES")
"""What a friendly next hop offers."""

FRIENDLY = {
    "CONNECT": b"220 hop.test ESMTP",
    "STARTTLS": b"220 2.0.0 Ready",
    "MAIL": b"250 2.1.0 Ok",
    "RCPT": b"250 2.1.5 Ok",
    "DATA": b"354 End data with <CR><LF>.<CR><LF>",
    "DOT": b"250 2.0.0 Ok: queued",
    "RSET": b"250 2.0.0 Ok",
    "NOOP": b"250 2.0.0 Ok",
    "QUIT": b"221 2.0.0 Bye",
}


@dataclass(frozen=True)
class Act:
    r"""What the hop does at a step.

    Attributes:
        reply: bytes to send; CRLF is added when they do not end in LF. None: nothing is sent.
        delay: seconds before it.
        close: whether the connection is closed afterwards (at ``STARTTLS``: no handshake, just closed).
        hang: whether it never says or does anything any more (until the hop is stopped).
        record: at ``DOT``: whether the message counts as accepted; None: when the reply is 2xx.
        chunk: octets sent at a time, with a pause between; 0: all at once.
    """

    reply: bytes | None
    delay: float = 0.0
    close: bool = False
    hang: bool = False
    record: bool | None = None
    chunk: int = 0


def answer(reply: bytes, *, delay: float = 0.0, record: bool | None = None, chunk: int = 0) -> Act:
    r"""An answer, maybe late, maybe in pieces; several lines or garbage are just other bytes."""
    return Act(reply, delay=delay, record=record, chunk=chunk)


def close(reply: bytes | None = None, *, delay: float = 0.0, record: bool | None = None) -> Act:
    """Close the connection, silently or with a last word (``close(b"421 4.3.2 Shutting down")``)."""
    return Act(reply, delay=delay, close=True, record=record)


def hang(*, record: bool | None = None) -> Act:
    """Never answer."""
    return Act(None, hang=True, record=record)


def late(delay: float) -> Act:
    """The friendly answer of the step, after some seconds."""
    return Act(b"", delay=delay)


@dataclass
class Message:
    r"""One MAIL command and what followed.

    Attributes:
        connection: number of the connection, from 0.
        mail: the whole MAIL line without CRLF.
        rcpts: the whole RCPT lines that were accepted, without CRLF, in order.
        refused: the RCPT lines that were not.
        content: as the sender meant it (dots unstuffed, without the end); None until the dot came.
        wire: the same as it came over the line, with the end.
        tls: whether the connection was encrypted.
    """

    connection: int
    mail: bytes
    rcpts: list[bytes] = field(default_factory=list)
    refused: list[bytes] = field(default_factory=list)
    content: bytes | None = None
    wire: bytes = b""
    tls: bool = False

    @property
    def sender(self) -> bytes:
        """The sender's path between ``<`` and the last ``>``."""
        return _path(self.mail)

    @property
    def recipients(self) -> list[bytes]:
        """The accepted recipients' paths."""
        return [_path(line) for line in self.rcpts]


@dataclass
class _Rule:
    step: str
    act: Act
    to: bytes
    nth: int
    times: int
    seen: int = 0

    def fits(self, step: str, line: bytes) -> bool:
        if step != self.step or self.to not in line:
            return False
        self.seen += 1
        if self.nth and self.seen != self.nth:
            return False
        if self.times == 0:
            return False
        self.times -= 1
        return True


class ScriptedHop:
    """A next hop on 127.0.0.1; start it with ``async with``.

    Attributes:
        messages: those it accepted (2xx after the dot), in order: "exactly once" is counted here.
        transactions: every MAIL that it accepted, finished or not.
        commands: (connection, line without CRLF) of every command, in order.
        writes: (connection, bytes) of every piece that a read returned: shows what came pipelined.
        connections: how many it saw.
        open: how many are open now.
        port: TCP port.
    """

    def __init__(
        self,
        *extensions: str,
        certificate: Certificate | None = None,
        implicit_tls: bool = False,
        port: int = 0,
    ) -> None:
        """Offer `extensions` (all friendly ones when none is named, ``"NOTHING"`` for none).

        Args:
            extensions: EHLO keywords with their parameters.
            certificate: offers STARTTLS with it; with `implicit_tls` speaks TLS from the first byte instead.
            implicit_tls: as for ``smtps://``.
            port: a fixed port, to come back where another hop was; 0: a free one.
        """
        self.extensions = [] if extensions == ("NOTHING",) else list(extensions or EXTENSIONS)
        self.messages: list[Message] = []
        self.transactions: list[Message] = []
        self.commands: list[tuple[int, bytes]] = []
        self.writes: list[tuple[int, bytes]] = []
        self.connections = 0
        self.port = port
        self._certificate = certificate
        self._implicit = implicit_tls
        self._rules: list[_Rule] = []
        self._server: asyncio.Server | None = None
        self._sessions: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    def when(self, step: str, act: Act | bytes, *, to: bytes = b"", nth: int = 0, times: int = -1) -> None:
        """Script one step.

        Args:
            step: see the module's docstring.
            act: what to do; plain bytes are an answer.
            to: only for lines that hold these bytes.
            nth: only the nth fitting line, from 1 (0: each).
            times: at most so often (-1: always).
        """
        self._rules.insert(0, _Rule(step, act if isinstance(act, Act) else Act(act), to, nth, times))

    def forget(self) -> None:
        """Drop the script: friendly again."""
        self._rules.clear()

    @property
    def open(self) -> int:
        """Connections open now."""
        return len(self._sessions)

    @property
    def url(self) -> str:
        """As a next hop is written in the configuration, without TLS unless it is implicit."""
        scheme = "smtps" if self._implicit else "smtp"
        return f"{scheme}://127.0.0.1:{self.port}" + ("" if self._implicit or self._certificate else "?tls=none")

    def say(self, line: bytes) -> None:
        """Say something unasked on every open connection."""
        for writer in self._sessions.values():
            writer.write(line + b"\r\n")

    def hang_up(self) -> None:
        """Close all connections, as a restart does."""
        for writer in self._sessions.values():
            writer.close()

    async def start(self) -> Self:
        """Listen; again after :meth:`stop`, on the same port."""
        context = self._certificate.server_context() if self._certificate and self._implicit else None
        self._server = await asyncio.start_server(self._session, "127.0.0.1", self.port, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Stop listening and drop all connections."""
        if self._server is not None:
            self._server.close()
        tasks = list(self._sessions)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._sessions[task] = writer
        number = self.connections
        self.connections += 1
        try:
            with contextlib.suppress(ConnectionError, ssl.SSLError, EOFError):
                await _Session(self, number, reader, writer).run()
        except asyncio.CancelledError:
            pass  # the hop is being stopped; asyncio.start_server would log a cancelled session
        finally:
            del self._sessions[task]
            writer.transport.abort() if task.cancelling() else writer.close()

    def act(self, step: str, line: bytes = b"") -> Act:
        """What the script says for this step; the friendly answer when it says nothing."""
        friendly = FRIENDLY.get(step, b"500 5.5.2 What?")
        if step == "EHLO":
            offered = [*self.extensions, *(["STARTTLS"] if self._certificate and not self._implicit else [])]
            lines = ["hop.test", *offered]
            friendly = b"\r\n".join(
                f"250{' ' if at == len(lines) - 1 else '-'}{text}".encode() for at, text in enumerate(lines)
            )
        for rule in self._rules:
            if rule.fits(step, line):
                if rule.act.reply == b"":
                    return Act(friendly, delay=rule.act.delay)
                return rule.act
        return Act(friendly)

    @property
    def certificate(self) -> Certificate:
        """The certificate that STARTTLS uses."""
        assert self._certificate is not None
        return self._certificate


class _Session:
    """One connection."""

    def __init__(
        self, hop: ScriptedHop, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._hop = hop
        self._number = number
        self._reader = reader
        self._writer = writer
        self._buffer = bytearray()
        self._message: Message | None = None
        self._tls = writer.get_extra_info("sslcontext") is not None
        self._steps: dict[bytes, Callable[[bytes], Awaitable[bool]]] = {
            b"MAIL": self._mail,
            b"RCPT": self._rcpt,
            b"DATA": self._data,
            b"RSET": self._rset,
            b"STARTTLS": self._starttls,
        }

    async def run(self) -> None:
        if not await self._do(self._hop.act("CONNECT")):
            return
        while True:
            line = await self._line()
            self._hop.commands.append((self._number, line))
            word = line[:8].upper() if line[:8].upper() == b"STARTTLS" else line[:4].upper()
            step = self._steps.get(word)
            going = await step(line) if step else await self._do(self._hop.act(word.decode("latin-1"), line))
            if not going or word == b"QUIT":
                return

    async def _mail(self, line: bytes) -> bool:
        act = self._hop.act("MAIL", line)
        if _positive(act):
            self._message = Message(self._number, line, tls=self._tls)
            self._hop.transactions.append(self._message)
        return await self._do(act)

    async def _rcpt(self, line: bytes) -> bool:
        if self._message is None:
            return await self._do(Act(b"503 5.5.1 Need MAIL first"))
        act = self._hop.act("RCPT", line)
        (self._message.rcpts if _positive(act) else self._message.refused).append(line)
        return await self._do(act)

    async def _rset(self, line: bytes) -> bool:
        self._message = None
        return await self._do(self._hop.act("RSET", line))

    async def _data(self, line: bytes) -> bool:
        if self._message is None or not self._message.rcpts:
            return await self._do(Act(b"503 5.5.1 Need RCPT first"))
        act = self._hop.act("DATA", line)
        going = await self._do(act)
        if not going or not (act.reply or b"").startswith(b"354"):
            return going
        message, self._message = self._message, None
        message.wire = await self._content()
        message.content = (b"\r\n" + message.wire[:-3]).replace(b"\r\n.", b"\r\n")[2:]
        act = self._hop.act("DOT", b"\n".join(message.rcpts))
        if _positive(act) if act.record is None else act.record:
            self._hop.messages.append(message)
        return await self._do(act)

    async def _starttls(self, line: bytes) -> bool:
        act = self._hop.act("STARTTLS", line)
        if not await self._do(act) or not (act.reply or b"").startswith(b"220"):
            return not act.close
        self._buffer.clear()
        self._message = None
        await self._writer.start_tls(self._hop.certificate.server_context())
        self._tls = True
        return True

    async def _do(self, act: Act) -> bool:
        """Carry it out; False when the connection is over."""
        if act.hang:
            await asyncio.Event().wait()
        if act.delay:
            await asyncio.sleep(act.delay)
        if act.reply is not None:
            data = act.reply if act.reply.endswith(b"\n") else act.reply + b"\r\n"
            for at in range(0, len(data), act.chunk or len(data)):
                self._writer.write(data[at : at + (act.chunk or len(data))])
                await self._writer.drain()
                if act.chunk:
                    await asyncio.sleep(0.002)
        return not act.close

    async def _more(self) -> None:
        data = await self._reader.read(1 << 18)
        if not data:
            raise EOFError
        self._hop.writes.append((self._number, data))
        self._buffer += data

    async def _line(self) -> bytes:
        while (end := self._buffer.find(b"\r\n")) < 0:
            await self._more()
        line = bytes(self._buffer[:end])
        del self._buffer[: end + 2]
        return line

    async def _content(self) -> bytes:
        """Up to and with the dot: CRLF.CRLF only, as a strict server reads."""
        start = end = 0
        while not end:
            found = self._buffer.find(b"\r\n.\r\n", start)
            if self._buffer.startswith(b".\r\n"):
                end = 3
            elif found >= 0:
                end = found + 5
            else:
                start = max(0, len(self._buffer) - 4)
                await self._more()
        wire = bytes(self._buffer[:end])
        del self._buffer[:end]
        return wire


def _positive(act: Act) -> bool:
    return (act.reply or b"").startswith(b"2")


def _path(line: bytes) -> bytes:
    """Between the first ``<`` and its end; quoted strings may hold ``>``."""
    start = line.index(b"<") + 1
    quoted = escaped = False
    for at in range(start, len(line)):
        octet = line[at : at + 1]
        if escaped:
            escaped = False
        elif quoted and octet == b"\\":
            escaped = True
        elif octet == b'"':
            quoted = not quoted
        elif octet == b">" and not quoted:
            return line[start:at]
    return line[start:]
