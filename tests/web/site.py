"""A web part to visit in tests: its keys, its people, a store and a register that do as told, a client."""

from __future__ import annotations

import asyncio
import re
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx

from smtp_gate.consent.event import Choice, Event, Recorded
from smtp_gate.errors import StoreUnavailable
from smtp_gate.model import EVERYTHING, Consent, Purpose, Recipient, Sender
from smtp_gate.tokens import (
    AskToken,
    ConfirmToken,
    ConsentToken,
    Keyring,
    LinkToken,
    PixelToken,
    WithdrawToken,
    seal,
    subject_of,
)
from smtp_gate.web.app import web_app
from smtp_gate.web.confirm_mail import Allowance
from smtp_gate.web.notice import ControllerNotice
from smtp_gate.web.server import WebServer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from starlette.applications import Starlette

    from smtp_gate.web.opening import Days

RING = Keyring({1: b"a" * 64, 2: b"b" * 64}, 2, b"s" * 64)
ALICE = subject_of(RING, b"alice@example.com")
ACME = ControllerNotice("Acme SAS", "https://acme.example/privacy", "dpo@acme.example", "fr", "dpo@acme.example")


@dataclass
class People:
    """Store and register in one: what was decided here holds at the next look-up.

    Attributes:
        granted: what Alice agreed to.
        reason: why it is what it is.
        failure: raised by whatever is asked, when there is one.
        asked: look-ups so far.
        decided: events in their order.
        addresses: by subject.
        wordings: text by controller, version, language.
    """

    granted: Purpose = EVERYTHING
    reason: str = "granted"
    failure: Exception | None = None
    asked: int = 0
    decided: list[Event] = field(default_factory=list)
    addresses: dict[bytes, bytes] = field(default_factory=dict)
    wordings: dict[tuple[str, str, str], str] = field(default_factory=dict)

    async def look_up(self, controller: str, subjects: Sequence[bytes]) -> list[Consent]:
        """Alice is the only person there is."""
        self.asked += 1
        self._work(controller)
        assert list(subjects) == [ALICE]
        return [Consent(self.granted, self.reason)]

    async def close(self) -> None:
        """Nothing is open."""

    async def current(self, controller: str, subject: bytes) -> tuple[Consent, int]:
        """As the ledger has it."""
        self._work(controller)
        assert subject == ALICE
        return Consent(self.granted, self.reason), len(self.decided)

    async def history(self, subject: bytes, controller: str = "") -> list[Recorded]:
        """What was decided here."""
        self._work(controller)
        assert subject == ALICE
        return [Recorded(number, event.at, event) for number, event in enumerate(self.decided, 1)]

    async def address(self, subject: bytes) -> bytes | None:
        """When it is known."""
        self._work("acme")
        return self.addresses.get(subject)

    async def keep_wording(self, controller: str, version: str, language: str, text: str) -> None:
        """One text a version."""
        self._work(controller)
        assert self.wordings.setdefault((controller, version, language), text) == text

    async def decide(self, decided: Sequence[Event], address: bytes = b"") -> int:
        """Record it, or fail as told."""
        self._work("acme")
        for event in decided:
            self.decided.append(event)
            if event.decision is Choice.GRANT:
                self.granted |= event.purposes
                self.reason = "granted"
            else:
                self.granted &= ~event.purposes
        if not self.granted:
            self.reason = "withdrawn" if decided[-1].decision is Choice.WITHDRAW else "refused"
        if address:
            self.addresses.setdefault(ALICE, address)
        return len(self.decided)

    @property
    def withdrawn(self) -> list[Event]:
        """Withdrawals in their order."""
        return [event for event in self.decided if event.decision is Choice.WITHDRAW]

    def _work(self, controller: str) -> None:
        if self.failure:
            raise self.failure
        assert controller == "acme"


@dataclass
class Mailbox:
    """Takes messages to confirm, or does not.

    Attributes:
        got: envelope and content of each.
        open: whether more are taken.
    """

    got: list[tuple[Sender, Recipient, bytes]] = field(default_factory=list)
    open: bool = True

    async def send(self, sender: Sender, recipient: Recipient, content: bytes) -> bool:
        """Keep it."""
        if self.open:
            self.got.append((sender, recipient, content))
        return self.open

    def link(self) -> str:
        """Path of the page that the last message leads to."""
        text = message_from_bytes(self.got[-1][2], policy=default).get_body(("plain",))
        assert text is not None
        [path] = re.findall(r"https://gate\.example(/g/[\w-]+)", text.get_content())
        return str(path)


@dataclass
class Heard:
    """What the web part told about itself."""

    hits: list[tuple[str, str]] = field(default_factory=list)
    troubles: list[tuple[str, str]] = field(default_factory=list)

    def hit(self, kind: str, outcome: str) -> None:
        """Keep it."""
        self.hits.append((kind, outcome))

    def trouble(self, kind: str, place: str) -> None:
        """Keep it."""
        self.troubles.append((kind, place))


@dataclass
class Site:
    """A web part with everything around it."""

    people: People = field(default_factory=People)
    heard: Heard = field(default_factory=Heard)
    targets: dict[str, str] = field(default_factory=dict)
    controllers: dict[str, ControllerNotice] = field(default_factory=lambda: {"acme": ACME})
    mailbox: Mailbox = field(default_factory=Mailbox)
    allowance: Allowance = field(default_factory=Allowance)
    now: datetime = datetime(2026, 5, 1, 12, tzinfo=UTC)
    days: Days | None = None

    @property
    def catalogue(self) -> Any:
        """What is known of vendors."""
        return SimpleNamespace(vendors=(SimpleNamespace(id="outreach", name="Outreach"),), target=self.targets.get)

    @property
    def app(self) -> Starlette:
        """The application under test."""
        return web_app(
            self.catalogue,
            RING,
            self.people,
            self.people,
            self.controllers,
            log=self.heard,
            proxies=["127.0.0.1"],
            days=self.days,
            public_url="https://gate.example",
            post=self.mailbox,
            allowance=self.allowance,
            clock=lambda: self.now,
        )

    def client(self) -> httpx.AsyncClient:
        """A client that follows nothing and reaches nothing but the application."""
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=True)
        return httpx.AsyncClient(transport=transport, base_url="http://gate.example")

    @contextmanager
    def served(self) -> Iterator[str]:
        """The application on a real socket; gives its address."""
        with listening() as sock:
            server = WebServer(self.app)
            thread = threading.Thread(target=lambda: asyncio.run(server.serve(sock)))
            thread.start()
            try:
                yield f"http://127.0.0.1:{sock.getsockname()[1]}"
            finally:
                server.stop()
                thread.join(20)
                assert not thread.is_alive()


@contextmanager
def listening() -> Iterator[socket.socket]:
    """A socket that listens on a free port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as sock:
        yield sock


def unavailable() -> StoreUnavailable:
    """A store that is down, with the reason whose name is most like an answer."""
    return StoreUnavailable("refused")


def pixel(url: str = "https://t.example/o.gif", purposes: Purpose = Purpose.PERFORMANCE) -> str:
    """Path of a pixel."""
    return "/p/" + seal(RING, PixelToken("acme", ALICE, purposes, "outreach", url))


def link(url: str = "https://t.example/c", purposes: Purpose = Purpose.CLICKS) -> str:
    """Path of a link."""
    return "/l/" + seal(RING, LinkToken("acme", ALICE, purposes, "outreach", url))


def ask(url: str = "https://t.example/c", vendor: str = "outreach", controller: str = "acme") -> str:
    """Path of an ask page."""
    return "/a/" + seal(RING, AskToken(controller, vendor, url))


def withdrawal(controller: str = "acme", masked: str = "") -> str:
    """Path of a withdrawal page."""
    return "/w/" + seal(RING, WithdrawToken(controller, ALICE, masked))


def preferences(controller: str = "acme", masked: str = "") -> str:
    """Path of the preferences."""
    return "/s/" + seal(RING, WithdrawToken(controller, ALICE, masked))


def consent(controller: str = "acme", address: bytes = b"alice@example.com") -> str:
    """Path of the page that asks for consent."""
    return "/c/" + seal(RING, ConsentToken(controller, ALICE, address))


def confirm(purposes: Purpose = Purpose.CLICKS, seq: int = 0, until: int = 1_900_000_000) -> str:
    """Path of the page that a message to confirm leads to."""
    return "/g/" + seal(RING, ConfirmToken("acme", ALICE, purposes, seq, until, "preferences-1", "en"))


def from_elsewhere(number: int) -> dict[str, str]:
    """Header fields of a client behind the proxy, each number in a network of its own."""
    return {"X-Forwarded-For": f"198.{18 + number // 250}.{number % 250}.7", "Accept-Language": "en"}
