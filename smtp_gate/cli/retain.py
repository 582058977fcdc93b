"""``smtp-gate ledger retain``: take out whose proof was kept for as long as the configuration says."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Annotated

import typer

from smtp_gate.cli.desk import Config, Json, caught_up, operator
from smtp_gate.cli.rooms import DEFAULT_CONFIG, open_books


def retain(
    config: Config = DEFAULT_CONFIG,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count them.")] = False,
    as_json: Json = False,
) -> None:
    """Erase everybody of whom nothing was recorded for `consent.retention` days and nothing holds."""
    with open_books(config) as books:
        days = books.settings.consent.retention
        if days is None:
            print(json.dumps({"retention": None}) if as_json else "consent.retention is not set: all is kept")
            return
        done = books.ledger.retain(timedelta(days=days), operator(), dry_run=dry_run)
        behind = bool(done) and not dry_run and not caught_up(books)
    if as_json:
        print(json.dumps({"retention": days, "dry_run": dry_run, "erased": done}))
    else:
        for controller, number in done.items():
            print(f"{controller}: {number:,} people {'would be' if dry_run else 'were'} taken out")
        if not done:
            print("nobody is due")
    if behind:
        typer.echo("the cache does not answer; running gates catch it up", err=True)
