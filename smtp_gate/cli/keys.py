"""``smtp-gate keys``: make, rotate and list the keys behind the gate's links; no key is ever shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from smtp_gate.config.keys import load_keys, new_keys, rotate_keys
from smtp_gate.errors import GateError

if TYPE_CHECKING:
    from smtp_gate.tokens import Keyring

DEFAULT_KEYS = Path("/etc/smtp-gate/keys.yaml")

app = typer.Typer(no_args_is_help=True, help="Make, rotate and list the keys behind the gate's links.")
Keys = Annotated[Path, typer.Option("--keys", help="The key file.", dir_okay=False, envvar="SMTP_GATE_KEYS")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")]


@app.command("new")
def new(keys: Keys = DEFAULT_KEYS, *, as_json: Json = False) -> None:
    """Make a key file that only you can read; one that is there is never overwritten."""
    try:
        ring = new_keys(keys)
    except GateError as error:
        raise _failed(error) from None
    _tell(keys, ring, as_json, f"{keys}: made, key {ring.newest} seals. Keep a copy of it in a safe place.")


@app.command("rotate")
def rotate(keys: Keys = DEFAULT_KEYS, *, as_json: Json = False) -> None:
    """Add a key that seals from the next reload on; the older ones go on opening what they sealed."""
    try:
        ring = rotate_keys(keys)
    except GateError as error:
        raise _failed(error) from None
    order = "Reload the web processes first, then the gates: a web process must know a key before mails hold it."
    _tell(keys, ring, as_json, f"{keys}: key {ring.newest} added, it seals from the next reload on. {order}")


@app.command("list")
def list_keys(keys: Keys = DEFAULT_KEYS, *, as_json: Json = False) -> None:
    """The ids of the keys, and which one seals."""
    try:
        ring = load_keys(keys)
    except GateError as error:
        raise _failed(error) from None
    lines = [f"{number}  {'seals and opens' if number == ring.newest else 'opens'}" for number in ring.ids]
    _tell(keys, ring, as_json, "\n".join(lines))


def _tell(path: Path, ring: Keyring, as_json: bool, text: str) -> None:
    print(json.dumps({"file": str(path), "keys": list(ring.ids), "newest": ring.newest}) if as_json else text)


def _failed(error: GateError) -> typer.Exit:
    typer.echo(str(error), err=True)
    return typer.Exit(error.exit_code)
