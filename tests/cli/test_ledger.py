"""``smtp-gate ledger`` on a configuration of its own."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from smtp_gate.cli import app
from smtp_gate.errors import GateError
from tests.cli.test_consent import ANNA, configure

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

WORDING = "Nous mesurons l'ouverture de nos messages, si vous l'acceptez.\n"


class Command:
    """Runs ``smtp-gate`` with the configuration of a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = configure(folder)

    def __call__(self, *words: str, code: int = 0, typed: str = "") -> Result:
        result = CliRunner().invoke(app, [*words, "--config", str(self.config)], input=typed)
        if isinstance(result.exception, GateError):
            assert result.exception.exit_code == code
        else:
            assert result.exit_code == code, result.output
        return result

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self(*words, "--json", code=code).stdout)

    def grant(self, address: str = ANNA, **options: str) -> None:
        given = {"source": "https://acme.example/news", "notice": "v3", **options}
        words = [word for name, value in given.items() for word in (f"--{name}", value)]
        self("consent", "grant", address, "clicks", *words)


@pytest.fixture
def gate(tmp_path: Path) -> Command:
    return Command(tmp_path)


def forge(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / "consent.db")) as raw:
        raw.executescript("DROP TRIGGER event_keeps; DROP TRIGGER event_stays;" + statement)


def test_a_good_ledger_and_a_forged_one(gate: Command) -> None:
    gate.grant()
    gate.grant()
    assert gate("ledger", "verify").stdout.startswith("good: 2 events, the last one's hash is ")
    forge(gate.folder, "UPDATE event SET purposes = 31 WHERE seq = 2")
    told = gate("ledger", "verify", code=65).stdout
    assert told.startswith("NOT GOOD (forged): event 2 is not what was recorded")
    assert "1 events before it are good" in told
    told = gate.json("ledger", "verify", code=65)
    assert (told["good"], told["events"], told["fault"]["seq"], told["fault"]["kind"]) == (False, 1, 2, "forged")


def test_a_tail_that_is_cut_off_is_found_by_the_heads(gate: Command) -> None:
    heads = str(gate.folder / "heads.jsonl")
    for _ in range(3):
        gate.grant()
    assert gate("ledger", "heads", "-o", heads).stdout == f"{heads}: signed at event 3\n"
    assert gate("ledger", "heads", "-o", heads).stdout == f"{heads}: nothing new to sign\n"
    assert gate.json("ledger", "verify", "--heads", heads)["good"] is True
    forge(
        gate.folder,
        "DELETE FROM event WHERE seq = 3;"
        "UPDATE ledger_head SET seq = 2, hash = (SELECT hash FROM event WHERE seq = 2);",
    )
    assert gate.json("ledger", "verify")["good"] is True
    told = gate.json("ledger", "verify", "--heads", heads, code=65)
    assert (told["fault"]["seq"], told["fault"]["kind"]) == (3, "tail")
    assert "event 3 is not in the ledger" in gate("ledger", "heads", "-o", heads, code=65).stderr


def test_the_configured_file_of_heads_counts_by_itself(gate: Command) -> None:
    text = gate.config.read_text()
    gate.config.write_text(text.replace('consent.db"', 'consent.db", heads: heads.jsonl'))
    gate.grant()
    assert gate.json("ledger", "verify")["good"] is True
    (gate.folder / "heads.jsonl").write_text("{}\n")
    assert "line 1 is no signed head" in gate("ledger", "verify", code=65).stderr


def test_a_head_can_be_printed(gate: Command) -> None:
    gate.grant()
    assert json.loads(gate("ledger", "heads").stdout)["events"] == 1


def test_heads_that_cannot_be_written_are_told(gate: Command) -> None:
    gate.grant()
    assert "cannot be written: No such file" in gate("ledger", "heads", "-o", "/nowhere/heads", code=66).stderr


def test_a_wording_is_kept_once(gate: Command) -> None:
    file = gate.folder / "v3.txt"
    file.write_text(WORDING)
    words = ("ledger", "notice", str(file), "--version", "v3", "--language", "fr")
    assert gate.json(*words)["added"] is True
    assert gate.json(*words)["added"] is False
    file.write_text("Autre chose.")
    assert "another wording is 'v3' of acme already" in gate(*words, code=65).stderr
    file.write_bytes(b"\xff")
    assert "is not UTF-8" in gate(*words, code=65).stderr


def test_a_person_is_taken_out_after_a_yes(gate: Command) -> None:
    gate.grant()
    gate("ledger", "erase", ANNA, code=1, typed="n\n")
    assert gate.json("consent", "get", ANNA)["consent"][0]["granted"] == ["clicks"]
    told = gate("ledger", "erase", ANNA, "--yes").stdout
    assert told == "1 events lost their person; event 2 says so and keeps tracking off\n"
    assert gate.json("consent", "get", ANNA)["consent"][0] == {
        "controller": "acme",
        "granted": [],
        "reason": "withdrawn",
    }
    assert gate("ledger", "erase", ANNA, "--yes").stdout == "nothing is recorded of this person\n"
    assert gate.json("ledger", "verify")["good"] is True
