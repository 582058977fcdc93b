"""One worker process of ``serve``: listeners, web part and gate on sockets that the parent bound."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
import ssl
from email.utils import format_datetime
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from smtp_gate.cli.rooms import aliases_of, learning_store_of, load
from smtp_gate.cli.stores import gate_ledger, stores_of
from smtp_gate.cli.web_part import WebPart, metrics_server
from smtp_gate.consent import utc_now
from smtp_gate.consent.asked import Asked
from smtp_gate.consent.heads import NotAHead, OtherLedger, keep_head
from smtp_gate.consent.openings import Openings
from smtp_gate.delivery.accepted import AcceptedRecord
from smtp_gate.delivery.next_hop import NextHop
from smtp_gate.delivery.pool import Pool
from smtp_gate.errors import GateError, StoreUnavailable
from smtp_gate.gate import Gate
from smtp_gate.hooks.courier import Courier
from smtp_gate.listener.front import Front
from smtp_gate.listener.peers import Peers
from smtp_gate.listener.server import Server
from smtp_gate.observe import log, metrics
from smtp_gate.observe.audit import Auditor
from smtp_gate.tokens.subject import SUBJECT_SIZE
from smtp_gate.witnesses.learning import Learning

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine
    from pathlib import Path

    from smtp_gate.cli.rooms import Loaded
    from smtp_gate.config.settings import Settings


GC_YOUNG = 20_000
"""Objects between two collections: a newsletter makes some 2,000, nearly all without cycles. With the usual 700 the
collector would look through them several times a mail."""


class Doors(NamedTuple):
    """Bound sockets by what is spoken on them."""

    smtp: list[socket.socket]
    lmtp: list[socket.socket]
    web: list[socket.socket]
    metrics: list[socket.socket]


def _mail_event(event: str, *, peer: str, detail: str = "") -> None:  # noqa: ARG001 - a peer's address is not told
    """What the listener tells, as counters and log lines."""
    if event == "refused":
        metrics.REFUSED_COMMANDS.labels(detail.split(" ", maxsplit=1)[0]).inc()
    elif event == "trouble":
        kind, _, place = detail.partition(" at ")
        log.session_failed(kind=kind, place=place)


class Worker:
    """Everything of one process; made after the fork.

    Args:
        config: the file, read again at each reload.
        loaded: what the parent read.
        doors: what the parent bound.
        runtime: folder that the workers share.
        hostname: what the gate calls itself.
    """

    def __init__(self, config: Path, loaded: Loaded, doors: Doors, runtime: Path, hostname: str) -> None:
        self._config = config
        self._loaded = loaded
        self._doors = doors
        settings = loaded.settings
        keyring = loaded.ruleset.keyring
        self._ledger = gate_ledger(settings, keyring)
        self._recent, self._store, self._register = stores_of(settings, self._ledger)
        self._accepted = AcceptedRecord(runtime, keyring.subject_key if keyring else b"")
        deliver = settings.deliver
        assert deliver is not None  # noqa: S101 - `serve` refuses a file without it
        self._pool = Pool([NextHop.parse(url) for url in deliver.next_hops], deliver.hostname or hostname)
        key = keyring.subject_key if keyring else b""
        self._learning = Learning(learning_store_of(settings), key, settings.trackers.learn)
        self._auditor = Auditor(settings.audit.sample)
        self._gate = Gate(
            ruleset=loaded.ruleset,
            store=self._store,
            pool=self._pool,
            accepted=self._accepted,
            hostname=hostname,
            now=lambda: format_datetime(utc_now()),
            max_size=settings.listen.max_size,
            aliases=aliases_of(settings),
            learning=self._learning,
            auditor=self._auditor,
            asked=Asked(self._ledger),
        )
        self._server = Server(self._gate, hostname, _mail_event)
        self._tls = _tls(settings)
        openings = Openings(self._ledger)
        self._web = WebPart(loaded, self._store, self._register, openings, self._pool) if doors.web else None
        self._http = [(self._web.server, door) for door in doors.web] if self._web else []
        self._http += [(metrics_server(), door) for door in doors.metrics]
        self._courier = Courier(self._ledger, loaded.webhooks)
        self._stop = asyncio.Event()

    async def run(self, ready: Callable[[], None]) -> None:
        """Serve until SIGTERM; then finish what runs."""
        loop = asyncio.get_running_loop()
        # What is here now stays: the collector need not look at it again and again.
        gc.freeze()
        gc.set_threshold(GC_YOUNG)
        loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        await self._pool.probe()
        if self._recent is not None:
            # Before the first poll the cache is not believed.
            with contextlib.suppress(GateError):
                await self._recent.poll()
        await self._first_look()
        for lmtp, sockets in ((False, self._doors.smtp), (True, self._doors.lmtp)):
            for door in sockets:
                await self._server.listen(door, self._front(lmtp=lmtp))
        async with asyncio.TaskGroup() as tasks:
            for server, door in self._http:
                tasks.create_task(server.serve(door))
            chores = [tasks.create_task(chore) for chore in self._chores()]
            ready()
            await self._stop.wait()
            unfinished = await self._server.drain()
            for server, _ in self._http:
                server.stop()
            for chore in chores:
                chore.cancel()
        if self._web is not None:
            await self._web.close()
        await self._pool.close()
        self._auditor.close()
        self._courier.close()
        await self._store.close()
        await self._learning.close()
        if self._gate.aliases is not None:
            await self._gate.aliases.close()
        self._accepted.close()
        self._ledger.close()
        log.stopped(unfinished=unfinished)

    def _chores(self) -> list[Coroutine[object, object, NoReturn]]:
        """What goes on beside the mails."""
        chores = [self._register.run(), self._learning.run()]
        if self._web is not None:
            chores.append(self._web.run())
        chores.append(self._courier.run())
        if self._recent is not None:
            chores.append(self._recent.run())
        if self._loaded.settings.consent.heads is not None:
            chores.append(self._sign_heads(self._loaded.settings.consent.heads))
        return chores

    async def _sign_heads(self, path: Path) -> NoReturn:
        """Sign the ledger's head again and again; of several workers, whoever is first."""
        period = self._loaded.settings.consent.heads_every * 60
        while True:
            keyring = self._loaded.ruleset.keyring
            try:
                if keyring is not None:
                    await asyncio.to_thread(keep_head, path, self._ledger, keyring, utc_now, period / 2)
            except OtherLedger as problem:
                log.ledger_replaced(events=problem.seq, signed=problem.signed)
            except (NotAHead, StoreUnavailable, OSError) as problem:
                log.heads_failed(kind=type(problem).__name__)
            await asyncio.sleep(period)

    async def _first_look(self) -> None:
        """An operator hears at the start that the consent store gives no answer, not at the first mail."""
        try:
            await self._store.look_up("", [bytes(SUBJECT_SIZE)])
        except StoreUnavailable as problem:
            self._gate.store_said(problem.reason)

    def _front(self, *, lmtp: bool) -> Front:
        listen = self._loaded.settings.listen
        return Front(
            lmtp=lmtp,
            peers=Peers(listen.allow),
            tls=self._tls,
            require_tls=listen.tls is not None and listen.tls.required,
        )

    def _reload(self) -> None:
        """Read the file again: rules, catalogue, controllers, keys and certificate; the rest needs a restart."""
        try:
            loaded = load(self._config)
            was, trackers = self._loaded.settings.trackers, loaded.settings.trackers
            same = (was.cname, was.dns) == (trackers.cname, trackers.dns)
            aliases = self._gate.aliases if same else aliases_of(loaded.settings)
            if self._tls is not None and loaded.settings.listen.tls is not None:
                tls = loaded.settings.listen.tls
                self._tls.load_cert_chain(tls.certificate, tls.key)
        except (GateError, OSError) as problem:
            metrics.reload("refused")
            log.reload_refused(errors=len(getattr(problem, "errors", (problem,))))
            return
        self._loaded = loaded
        self._gate.ruleset = loaded.ruleset
        self._gate.aliases = aliases
        self._learning.mode = loaded.settings.trackers.learn
        self._auditor.sample = loaded.settings.audit.sample
        self._courier.endpoints = loaded.webhooks
        if self._web is not None:
            self._web.take(loaded)
        metrics.reload("done")
        log.reloaded(rules=len(loaded.ruleset.policy.rules))


def _tls(settings: Settings) -> ssl.SSLContext | None:
    tls = settings.listen.tls
    if tls is None:
        return None
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tls.certificate, tls.key)
    return context
