"""``smtp-gate consent import`` with maps and sources in YAML."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from smtp_gate.config.source import load_source
from smtp_gate.consent.imports import import_rows
from smtp_gate.errors import ConfigFileError
from tests.cli.test_consent import GOOD, HEADER, Command, configure
from tests.consent.test_sources import web

if TYPE_CHECKING:
    from pathlib import Path

MAP = """
map:
  email: Email
  controller: {fixed: acme}
  purposes: {each: {performance: Opens ok, clicks: Clicks ok}, answers: {"Yes": grant, "No": refuse, "": none}}
  at: {column: Consent date, format: "%d/%m/%Y %H:%M", zone: Europe/Paris}
  method: {fixed: form}
  source: {fixed: "https://acme.example/news"}
  reference: Record ID
  notice: Wording
"""
CRM = """Record ID;Email;Opens ok;Clicks ok;Consent date;Wording
1;anna@example.com;Yes;No;20/04/2026 10:00;v3
2;bert@example.com;Yes;;20/04/2026 10:00;
3;carl@example.com;;;;
"""


@pytest.fixture
def consent(tmp_path: Path) -> Command:
    return Command(configure(tmp_path))


def test_a_file_of_another_system_is_read_by_a_map(consent: Command, tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text(MAP)
    (tmp_path / "crm.csv").write_text(CRM)
    words = ("import", str(tmp_path / "crm.csv"), "--map", str(tmp_path / "map.yaml"))
    told = consent.json(*words, "--dry-run", code=65)
    assert (told["read"], told["taken"], told["skipped"], told["dry_run"]) == (3, 2, 1, True)
    told = consent.json(*words, "--rejects", str(tmp_path / "rejects.jsonl"), code=65)
    assert told["rows"] == [{"line": 3, "reason": "notice must name the wording that was agreed to"}]
    assert consent.json("get", "anna@example.com")["consent"][0]["granted"] == ["performance"]
    assert consent.json(*words, code=65)["repeated"] == 2
    rejects = tmp_path / "rejects.jsonl"
    assert rejects.stat().st_mode & 0o777 == 0o600
    (row,) = map(json.loads, rejects.read_text().splitlines())
    assert (row["_row"], row["Email"], row["_reason"]) == (3, "bert@example.com", told["rows"][0]["reason"])
    rejects.write_text(json.dumps({**row, "Wording": "v3"}))  # mended, it is taken by the same map
    assert consent.json("import", str(rejects), "--map", str(tmp_path / "map.yaml"))["taken"] == 1


def test_a_source_names_its_file_from_its_own_folder(consent: Command, tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s/crm.csv").write_text(CRM, encoding="utf-16")
    source = tmp_path / "s/crm.yaml"
    source.write_text("from: {csv: {path: crm.csv, encoding: utf-16}}" + MAP)
    assert consent.json("import", str(source), code=65)["taken"] == 2
    (tmp_path / "s/crm.csv").unlink()
    assert "crm.csv: cannot be read: No such file" in str(consent("import", str(source), code=66).exception)


def test_a_query_is_a_source_and_its_password_comes_from_the_environment(
    consent: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(sqlite3.connect(tmp_path / "crm.db")) as raw:
        raw.executescript(
            "CREATE TABLE c (mail TEXT, day TEXT);"
            "INSERT INTO c VALUES ('anna@example.com', '2026-04-20 10:00:00'), ('bert', '')"
        )
    monkeypatch.setenv("CRM_URL", f"sqlite:///{tmp_path}/crm.db")
    source = tmp_path / "crm.yaml"
    source.write_text("""
from: {sql: {url: "${CRM_URL}", query: "SELECT mail, day FROM c"}}
map:
  email: mail
  purposes: {fixed: [performance]}
  decision: {fixed: grant}
  at: {column: day, zone: UTC}
  method: {fixed: form}
  source: {fixed: crm}
  notice: {fixed: v3}
""")
    told = consent.json("import", str(source), code=65)
    assert (told["taken"], told["rows"][0]["line"]) == (1, 2)
    source.write_text(source.read_text().replace("email: mail", "email: email"))
    with pytest.raises(ConfigFileError, match=r"crm.yaml:4:10: map.email: 'email' is no column of .*choose one of"):
        raise consent("import", str(source), code=78).exception  # type: ignore[misc]


def test_a_web_source_gets_its_token_from_a_file(consent: Command, tmp_path: Path) -> None:
    seen = []

    def answer(_path: str, headers: dict[str, str]) -> tuple[int, object, dict[str, str]]:
        seen.append((headers["authorization"], headers["x-team"]))
        row = {"mail": "anna@example.com", "consent": {"date": 1776672000, "text": "v3"}}
        return 200, {"items": [row]}, {}

    (tmp_path / "token").write_text("t0ken\n")
    with web(answer) as url:
        source = tmp_path / "crm.yaml"
        source.write_text(f"""
from: {{http: {{url: "{url}/c", items: items, token_file: token, headers: {{x-team: "7"}}}}}}
map:
  email: mail
  purposes: {{fixed: performance}}
  decision: {{fixed: grant}}
  at: {{column: consent.date, format: unix}}
  method: {{fixed: api}}
  source: {{fixed: crm}}
  notice: consent.text
""")
        assert consent.json("import", str(source))["taken"] == 1
    assert seen == [("Bearer t0ken", "7")]
    result = consent("import", str(source), code=66)  # the server is gone
    assert "cannot be read" in result.stderr
    assert "run the same command again" in result.stderr


def test_an_interrupted_import_keeps_what_it_has_and_goes_on(
    consent: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "list.csv"
    file.write_text(HEADER + "".join(GOOD.replace("bert", f"bert{number}") for number in range(25)))
    monkeypatch.setattr("smtp_gate.consent.imports.BATCH", 10)

    def broken(*args: object, **how: object) -> object:
        told = how["progress"]

        def progress(done: object) -> None:
            told(done)  # type: ignore[operator]
            raise KeyboardInterrupt

        return import_rows(*args, **{**how, "progress": progress})  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr("smtp_gate.cli.imports.import_rows", broken)
        told = consent.json("import", str(file), code=130)
    assert (told["read"], told["taken"]) == (10, 10)
    told = consent.json("import", str(file))
    assert (told["taken"], told["repeated"]) == (15, 10)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("from: {}" + MAP, "1:7: from: names no source, or several; give one of csv, jsonl, sql, http"),
        (MAP.replace("email:", "e_mail:"), "e_mail: is no key here"),
        (MAP.replace("email: Email", "email: {}"), "map.email: names no column and no fixed value"),
        (MAP.replace("Europe/Paris", "Europe/Pari"), "'Europe/Pari' is no time zone"),
        (MAP.replace("performance:", "opens:"), "is no purpose; choose one of: performance"),
        (MAP.replace("grant, ", "agree, "), "'agree' is no choice"),
        (MAP + "  decision: {fixed: grant}\n", "needs one of decision, purposes.each"),
        ('from: {http: {url: "http://crm.example/"}}' + MAP, "in the clear; write https://"),
        ('from: {http: {url: "https://crm.example/", token: "${NO_SUCH}"}}' + MAP, "NO_SUCH is not set"),
        ('from: {sql: {url: "x", query: "DROP TABLE c"}}' + MAP, "only reads; write one SELECT"),
        ("[]", "must be keys with values"),
    ],
)
def test_errors_of_a_source_name_place_key_and_cure(text: str, said: str, tmp_path: Path) -> None:
    file = tmp_path / "source.yaml"
    file.write_text(text)
    with pytest.raises(ConfigFileError) as told:
        load_source(file, {})
    assert said in str(told.value)
    assert str(told.value).startswith(f"{file}:")


def test_a_map_is_no_source_and_a_source_no_map(consent: Command, tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text(MAP)
    (tmp_path / "db.yaml").write_text('from: {sql: {url: "sqlite:////x", query: "SELECT 1"}}' + MAP)
    (tmp_path / "crm.csv").write_text(CRM)
    assert "is missing" in str(consent("import", str(tmp_path / "map.yaml"), code=78).exception)
    words = ("import", str(tmp_path / "crm.csv"), "--map", str(tmp_path / "db.yaml"))
    assert "is no file" in str(consent(*words, code=78).exception)
    assert "--map goes with" in consent(*words[:1], words[3], *words[2:], code=2).stderr
