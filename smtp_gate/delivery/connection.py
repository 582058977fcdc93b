"""One connection to a next hop: made by aiosmtplib, then spoken on by ourselves, one transaction after the other.

This module alone decides what TLS means and what an EHLO answer says. aiosmtplib connects, greets, and starts
TLS; its way to send a message is not used, because it changes bare line ends, takes one reply at a time (no
pipelining), and spends most of its time in two passes over the content.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from typing import TYPE_CHECKING, cast

import aiosmtplib

from smtp_gate import limits, replies
from smtp_gate.delivery.next_hop import Capabilities, NextHop, Tls
from smtp_gate.delivery.wire import CLOSING, HopError, HopReply, Trouble, Wire
from smtp_gate.errors import ConfigError, GateError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smtp_gate.replies import Reply


_SIZE = re.compile(r"[0-9]{1,18}")


class ConnectError(GateError):
    """No connection to a next hop.

    Attributes:
        reason: a code for log and metrics: ``refused``, ``timeout``, ``tls``, ``greeting``, ``closed``.
        reply: what our client hears.
    """

    exit_code = 69

    def __init__(self, reason: str, reply: Reply) -> None:
        super().__init__(f"next hop: {reason}")
        self.reason = reason
        self.reply = reply


class Connection:
    """A greeted connection, ready for transactions.

    Attributes:
        hop: where it leads.
        capabilities: what that side offered, after TLS.
        announces_size: whether it offered SIZE, so that MAIL may name one.
        limit: octets of content it takes as far as it said; 0: it did not say.
        encrypted: whether TLS is on.
        served: messages it has carried.
        dirty: whether a transaction is open on it that must be reset before the next.
        kept: whether it waited for this transaction, and so may be dead without our knowing.
        idle_since: loop time when it was given back.
    """

    __slots__ = (
        "announces_size",
        "capabilities",
        "dirty",
        "encrypted",
        "hop",
        "idle_since",
        "kept",
        "limit",
        "loop",
        "served",
        "wire",
    )

    def __init__(
        self,
        hop: NextHop,
        wire: Wire,
        extensions: dict[str, str],
        loop: asyncio.AbstractEventLoop,
        *,
        encrypted: bool,
    ) -> None:
        size = extensions.get("size", "")
        self.hop = hop
        self.wire = wire
        self.loop = loop
        self.encrypted = encrypted
        self.announces_size = "size" in extensions
        self.limit = int(size) if _SIZE.fullmatch(size) else 0
        self.capabilities = Capabilities(
            size=self.limit or limits.MAX_MESSAGE_SIZE,
            eightbit="8bitmime" in extensions,
            smtputf8="smtputf8" in extensions,
            dsn="dsn" in extensions,
            pipelining="pipelining" in extensions,
        )
        self.served = 0
        self.dirty = False
        self.kept = False
        self.idle_since = 0.0

    async def commands(self, lines: Sequence[bytes]) -> list[HopReply]:
        """Send commands and read their replies, in one round trip where the next hop pipelines.

        Args:
            lines: command lines without CRLF; none of them may be DATA.

        Raises:
            HopError: a reply did not come, or 421 came.
        """
        deadline = self.loop.time() + limits.HOP_COMMAND_TIMEOUT
        wire = self.wire
        answers = []
        if self.capabilities.pipelining:
            wire.send(b"\r\n".join(lines) + b"\r\n", len(lines))
        for line in lines:
            if not self.capabilities.pipelining:
                wire.send(line + b"\r\n", 1)
            reply = await wire.reply(deadline)
            if reply.code == CLOSING:
                wire.abort()
                raise HopError(Trouble.CLOSED, reply.for_client())
            answers.append(reply)
        return answers

    async def command(self, line: bytes) -> HopReply:
        """Send one command and read its reply; see :meth:`commands`."""
        [reply] = await self.commands([line])
        return reply


def tls_context(hop: NextHop) -> ssl.SSLContext | None:
    """What TLS to this next hop is checked with; None for ``tls=none``.

    Raises:
        ConfigError: its CA file cannot be used.
    """
    if hop.tls is Tls.NONE:
        return None
    try:
        context = ssl.create_default_context(cafile=hop.ca)
    except OSError as problem:
        said = problem.strerror or "it holds no PEM certificate"
        raise ConfigError(
            str(hop.ca), "deliver.next_hops", f"CA file of {hop.name} is not usable: {said}"
        ) from None
    if hop.tls is Tls.OPPORTUNISTIC:
        # Verifying what may also go in clear would protect nothing (RFC 7435 section 3).
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


async def connect(hop: NextHop, hostname: str, context: ssl.SSLContext | None) -> Connection:
    """Connect, start TLS as the next hop's setting asks, and greet.

    Args:
        hop: where to.
        hostname: what we call ourselves in EHLO.
        context: of :func:`tls_context`.

    Raises:
        ConnectError: there is no usable connection; it has the reply for the client.
    """
    try:
        return await _connect(hop, hostname, context)
    except ConnectError as problem:
        if problem.reason != "tls" or hop.tls is not Tls.OPPORTUNISTIC or hop.implicit:
            raise
    return await _connect(hop, hostname, None)


async def _connect(hop: NextHop, hostname: str, context: ssl.SSLContext | None) -> Connection:
    smtp = aiosmtplib.SMTP(
        hostname=hop.host,
        port=hop.port,
        local_hostname=hostname,
        timeout=limits.HOP_COMMAND_TIMEOUT,
        use_tls=hop.implicit,
        start_tls=False,
        tls_context=context,
    )
    try:
        async with asyncio.timeout(limits.CONNECT_TIMEOUT):
            await smtp.connect(timeout=limits.CONNECT_TIMEOUT)
        await smtp.ehlo()
        if context is not None and not hop.implicit:
            await _start_tls(smtp, hop)
        return _take_over(smtp, hop)
    except BaseException as problem:
        smtp.close()
        failure = _failure(problem)
        if failure is None:
            raise
        raise failure from problem


def _take_over(smtp: aiosmtplib.SMTP, hop: NextHop) -> Connection:
    """From here on the bytes are ours; the aiosmtplib object is not used again."""
    transport = smtp.transport
    if transport is None or transport.is_closing():
        raise ConnectError("closed", replies.NEXT_HOP_DOWN)
    loop = asyncio.get_running_loop()
    encrypted = transport.get_extra_info("sslcontext") is not None
    wire = Wire(cast("asyncio.Transport", transport), loop)
    return Connection(hop, wire, smtp.esmtp_extensions, loop, encrypted=encrypted)


async def _start_tls(smtp: aiosmtplib.SMTP, hop: NextHop) -> None:
    if not smtp.supports_extension("starttls"):
        if hop.tls is Tls.REQUIRED:
            raise ConnectError("tls", replies.NEXT_HOP_TLS)
        return
    try:
        async with asyncio.timeout(limits.CONNECT_TIMEOUT):
            await smtp.starttls()
    except (aiosmtplib.SMTPException, OSError):
        # Refused, broken off, or a certificate that does not verify: whatever it was, there is no TLS.
        raise ConnectError("tls", replies.NEXT_HOP_TLS) from None
    await smtp.ehlo()


_FAILURES: tuple[tuple[type[BaseException], str, Reply], ...] = (
    (ssl.SSLError, "tls", replies.NEXT_HOP_TLS),
    (TimeoutError, "timeout", replies.NEXT_HOP_DOWN),
    (aiosmtplib.SMTPServerDisconnected, "closed", replies.NEXT_HOP_DOWN),
    (aiosmtplib.SMTPException, "refused", replies.NEXT_HOP_DOWN),
    (OSError, "refused", replies.NEXT_HOP_DOWN),
)


def _failure(problem: BaseException) -> ConnectError | None:
    """What went wrong, in our words; None for what is no trouble of the next hop."""
    if isinstance(problem, ConnectError):
        return problem
    if isinstance(problem, aiosmtplib.SMTPResponseException):
        # A greeting or an EHLO answer that is no yes. What is no plain refusal either is unreadable.
        refused = HopReply(problem.code, problem.message).for_client()
        return ConnectError("greeting", replies.NEXT_HOP_GARBLED if refused.accepted else refused)
    cause = problem.__cause__ if isinstance(problem.__cause__, ssl.SSLError) else problem
    for kind, reason, reply in _FAILURES:
        if isinstance(cause, kind):
            return ConnectError(reason, reply)
    return None
