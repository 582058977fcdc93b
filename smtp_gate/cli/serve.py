"""``smtp-gate serve``: everything is read, checked and bound before the first worker starts."""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
import uvloop

from smtp_gate import __version__, limits
from smtp_gate.cli.rooms import DEFAULT_CONFIG, aliases_of, load
from smtp_gate.cli.supervisor import Supervisor
from smtp_gate.cli.worker import Doors, Worker
from smtp_gate.config.values import hostname
from smtp_gate.consent import Ledger
from smtp_gate.errors import ConfigError, GateError
from smtp_gate.observe import log, metrics
from smtp_gate.observe.shared import runtime_folder

if TYPE_CHECKING:
    from collections.abc import Callable

EX_OSERR = 71

Config = Annotated[Path, typer.Option("--config", help="The configuration file.", envvar="SMTP_GATE_CONFIG")]


class PortTaken(GateError):  # noqa: N818 - a state of the machine
    """An address that cannot be listened on."""

    exit_code = EX_OSERR


def serve(config: Config = DEFAULT_CONFIG) -> None:
    """Run the gate: SMTP, LMTP and the web part. SIGHUP reloads, SIGTERM finishes what runs and stops."""
    loaded = load(config)
    settings = loaded.settings
    log.configure(json={"auto": None, "json": True, "console": False}[settings.observe.log])
    # Once here, so that a ledger or DNS that cannot be used is told before anything runs; workers open their own.
    Ledger(settings.consent.ledger).close()
    aliases_of(settings)
    web = [settings.web.listen] if settings.web else []
    doors = Doors(
        *(
            [_bound(address) for address in addresses]
            for addresses in (
                settings.listen.smtp,
                settings.listen.lmtp,
                web,
                [settings.observe.metrics] if settings.observe.metrics else [],
            )
        )
    )
    runtime = runtime_folder()
    name = settings.listen.hostname or _machine_name(str(config))
    workers = (os.cpu_count() or 1) if settings.workers == "auto" else settings.workers

    def work(ready: Callable[[], None]) -> int:
        async def run() -> None:
            await Worker(config, loaded, doors, runtime, name).run(ready)

        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it and says SIGTERM
        uvloop.run(run())
        return 0

    def said(event: str, number: int) -> None:
        if event == "ready":
            log.started(version=__version__, workers=number, listeners=len(doors.smtp) + len(doors.lmtp))
        elif event == "worker_lost":
            metrics.process_ended(number)
            log.worker_ended(worker=number, status=0)

    raise typer.Exit(Supervisor(workers, work, lambda: _may_reload(config), said).run())


def _machine_name(place: str) -> str:
    """What the machine calls itself, if that can stand in a Received field.

    Raises:
        ConfigError: when it cannot; every mail would wait, so it is told at start.
    """
    name = socket.getfqdn()
    try:
        return hostname(name or "(none)")
    except ValueError:
        problem = f"the machine's own name {name!r} is no host name; give one here"
        raise ConfigError(place, "listen.hostname", problem) from None


def _may_reload(config: Path) -> bool:
    """Whether the file on disk is good; its errors go to standard error, where the journal keeps them."""
    try:
        aliases_of(load(config).settings)
    except GateError as problem:
        errors = getattr(problem, "errors", (problem,))
        metrics.reload("refused")
        log.reload_refused(errors=len(errors))
        for error in errors:
            print(error, file=sys.stderr, flush=True)
        return False
    return True


def _bound(address: str) -> socket.socket:
    """A listening socket.

    Raises:
        PortTaken: when the address cannot be had; says which and what to look at.
    """
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, or asyncio does not switch Nagle's algorithm off on what is accepted.
    door = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            door.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        door.bind((host, int(port)))
        door.listen(limits.MAX_CONNECTIONS)
    except OSError as problem:
        door.close()
        cure = f"see who holds it with `ss -ltnp 'sport = :{port}'`, or choose another address"
        raise PortTaken(f"{address}: cannot be listened on: {problem.strerror}; {cure}") from None
    door.setblocking(False)  # noqa: FBT003 - the method's only argument
    return door
