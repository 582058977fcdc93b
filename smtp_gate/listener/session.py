"""The commands of SMTP (RFC 5321) and LMTP (RFC 2033): what each needs, does and answers.

This module alone decides the state of a session. Replies are those of the table in :mod:`smtp_gate.replies` or
the gate's own. What is offered is what the next hop takes; PIPELINING, CHUNKING and BINARYMIME never are.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, ClassVar, Final

from smtp_gate import limits, replies
from smtp_gate.listener.connection import Connection
from smtp_gate.listener.data import Content
from smtp_gate.listener.fold import fold
from smtp_gate.listener.parameters import Offered, read_mail, read_recipient
from smtp_gate.listener.path import read_path
from smtp_gate.listener.reader import Stopped
from smtp_gate.listener.xforward import NAMES, read_xforward
from smtp_gate.model import Client
from smtp_gate.replies import Reply

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from smtp_gate.listener.front import Front
    from smtp_gate.listener.gate import Transaction
    from smtp_gate.listener.house import House, Lease

_NAME: Final = re.compile(rb"[!-~]{1,255}")
"""What a client may call itself: any one word; Received and the log show it, nothing is decided by it."""
_FREE: Final = frozenset([b"EHLO", b"LHLO", b"STARTTLS", b"NOOP", b"QUIT"])
"""Commands before STARTTLS where TLS is required: RFC 3207 section 4."""
_JUNK: Final = frozenset([b"NOOP", b"RSET", b"VRFY", b"EXPN", b"HELP", b"HELO", b"EHLO", b"LHLO"])
"""Commands that bring no mail nearer."""
_PLAIN: Final = frozenset([b"DATA", b"RSET", b"QUIT", b"STARTTLS"])
"""Commands without an argument."""


class GateSMTP(Connection):
    """A session; SMTP or LMTP is said by its front."""

    def __init__(self, house: House, front: Front) -> None:
        super().__init__(house, front)
        self._helo = ""
        self._offered: Offered | None = None
        self._xforward: dict[str, str] = {}
        self._transaction: Transaction | None = None
        self._utf8 = False
        self._size = 0
        self._taken = 0
        self._messages = 0
        self._junk = 0

    async def execute(self, verb: bytes, argument: bytes) -> Reply | None:
        """Answer one command; None when it answered itself. :class:`Stopped` ends the session."""
        command = self._commands.get(verb)
        if command is None:
            return replies.BAD_COMMAND
        if self.front.require_tls and not self.encrypted and verb not in _FREE:
            return replies.TLS_NEEDED
        if verb in _PLAIN and argument.strip(b" "):
            return replies.BAD_ARGUMENT
        if self._messages >= limits.MAX_MESSAGES_PER_CONNECTION and verb != b"QUIT":
            # Said to whatever comes after the last message, so that the client takes it for a closed connection.
            raise Stopped(replies.TOO_MANY_MESSAGES)
        if verb in _JUNK:
            self._junk += 1
            if self._junk > limits.MAX_JUNK_COMMANDS:
                raise Stopped(replies.TOO_MANY_ERRORS)
        return await command(self, argument)

    async def forget(self) -> None:
        """Forget the mail transaction, if there is one; raises nothing."""
        transaction = self._end_transaction()
        if transaction is not None:
            try:
                await transaction.abandon()
            except Exception as error:  # noqa: BLE001 - nobody waits for an answer to this
                self.trouble(error)

    # --- greetings ------------------------------------------------------------------------------------------
    async def _helo_command(self, argument: bytes) -> Reply:
        if self.front.lmtp:
            return replies.BAD_COMMAND
        return await self._greet(argument, extended=False)

    async def _ehlo(self, argument: bytes) -> Reply:
        if self.front.lmtp:
            return replies.BAD_COMMAND
        return await self._greet(argument, extended=True)

    async def _lhlo(self, argument: bytes) -> Reply:
        if not self.front.lmtp:
            return replies.BAD_COMMAND
        return await self._greet(argument, extended=True)

    async def _greet(self, argument: bytes, *, extended: bool) -> Reply:
        name = argument.strip(b" ")
        if not _NAME.fullmatch(name):
            return replies.BAD_ARGUMENT
        await self.forget()
        can = self.house.gate.capabilities()
        # The mail grows here (footer, wrapped addresses, Received), and the next hop must still take it.
        room = max(can.size - limits.SIZE_MARGIN, can.size // 2)
        size = min(limits.MAX_MESSAGE_SIZE, room)
        self._helo = name.decode()
        if not extended:
            self._offered = Offered(size)
            return replies.hello(self.house.hostname)
        # SMTPUTF8 needs 8BITMIME: RFC 6531 section 3.1 (8).
        utf8 = can.smtputf8 and can.eightbit
        self._offered = Offered(size, can.eightbit, utf8, can.dsn, extended=True)
        lines = [f"SIZE {size}", "ENHANCEDSTATUSCODES"]
        if can.eightbit:
            lines.append("8BITMIME")
        if utf8:
            lines.append("SMTPUTF8")
        if can.dsn:
            lines.append("DSN")
        if self._may_xforward():
            lines.append("XFORWARD " + " ".join(NAMES))
        if self.front.tls is not None and not self.encrypted:
            lines.append("STARTTLS")
        return replies.hello(self.house.hostname, lines)

    async def _starttls(self, argument: bytes) -> Reply | None:  # noqa: ARG002 - has none
        if self.front.tls is None:
            return replies.NOT_IMPLEMENTED
        if self.encrypted or self._transaction is not None:
            return replies.BAD_SEQUENCE
        self._helo = ""
        self._offered = None
        self._xforward = {}
        await self.start_tls()
        return None

    async def _xforward_command(self, argument: bytes) -> Reply:
        if not self._may_xforward():
            return replies.NOT_ALLOWED
        if self._offered is None or self._transaction is not None:
            return replies.BAD_SEQUENCE
        read = read_xforward(argument, self._xforward)
        if isinstance(read, Reply):
            return read
        self._xforward = read
        return replies.OK

    def _may_xforward(self) -> bool:
        return self.front.xforward is None or self.front.xforward.allow(self.peer)

    # --- a mail transaction ---------------------------------------------------------------------------------
    async def _mail(self, argument: bytes) -> Reply:
        if self._offered is None or self._transaction is not None:
            return replies.BAD_SEQUENCE
        path = read_path(argument, b"FROM:")
        if path is None:
            return replies.BAD_SENDER
        mail = read_mail(path.address, path.parameters, self._offered)
        if isinstance(mail, Reply):
            return mail
        if mail.size * limits.MEMORY_FACTOR > self.house.memory.left:
            return replies.NO_MEMORY
        client = Client(self.peer, self._helo, self._protocol(), self._xforward)
        self._transaction = self.house.gate.begin(client, mail.sender)
        self._utf8 = mail.sender.smtputf8
        self._size = mail.size
        return replies.SENDER_OK

    async def _rcpt(self, argument: bytes) -> Reply:
        if self._offered is None or self._transaction is None:
            return replies.BAD_SEQUENCE
        if self._taken >= limits.MAX_RECIPIENTS:
            return replies.TOO_MANY_RECIPIENTS
        path = read_path(argument, b"TO:")
        if path is None:
            return replies.BAD_RECIPIENT
        recipient = read_recipient(path.address, path.parameters, self._offered, utf8=self._utf8)
        if isinstance(recipient, Reply):
            return recipient
        try:
            reply = _settled(await self._transaction.recipient(recipient))
        except Exception as error:  # noqa: BLE001 - trouble with one recipient is no trouble of the others
            self.trouble(error)
            return replies.OWN_TROUBLE
        if reply.accepted:
            self._taken += 1
        return reply

    async def _data(self, argument: bytes) -> Reply | None:  # noqa: ARG002 - has none
        if self._offered is None or not self._taken:
            return replies.BAD_SEQUENCE
        lease = self.house.memory.lease()
        handed_on = False
        try:
            if not lease.grow(self._size * limits.MEMORY_FACTOR):
                return replies.NO_MEMORY
            self.say(replies.START_DATA)
            content = await self._receive(self._offered.size, lease)
            count = self._taken
            if content.refusal is not None:
                await self.forget()
                self.refused(content.refusal)
                outcomes = [content.refusal] * count
            else:
                transaction = self._end_transaction()
                if transaction is None:
                    return replies.OWN_TROUBLE
                handed_on = True
                outcomes = await self._deliver(transaction, content.message(), count, lease)
        finally:
            if not handed_on:
                lease.free()
        self._messages += 1
        self._junk = 0
        if any(outcome.accepted for outcome in outcomes):
            self.errors = 0
        if self.inbox.ended:
            self.house.events("client_left", peer=self.peer, detail=str(fold(outcomes).code))
        self.say(*(outcomes if self.front.lmtp else [fold(outcomes)]))
        return None

    async def _receive(self, limit: int, lease: Lease) -> Content:
        """Read a message up to its real end, whatever is wrong with it."""
        content = Content(limit)
        due = self.loop.time() + limits.DATA_TIMEOUT
        self.late = replies.TOO_SLOW
        while not content.ended:
            content.feed(await self.inbox.some(due))
            if content.refusal is None and not lease.grow(content.size * limits.MEMORY_FACTOR):
                content.refuse(replies.NO_MEMORY)
        self.late = replies.IDLE_TOO_LONG
        self.inbox.put_back(content.rest)
        return content

    async def _deliver(self, transaction: Transaction, raw: bytes, count: int, lease: Lease) -> list[Reply]:
        """Hand the message on and wait for the outcome, whether or not the client still does."""
        task = self.house.deliver(transaction, raw, self._client_gone, lease)
        try:
            outcomes = await asyncio.shield(task)
        except asyncio.CancelledError:
            if not task.cancelled():
                raise
            outcomes = []
        except Exception as error:  # noqa: BLE001 - own trouble is 451, whatever it is
            self.trouble(error)
            outcomes = []
        if len(outcomes) != count:
            return [replies.OWN_TROUBLE] * count
        return [_settled(outcome) for outcome in outcomes]

    async def _rset(self, argument: bytes) -> Reply:  # noqa: ARG002 - has none
        await self.forget()
        return replies.OK

    # --- the rest -------------------------------------------------------------------------------------------
    async def _noop(self, argument: bytes) -> Reply:  # noqa: ARG002 - RFC 5321 section 4.1.1.9 allows any
        return replies.OK

    async def _help(self, argument: bytes) -> Reply:  # noqa: ARG002 - every answer is the same
        return replies.COMMANDS

    async def _vrfy(self, argument: bytes) -> Reply:
        return replies.CANNOT_VERIFY if argument.strip(b" ") else replies.BAD_ARGUMENT

    async def _not_implemented(self, argument: bytes) -> Reply:  # noqa: ARG002 - not looked at
        return replies.NOT_IMPLEMENTED

    async def _bdat(self, argument: bytes) -> Reply:  # noqa: ARG002 - not looked at
        # The chunk follows without waiting (RFC 3030 section 2): it must never be read as commands.
        raise Stopped(replies.NOT_IMPLEMENTED)

    async def _quit(self, argument: bytes) -> Reply:  # noqa: ARG002 - has none
        raise Stopped(replies.GOODBYE)

    def _client_gone(self) -> bool:
        return self.inbox.ended

    def _protocol(self) -> str:
        """As RFC 3848 writes it into Received."""
        if self._offered is None or not self._offered.extended:
            return "SMTP"
        return ("LMTP" if self.front.lmtp else "ESMTP") + ("S" if self.encrypted else "")

    def _end_transaction(self) -> Transaction | None:
        """Take the transaction out of the session, and all that holds for one transaction only."""
        transaction, self._transaction = self._transaction, None
        self._taken = 0
        self._xforward = {}
        return transaction

    _commands: ClassVar[dict[bytes, Callable[[GateSMTP, bytes], Awaitable[Reply | None]]]] = {
        b"HELO": _helo_command,
        b"EHLO": _ehlo,
        b"LHLO": _lhlo,
        b"STARTTLS": _starttls,
        b"XFORWARD": _xforward_command,
        b"MAIL": _mail,
        b"RCPT": _rcpt,
        b"DATA": _data,
        b"RSET": _rset,
        b"NOOP": _noop,
        b"HELP": _help,
        b"VRFY": _vrfy,
        b"QUIT": _quit,
        b"EXPN": _not_implemented,
        b"AUTH": _not_implemented,
        b"BDAT": _bdat,
    }


def _settled(reply: Reply) -> Reply:
    """The gate's reply as it may be said: an answer to a mail command, and no promise to close the connection."""
    if not (reply.accepted or reply.temporary or reply.permanent):
        return replies.OWN_TROUBLE
    if reply.code == replies.SHUTTING_DOWN.code:
        return Reply(replies.OWN_TROUBLE.code, reply.status, reply.text)
    return reply
