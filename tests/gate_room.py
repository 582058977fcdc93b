"""A gate in this process for tests of a message's journey: a scripted next hop, a store in a dictionary.

::

    async with Room() as room:
        room.agrees(b"alice@example.com", Purpose.CLICKS)
        sent = await room.send(TRACKED, b"alice@example.com", b"bob@example.com")
        assert room.hop.messages[0].content == ...

Everything between is the real thing: scan, policy, render, delivery, the memory of earlier attempts.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple, Self

from smtp_gate.config.catalogue import load_catalogue
from smtp_gate.config.load import read_settings
from smtp_gate.consent import ConsentStore
from smtp_gate.delivery.accepted import AcceptedRecord
from smtp_gate.delivery.next_hop import NextHop
from smtp_gate.delivery.pool import Pool
from smtp_gate.errors import StoreUnavailable
from smtp_gate.gate import Gate, Ruleset
from smtp_gate.model import UNKNOWN, Client, Consent, Purpose, Recipient, Sender
from smtp_gate.tokens import Keyring, subject_of
from tests.next_hop import Message, ScriptedHop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from smtp_gate.replies import Reply
    from smtp_gate.trackers import Catalogue

PUBLIC_URL = "https://preferences.acme.example"
SENDER = Sender(b"news@acme.example")
RULES = """
listen: {smtp: "127.0.0.1:1"}
deliver: {next_hops: ["smtp://127.0.0.1:1"]}
web: {public_url: "https://preferences.acme.example"}
keys: made by the test
controllers:
  acme: {name: Acme, senders: ["@acme.example"], privacy_url: "https://acme.example/privacy"}
"""
KEYRING = Keyring({1: bytes(range(64))}, 1, bytes(range(64, 128)))

PIXEL = b"https://acme.us13.list-manage.com/track/open.php?u=00112233445566778899aabbc&id=de00000001&e=de00000002"
LINK = b"https://us13.mailchimp.com/mctx/clicks?url=https%3A%2F%2Fshop.example%2Fautumn&xid=de00000001&uid=40000001"
TARGET = b"https://shop.example/autumn"
OPAQUE = b"https://acme.us13.list-manage.com/track/click?u=00112233445566778899aabbc&id=de00000001&e=de00000002"
TRACKER_HOSTS = (b"list-manage.com", b"mailchimp.com")

PLAIN = b"From: Acme <news@acme.example>\r\nSubject: Plain\r\n\r\nNothing to see.\r\n.dots\r\n"


def letter(html: bytes, subject: bytes = b"Autumn", fields: bytes = b"") -> bytes:
    """A mail of one HTML part."""
    return (
        b"From: Acme <news@acme.example>\r\nTo: you@example.com\r\nSubject: " + subject + b"\r\n" + fields +
        b"Message-ID: <one@acme.example>\r\nMIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
        b'<!DOCTYPE html>\r\n<html lang="en"><body>\r\n' + html + b"\r\n</body></html>\r\n"
    )  # fmt: skip


TRACKED = letter(
    b'<p>Hello</p>\r\n<a href="' + LINK + b'">Our shop</a>\r\n<img src="' + PIXEL + b'" width="1" height="1">'
)
"""One link whose target can be told, one pixel."""
LINK_ONLY = letter(b'<a href="' + LINK + b'">Our shop</a>')
OPAQUE_ONLY = letter(b'<a href="' + OPAQUE + b'">Our shop</a>')


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """The shipped one, compiled once for all tests of a process."""
    return load_catalogue(None, {}, PUBLIC_URL)


class Store(ConsentStore):
    """Consent in a dictionary.

    Attributes:
        granted: by controller and subject.
        down: raises instead of answering.
        asked: how many people each look-up was for.
    """

    def __init__(self) -> None:
        self.granted: dict[tuple[str, bytes], Purpose] = {}
        self.down = False
        self.asked: list[int] = []

    async def look_up(self, controller: str, subjects: Sequence[bytes]) -> list[Consent]:
        """What the dictionary says."""
        self.asked.append(len(subjects))
        if self.down:
            raise StoreUnavailable("timeout")
        found = [self.granted.get((controller, subject)) for subject in subjects]
        return [UNKNOWN if granted is None else Consent(granted, "granted") for granted in found]

    async def close(self) -> None:
        """Nothing."""


class Sent(NamedTuple):
    """What a client would have heard: one reply for each RCPT, one for each recipient that was taken."""

    rcpts: list[Reply]
    outcomes: list[Reply]

    @property
    def codes(self) -> list[int]:
        """Reply codes after the dot."""
        return [reply.code for reply in self.outcomes]


@dataclass
class Room:
    """One gate; use it in ``async with``.

    Attributes:
        policy: lines of configuration added to the usual ones.
        hop: the next hop.
        store: consent.
        gate: the gate.
    """

    policy: str = ""
    hop: ScriptedHop = field(default_factory=ScriptedHop)
    store: Store = field(default_factory=Store)
    gate: Gate = field(init=False)

    async def __aenter__(self) -> Self:
        await self.hop.start()
        self._pool = Pool([NextHop.parse(self.hop.url)], "gate.acme.example")
        self._accepted = AcceptedRecord(None, KEYRING.subject_key)
        self.gate = Gate(
            ruleset=ruleset(self.policy),
            store=self.store,
            pool=self._pool,
            accepted=self._accepted,
            hostname="gate.acme.example",
            now=lambda: "Mon, 06 Oct 2025 10:00:00 +0000",
        )
        await self._pool.probe()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pool.close()
        self._accepted.close()
        await self.hop.stop()

    def agrees(self, address: bytes, purposes: Purpose) -> None:
        """A person's consent to Acme."""
        self.store.granted["acme", subject_of(KEYRING, address)] = purposes

    async def send(
        self,
        raw: bytes,
        *recipients: bytes,
        sender: Sender = SENDER,
        ident: str = "",
        gone: Callable[[], bool] = lambda: False,
    ) -> Sent:
        """One transaction, from MAIL to the last reply.

        Args:
            raw: the message.
            recipients: paths.
            sender: the MAIL command.
            ident: the client's queue id; empty when it does not tell.
            gone: whether the client has left.
        """
        client = Client("192.0.2.7", "mta.acme.example", "ESMTP", {"IDENT": ident} if ident else {})
        journey = self.gate.begin(client, sender)
        rcpts = [await journey.recipient(Recipient(address)) for address in recipients]
        if not any(reply.accepted for reply in rcpts):
            await journey.abandon()
            return Sent(rcpts, [])
        async with asyncio.timeout(20):
            return Sent(rcpts, await journey.content(raw, gone))

    def got(self, address: bytes) -> list[bytes]:
        """Contents that the next hop accepted for a recipient, without our Received field, in order."""
        return [body_of(message) for message in self.hop.messages if address in message.recipients]


def ruleset(policy: str = "") -> Ruleset:
    """What mails are judged by, from the usual configuration and more lines of it."""
    settings = read_settings(RULES + policy, "test")
    return Ruleset(settings.rules(), catalogue(), KEYRING, PUBLIC_URL, settings.consent.on_failure)


def body_of(message: Message) -> bytes:
    """A message as the next hop got it, without our Received field in front."""
    assert message.content is not None
    lines = message.content.split(b"\r\n")
    assert lines[0].startswith(b"Received: from "), lines[0]
    end = 1
    while lines[end].startswith((b"\t", b" ")):
        end += 1
    return b"\r\n".join(lines[end:])
