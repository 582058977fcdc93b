"""One worker process of ``web``: the web part, and what keeps its look-ups true; nobody's mail goes through it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
from typing import TYPE_CHECKING, NamedTuple

from smtp_gate.cli.rooms import load
from smtp_gate.cli.stores import gate_ledger, stores_of
from smtp_gate.cli.web_part import WebPart, metrics_server
from smtp_gate.consent.openings import Openings
from smtp_gate.delivery.next_hop import NextHop
from smtp_gate.delivery.pool import Pool
from smtp_gate.errors import GateError, StoreUnavailable
from smtp_gate.observe import log, metrics
from smtp_gate.tokens.subject import SUBJECT_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from smtp_gate.cli.rooms import Loaded
    from smtp_gate.config.settings import Settings


class WebDoors(NamedTuple):
    """Bound sockets by what is spoken on them."""

    web: list[socket.socket]
    metrics: list[socket.socket]


class WebWorker:
    """Everything of one process; made after the fork.

    Args:
        config: the file, read again at each reload.
        loaded: what the parent read.
        doors: what the parent bound.
    """

    def __init__(self, config: Path, loaded: Loaded, doors: WebDoors) -> None:
        self._config = config
        self._doors = doors
        self._ledger = gate_ledger(loaded.settings, loaded.ruleset.keyring)
        self._stores = stores_of(loaded.settings, self._ledger)
        self._pool = _pool(loaded.settings)
        openings = Openings(self._ledger)
        self._web = WebPart(loaded, self._stores.look_ups, self._stores.register, openings, self._pool)
        self._metrics = metrics_server()
        self._stop = asyncio.Event()

    async def run(self, ready: Callable[[], None]) -> None:
        """Serve until SIGTERM; then finish what runs."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self._stop.set)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        recent = self._stores.recent
        if recent is not None:
            # Before the first poll the cache is not believed.
            with contextlib.suppress(GateError):
                await recent.poll()
        try:
            await self._stores.look_ups.look_up("", [bytes(SUBJECT_SIZE)])
        except StoreUnavailable as problem:
            log.store_down(reason=problem.reason)
        async with asyncio.TaskGroup() as tasks:
            for door in self._doors.web:
                tasks.create_task(self._web.server.serve(door))
            for door in self._doors.metrics:
                tasks.create_task(self._metrics.serve(door))
            chores = [tasks.create_task(self._stores.register.run()), tasks.create_task(self._web.run())]
            if recent is not None:
                chores.append(tasks.create_task(recent.run()))
            ready()
            await self._stop.wait()
            self._web.server.stop()
            self._metrics.stop()
            for chore in chores:
                chore.cancel()
        await self._web.close()
        if self._pool is not None:
            await self._pool.close()
        await self._stores.look_ups.close()
        self._ledger.close()
        log.stopped(unfinished=0)

    def _reload(self) -> None:
        """Read the file again: controllers, catalogue and keys; the rest needs a restart."""
        try:
            loaded = load(self._config)
        except GateError as problem:
            metrics.reload("refused")
            log.reload_refused(errors=len(getattr(problem, "errors", (problem,))))
            return
        self._web.take(loaded)
        metrics.reload("done")
        log.reloaded(rules=len(loaded.ruleset.policy.rules))


def _pool(settings: Settings) -> Pool | None:
    """The next hops, where the file names any: they take the messages in which people confirm."""
    if settings.deliver is None:
        return None
    hops = [NextHop.parse(url) for url in settings.deliver.next_hops]
    return Pool(hops, settings.deliver.hostname or settings.listen.hostname or socket.gethostname())
