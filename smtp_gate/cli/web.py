"""``smtp-gate web``: the web part alone, as it stands in a DMZ; no mail goes through these processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from smtp_gate.cli.ports import bound
from smtp_gate.cli.rooms import DEFAULT_CONFIG, load
from smtp_gate.cli.running import Config, begin, may_reload
from smtp_gate.cli.web_worker import WebDoors, WebWorker
from smtp_gate.config.values import Bind
from smtp_gate.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

Metrics = Annotated[
    str | None,
    typer.Option(
        "--metrics", help="HOST:PORT for Prometheus instead of observe.metrics, or none.", metavar="ADDRESS"
    ),
]


def web(config: Config = DEFAULT_CONFIG, *, metrics: Metrics = None) -> None:
    """Run the web part alone: pixel, links, withdrawal. Needs web and keys; listen and deliver may be left out."""
    address = _address(metrics)
    loaded = load(config)
    settings = loaded.settings
    if settings.web is None:
        raise ConfigError(
            settings.place(()) or str(config), "web", "is missing; `smtp-gate web` runs what it describes"
        )
    shown = settings.observe.metrics if metrics is None else address
    doors = WebDoors([bound(settings.web.listen)], [bound(shown)] if shown else [])

    async def work(ready: Callable[[], None]) -> None:
        await WebWorker(config, loaded, doors).run(ready)

    raise typer.Exit(begin(settings, work, lambda: may_reload(config, load), listeners=len(doors.web)))


def _address(text: str | None) -> str | None:
    if text is None or text == "none":
        return None
    try:
        return TypeAdapter[str](Bind).validate_python(text)
    except ValidationError:
        raise typer.BadParameter(
            "write HOST:PORT such as 127.0.0.1:9926, or none", param_hint="--metrics"
        ) from None
