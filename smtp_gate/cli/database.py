"""``smtp-gate ledger upgrade``, ``rebuild`` and ``roles``: what an administrator of the database runs."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from smtp_gate.cli.desk import Config, Json  # noqa: TC001 - typer reads them when it runs
from smtp_gate.cli.rooms import DEFAULT_CONFIG, open_books
from smtp_gate.config.load import load_settings
from smtp_gate.consent import Ledger
from smtp_gate.consent.roles import rights_sql
from smtp_gate.consent.schema import REVISION

Url = Annotated[
    str,
    typer.Option(help="Another address than the configured one, such as its owner's.", envvar="SMTP_GATE_LEDGER"),
]


def upgrade(config: Config = DEFAULT_CONFIG, ledger: Url = "", *, as_json: Json = False) -> None:
    """Make the ledger's tables, or bring them up to this version; a gate does it itself where it may."""
    Ledger(ledger or load_settings(config).consent.ledger).close()
    print(json.dumps({"layout": REVISION}) if as_json else f"the ledger has layout {REVISION}")


def rebuild(config: Config = DEFAULT_CONFIG, *, as_json: Json = False) -> None:
    """Make again from the events what look-ups are told, where `verify` says that it is wrong."""
    with open_books(config) as books:
        number = books.ledger.rebuild()
    print(json.dumps({"standings": number}) if as_json else f"{number:,} standings made from the events")


def roles(role: Annotated[str, typer.Option(help="The gate's role.")] = "smtp_gate") -> None:
    """Print the SQL that gives the gate's role on PostgreSQL the rights it needs, and no more."""
    try:
        print(rights_sql(role), end="")
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--role") from None
