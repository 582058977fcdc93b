"""``consent link``: a file of people, and the same with each one's link."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from smtp_gate.cli import app
from smtp_gate.config.keys import load_keys, new_keys
from smtp_gate.tokens import open_consent

if TYPE_CHECKING:
    from pathlib import Path

CONFIG = """
listen: {smtp: "127.0.0.1:10025"}
deliver: {next_hops: ["smtp://127.0.0.1:25"]}
web: {public_url: "https://gate.example"}
keys: keys.yaml
controllers:
  acme: {name: Acme, senders: ["@acme.example"]}
  other: {name: Other, senders: ["@other.example"]}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    new_keys(tmp_path / "keys.yaml")
    (tmp_path / "config.yaml").write_text(CONFIG, encoding="utf-8")
    return tmp_path


def linked(folder: Path, text: str, *words: str, controller: str = "acme") -> tuple[int, str]:
    """Exit code and output of the command on a file with that text; what it wrote is ``out.csv``."""
    (folder / "in.csv").write_text(text, encoding="utf-8")
    told = CliRunner().invoke(
        app,
        ["consent", "link", "--config", str(folder / "config.yaml"), "--csv", str(folder / "in.csv"), "-o",
         str(folder / "out.csv"), "--controller", controller, *words],
    )  # fmt: skip
    return told.exit_code, told.output


def rows(folder: Path, delimiter: str = ",") -> list[dict[str, str]]:
    with (folder / "out.csv").open(encoding="utf-8", newline="") as text:
        return list(csv.DictReader(text, delimiter=delimiter))


def test_everybody_gets_a_link_of_their_own_and_all_else_stays(folder: Path) -> None:
    code, said = linked(folder, 'Name;Address\nAnna;anna@example.com\n"Bert; B";bert@example.com\n')
    assert (code, "2 links, 0 rows without" in said) == (0, True)
    found = rows(folder, ";")
    bert = found[-1]
    assert bert["Name"] == "Bert; B"
    keyring = load_keys(folder / "keys.yaml")
    token = open_consent(keyring, bert["link"].removeprefix("https://gate.example/c/"))
    assert (token.controller, token.address, bert["no_link"]) == ("acme", b"bert@example.com", "")
    assert (folder / "out.csv").stat().st_mode & 0o777 == 0o600


def test_rows_without_a_link_are_marked_and_told_without_their_address(folder: Path) -> None:
    code, said = linked(folder, "address\nanna@example.com\n\ninfo@example.com\nnobody\n", "--json")
    assert code == 65
    assert json.loads(said) == {
        "links": 1,
        "without": [{"line": 4, "problem": "several people read it"}, {"line": 5, "problem": "no plain address"}],
    }
    assert [(row["address"], bool(row["link"])) for row in rows(folder)] == [
        ("anna@example.com", True),
        ("info@example.com", False),
        ("nobody", False),
    ]


@pytest.mark.parametrize(
    ("text", "controller", "why"),
    [
        ("mail\nanna@example.com\n", "acme", "one column `address`"),
        ("address\nanna@example.com\n", "nobody", "must be one of the configuration"),
        ("address\nanna@example.com\n", "", "must be one of the configuration"),
    ],
)
def test_what_cannot_be_understood_leaves_no_file(folder: Path, text: str, controller: str, why: str) -> None:
    code, said = linked(folder, text, controller=controller)
    assert code == 2
    assert why in " ".join(said.replace("│", " ").split())
    assert not (folder / "out.csv").exists()
    assert not (folder / "out.csv.part").exists()
