"""One message's transaction at the next hop: MAIL, RCPT, DATA, content, reply.

This module alone decides when something may be tried again (only before any content) and when a dot may go out
(only with enough time left to pass the answer on). It keeps the promise that a 2xx is the next hop's own answer
to exactly this content.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from smtp_gate import limits, replies
from smtp_gate.delivery.connection import ConnectError
from smtp_gate.delivery.content import END, stuffed
from smtp_gate.delivery.envelope import lacking, mail_line, rcpt_line, unsafe
from smtp_gate.delivery.wire import CLOSING, HopError, Trouble
from smtp_gate.observe import log, metrics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smtp_gate.delivery.connection import Connection
    from smtp_gate.delivery.pool import Pool
    from smtp_gate.delivery.wire import HopReply
    from smtp_gate.model import Recipient, Sender
    from smtp_gate.replies import Reply

START_INPUT = 354


class HopTransaction:
    """MAIL for one sender; made by :meth:`smtp_gate.delivery.pool.Pool.begin`, used by one task at a time.

    End it with :meth:`data` or :meth:`abort`. It never raises for anything that a next hop does.

    Attributes:
        hop: name of the next hop that it speaks with; empty before the first recipient.
    """

    __slots__ = ("_connection", "_open", "_over", "_pool", "_retried", "_sender", "_size", "_taken", "hop")

    def __init__(self, pool: Pool, sender: Sender, size: int) -> None:
        self._pool = pool
        self._sender = sender
        self._size = size
        self._connection: Connection | None = None
        self._open = False  # MAIL was accepted on this connection
        self._over: Reply | None = None  # what everything hears from now on
        self._retried = False
        self._taken: list[Recipient] = []
        self.hop = ""

    async def rcpt(self, recipient: Recipient) -> Reply:
        """Name one recipient; MAIL goes before the first, in the same round trip where that can be.

        Returns:
            The next hop's reply, or ours when it could not be asked; 2xx: taken.
        """
        [reply] = await self.rcpts([recipient])
        return reply

    async def rcpts(self, recipients: Sequence[Recipient]) -> list[Reply]:
        """Name several recipients in one round trip; one reply for each, in order."""
        told = [self._over or unsafe(self._sender, recipient) for recipient in recipients]
        asked = [recipient for recipient, reply in zip(recipients, told, strict=True) if reply is None]
        if not asked:
            return [reply for reply in told if reply is not None]
        try:
            answers = await self._name(asked)
        except (HopError, ConnectError) as problem:
            self._drop()
            self._over = problem.reply
            answers = [problem.reply] * len(asked)
        except BaseException:
            self._drop()
            raise
        self._taken += [recipient for recipient, reply in zip(asked, answers, strict=True) if reply.accepted]
        rest = iter(answers)
        return [next(rest) if reply is None else reply for reply in told]

    async def data(self, content: bytes, deadline: float) -> Reply:
        """Send the content to all recipients taken so far; the transaction is over then.

        Args:
            content: the message, CRLF line ends, not dot-stuffed.
            deadline: event loop time when our own reply must be out. With less than
                :data:`~smtp_gate.limits.LAST_DOT_MARGIN` seconds left no dot is sent.

        Returns:
            The next hop's reply to the dot, or ours when there is none; only a 2xx means accepted.
        """
        over, self._over = self._over, replies.BAD_SEQUENCE
        if over is None and not self._taken:
            over = replies.BAD_SEQUENCE
        last_dot = deadline - limits.LAST_DOT_MARGIN
        if over is None and asyncio.get_running_loop().time() > last_dot:
            over = replies.OUT_OF_TIME
        try:
            if over is None:
                over = await self._start(content)
            if over is None:
                return await self._send(content, last_dot, deadline)
        except (HopError, ConnectError) as problem:
            self._drop()
            return problem.reply
        except BaseException:
            self._drop()
            raise
        await self.abort()
        return over

    async def abort(self) -> None:
        """End the transaction without content; the connection is kept and reset before its next use."""
        self._over = self._over or replies.BAD_SEQUENCE
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.dirty = connection.dirty or self._open
            self._pool.give_back(connection)

    # --- envelope ---------------------------------------------------------------------------------------------

    async def _name(self, recipients: Sequence[Recipient]) -> list[Reply]:
        """Ask on the connection we have; once more on a fresh one when a kept one turns out dead."""
        connection = self._connection
        may_be_stale = connection is not None
        if connection is None:
            self._connection = connection = await self._pool.take()
            self.hop = connection.hop.name
            may_be_stale = connection.kept
        try:
            return await self._ask(connection, recipients)
        except HopError as problem:
            if not may_be_stale or not self._may_retry(problem):
                raise
        return await self._repeat(recipients)

    async def _ask(self, connection: Connection, recipients: Sequence[Recipient]) -> list[Reply]:
        """RSET and MAIL where they are due, and RCPT for each; one reply for each recipient."""
        missing = lacking(self._sender, connection)
        if missing is not None:
            self._over = missing
            return [missing] * len(recipients)
        lines = [rcpt_line(recipient, connection) for recipient in recipients]
        reset = connection.dirty and not self._open
        if not self._open:
            lines.insert(0, mail_line(self._sender, self._size, connection))
        if reset:
            lines.insert(0, b"RSET")
        answers = [_readable(answer) for answer in await connection.commands(lines)]
        if reset:
            if not answers.pop(0).accepted:
                raise HopError(Trouble.CLOSED)
            connection.dirty = False
        if not self._open:
            mail = answers.pop(0)
            if not mail.accepted:
                self._over = mail
                return [mail] * len(recipients)
            self._open = True
        return answers

    def _may_retry(self, problem: HopError) -> bool:
        """Whether a fresh connection may mend it: closed on us, no content sent, and not tried before."""
        retry = problem.trouble is Trouble.CLOSED and not self._retried
        self._retried = True
        return retry

    async def _repeat(self, recipients: Sequence[Recipient]) -> list[Reply]:
        """Say all that was said before and `recipients` on a fresh connection.

        Raises:
            HopError: a recipient that was taken before is not taken any more. Its own reply is told only when it
                concerns nobody else.
        """
        self._drop()
        self._connection = connection = await self._pool.take(fresh=True)
        self.hop = connection.hop.name
        before = len(self._taken)
        answers = await self._ask(connection, [*self._taken, *recipients])
        lost = [reply for reply in answers[:before] if not reply.accepted]
        if lost:
            raise HopError(Trouble.CLOSED, lost[0] if len(answers) == 1 else replies.NEXT_HOP_LOST)
        return answers[before:]

    # --- content ----------------------------------------------------------------------------------------------

    async def _start(self, content: bytes) -> Reply | None:
        """DATA; None when the next hop waits for the content, else why it does not get it."""
        try:
            return await self._ask_data(content)
        except HopError as problem:
            if not self._may_retry(problem):
                raise
        await self._repeat([])
        return await self._ask_data(content)

    async def _ask_data(self, content: bytes) -> Reply | None:
        connection = self._connection
        if connection is None:
            raise HopError(Trouble.CLOSED)
        if 0 < connection.limit < len(content):
            return replies.TOO_BIG
        if not connection.capabilities.eightbit and not content.isascii():
            return replies.NOT_8BIT
        answer = await connection.command(b"DATA")
        if answer.code == START_INPUT:
            return None
        reply = _readable(answer)
        if reply.accepted:
            raise HopError(Trouble.GARBLED)
        return reply

    async def _send(self, content: bytes, last_dot: float, deadline: float) -> Reply:
        """Content and dot in one write; the dot leaves last, and until it is out nothing can be delivered."""
        connection = self._connection
        if connection is None:
            raise HopError(Trouble.CLOSED)
        wire = connection.wire
        loop = connection.loop
        try:
            await wire.content((stuffed(content), END), last_dot)
        except HopError as problem:
            if problem.trouble is Trouble.SILENT:
                raise HopError(Trouble.SILENT, replies.OUT_OF_TIME) from None
            raise
        try:
            answer = await wire.reply(min(loop.time() + limits.HOP_DATA_TIMEOUT, deadline))
            reply = _readable(answer)
        except BaseException as problem:
            # Accepted or not: nobody knows. The client will send again, maybe for a second time.
            metrics.maybe_duplicate(connection.hop.name)
            log.maybe_duplicate(hop=connection.hop.name)
            if isinstance(problem, HopError) and problem.trouble is Trouble.SILENT:
                raise HopError(Trouble.SILENT, replies.NEXT_HOP_LOST) from None
            raise
        if answer.code == CLOSING:
            self._drop()
            return reply
        connection.served += 1
        self._connection = None
        self._pool.give_back(connection)
        return reply

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        self._open = False
        if connection is not None:
            self._pool.drop(connection)


def _readable(answer: HopReply) -> Reply:
    """As an answer to our client.

    Raises:
        HopError: it is no answer to a mail command (3xx).
    """
    reply = answer.for_client()
    if reply is replies.NEXT_HOP_GARBLED:
        raise HopError(Trouble.GARBLED)
    return reply
