"""The command line: one file a command group.

``rooms`` turns a configuration file into what commands work with; ``supervisor`` runs the processes of ``serve``
(``worker``) and ``web`` (``web_worker``), which listen on what ``ports`` bound.
A command prints an error of ours as one line on standard error and exits with its ``sysexits`` code.
"""

from __future__ import annotations

import json
import sys
from typing import Annotated

import typer

from smtp_gate import __version__
from smtp_gate.cli import consent, keys, ledger, trackers, webhooks
from smtp_gate.cli.audit import audit
from smtp_gate.cli.check import check_config
from smtp_gate.cli.demo import demo
from smtp_gate.cli.inactive import inactive
from smtp_gate.cli.learned import learned
from smtp_gate.cli.mail import explain, rewrite
from smtp_gate.cli.questions import link
from smtp_gate.cli.serve import serve
from smtp_gate.cli.snippet import snippet
from smtp_gate.cli.web import web
from smtp_gate.errors import GateError

app = typer.Typer(
    name="smtp-gate",
    help="Outbound SMTP proxy: trackers leave the company only with the recipient's consent.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command()(serve)
app.command()(web)
app.command()(demo)
app.command("check-config")(check_config)
app.command()(explain)
app.command()(rewrite)
app.command()(audit)
app.command()(inactive)
consent.app.command("link")(link)
consent.app.command("snippet")(snippet)
app.add_typer(consent.app, name="consent")
trackers.app.command("learned")(learned)
app.add_typer(ledger.app, name="ledger")
app.add_typer(trackers.app, name="trackers")
app.add_typer(webhooks.app, name="webhooks")
app.add_typer(keys.app, name="keys")


@app.command()
def version(*, as_json: Annotated[bool, typer.Option("--json")] = False) -> None:
    """Print the version."""
    print(json.dumps({"version": __version__}) if as_json else __version__)


def main() -> None:
    """Run the command line."""
    try:
        app()
    except GateError as problem:
        print(problem, file=sys.stderr)
        raise SystemExit(problem.exit_code) from None
