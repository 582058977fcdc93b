"""``smtp-gate check-config``: is the file right, as far as can be said without opening anything."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from smtp_gate.cli.rooms import DEFAULT_CONFIG, load
from smtp_gate.config.loosened import loosened
from smtp_gate.config.settings import Settings
from smtp_gate.errors import ConfigError, GateError

Config = Annotated[Path, typer.Option("--config", help="The configuration file.", envvar="SMTP_GATE_CONFIG")]


def check_config(
    config: Config = DEFAULT_CONFIG,
    *,
    schema: Annotated[bool, typer.Option("--schema", help="Print the JSON Schema of the file instead.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")] = False,
) -> None:
    """Check the configuration, its keys and its catalogue files. Exit code 78: there are errors, all are shown."""
    if schema:
        print(json.dumps(Settings.model_json_schema(), indent=2))
        return
    try:
        loaded = load(config)
    except GateError as problem:
        if as_json:
            errors = getattr(problem, "errors", (problem,))
            print(json.dumps({"file": str(config), "ok": False, "errors": [_plain(error) for error in errors]}))
        else:
            typer.echo(str(problem), err=True)
        raise typer.Exit(problem.exit_code) from None
    policy, catalogue = loaded.ruleset.policy, loaded.ruleset.catalogue
    notes = []
    if loaded.settings.deliver is None:
        notes.append("no listen and deliver: good for `smtp-gate web`, not for `smtp-gate serve`")
    if not policy.can_keep:
        notes.append("no web part or no keys: every tracker goes, whatever people agreed to")
    if not policy.controllers:
        notes.append("no controllers: every tracker goes, since consent is given to somebody")
    warnings = loosened(loaded.settings)
    if as_json:
        told: dict[str, Any] = {
            "file": str(config),
            "ok": True,
            "rules": len(policy.rules),
            "vendors": len(catalogue.vendors),
        }
        told |= {"profile": policy.profile.value, "warnings": [_plain(warning) for warning in warnings]}
        print(json.dumps(told | {"notes": notes}))
        return
    print(
        f"{config}: good; profile {policy.profile.value}, {len(policy.rules)} rules, "
        f"{len(catalogue.vendors)} vendors in the catalogue"
    )
    for warning in warnings:
        print(f"warning: {warning}")
    for note in notes:
        print(f"note: {note}")


def _plain(error: GateError) -> dict[str, str]:
    if isinstance(error, ConfigError):
        return {"place": error.place, "key": error.key, "problem": error.problem}
    return {"place": "", "key": "", "problem": str(error)}
