"""A whole gate in one process with everything embedded, and a next hop that records what would have left.

Nothing is mocked but the ends: listener, ledger, policy, web part and delivery are those of ``serve``.
"""

from __future__ import annotations

import asyncio
import secrets
import socket
import tempfile
from contextlib import AsyncExitStack
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, Self

from aiosmtpd.smtp import SMTP

from smtp_gate.config.catalogue import load_catalogue
from smtp_gate.config.load import read_settings
from smtp_gate.consent import Ledger, LedgerStore, Register, utc_now
from smtp_gate.delivery.accepted import AcceptedRecord
from smtp_gate.delivery.next_hop import NextHop
from smtp_gate.delivery.pool import Pool
from smtp_gate.gate import Gate, Ruleset
from smtp_gate.listener.front import Front
from smtp_gate.listener.server import Server
from smtp_gate.tokens import Keyring, subject_of
from smtp_gate.web.app import web_app
from smtp_gate.web.confirm_mail import HopPost
from smtp_gate.web.notice import notices_of

if TYPE_CHECKING:
    from types import TracebackType

    from aiosmtpd.smtp import Envelope, Session
    from starlette.applications import Starlette

    from smtp_gate.model import Purpose

HOSTNAME = "gate.example"


class Sent(NamedTuple):
    """One message at the recording next hop."""

    recipients: tuple[str, ...]
    content: bytes


class RecordingHop:
    """aiosmtpd's handler that keeps what it is given."""

    def __init__(self) -> None:
        self.messages: list[Sent] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Called by aiosmtpd at the end of a message."""
        content = envelope.original_content or b""
        self.messages.append(Sent(tuple(envelope.rcpt_tos), content))
        return "250 2.0.0 Recorded"


class _Hop(SMTP):
    line_length_limit = 1 << 16


class EmbeddedGate:
    """Use it in an ``async with`` statement.

    Args:
        config: text of a configuration; ``{hop}`` and ``{web}`` in it become the ports of the recording next hop
            and of the web part, so braces of YAML are written twice.

    Attributes:
        hop: what would have left.
        ruleset: what mails are judged by.
        register: takes decisions in.
        mail_port: where mail comes in.
        web_door: bound for the web part, which :meth:`web` makes.
    """

    hop: RecordingHop
    ruleset: Ruleset
    register: Register
    mail_port: int
    web_door: socket.socket

    def __init__(self, config: str) -> None:
        self._config = config
        self._rooms = AsyncExitStack()

    async def __aenter__(self) -> Self:
        rooms = self._rooms
        folder = Path(rooms.enter_context(tempfile.TemporaryDirectory(prefix="smtp-gate-")))
        self.hop = RecordingHop()
        loop = asyncio.get_running_loop()
        hop = await loop.create_server(lambda: _Hop(self.hop, hostname="hop.example"), "127.0.0.1", 0)
        rooms.callback(hop.close)
        mail_door = socket.create_server(("127.0.0.1", 0))
        self.web_door = socket.create_server(("127.0.0.1", 0))
        rooms.callback(self.web_door.close)
        ports = {"hop": hop.sockets[0].getsockname()[1], "web": self.web_door.getsockname()[1]}
        settings = read_settings(self._config.format(**ports), "embedded")
        public_url = settings.web.public_url if settings.web else ""
        trackers = settings.trackers
        catalogue = load_catalogue(trackers.extra, trackers.domains, public_url, suspicion=trackers.thresholds())
        self.keyring = Keyring({1: secrets.token_bytes(64)}, 1, secrets.token_bytes(64))
        self.ruleset = Ruleset(settings.rules(), catalogue, self.keyring, public_url, settings.consent.on_failure)
        ledger = Ledger(f"sqlite:///{folder / 'consent.db'}")
        rooms.callback(ledger.close)
        self._store = LedgerStore(ledger.reader())
        rooms.push_async_callback(self._store.close)
        self.register = Register(ledger)
        hops = settings.deliver.next_hops if settings.deliver else []
        self._pool = pool = Pool([NextHop.parse(url) for url in hops], HOSTNAME)
        rooms.push_async_callback(pool.close)
        accepted = AcceptedRecord(None, self.keyring.subject_key)
        rooms.callback(accepted.close)
        gate = Gate(
            ruleset=self.ruleset,
            store=self._store,
            pool=pool,
            accepted=accepted,
            hostname=HOSTNAME,
            now=lambda: format_datetime(utc_now()),
        )
        await pool.probe()
        server = Server(gate, HOSTNAME)
        await server.listen(mail_door, Front())
        rooms.push_async_callback(server.drain, 5)
        self.mail_port = mail_door.getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._rooms.aclose()

    async def grant(self, controller: str, address: str, purposes: Purpose) -> None:
        """Record a person's consent."""
        subject = subject_of(self.keyring, address.encode())
        await self.register.grant(controller, subject, purposes, method="demo", source="demo")

    def web(self) -> Starlette:
        """The web part of this gate."""
        return web_app(
            self.ruleset.catalogue,
            self.keyring,
            self._store,
            self.register,
            notices_of(self.ruleset.policy.controllers),
            log=_Quiet(),
            public_url=self.ruleset.public_url,
            post=HopPost(self._pool),
        )


class _Quiet:
    """Tells nobody."""

    def hit(self, kind: str, outcome: str) -> None:
        """Nothing."""

    def trouble(self, kind: str, place: str) -> None:
        """Nothing."""
