"""An endpoint is what the configuration names, its secret a file for one reader; commands show where it stands."""

from __future__ import annotations

import json
from base64 import b64encode
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from smtp_gate.cli import app
from smtp_gate.cli.rooms import load, open_books
from smtp_gate.config.keys import new_keys
from smtp_gate.consent import Choice, Event, utc_now
from smtp_gate.errors import ConfigError, ConfigFileError
from smtp_gate.hooks.endpoint import LEAST, MOST, secret_of
from smtp_gate.model import Purpose
from tests.hooks.receiver import receiving

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """
listen: {{smtp: "127.0.0.1:10025"}}
deliver: {{next_hops: ["smtp://127.0.0.1:25"]}}
consent: {{ledger: "sqlite:///consent.db"}}
keys: keys.yaml
controllers: {{acme: {{name: Acme, senders: ["@acme.example"]}}}}
webhooks: [{{url: "{url}", controller: {controller}, secret_file: hook.secret{more}}}]
"""


def secret_file(path: Path, size: int = 32, text: str = "") -> Path:
    """A secret that only its owner can read."""
    path.write_text(text or f"whsec_{b64encode(b's' * size).decode()}\n", encoding="ascii")
    path.chmod(0o600)
    return path


def configure(folder: Path, url: str, controller: str = "acme", more: str = "") -> Path:
    """A configuration with one endpoint."""
    if not (folder / "keys.yaml").exists():
        new_keys(folder / "keys.yaml")
    path = folder / "config.yaml"
    path.write_text(CONFIG.format(url=url, controller=controller, more=more), encoding="utf-8")
    return path


def test_a_secret_has_a_size(tmp_path: Path) -> None:
    for size in (LEAST, MOST):
        assert secret_of(secret_file(tmp_path / "s", size)) == b"s" * size
    for size in (LEAST - 1, MOST + 1):
        with pytest.raises(ConfigError, match="is no secret"):
            secret_of(secret_file(tmp_path / "s", size))


@pytest.mark.parametrize("text", ["secret", "whsec_", "whsec_!!!", b64encode(b"s" * 32).decode()])
def test_what_is_no_secret_is_told_without_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        secret_of(secret_file(tmp_path / "s", text=text))
    assert text.removeprefix("whsec_")[:40] not in str(caught.value).replace("is no secret, which", "") or text in (
        "whsec_",
        "secret",
    )


def test_a_secret_that_others_can_read_and_one_that_is_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="openssl rand"):
        secret_of(tmp_path / "s")
    secret_file(tmp_path / "s").chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 0600"):
        secret_of(tmp_path / "s")


def test_an_endpoint_is_the_same_until_its_address_or_controller_changes(tmp_path: Path) -> None:
    secret_file(tmp_path / "hook.secret")
    one = load(configure(tmp_path, "https://crm.example/hook")).webhooks[0]
    again = load(configure(tmp_path, "https://crm.example/hook", more=", events: withdraw")).webhooks[0]
    other = load(configure(tmp_path, "https://crm.example/other")).webhooks[0]
    assert one.id == again.id != other.id
    assert (again.choices, len(one.choices)) == (frozenset({Choice.WITHDRAW}), 3)
    assert "s" * 32 not in repr(one)


@pytest.mark.parametrize(
    ("url", "controller", "said"),
    [
        ("http://crm.example/", "acme", "addresses of people go there; write https"),
        ("https://user@crm.example/", "acme", "is no web address"),
        ("ftp://crm.example/", "acme", "is no web address"),
        ("https://crm.example/#x", "acme", "is no web address"),
        ("https://crm.example/", "other", "'other' is no controller of this file; choose one of: acme"),
    ],
)
def test_an_endpoint_that_cannot_be_is_told(tmp_path: Path, url: str, controller: str, said: str) -> None:
    with pytest.raises(ConfigFileError, match=said):
        load(configure(tmp_path, url, controller))


def test_commands_say_where_an_endpoint_stands_and_try_it(tmp_path: Path) -> None:
    secret_file(tmp_path / "hook.secret")
    runner = CliRunner()
    with receiving(204, 500) as receiver:
        config = str(configure(tmp_path, f"http://127.0.0.1:{receiver.port}/hook"))
        good = runner.invoke(app, ["webhooks", "test", "--config", config])
        assert (good.exit_code, good.stdout) == (0, f"http://127.0.0.1:{receiver.port}/hook: taken\n")
        assert json.loads(receiver.got[0][2])["type"] == "test"
        bad = runner.invoke(app, ["webhooks", "test", "--config", config, "--json"])
        assert bad.exit_code == 69
        assert json.loads(bad.stdout)["webhooks"][0]["answer"] == "http_500"
    with open_books(tmp_path / "config.yaml") as books:
        books.ledger.begin_hook(load(tmp_path / "config.yaml").webhooks[0].id)
        event = Event(
            controller="acme",
            subject=b"a" * 16,
            purposes=Purpose.CLICKS,
            decision=Choice.GRANT,
            at=utc_now(),
            method="t",
            source="t",
        )
        books.ledger.append(event)
    said = runner.invoke(app, ["webhooks", "status", "--config", config, "--json"])
    [standing] = json.loads(said.stdout)["webhooks"]
    assert (standing["told"], standing["waiting"], standing["attempts"], standing["due"]) == (0, 1, 0, None)
    assert "told up to event 0, 1 wait" in runner.invoke(app, ["webhooks", "status", "--config", config]).stdout
