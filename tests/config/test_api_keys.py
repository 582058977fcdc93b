"""A file of API keys holds hashes only, grows and shrinks by commands, and says what is wrong with it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from smtp_gate.cli.keys import app
from smtp_gate.cli.rooms import load
from smtp_gate.config.api_keys import MAX_API_KEYS, add_api_key, digest_of, load_api_keys, remove_api_key
from smtp_gate.config.keys import new_keys
from smtp_gate.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path


def test_a_key_is_shown_once_and_its_hash_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "api.yaml"
    secrets = [add_api_key(path, name, "acme") for name in ("crm", "shop")]
    assert len(set(secrets)) == 2
    assert all(len(secret) > 45 for secret in secrets)
    keys = load_api_keys(path)
    assert [(key.name, key.controller, key.digest) for key in keys] == [
        (name, "acme", digest_of(secret)) for name, secret in zip(("crm", "shop"), secrets, strict=True)
    ]
    text = path.read_text(encoding="ascii")
    assert not any(secret in text for secret in secrets)
    assert path.stat().st_mode & 0o777 == 0o640
    path.chmod(0o600)
    remove_api_key(path, "crm")
    assert [key.name for key in load_api_keys(path)] == ["shop"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["api.yaml"]


def test_a_name_is_there_once_and_a_key_that_is_not_there_cannot_be_removed(tmp_path: Path) -> None:
    path = tmp_path / "api.yaml"
    add_api_key(path, "crm", "acme")
    with pytest.raises(ConfigError, match="name of a key already"):
        add_api_key(path, "crm", "acme")
    with pytest.raises(ConfigError, match="no key of this file"):
        remove_api_key(path, "shop")


def test_there_is_an_end_to_them(tmp_path: Path) -> None:
    path = tmp_path / "api.yaml"
    rows = {f"k{number}": {"controller": "acme", "sha256": "0" * 64} for number in range(MAX_API_KEYS)}
    path.write_text(json.dumps({"api_keys": rows}), encoding="ascii")
    assert len(load_api_keys(path)) == MAX_API_KEYS
    with pytest.raises(ConfigError, match="has 100 keys already"):
        add_api_key(path, "more", "acme")
    path.write_text(json.dumps({"api_keys": rows | {"more": rows["k1"]}}), encoding="ascii")
    with pytest.raises(ConfigError, match="more than 100 keys"):
        load_api_keys(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[", "is not YAML"),
        ("", "is not as `smtp-gate keys api new` writes it"),
        ("api_keys: {crm: {controller: acme, sha256: abc}}", "api_keys.crm.sha256: is not as"),
        ("api_keys: {crm: {controller: acme, key: smtpgate_secret}}", "api_keys.crm.sha256: is not as"),
    ],
)
def test_what_is_no_such_file_is_told_without_its_content(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "api.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_api_keys(path)
    assert said in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_file_that_everybody_may_change_is_refused_and_one_that_is_not_there_told(tmp_path: Path) -> None:
    path = tmp_path / "api.yaml"
    with pytest.raises(ConfigError, match="smtp-gate keys api new"):
        load_api_keys(path)
    add_api_key(path, "crm", "acme")
    path.chmod(0o646)
    with pytest.raises(ConfigError, match="chmod 0640"):
        load_api_keys(path)


def test_a_key_for_nobody_is_told_at_the_start(tmp_path: Path) -> None:
    new_keys(tmp_path / "keys.yaml")
    text = (
        "web: {{public_url: 'https://p.acme.example', api_keys: api.yaml}}\nkeys: keys.yaml\n"
        "controllers: {{{}: {{name: A, senders: ['@a.example']}}}}\n"
    )
    config = tmp_path / "config.yaml"
    config.write_text(text.format("acme"), encoding="utf-8")
    add_api_key(tmp_path / "api.yaml", "crm", "acme")
    assert [key.name for key in load(config).api_keys] == ["crm"]
    config.write_text(text.format("other"), encoding="utf-8")
    with pytest.raises(ConfigError, match="crm: is for 'acme', which is no controller of the configuration: other"):
        load(config)


def test_the_commands_make_list_and_remove(tmp_path: Path) -> None:
    path = str(tmp_path / "api.yaml")
    runner = CliRunner()
    made = runner.invoke(app, ["api", "new", "crm", "--controller", "acme", "--api-keys", path])
    assert made.exit_code == 0
    assert made.stdout.startswith("smtpgate_")
    assert made.stdout.strip() not in made.stderr
    listed = runner.invoke(app, ["api", "list", "--api-keys", path, "--json"])
    assert json.loads(listed.stdout)["keys"] == [{"name": "crm", "controller": "acme"}]
    assert runner.invoke(app, ["api", "new", "crm", "--controller", "acme", "--api-keys", path]).exit_code == 78
    assert runner.invoke(app, ["api", "new", "c r m", "--controller", "acme", "--api-keys", path]).exit_code == 2
    assert runner.invoke(app, ["api", "remove", "crm", "--api-keys", path]).exit_code == 0
    assert runner.invoke(app, ["api", "list", "--api-keys", path]).stdout == ""
