"""``smtp-gate audit``: mails that left, read again by another parser; which trackers are still in them."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer
from rich.console import Console
from rich.table import Table

from smtp_gate.cli.mail import EX_NO_INPUT
from smtp_gate.cli.rooms import ruleset_of
from smtp_gate.cli.sources import mails_of
from smtp_gate.observe.second_opinion import trackers_left

if TYPE_CHECKING:
    from smtp_gate.observe.second_opinion import Left

EX_FOUND = 1
"""At least one tracker is there."""

Paths = Annotated[
    list[str], typer.Argument(metavar="MAIL...", help="Files, mboxes, maildirs, folders; - is standard input.")
]
Config = Annotated[
    Path | None,
    typer.Option(
        "--config", dir_okay=False, help="Own tracking hosts and catalogue files; else built-in defaults."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object for each mail instead of a table.")]


def audit(mails: Paths, *, config: Config = None, as_json: Json = False) -> None:
    """Read mails that left once more, with other parsers than the gate's, and list the trackers in them.

    Exit code 0: none. 1: at least one. No address of a person is shown.
    """
    catalogue = ruleset_of(config).catalogue
    read = tracked = 0
    table = Table("mail", "part", "where", "what", "vendor", "evidence", "host")
    try:
        for name, raw in mails_of(mails):
            found = trackers_left(raw, catalogue)
            read += 1
            tracked += bool(found)
            rows = [_row(left) for left in found]
            if as_json:
                print(json.dumps({"mail": name, "trackers": rows}, ensure_ascii=False))
            for row in rows:
                table.add_row(
                    name, *(", ".join(value) if isinstance(value, list) else value for value in row.values())
                )
    except OSError as error:
        typer.echo(f"{error.filename}: cannot be read: {error.strerror}", err=True)
        raise typer.Exit(EX_NO_INPUT) from None
    if not as_json:
        console = Console(file=sys.stdout)
        if table.row_count:
            console.print(table)
        console.print(f"{tracked} of {read} mails hold trackers", highlight=False)
    if tracked:
        raise typer.Exit(EX_FOUND)


def _row(left: Left) -> dict[str, Any]:
    """One tracker without anything personal: of its address only the host is told."""
    try:
        host = urlsplit(left.url).hostname or ""
    except ValueError:
        host = ""
    return {
        "part": left.part,
        "where": left.where,
        "kind": left.kind.value,
        "vendor": left.vendor,
        "evidence": list(left.evidence),
        "host": host,
    }
