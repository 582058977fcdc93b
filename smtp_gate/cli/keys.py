"""``smtp-gate keys``: make, rotate and list the keys behind the gate's links; no key is ever shown."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from smtp_gate.config.api_keys import add_api_key, load_api_keys, remove_api_key
from smtp_gate.config.keys import load_keys, new_keys, rotate_keys
from smtp_gate.errors import GateError

if TYPE_CHECKING:
    from smtp_gate.tokens import Keyring

_ID = re.compile(r"[a-zA-Z0-9_-]{1,32}")
DEFAULT_KEYS = Path("/etc/smtp-gate/keys.yaml")

app = typer.Typer(no_args_is_help=True, help="Make, rotate and list the keys behind the gate's links.")
Keys = Annotated[Path, typer.Option("--keys", help="The key file.", dir_okay=False, envvar="SMTP_GATE_KEYS")]
api = typer.Typer(no_args_is_help=True, help="Who may call the API: a key for each system, by controller.")
app.add_typer(api, name="api")
DEFAULT_API_KEYS = Path("/etc/smtp-gate/api-keys.yaml")
ApiKeys = Annotated[Path, typer.Option("--api-keys", help="The file of hashes, as web.api_keys names it.")]
Name = Annotated[str, typer.Argument(help="Of the system that calls, such as crm; it stands in the ledger.")]
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


@api.command("new")
def new_api_key(
    name: Name,
    controller: Annotated[str, typer.Option(help="Id of the controller for which the key speaks.")],
    api_keys: ApiKeys = DEFAULT_API_KEYS,
    *,
    as_json: Json = False,
) -> None:
    """Make a key for the API and show it, this once; the file keeps its hash. It holds after a reload."""
    for word, value in (("NAME", name), ("--controller", controller)):
        if not _ID.fullmatch(value):
            raise typer.BadParameter("use at most 32 letters, digits, - and _", param_hint=word)
    try:
        secret = add_api_key(api_keys, name, controller)
    except GateError as error:
        raise _failed(error) from None
    if as_json:
        print(json.dumps({"file": str(api_keys), "name": name, "controller": controller, "key": secret}))
        return
    typer.echo(
        f"{api_keys}: key {name!r} speaks for {controller!r} after a reload. It is shown this once:", err=True
    )
    print(secret)


@api.command("remove")
def remove(name: Name, api_keys: ApiKeys = DEFAULT_API_KEYS, *, as_json: Json = False) -> None:
    """Take a key out; it holds no more after a reload."""
    try:
        remove_api_key(api_keys, name)
    except GateError as error:
        raise _failed(error) from None
    print(json.dumps({"file": str(api_keys), "removed": name}) if as_json else f"{api_keys}: key {name!r} removed")


@api.command("list")
def list_api_keys(api_keys: ApiKeys = DEFAULT_API_KEYS, *, as_json: Json = False) -> None:
    """Names of the keys, and for which controller each speaks."""
    try:
        found = load_api_keys(api_keys)
    except GateError as error:
        raise _failed(error) from None
    if as_json:
        told = [{"name": key.name, "controller": key.controller} for key in found]
        print(json.dumps({"file": str(api_keys), "keys": told}))
        return
    for key in found:
        print(f"{key.name}  {key.controller}")


def _tell(path: Path, ring: Keyring, as_json: bool, text: str) -> None:
    print(json.dumps({"file": str(path), "keys": list(ring.ids), "newest": ring.newest}) if as_json else text)


def _failed(error: GateError) -> typer.Exit:
    typer.echo(str(error), err=True)
    return typer.Exit(error.exit_code)
