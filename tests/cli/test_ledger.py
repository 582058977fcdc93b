"""``smtp-gate ledger`` on a configuration of its own."""

from __future__ import annotations

import hashlib
import json
import sqlite3
import stat
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from pypdf import PdfReader
from typer.testing import CliRunner

from smtp_gate.cli import app
from smtp_gate.consent.roles import rights_sql
from smtp_gate.consent.schema import REVISION
from smtp_gate.errors import GateError
from tests.cli.test_consent import ANNA, OTHER, configure

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
    gate("ledger", "rebuild")  # who did it knows what else to change
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


def keep(gate: Command, text: str = WORDING) -> None:
    file = gate.folder / "v3.txt"
    file.write_text(text)
    gate("ledger", "notice", str(file), "--version", "v3", "--language", "fr")


def test_the_proof_tells_the_whole_history_and_shows_the_wording(gate: Command) -> None:
    keep(gate)
    gate.grant(language="fr", reference="form 7", method="form")
    gate.grant("bert@example.com")
    gate("consent", "withdraw", ANNA, "clicks", "--source", "phone call")
    told = gate("ledger", "proof", ANNA).stdout
    for piece in (
        f"person       {ANNA}",
        "all 3 events are as they were recorded; no signed heads were compared",
        "now          Acme [acme]: nothing (withdrawn)",
        "the person agreed",
        "purposes     clicks",
        "by           form",
        "at           https://acme.example/news",
        "reference    form 7",
        "wording      v3 (fr), below, SHA-256 ",
        "in chain     event 1, as it was recorded",
        "the person took consent back",
        "in chain     event 3, as it was recorded",
        "WORDING v3 (fr) of Acme [acme]",
        "  | " + WORDING.strip(),
    ):
        assert piece in told
    assert "bert" not in told


def test_the_hashes_of_a_proof_can_be_computed_from_it(gate: Command) -> None:
    """With nothing but a JSON library and SHA-256, as ``docs/consent.md`` says."""
    keep(gate)
    gate.grant(language="fr")
    told = gate.json("ledger", "proof", ANNA)
    (event,) = told["events"]
    person = ["smtp_gate person 1", *(event[name] for name in ("salt", "subject", "source", "reference", "key"))]
    assert event["person"] == digest(person)
    purposes, moments = 16, {name: micros_of(event[name]) for name in ("at", "recorded")}
    whole = ["smtp_gate event 1", event["previous"], event["person"], event["seq"], event["controller"], purposes]
    whole += [event["decision"], moments["at"], moments["recorded"], event["method"], event["notice"]]
    whole += [event["notice_sha256"], event["language"], event["actor"], event["expires"]]
    assert event["hash"] == digest(whole)
    assert told["notices"][0]["sha256"] == hashlib.sha256(WORDING.encode()).hexdigest() == event["notice_sha256"]
    assert told["ledger"] == {
        "good": True,
        "events": 1,
        "hash": event["hash"],
        "heads": 0,
        "head": None,
        "fault": None,
    }
    assert told["kept"] == ANNA


def digest(record: list[object]) -> str:
    return hashlib.sha256(json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


def micros_of(text: str) -> int:
    return (datetime.fromisoformat(text) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)


def test_a_proof_says_of_which_wording_it_has_the_text(gate: Command) -> None:
    gate.grant(language="fr")
    assert "v3 (fr); its text is not in the ledger" in gate("ledger", "proof", ANNA).stdout
    keep(gate)
    assert "this event does not vouch for it" in gate("ledger", "proof", ANNA).stdout
    gate.grant(language="fr")
    with closing(sqlite3.connect(gate.folder / "consent.db")) as raw:
        raw.executescript("DROP TRIGGER notice_keeps; UPDATE notice SET text = 'We may do all.'")
    told = gate("ledger", "proof", ANNA, code=65).stdout
    assert "NOT THE TEXT BELOW: that one was changed after it was shown" in told
    assert "NOT GOOD: the wording that event 2 refers to was changed" in told
    gate("ledger", "proof", ANNA, "--quick", code=65)


def test_a_wording_kept_in_one_language_needs_no_naming_of_it_and_one_in_two_does(gate: Command) -> None:
    keep(gate)
    gate.grant()
    told = gate.json("ledger", "proof", ANNA)
    assert told["notices"][0]["text"] == WORDING
    assert told["events"][0]["language"] == "fr"
    file = gate.folder / "v3.en.txt"
    file.write_text("We would like to see.")
    gate("ledger", "notice", str(file), "--version", "v3", "--language", "en")
    words = ("consent", "grant", ANNA, "clicks", "--source", "desk", "--notice", "v3")
    assert "v3 is kept in en, fr" in " ".join(gate(*words, code=2).output.replace("│", " ").split())
    assert gate.json("consent", "get", ANNA, "--history")["history"][-1]["event"] == 1


def test_a_proof_of_an_event_that_was_changed_says_so(gate: Command) -> None:
    gate.grant()
    forge(gate.folder, "UPDATE event SET source = 'elsewhere'")
    for words in ((), ("--quick",)):
        told = gate("ledger", "proof", ANNA, *words, code=65).stdout
        assert "in chain     event 1, event 1 is not about the person or source that was recorded" in told
    assert gate.json("ledger", "proof", ANNA, "--quick", code=65)["ledger"] is None


def test_an_event_of_the_person_that_was_taken_out_spoils_the_proof(gate: Command) -> None:
    gate.grant()
    gate.grant()
    forge(gate.folder, "DELETE FROM event WHERE seq = 1")
    told = gate("ledger", "proof", ANNA, code=65).stdout
    assert "NOT GOOD: event 1 is missing" in told
    assert "event 2 does not hold on to the one before it" in told


def test_the_proof_of_an_erased_person_says_so(gate: Command) -> None:
    gate.grant(reference="ticket-of-anna")
    gate("ledger", "erase", ANNA, "--yes")
    told = gate("ledger", "proof", ANNA).stdout
    assert "this person was erased: 1 earlier events stay in the ledger" in told
    assert "ticket-of-anna" not in told
    told = gate.json("ledger", "proof", ANNA)
    assert (told["kept"], [event["erased"] for event in told["events"]]) == ("", [1])
    assert told["ledger"]["good"] is True


def test_the_proof_of_somebody_unknown_says_that_nothing_is_recorded(gate: Command) -> None:
    assert "Nothing is recorded of this person" in gate("ledger", "proof", "who@example.com").stdout


def test_a_proof_can_be_of_one_controller(gate: Command) -> None:
    configure(gate.folder, more=OTHER)
    gate.grant(controller="acme")
    gate.grant(controller="other")
    assert [event["seq"] for event in gate.json("ledger", "proof", ANNA)["events"]] == [1, 2]
    assert [event["seq"] for event in gate.json("ledger", "proof", ANNA, "--controller", "other")["events"]] == [2]


def test_a_row_that_cannot_have_been_recorded_is_told_in_short(gate: Command) -> None:
    gate.grant()
    forge(gate.folder, "UPDATE event SET decision = 'perhaps'")
    assert "ledger_damaged" in str(gate("ledger", "proof", ANNA, code=69).exception)


def pages_of(file: Path) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(file).pages)


def test_a_proof_can_be_a_pdf_that_only_its_owner_reads(gate: Command) -> None:
    keep(gate)
    gate.grant(language="fr")
    heads = str(gate.folder / "heads.jsonl")
    gate("ledger", "heads", "-o", heads)
    file = gate.folder / "anna.pdf"
    words = ("ledger", "proof", ANNA, "--pdf", str(file), "--heads", heads)
    assert gate(*words).stdout == f"{file}: 1 events on 1 pages\n"
    assert file.stat().st_mode & 0o777 == 0o600
    told = pages_of(file)
    for piece in (ANNA, "Acme [acme]", "as signed in 1 heads", "signed head", "public key", WORDING.strip()):
        assert piece in told
    assert f"smtp-gate ledger proof {ANNA} --heads" in told
    assert gate.json(*words) == {"file": str(file), "pages": 1, "events": 1, "good": True}


def test_a_pdf_of_a_bad_ledger_says_so_first(gate: Command) -> None:
    gate.grant()
    forge(gate.folder, "UPDATE event SET source = 'elsewhere'")
    file = gate.folder / "anna.pdf"
    assert "NOT GOOD" in gate("ledger", "proof", ANNA, "--pdf", str(file), code=65).stdout
    assert "NOT GOOD: event 1 is not about the person" in pages_of(file)


def test_a_pdf_of_an_erased_person_says_so(gate: Command) -> None:
    gate.grant(reference="ticket-of-anna")
    gate("ledger", "erase", ANNA, "--yes")
    file = gate.folder / "anna.pdf"
    gate("ledger", "proof", ANNA, "--pdf", str(file))
    assert "this person was erased: 1 earlier events stay in the ledger" in pages_of(file)
    assert "ticket-of-anna" not in pages_of(file)


def test_a_pdf_that_cannot_be_written_is_told(gate: Command) -> None:
    told = gate("ledger", "proof", ANNA, "--pdf", "/nowhere/anna.pdf", code=66).stderr
    assert "/nowhere/anna.pdf: cannot be written: No such file" in told


def test_the_layout_can_be_brought_up_before_a_gate_starts(gate: Command, tmp_path: Path) -> None:
    assert gate.json("ledger", "upgrade") == {"layout": REVISION}
    gate("ledger", "upgrade", "--ledger", f"sqlite:///{tmp_path}/other.db")
    assert (tmp_path / "other.db").exists()


def test_the_rights_of_the_gate_s_role_are_printed() -> None:
    printed = CliRunner().invoke(app, ["ledger", "roles", "--role", "mail_gate"])
    assert printed.stdout == rights_sql("mail_gate")
    wrong = CliRunner().invoke(app, ["ledger", "roles", "--role", "Mail-Gate"])
    assert wrong.exit_code == 2


def test_what_look_ups_are_told_can_be_made_anew(gate: Command, tmp_path: Path) -> None:
    gate.grant()
    forge(tmp_path, "DELETE FROM standing")
    fault = gate.json("ledger", "verify", code=65)["fault"]
    assert (fault["kind"], fault["seq"]) == ("standing", 1)
    assert "ledger rebuild" in fault["text"]
    assert gate.json("ledger", "rebuild") == {"standings": 1}
    assert gate.json("ledger", "verify")["good"]


def test_an_export_goes_into_a_file_of_the_owner_and_is_checked_there(gate: Command, tmp_path: Path) -> None:
    gate.grant()
    gate("consent", "refuse", "bob@reader.example")
    path = tmp_path / "out.jsonl"
    gate("ledger", "export", "-o", str(path), "--since", "2026-01-01")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    told = gate.json("ledger", "verify", "--export", str(path))
    assert (told["good"], told["events"]) == (True, 2)
    printed = gate("ledger", "export").stdout_bytes
    assert printed.count(b"\n") == path.read_bytes().count(b"\n") == 4
    path.write_bytes(path.read_bytes().replace(b'"refused"', b'"given"'))
    assert gate.json("ledger", "verify", "--export", str(path), code=65)["fault"]["seq"] == 2
    path.write_bytes(b"another file")
    assert "line 1 is not of an export" in gate("ledger", "verify", "--export", str(path), code=65).stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [(["--since", "soon"], 2), (["--controller", "nobody"], 2), (["-o", "/nowhere/at/all"], 66)],
)
def test_an_export_that_cannot_be_is_told(gate: Command, words: list[str], code: int) -> None:
    gate("ledger", "export", *words, code=code)


def test_whose_time_is_over_is_taken_out(gate: Command, tmp_path: Path) -> None:
    assert gate.json("ledger", "retain") == {"retention": None}
    gate.config.write_text(gate.config.read_text().replace('consent.db"', 'consent.db", retention: 30'))
    gate("consent", "refuse", ANNA)
    assert gate("ledger", "retain").stdout == "nobody is due\n"
    old = "UPDATE event SET recorded = recorded - 2678400000000, at = at - 2678400000000;"
    forge(tmp_path, old)
    assert gate.json("ledger", "retain", "--dry-run")["erased"] == {"acme": 1}
    assert gate("ledger", "retain").stdout == "acme: 1 people were taken out\n"
    assert gate("ledger", "retain").stdout == "nobody is due\n"
