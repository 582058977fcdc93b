"""``smtp-gate inactive`` names whom to stop writing to, and nobody whose silence means nothing."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from smtp_gate.cli import app
from smtp_gate.cli.rooms import open_books
from smtp_gate.config.keys import new_keys
from smtp_gate.consent import Choice, Event, utc_now
from smtp_gate.model import Purpose
from smtp_gate.tokens import subject_of

if TYPE_CHECKING:
    from pathlib import Path

TODAY = utc_now().date()
AGO = {"today": 0, "old": 400, "edge": 180, "newer": 179, "objected": 400, "agreed": 400, "clicks": 400}


@pytest.fixture(name="config")
def _config(tmp_path: Path) -> Path:
    new_keys(tmp_path / "keys.yaml")
    path = tmp_path / "config.yaml"
    path.write_text(
        "web: {public_url: 'https://p.acme.example'}\nkeys: keys.yaml\nconsent: {ledger: 'sqlite:///consent.db'}\n"
        "controllers: {acme: {name: Acme, senders: ['@acme.example']}}\n",
        encoding="utf-8",
    )
    decisions = {
        "objected": (Choice.WITHDRAW, Purpose(31)),
        "agreed": (Choice.GRANT, Purpose.PERFORMANCE | Purpose.DELIVERABILITY),
        "clicks": (Choice.REFUSE, Purpose.DELIVERABILITY),
    }
    with open_books(path) as books:
        for name, days in AGO.items():
            address = f"{name}@reader.example".encode()
            subject = subject_of(books.keyring, address)
            choice, purposes = decisions.get(name, (Choice.REFUSE, Purpose.CLICKS))
            if name in decisions or name == "edge":
                if name == "edge":  # an address that the ledger knows, and a decision that is about something else
                    choice, purposes = Choice.GRANT, Purpose.DELIVERABILITY
                books.ledger.append(
                    Event(
                        controller="acme",
                        subject=subject,
                        purposes=purposes,
                        decision=choice,
                        at=utc_now(),
                        method="t",
                        source="t",
                    ),
                    address,
                )
            day = (TODAY - timedelta(days=days) - date(1970, 1, 1)).days
            books.ledger.keep_openings([("acme", subject, day)])
    return path


def run(config: Path, *words: str, code: int = 0) -> tuple[str, str]:
    """What it says, and what it says of those that it leaves out."""
    done = CliRunner().invoke(app, ["inactive", "--config", str(config), *words])
    assert done.exit_code == code, done.output
    return done.stdout, done.stderr


def test_those_of_a_list_who_opened_nothing_for_so_long_and_who_never_did(config: Path, tmp_path: Path) -> None:
    people = tmp_path / "people.csv"
    lines = ["address,name", *(f"{name}@reader.example,x" for name in (*AGO, "never", "old")), "not an address"]
    people.write_text("\n".join(lines) + "\n", encoding="utf-8")
    out, err = run(config, "--since", "180d", "--among", str(people))
    last = TODAY - timedelta(days=400)
    assert out.splitlines() == ["never@reader.example  never", f"old@reader.example  {last}"]
    assert "1 who agreed to pixels" not in err
    assert "2 who agreed to pixels" in err
    assert "2 who objected" in err
    told = json.loads(run(config, "--since", "180d", "--among", str(people), "--json")[0])
    assert told["inactive"][1] == {"address": "old@reader.example", "last": last.isoformat()}
    assert told["before"] == (TODAY - timedelta(days=180)).isoformat()
    table = run(config, "--since", "180d", "--among", str(people), "--csv")[0]
    assert table.splitlines()[:2] == ["address,last", "never@reader.example,"]


def test_without_a_list_only_addresses_of_the_ledger_can_be_named(config: Path) -> None:
    out, err = run(config, "--since", "100d")
    assert out == ""
    assert "whose address is not in the ledger" in err


@pytest.mark.parametrize("since", ["180", "0d", "-1d", "6 months"])
def test_a_span_is_a_number_of_days(config: Path, since: str) -> None:
    run(config, f"--since={since}", code=2)
