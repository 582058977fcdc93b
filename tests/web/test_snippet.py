"""The piece for sign-up forms: nothing ticked, nothing bundled, no key, and its wording can be proved."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, get_args

import pytest
from bs4 import BeautifulSoup
from typer.testing import CliRunner

from smtp_gate.cli import app
from smtp_gate.cli.rooms import open_books
from smtp_gate.config.keys import new_keys
from smtp_gate.config.values import Language
from smtp_gate.model import EVERYTHING, Purpose
from smtp_gate.web.snippet import snippet_of
from tests.web.site import ACME

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("language", get_args(Language))
def test_each_purpose_has_a_box_of_its_own_that_nobody_ticked(language: str) -> None:
    made = snippet_of(ACME, language, EVERYTHING, "https://gate.example")
    tree = BeautifulSoup(made.markup, "html.parser")
    boxes = tree.find_all("input", type="checkbox")
    assert [box["value"] for box in boxes] == ["performance", "profiling", "fraud", "deliverability", "clicks"]
    assert not any(box.has_attr("checked") or box.has_attr("required") for box in boxes)
    assert {box["name"] for box in boxes} == {"tracking_purpose"}
    assert all(len(box.parent.get_text(strip=True)) > 30 for box in boxes)
    hidden = {box["name"]: box["value"] for box in tree.find_all("input", type="hidden")}
    assert hidden == {"tracking_notice": made.wording.version, "tracking_language": language}
    assert ACME.name in tree.get_text()
    assert ACME.privacy_url in made.markup
    assert not tree.find_all(["script", "img", "style", "link", "form"])
    assert "%(" not in made.markup


def test_another_text_is_another_version_and_the_text_is_what_is_shown() -> None:
    one = snippet_of(ACME, "fr", Purpose.CLICKS, "https://gate.example")
    other = snippet_of(ACME, "fr", EVERYTHING, "https://gate.example")
    assert one.wording.version != other.wording.version
    assert one == snippet_of(ACME, "fr", Purpose.CLICKS, "https://gate.example")
    shown = BeautifulSoup(one.markup, "html.parser").get_text(" ", strip=True)
    said = re.sub(r"\[ \]|\s+", "", one.wording.text)
    assert said == re.sub(r"\s+", "", shown)
    assert "pixel" not in one.markup


def test_a_name_cannot_break_out() -> None:
    made = snippet_of(ACME.__class__('<b onclick="x">--></b>'), "en", EVERYTHING, "https://gate.example")
    assert "<b onclick" not in made.markup
    assert made.markup.count("-->") == 1


def test_the_command_prints_it_and_keeps_the_wording(tmp_path: Path) -> None:
    new_keys(tmp_path / "keys.yaml")
    config = tmp_path / "config.yaml"
    config.write_text(
        "web: {public_url: 'https://p.acme.example'}\nkeys: keys.yaml\nconsent: {ledger: 'sqlite:///consent.db'}\n"
        "controllers: {acme: {name: Acme, senders: ['@acme.example'], language: de}}\n",
        encoding="utf-8",
    )
    runner = CliRunner()
    first = runner.invoke(app, ["consent", "snippet", "--config", str(config)])
    assert (first.exit_code, "--keep" in first.stderr) == (0, True)
    kept = runner.invoke(app, ["consent", "snippet", "--config", str(config), "--keep"])
    assert kept.stdout == first.stdout
    assert "https://p.acme.example/api/v1/consents" in kept.stdout
    [version] = re.findall(r'name="tracking_notice" value="([\w-]+)"', kept.stdout)
    with open_books(config) as books:
        notices = books.ledger.notices([("acme", version, "de")])
    assert "Acme" in notices["acme", version, "de"].text
    for words in (["--language", "xx"], ["--purposes", "everything"], ["--controller", "other"]):
        assert runner.invoke(app, ["consent", "snippet", "--config", str(config), *words]).exit_code == 2
