"""``smtp-gate consent`` on a configuration of its own, with a cache and without."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from smtp_gate.cli.consent import app
from smtp_gate.config.keys import load_keys, new_keys
from smtp_gate.consent import RedisStore
from smtp_gate.errors import ConfigError, GateError, StoreUnavailable
from smtp_gate.model import Purpose
from smtp_gate.tokens import subject_of
from tests.redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from typer.testing import Result

ANNA = "anna@example.com"
CONFIG = """
listen: {{smtp: "127.0.0.1:10025"}}
deliver: {{next_hops: ["smtp://127.0.0.1:25"]}}
consent: {{ledger: "sqlite:///{folder}/consent.db"{cache}}}
keys: keys.yaml
controllers:
  acme: {{name: Acme, senders: ["@acme.example"]}}
{more}
"""
OTHER = '  other: {name: Other, senders: ["@other.example"]}'
HEADER = "address,controller,purposes,decision,at,method,source,notice\n"
GOOD = "bert@example.com,acme,clicks,grant,2026-04-20T10:00:00+02:00,form,https://acme.example/news,v3\n"


def configure(folder: Path, cache: str = "", more: str = "") -> Path:
    if not (folder / "keys.yaml").exists():
        new_keys(folder / "keys.yaml")
    cache = f', cache: "{cache}"' if cache else ""
    path = folder / "config.yaml"
    path.write_text(CONFIG.format(folder=folder, cache=cache, more=more))
    return path


class Command:
    """Runs ``consent`` with the configuration of a folder."""

    def __init__(self, config: Path) -> None:
        self.config = config

    def __call__(self, *words: str, code: int = 0) -> Result:
        result = CliRunner().invoke(app, [words[0], "--config", str(self.config), *words[1:]])
        if isinstance(result.exception, GateError):
            assert result.exception.exit_code == code
        else:
            assert result.exit_code == code, result.output
        return result

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self(*words, "--json", code=code).stdout)


@pytest.fixture
def consent(tmp_path: Path) -> Command:
    return Command(configure(tmp_path))


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


def test_grant_withdraw_refuse_and_get_tell_one_story(consent: Command) -> None:
    assert consent("get", ANNA).stdout == "acme: nothing (unknown)\n"
    wording = ("--source", "desk", "--notice", "v3")
    assert (
        "event 1; acme: performance, clicks (granted)"
        in consent("grant", ANNA, "clicks,performance", *wording).stdout
    )
    assert consent("get", "ANNA@EXAMPLE.COM").stdout == "acme: performance, clicks (granted)\n"
    assert "event 2; acme: performance (granted)" in consent("withdraw", ANNA, "clicks").stdout
    assert consent.json("withdraw", ANNA) == {
        "event": 3, "controller": "acme", "granted": [], "reason": "withdrawn"
    }  # fmt: skip
    assert consent.json("refuse", "bert@example.com")["reason"] == "refused"
    told = consent.json("get", ANNA, "--history")
    assert told["address"] == ANNA
    assert told["consent"] == [{"controller": "acme", "granted": [], "reason": "withdrawn"}]
    assert [(each["event"], each["decision"], each["purposes"]) for each in told["history"]] == [
        (1, "grant", "performance, clicks"),
        (2, "withdraw", "clicks"),
        (3, "withdraw", "performance, profiling, fraud, deliverability, clicks"),
    ]
    assert told["history"][0]["source"] == "desk"
    assert told["history"][0]["notice"] == "v3"
    assert "withdraw" in consent("get", ANNA, "--history").stdout


def test_a_consent_that_ended_is_told_as_expired(consent: Command) -> None:
    consent("grant", ANNA, "clicks", "--source", "desk", "--notice", "v3", "--expires", "2999-01-01T00:00:00Z")
    assert consent.json("get", ANNA)["consent"][0]["reason"] == "granted"
    assert consent.json("get", ANNA, "--history")["history"][0]["expires"] == "2999-01-01T00:00:00+00:00"


def test_with_several_controllers_the_command_says_which(tmp_path: Path) -> None:
    consent = Command(configure(tmp_path, more=OTHER))
    assert "acme, other" in consent("withdraw", ANNA, code=2).output
    assert "acme, other" in consent("withdraw", ANNA, "--controller", "acne", code=2).output
    consent("withdraw", ANNA, "--controller", "other")
    assert [each["reason"] for each in consent.json("get", ANNA)["consent"]] == ["unknown", "withdrawn"]
    assert len(consent.json("get", ANNA, "--controller", "other")["consent"]) == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("grant", ANNA, "clicks"), "--source"),
        (("grant", ANNA, "clicks", "--source", "desk"), "--notice"),
        (("grant", ANNA, "all", "--source", "desk", "--notice", "v3"), "one by one"),
        (("grant", ANNA, "opens", "--source", "desk", "--notice", "v3"), "performance, profiling"),
        (("grant", ANNA, "clicks", "--source", "", "--notice", "v3"), "source must not be empty"),
        (("grant", ANNA, "clicks", "--source", "x", "--notice", "v3", "--expires", "soon"), "--expires"),
        (
            ("grant", ANNA, "clicks", "--source", "x", "--notice", "v3", "--expires", "2020-01-01T00:00:00Z"),
            "expires",
        ),
        (("withdraw", "Anna <anna@example.com>"), "local@domain"),
        (("get", "anna"), "local@domain"),
    ],
)
def test_what_would_prove_nothing_is_refused(consent: Command, words: tuple[str, ...], said: str) -> None:
    assert said in " ".join(consent(*words, code=2).output.replace("│", " ").split())


def test_a_configuration_that_cannot_be_used_is_told_with_exit_code_78(tmp_path: Path) -> None:
    assert isinstance(Command(tmp_path / "none.yaml")("get", ANNA, code=78).exception, GateError)
    consent = Command(configure(tmp_path))
    (tmp_path / "keys.yaml").unlink()
    assert isinstance(consent("get", ANNA, code=78).exception, ConfigError)


def test_an_import_tells_what_became_of_each_row(consent: Command, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    bad = GOOD.replace("bert", "carl").replace("v3", "")
    file.write_text(HEADER + GOOD + GOOD + bad)
    dry = consent("import", str(file), "--dry-run", code=65)
    assert f"{file}:4: notice must name the wording" in dry.stdout
    assert "1 would be taken, 1 there already, 1 do not count" in dry.stdout
    assert "carl" not in dry.output
    assert consent("get", "bert@example.com").stdout == "acme: nothing (unknown)\n"
    assert "carl@example.com" in consent("import", str(file), "--show", code=65).stdout
    assert consent("get", "bert@example.com").stdout == "acme: clicks (granted)\n"
    told = consent.json("import", str(file), code=65)
    assert (told["taken"], told["repeated"], told["skipped"], told["dry_run"]) == (0, 2, 1, False)
    assert [(row["line"], "address" in row) for row in told["rows"]] == [(4, False)]
    assert list(told["reasons"].values()) == [1]
    file.write_text(HEADER + GOOD)
    assert consent.json("import", str(file))["repeated"] == 1


def test_a_file_without_columns_and_a_zone_that_is_none_are_refused(consent: Command, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    file.write_text("a,b\n")
    assert "missing: address" in consent("import", str(file), code=65).output
    assert "--zone" in consent("import", str(file), "--zone", "Mars/Olympus", code=2).output
    file.write_text(HEADER + GOOD.replace("+02:00", ""))
    assert consent.json("import", str(file), code=65)["skipped"] == 1
    assert consent.json("import", str(file), "--zone", "Europe/Paris")["taken"] == 1


def test_reload_without_a_cache_has_nothing_to_do(consent: Command) -> None:
    assert "no cache is configured" in consent("reload").stdout
    assert consent.json("reload") == {"cache": False}


def test_commands_keep_the_cache_in_step(tmp_path: Path, redis_server: RedisServer) -> None:
    consent = Command(configure(tmp_path, redis_server.url))
    subject = subject_of(load_keys(tmp_path / "keys.yaml"), ANNA.encode())

    def cached() -> Purpose:
        async def look_up() -> Purpose:
            store = RedisStore(redis_server.url, None)
            (found,) = await store.look_up("acme", [subject])
            await store.close()
            return found.granted

        return asyncio.run(look_up())

    assert consent.json("reload") == {
        "cache": True,
        "records": 0,
        "removed": 0,
        "applied": 0,
        "settings": [],
    }
    consent("grant", ANNA, "clicks", "--source", "desk", "--notice", "v3")
    assert cached() == Purpose.CLICKS
    consent("withdraw", ANNA)
    assert cached() == Purpose(0)
    file = tmp_path / "list.csv"
    file.write_text(HEADER + GOOD.replace("bert@example.com", ANNA).replace("clicks", "fraud"))
    assert consent.json("import", str(file))["taken"] == 1
    assert cached() == Purpose(0)  # the withdrawal is newer
    assert "1 people up to event 3; 1 keys of older ones removed" in consent("reload").stdout


def test_a_cache_that_is_down_keeps_nothing_from_being_recorded(tmp_path: Path) -> None:
    consent = Command(configure(tmp_path, "redis://127.0.0.1:1/0"))
    assert consent.json("withdraw", ANNA)["reason"] == "withdrawn"
    file = tmp_path / "list.csv"
    file.write_text(HEADER + GOOD)
    assert "running gates catch it up" in consent("import", str(file)).stderr
    assert isinstance(consent("reload", code=69).exception, StoreUnavailable)
