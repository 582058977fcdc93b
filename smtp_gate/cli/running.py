"""What ``serve`` and ``web`` do alike: a ledger that opens, a number of processes, a good file to reload."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
import uvloop

from smtp_gate import __version__
from smtp_gate.cli.supervisor import Supervisor
from smtp_gate.consent import Ledger
from smtp_gate.consent.database import Away
from smtp_gate.errors import GateError
from smtp_gate.observe import log, metrics

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from smtp_gate.config.settings import Settings

Config = Annotated[Path, typer.Option("--config", help="The configuration file.", envvar="SMTP_GATE_CONFIG")]


def begin(
    settings: Settings,
    work: Callable[[Callable[[], None]], Awaitable[None]],
    may_reload: Callable[[], bool],
    *,
    listeners: int,
) -> int:
    """Run the processes until they are told to stop.

    Args:
        settings: of all of them.
        work: what one does; gets a function to call once it is ready.
        may_reload: whether the file on disk is good.
        listeners: how many addresses are listened on, for the log.

    Returns:
        The exit code.

    Raises:
        ConfigError: when the ledger cannot be used; one whose server does not answer is no reason.
    """
    log.configure(json={"auto": None, "json": True, "console": False}[settings.observe.log])
    # Once here, so that a ledger that cannot be used is told before anything runs; workers open their own.
    try:
        Ledger(settings.consent.ledger).close()
    except Away as problem:  # mail flows untracked until it is back
        print(problem, file=sys.stderr, flush=True)
    workers = (os.cpu_count() or 1) if settings.workers == "auto" else settings.workers

    def process(ready: Callable[[], None]) -> int:
        async def run() -> None:
            await work(ready)

        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent hears it and says SIGTERM
        uvloop.run(run())
        return 0

    def said(event: str, number: int) -> None:
        if event == "ready":
            log.started(version=__version__, workers=number, listeners=listeners)
        elif event == "worker_lost":
            metrics.process_ended(number)
            log.worker_ended(worker=number, status=0)

    return Supervisor(workers, process, may_reload, said).run()


def may_reload(config: Path, read: Callable[[Path], object]) -> bool:
    """Whether the file on disk is good; its errors go to standard error, where the journal keeps them.

    Args:
        config: the file.
        read: reads and checks it.
    """
    try:
        read(config)
    except GateError as problem:
        errors = getattr(problem, "errors", (problem,))
        metrics.reload("refused")
        log.reload_refused(errors=len(errors))
        for error in errors:
            print(error, file=sys.stderr, flush=True)
        return False
    return True
