"""``rewrite`` and ``explain`` without network, store or configuration."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

COMMAND = str(Path(sys.executable).parent / "smtp-gate")
MAILS = Path(str(resources.files("smtp_gate.cli") / "demo_mails"))
PLAIN = b"From: a@b.example\nSubject: hello\n\nhttps://www.acme.example/ is our site\n"


def run(*words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run the command as a user would."""
    return subprocess.run([COMMAND, *words], input=stdin, capture_output=True, check=False, timeout=60)


def explained(*words: str) -> dict[str, Any]:
    """What ``explain --json`` says."""
    done = run("explain", *words, "--json")
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def test_a_mail_with_nothing_to_do_comes_back_as_it_is() -> None:
    done = run("rewrite", "-", "--rcpt", "a@example.com", stdin=PLAIN)
    assert (done.returncode, done.stdout) == (0, PLAIN)


def test_nothing_is_granted_unless_said() -> None:
    without = run("rewrite", str(MAILS / "outreach.eml"), "--rcpt", "a@example.com").stdout
    assert b"mailings/opened" not in without
    assert b"https://gate.example/" not in without
    granted = run("rewrite", str(MAILS / "outreach.eml"), "--rcpt", "a@example.com", "--grant", "all").stdout
    assert b"mailings/opened" not in granted, "not even with consent"
    assert b"https://gate.example/p/" in granted
    assert b"https://gate.example/w/" in granted


def test_the_same_mail_twice_gives_the_same_bytes() -> None:
    words = ("rewrite", str(MAILS / "hubspot.eml"), "--rcpt", "a@example.com", "--grant", "performance,clicks")
    assert run(*words).stdout == run(*words).stdout


def test_each_input_has_its_output_in_a_folder(tmp_path: Path) -> None:
    names = ["hubspot.eml", "brevo.eml"]
    done = run(
        "rewrite", *(str(MAILS / name) for name in names), "--rcpt", "a@example.com", "-o", str(tmp_path / "out")
    )
    assert done.returncode == 0
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == sorted(names)


def test_one_mail_can_go_to_one_file(tmp_path: Path) -> None:
    done = run("rewrite", "-", "--rcpt", "a@example.com", "-o", str(tmp_path / "x.eml"), stdin=PLAIN)
    assert done.returncode == 0
    assert (tmp_path / "x.eml").read_bytes() == PLAIN


def test_a_refused_mail_is_said_and_the_others_are_written(tmp_path: Path) -> None:
    (tmp_path / "good.eml").write_bytes(PLAIN)
    config = tmp_path / "config.yaml"
    config.write_text(
        "listen: {smtp: 127.0.0.1:10025}\ndeliver: {next_hops: [smtp://127.0.0.1:25]}\n"
        "policy: {on_opaque_link: reject}\n",
        encoding="utf-8",
    )
    bad, good = str(MAILS / "brevo.eml"), str(tmp_path / "good.eml")
    done = run(
        "rewrite", bad, good, "--rcpt", "a@example.com", "--config", str(config), "-o", str(tmp_path / "out")
    )
    assert done.returncode == 65
    assert done.stderr.decode().startswith(f"{bad}: refused: 550 5.7.1 ")
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["good.eml"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("nowhere.eml", "--rcpt", "a@b.example"), 66, b"nowhere.eml: cannot be read: No such file"),
        (("-", "--rcpt", "a@b.example", "--grant", "perf"), 2, b"'perf' is no purpose"),
        (("-", "-", "--rcpt", "a@b.example"), 2, b"several mails need -o DIR"),
        (("-",), 2, b"--rcpt"),
        (("-", "--rcpt", "a@b.example", "--config", "nowhere.yaml"), 78, b"nowhere.yaml: cannot be read"),
    ],
)
def test_what_is_wrong_is_said_with_its_code(words: tuple[str, ...], code: int, said: bytes) -> None:
    done = run("rewrite", *words)
    assert done.returncode == code
    assert said in done.stderr
    assert b"Traceback" not in done.stderr


def test_two_inputs_of_one_name_do_not_overwrite_each_other(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x.eml").write_bytes(PLAIN)
    done = run(
        "rewrite",
        str(tmp_path / "a/x.eml"),
        str(tmp_path / "b/x.eml"),
        "--rcpt",
        "a@b.example",
        "-o",
        str(tmp_path),
    )
    assert done.returncode == 2
    assert b"x.eml" in done.stderr


def test_every_address_is_explained() -> None:
    told = explained(str(MAILS / "mailchimp.eml"), "--rcpt", "a@example.com", "--grant", "clicks")
    kinds = {row["kind"] for row in told["addresses"]}
    assert {"pixel", "link", "personal", "functional"} <= kinds
    assert {row["action"] for row in told["addresses"] if row["kind"] == "link"} == {"wrap"}
    assert {row["action"] for row in told["addresses"] if row["kind"] == "pixel"} == {"strip"}
    assert told["tools"] == ["mailchimp"]
    assert told["footer"]
    assert told["changed"]


def test_plain_addresses_are_explained_too(tmp_path: Path) -> None:
    (tmp_path / "x.eml").write_bytes(PLAIN)
    told = explained(str(tmp_path / "x.eml"), "--rcpt", "a@example.com")
    assert [(row["kind"], row["action"], row["reason"]) for row in told["addresses"]] == [
        ("plain", "keep", "no_tracker")
    ]
    assert not told["changed"]


def test_a_person_reads_what_became_of_each_address() -> None:
    text = run("explain", str(MAILS / "outreach.eml"), "--rcpt", "a@example.com").stdout.decode()
    assert "link of outreach, anchor in text/html: unwrap (no_consent, catalogue)" in text
    assert "-> https://fleet.acme.example/trust" in text
    assert "pixel of outreach, image in text/html: strip" in text


def test_the_edits_that_are_listed_are_all_that_changes(tmp_path: Path) -> None:
    mail = tmp_path / "x.eml"
    mail.write_bytes((MAILS / "mailchimp.eml").read_bytes())
    rows = explained(str(mail), "--rcpt", "a@example.com")["addresses"]
    assert {row["action"] for row in rows if not row["edits"]} == {"keep"}
    assert all(begin < end for row in rows for begin, end in row["edits"])


def test_a_line_that_is_broken_beside_a_new_address_is_listed(tmp_path: Path) -> None:
    link = "https://acme.us13.list-manage.com/track/click?u=00112233445566778899aabbc&id=de00000001&e=de00000002"
    mail = tmp_path / "x.eml"
    mail.write_text(f'Content-Type: text/html\n\n<a id="a" href="{link}" class="x">y</a>', encoding="ascii")
    [row] = explained(str(mail), "--rcpt", "a@example.com")["addresses"]
    view = mail.read_bytes().partition(b"\n\n")[2]
    assert [view[begin:end] for begin, end in row["edits"]] == [b" ", link.encode(), b" "]


def test_what_is_only_suspected_is_told_with_its_score_and_left_alone(tmp_path: Path) -> None:
    picture = '<p>Words<img src="https://acme.example/a/4f9d2b7c1a8e6035">Words</p>'
    mail = tmp_path / "x.eml"
    mail.write_bytes(f"From: a@acme.example\r\nContent-Type: text/html\r\n\r\n{picture}\r\n".encode())
    told = explained(str(mail), "--rcpt", "a@example.com")
    [row] = told["addresses"]
    assert (row["kind"], row["action"], row["reason"], row["score"]) == ("suspect", "keep", "suspected", 40)
    assert row["evidence"] == ["unsized", "token"]
    assert not told["changed"]
    assert (
        "keep (suspected, unsized, token; score 40)"
        in run("explain", str(mail), "--rcpt", "b@c.example").stdout.decode()
    )
