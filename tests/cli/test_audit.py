"""``smtp-gate audit`` finds what is left in mails, wherever they lie, and says no address of a person."""

from __future__ import annotations

import json
import mailbox
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from smtp_gate.cli import app
from tests.gate_room import PIXEL, PLAIN, TRACKED, letter

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result

ALL_CARRIERS = letter(
    b'<table background="' + PIXEL + b'"></table><div style="background:url(' + PIXEL + b')"></div>'
    b'<!--[if mso]><v:fill src="' + PIXEL + b'"/><![endif]--><style>p{background:url(' + PIXEL + b")}</style>"
)


def audited(*words: str, stdin: bytes = b"") -> Result:
    return CliRunner().invoke(app, ["audit", *words], input=stdin)


def test_a_clean_mail_is_said_to_be_one(tmp_path: Path) -> None:
    (tmp_path / "x.eml").write_bytes(PLAIN)
    done = audited(str(tmp_path / "x.eml"))
    assert (done.exit_code, done.stdout) == (0, "0 of 1 mails hold trackers\n")


def test_each_tracker_is_listed_without_its_address(tmp_path: Path) -> None:
    (tmp_path / "x.eml").write_bytes(TRACKED)
    done = audited(str(tmp_path / "x.eml"), "--json")
    assert done.exit_code == 1
    assert json.loads(done.stdout) == {
        "mail": str(tmp_path / "x.eml"),
        "trackers": [
            {
                "part": "1",
                "where": "a href",
                "kind": "link",
                "vendor": "mailchimp",
                "evidence": ["catalogue"],
                "host": "us13.mailchimp.com",
            },
            {
                "part": "1",
                "where": "img src",
                "kind": "pixel",
                "vendor": "mailchimp",
                "evidence": ["catalogue"],
                "host": "acme.us13.list-manage.com",
            },
        ],
    }
    assert "de00000002" not in audited(str(tmp_path / "x.eml")).stdout


def test_carriers_beside_images_are_read() -> None:
    rows = json.loads(audited("-", "--json", stdin=ALL_CARRIERS).stdout)["trackers"]
    assert sorted(row["where"] for row in rows) == ["div style", "style", "table background", "v:fill src"]


def test_folders_maildirs_and_mboxes_are_read(tmp_path: Path) -> None:
    (tmp_path / "folder/below").mkdir(parents=True)
    (tmp_path / "folder/one.eml").write_bytes(PLAIN)
    (tmp_path / "folder/below/two.eml").write_bytes(TRACKED)
    maildir = mailbox.Maildir(tmp_path / "maildir")
    maildir.add(TRACKED)
    (tmp_path / "maildir/tmp/half").write_bytes(TRACKED)
    box = mailbox.mbox(tmp_path / "box")
    for raw in (PLAIN, TRACKED, PLAIN):
        box.add(raw)
    box.close()
    done = audited(*(str(tmp_path / name) for name in ("folder", "maildir", "box")), "--json")
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [bool(one["trackers"]) for one in told] == [True, False, True, False, True, False]
    assert [one["mail"].rpartition("/")[2] for one in told[-3:]] == ["box#1", "box#2", "box#3"]
    assert done.exit_code == 1


def test_own_tracking_hosts_come_from_the_configuration(tmp_path: Path) -> None:
    raw = letter(b'<img src="https://go.acme.example/x/1">')
    config = tmp_path / "config.yaml"
    config.write_text(
        "listen: {smtp: 127.0.0.1:10025}\ndeliver: {next_hops: [smtp://127.0.0.1:25]}\n"
        "trackers: {domains: {lemlist: [go.acme.example]}}\n",
        encoding="utf-8",
    )
    assert audited("-", stdin=raw).exit_code == 0
    done = audited("-", "--config", str(config), "--json", stdin=raw)
    assert [row["vendor"] for row in json.loads(done.stdout)["trackers"]] == ["lemlist"]


@pytest.mark.parametrize("name", ["nowhere.eml"])
def test_what_cannot_be_read_is_said(name: str) -> None:
    done = audited(name)
    assert done.exit_code == 66
    assert "nowhere.eml: cannot be read: No such file" in done.stderr
