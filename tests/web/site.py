"""A web part to visit in tests: its keys, its people, a store and a register that do as told, a client."""

from __future__ import annotations

import asyncio
import socket
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import httpx

from smtp_gate.errors import StoreUnavailable
from smtp_gate.model import EVERYTHING, NOTHING, Consent, Purpose
from smtp_gate.tokens import AskToken, Keyring, LinkToken, PixelToken, WithdrawToken, seal, subject_of
from smtp_gate.web.app import web_app
from smtp_gate.web.notice import ControllerNotice
from smtp_gate.web.server import WebServer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from starlette.applications import Starlette

RING = Keyring({1: b"a" * 64, 2: b"b" * 64}, 2, b"s" * 64)
ALICE = subject_of(RING, b"alice@example.com")
ACME = ControllerNotice("Acme SAS", "https://acme.example/privacy", "dpo@acme.example", "fr")


@dataclass
class People:
    """Store and register in one: what was withdrawn here is withdrawn at the next look-up."""

    granted: Purpose = EVERYTHING
    reason: str = "granted"
    failure: Exception | None = None
    asked: int = 0
    withdrawn: list[dict[str, Any]] = field(default_factory=list)

    async def look_up(self, controller: str, subjects: Sequence[bytes]) -> list[Consent]:
        """Alice is the only person there is."""
        self.asked += 1
        if self.failure:
            raise self.failure
        assert controller == "acme"
        assert list(subjects) == [ALICE]
        return [Consent(self.granted, self.reason)]

    async def close(self) -> None:
        """Nothing is open."""

    async def withdraw(self, controller: str, subject: bytes, purposes: Purpose, **how: str) -> None:
        """Record it, or fail as told."""
        if self.failure:
            raise self.failure
        self.withdrawn.append({"controller": controller, "subject": subject, "purposes": purposes, **how})
        self.granted, self.reason = NOTHING, "withdrawn"


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


def withdrawal(controller: str = "acme") -> str:
    """Path of a withdrawal page."""
    return "/w/" + seal(RING, WithdrawToken(controller, ALICE))


def from_elsewhere(number: int) -> dict[str, str]:
    """Header fields of a client behind the proxy, each number in a network of its own."""
    return {"X-Forwarded-For": f"198.{18 + number // 250}.{number % 250}.7", "Accept-Language": "en"}
