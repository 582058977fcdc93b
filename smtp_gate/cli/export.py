"""``smtp-gate ledger export``: the ledger, or a part of it, as lines of JSON."""

from __future__ import annotations

import json
import os
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path  # noqa: TC003 - typer reads it when it runs
from typing import TYPE_CHECKING, Annotated

import typer

from smtp_gate.cli.desk import EX_DATAERR, EX_NOINPUT, Config, controller_named, progress_bar
from smtp_gate.cli.rooms import DEFAULT_CONFIG, open_books
from smtp_gate.consent.export import NotAnExport, Span, verify_export

if TYPE_CHECKING:
    from typing import BinaryIO

    from smtp_gate.consent.verify import Verdict

_EVERY = 1000
"""Lines between two movements of the bar."""


def export(
    config: Config = DEFAULT_CONFIG,
    controller: Annotated[str, typer.Option(help="Id of the only controller; left out: all.")] = "",
    since: Annotated[str, typer.Option(help="Recorded at or after it: 2026-04-14, or with a time and zone.")] = "",
    until: Annotated[str, typer.Option(help="Recorded before it.")] = "",
    output: Annotated[Path | None, typer.Option("-o", "--output", help="File; left out: standard output.")] = None,
    *,
    addresses: Annotated[
        bool, typer.Option(help="With people's addresses, or with their keyed hashes only.")
    ] = True,
) -> None:
    """Write events and wordings as lines of JSON, with their hashes; `ledger verify --export` checks the file."""
    span = Span(controller, _moment(since, "--since"), _moment(until, "--until"), addresses)
    with open_books(config) as books, ExitStack() as rooms:
        if controller:
            controller_named(books, controller)
        file = rooms.enter_context(_opened(output)) if output is not None else sys.stdout.buffer
        bar = rooms.enter_context(progress_bar(as_json=output is None))
        task = bar.add_task("events", total=books.ledger.head())
        try:
            for number, line in enumerate(books.ledger.export(span)):
                file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
                if number % _EVERY == 0:
                    bar.update(task, completed=number)
            file.flush()
        except OSError as error:
            typer.echo(f"{output or 'standard output'}: cannot be written: {error.strerror}", err=True)
            raise typer.Exit(EX_NOINPUT) from None


def export_verdict(file: Path, signed: dict[int, bytes]) -> Verdict:
    """What is wrong with an export, or nothing.

    Raises:
        Exit: when it is none, or cannot be read.
    """
    try:
        with file.open("rb") as lines:
            return verify_export(lines, signed)
    except NotAnExport as error:
        typer.echo(f"{file}: {error}", err=True)
        raise typer.Exit(EX_DATAERR) from None
    except OSError as error:
        typer.echo(f"{file}: cannot be read: {error.strerror}", err=True)
        raise typer.Exit(EX_NOINPUT) from None


def _opened(path: Path) -> BinaryIO:
    """A file that only its owner may read: people's decisions stand in it."""
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb")
    except OSError as error:
        typer.echo(f"{path}: cannot be written: {error.strerror}", err=True)
        raise typer.Exit(EX_NOINPUT) from None


def _moment(text: str, option: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        problem = "must be a day, 2026-04-14, or a time with a zone, 2026-04-14T09:30:00+02:00"
        raise typer.BadParameter(problem, param_hint=option) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
