"""``smtp-gate serve``: everything is read, checked and bound before the first worker starts."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Annotated

import typer

from smtp_gate.cli.ports import bound
from smtp_gate.cli.rooms import DEFAULT_CONFIG, aliases_of, load
from smtp_gate.cli.running import Config, begin, may_reload
from smtp_gate.cli.worker import Doors, Worker
from smtp_gate.config.values import hostname
from smtp_gate.errors import ConfigError
from smtp_gate.observe.shared import runtime_folder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def serve(
    config: Config = DEFAULT_CONFIG,
    *,
    web: Annotated[bool, typer.Option("--web/--no-web", help="With the web part, or leave it to `web`.")] = True,
) -> None:
    """Run the gate: SMTP, LMTP and the web part. SIGHUP reloads, SIGTERM finishes what runs and stops."""
    loaded = load(config)
    settings = loaded.settings
    if settings.deliver is None:
        problem = "is missing, and listen too: this file is for `smtp-gate web`; `serve` needs both"
        raise ConfigError(settings.place(()) or str(config), "deliver", problem)
    aliases_of(settings)
    name = settings.listen.hostname or _machine_name(str(config))
    doors = Doors(
        *(
            [bound(address) for address in addresses]
            for addresses in (
                settings.listen.smtp,
                settings.listen.lmtp,
                [settings.web.listen] if settings.web and web else [],
                [settings.observe.metrics] if settings.observe.metrics else [],
            )
        )
    )
    runtime = runtime_folder()

    async def work(ready: Callable[[], None]) -> None:
        await Worker(config, loaded, doors, runtime, name).run(ready)

    listeners = len(doors.smtp) + len(doors.lmtp)
    raise typer.Exit(begin(settings, work, lambda: may_reload(config, _checked), listeners=listeners))


def _checked(config: Path) -> None:
    aliases_of(load(config).settings)


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
