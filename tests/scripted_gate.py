"""A gate for tests of the listener: it remembers what it was given and answers what the addresses ask for.

``later@``/``never@``: the recipient is refused at RCPT with 451/550. ``dotlater@``/``dotnever@``: after the dot.
``boom@``: an exception with a text that must not get out. A content with ``sleep`` takes 0.2 seconds, one with
``boom`` raises, one with ``cancel`` cancels itself, one with ``few`` answers for too few recipients.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from smtp_gate import replies
from smtp_gate.delivery.next_hop import Capabilities
from smtp_gate.listener.front import Front
from smtp_gate.listener.server import Server
from smtp_gate.replies import Reply

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from smtp_gate.model import Client, Recipient, Sender

SECRET = "secret bob@example.com\r\n250 fake \u00e9"
"""The text of exceptions: a reply or log line that shows a piece of it gives it away."""
LATER = Reply(451, "4.2.1", "Not now")
NEVER = Reply(550, "5.1.1", "No such user")
CLOSING = Reply(421, "4.3.2", "The next hop closes")


@dataclass
class Letter:
    """One transaction."""

    gate: ScriptedGate
    client: Client
    sender: Sender
    taken: list[Recipient] = field(default_factory=list)
    content_bytes: bytes | None = None
    abandoned: int = 0
    finished: bool = False
    gone: list[bool] = field(default_factory=list)

    async def recipient(self, recipient: Recipient) -> Reply:
        """Answer as the local part asks."""
        local = recipient.address.partition(b"@")[0]
        if local == b"boom":
            raise RuntimeError(SECRET)
        if local == b"slow":
            await asyncio.sleep(0.3)
        refusal = {b"later": LATER, b"never": NEVER, b"closing": CLOSING}.get(local)
        if refusal is not None:
            return refusal
        self.taken.append(recipient)
        return replies.RECIPIENT_OK

    async def content(self, raw: bytes, client_gone: Callable[[], bool]) -> list[Reply]:
        """Answer as the local parts and the content ask."""
        self.content_bytes = raw
        self.gate.started.set()
        if b"boom" in raw:
            raise RuntimeError(SECRET)
        if b"cancel" in raw:
            raise asyncio.CancelledError
        if b"sleep" in raw:
            self.gone.append(client_gone())
            await asyncio.sleep(0.2)
            self.gone.append(client_gone())
        self.finished = True
        answers = {b"dotlater": LATER, b"dotnever": NEVER, b"dotclosing": CLOSING}
        outcomes = [answers.get(one.address.partition(b"@")[0], replies.DELIVERED) for one in self.taken]
        return outcomes[1:] if b"few" in raw else outcomes

    async def abandon(self) -> None:
        """Count it."""
        self.abandoned += 1
        if self.sender.address.startswith(b"boom"):
            raise RuntimeError(SECRET)


class ScriptedGate:
    """Remembers every transaction.

    Attributes:
        letters: all of them, in order.
        can: what the next hop takes.
        started: set when a content arrives.
    """

    def __init__(self) -> None:
        self.letters: list[Letter] = []
        self.can = Capabilities(eightbit=True, smtputf8=True, dsn=True)
        self.started = asyncio.Event()

    def capabilities(self) -> Capabilities:
        """What is set."""
        return self.can

    def begin(self, client: Client, sender: Sender) -> Letter:
        """A transaction that is remembered; the sender ``boom-begin@`` raises."""
        if sender.address.startswith(b"boom-begin"):
            raise RuntimeError(SECRET)
        letter = Letter(self, client, sender)
        self.letters.append(letter)
        return letter

    @property
    def messages(self) -> list[bytes]:
        """Contents that arrived whole."""
        return [letter.content_bytes for letter in self.letters if letter.content_bytes is not None]


@dataclass
class Running:
    """A listener that runs.

    Attributes:
        port: where, on 127.0.0.1.
        gate: what it hands mail to.
        server: itself.
        events: what it told: event and detail.
    """

    port: int
    gate: ScriptedGate
    server: Server
    events: list[tuple[str, str]]


@asynccontextmanager
async def listening(front: Front | None = None) -> AsyncIterator[Running]:
    """A listener on a free port of 127.0.0.1, drained at the end."""
    gate = ScriptedGate()
    events: list[tuple[str, str]] = []

    def remember(event: str, *, peer: str, detail: str = "") -> None:
        assert peer == "127.0.0.1"
        events.append((event, detail))

    server = Server(gate, "gate.example", remember)
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    await server.listen(sock, front or Front())
    try:
        yield Running(sock.getsockname()[1], gate, server, events)
    finally:
        await server.drain(3)
