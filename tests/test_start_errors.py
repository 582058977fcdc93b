"""What is wrong at the start is told in one go, with place, cure and exit code; what is wrong later kills nothing.

The table is that of docs/failure.md.
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest

from smtp_gate import limits
from smtp_gate.config.keys import new_keys
from smtp_gate.model import EVERYTHING
from tests.gate_room import TARGET, TRACKED, letter
from tests.hop_thread import HopThread
from tests.serve_process import ServeProcess, quiet_port, transact

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ALICE = "alice@example.com"


class Fault(NamedTuple):
    """Something wrong: how it is made, the exit code, and words that must be said."""

    make: Callable[[ServeProcess], Any]
    code: int
    said: tuple[str, ...]


def _yaml(serve: ServeProcess) -> None:
    serve.config.write_text("listen:\n  smtp: [127.0.0.1:10025\ndeliver: {}\n", encoding="utf-8")


def _keys_readable_by_all(serve: ServeProcess) -> None:
    serve.keys.chmod(0o644)


def _keys_damaged(serve: ServeProcess) -> None:
    serve.keys.write_text(serve.keys.read_text(encoding="utf-8")[:-40], encoding="utf-8")


def _ledger_no_database(serve: ServeProcess) -> None:
    (serve.folder / "consent.db").write_text("no database at all\n" * 100, encoding="utf-8")


def _ledger_no_folder(serve: ServeProcess) -> None:
    serve.write(consent={"ledger": f"sqlite:///{serve.folder}/config.yaml/consent.db"})


def _for_the_web_part(serve: ServeProcess) -> None:
    lines = [line for line in serve.config.read_text(encoding="utf-8").splitlines() if not line.startswith("  ")]
    text = "".join(f"{line}\n" for line in lines if line.startswith("keys"))
    serve.config.write_text(f"{text}web: {{public_url: '{serve.public_url}'}}\n", encoding="utf-8")


FAULTS = {
    "file for the web part": Fault(_for_the_web_part, 78, ("deliver: is missing", "smtp-gate web")),
    "broken YAML": Fault(_yaml, 78, ("config.yaml:3:8: ",)),
    "unknown key": Fault(
        lambda serve: serve.write(deliver={"next_hop": "smtp://x"}), 78, ("config.yaml:", "deliver.next_hop: ")
    ),
    "no configuration": Fault(lambda serve: serve.config.unlink(), 78, ("config.yaml: cannot be read: ",)),
    "no key file": Fault(lambda serve: serve.keys.unlink(), 78, ("keys.yaml: ", "smtp-gate keys new")),
    "keys readable by all": Fault(_keys_readable_by_all, 78, ("keys.yaml: ", "mode 0644", "chmod 0600")),
    "keys damaged": Fault(_keys_damaged, 78, ("keys.yaml",)),
    "public bind": Fault(
        lambda serve: serve.write(listen={"smtp": f"0.0.0.0:{serve.smtp}"}), 78, ("listen.smtp", "0.0.0.0", "allow")
    ),
    "ledger is no database": Fault(_ledger_no_database, 78, ("consent.db: consent.ledger: ",)),
    "ledger has no folder": Fault(_ledger_no_folder, 78, ("consent.db: consent.ledger: cannot be opened",)),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_start_that_cannot_be_says_what_and_where_and_leaves_nothing_running(name: str) -> None:
    fault = FAULTS[name]
    serve = ServeProcess("smtp://127.0.0.1:1?tls=none")
    try:
        new_keys(serve.keys)
        key_text = serve.keys.read_text(encoding="utf-8")
        fault.make(serve)
        serve.launch()
        code, text = serve.exit_code(), serve.text()
        assert code == fault.code, text
        for words in fault.said:
            assert words in text
        assert "Traceback" not in text
        assert not any(word in text for line in key_text.splitlines() for word in line.split() if len(word) > 40)
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", serve.smtp), 1)
    finally:
        serve.__exit__(None, None, None)


@pytest.mark.parametrize("door", ["smtp", "web"])
def test_a_port_that_is_taken_is_named_with_the_way_to_find_who_has_it(door: str) -> None:
    serve = ServeProcess("smtp://127.0.0.1:1?tls=none")
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        address = f"127.0.0.1:{port}"
        serve.write(
            **{
                "smtp": {"listen": {"smtp": address}},
                "web": {"web": {"listen": address}},
            }[door]
        )
        try:
            new_keys(serve.keys)
            serve.launch()
            code, text = serve.exit_code(), serve.text()
            assert code == 71
            assert f"{address}: cannot be listened on: Address already in use" in text
            assert f"sport = :{port}" in text
            assert "Traceback" not in text
        finally:
            serve.__exit__(None, None, None)


def test_a_next_hop_that_is_away_at_the_start_is_a_warning_and_a_451() -> None:
    with ServeProcess(f"smtp://127.0.0.1:{quiet_port()}?tls=none") as serve:
        assert serve.events("hop_down")
        with serve.client() as client:
            assert transact(client, TRACKED, [ALICE]) == (0, [451])


def test_a_redis_that_is_away_at_the_start_is_told_and_mail_flows_untracked() -> None:
    with HopThread() as hop, ServeProcess(hop.url, cache=f"redis://127.0.0.1:{quiet_port()}/0") as serve:
        serve.agrees(ALICE, EVERYTHING)
        assert {line["reason"] for line in serve.events("store_down")} == {"connection"}
        assert serve.send(TRACKED, ALICE) == 250
        [content] = hop.contents(ALICE)
        assert TARGET in content
        assert b"<img" not in content
        assert len(serve.events("store_down")) == 2, "each of the two workers says it once"


# --- a running gate -----------------------------------------------------------------------------------------------
@pytest.fixture(scope="module")
def gate() -> Iterator[tuple[ServeProcess, HopThread]]:
    size = 1_000_000
    with HopThread() as hop, ServeProcess(hop.url, workers=1, config={"listen": {"max_size": size}}) as serve:
        yield serve, hop


def nested(depth: int) -> bytes:
    """Multiparts in multiparts, a tracked part in the innermost."""
    opening = b"".join(
        b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (level, level) for level in range(depth)
    )
    closing = b"".join(b"\r\n--b%d--\r\n" % level for level in reversed(range(depth)))
    return b"From: a@acme.example\r\nMIME-Version: 1.0\r\n" + opening + _inner() + closing


def _inner() -> bytes:
    return TRACKED[TRACKED.index(b"Content-Type:") :]


def many(parts: int) -> bytes:
    """One multipart of very many tiny parts, the tracked one last."""
    return (
        b"From: a@acme.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
        + b"--b\r\n\r\nx\r\n" * parts
        + b"--b\r\n"
        + _inner()
        + b"\r\n--b--\r\n"
    )


HOSTILE = {
    "200 levels of multiparts": (nested(200), 250, "depth"),
    "5,000 levels of multiparts": (nested(5000), 250, "parts"),
    "100,000 parts": (many(90_000), 250, "parts"),
    "a boundary line in every line": (many(0).replace(b"\r\nx", b"\r\n--b" * 50_000), 250, ""),
    "a header of 200 KB": ((b"X-Long: " + b"x" * 900 + b"\r\n") * 220 + TRACKED, 550, ""),
    "60 Received fields": (b"Received: from a by b; Mon, 06 Oct 2025 10:00:00 +0000\r\n" * 60 + TRACKED, 554, ""),
    "100,000 tags that never end": (letter(b"<a href='" * 100_000), 250, ""),
    "a comment that never ends": (letter(b"<!--" + b"<a href=x>" * 50_000), 250, ""),
    "200,000 open quotes": (letter(b"<img src=\"'" * 70_000), 250, ""),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mail_gets_a_clear_answer_and_the_gate_lives(
    gate: tuple[ServeProcess, HopThread], name: str
) -> None:
    serve, hop = gate
    raw, code, obstacle = HOSTILE[name]
    raw = b"\r\n".join(line[i : i + 900] for line in raw.split(b"\r\n") for i in range(0, max(len(line), 1), 900))
    workers, before = serve.workers(), len(hop.messages)
    began = time.monotonic()
    assert serve.send(raw, ALICE) == code
    assert time.monotonic() - began < 5
    assert serve.send(TRACKED, ALICE) == 250
    assert serve.workers() == workers, "a worker died of it"
    assert len(hop.messages) == before + 1 + (code == 250)
    if obstacle:
        assert serve.events("message")[-2]["actions"]["unsearched"] == {obstacle: 1}
    assert not serve.events("message_failed")


def test_a_message_over_the_limit_is_refused_where_the_client_says_its_size_and_where_it_does_not(
    gate: tuple[ServeProcess, HopThread],
) -> None:
    serve, hop = gate
    before = len(hop.messages)
    with serve.client() as client:
        offered = int(client.esmtp_features["size"])
        assert offered <= 1_000_000
        code, text = client.docmd("MAIL", f"FROM:<news@acme.example> SIZE={offered + 1}")
        assert (code, text) == (552, b"5.3.4 Message is larger than the limit")
        big = letter(b"line\r\n" * (offered // 6 + 100))
        assert transact(client, big, [ALICE]) == (552, [250])
        assert transact(client, TRACKED, [ALICE]) == (250, [250]), "the session goes on"
    assert len(hop.messages) == before + 1


@pytest.mark.parametrize(
    ("raw", "code"),
    [
        (b"Subject: x\r\n\r\nbare\nline feed\r\n", 550),
        (b"Subject: x\r\n\r\nbare\rreturn\r\n", 550),
        (b"Subject: x\r\n\r\nsmuggled\n.\r\nMAIL FROM:<a@b>\r\n", 550),
        (b"Subject: x\r\n\r\nnul\0\r\n", 550),
        (b"Subject: x\r\n\r\n" + b"x" * limits.MAX_LINE + b"\r\n", 500),
    ],
    ids=["line feed", "return", "smuggling", "nul", "long line"],
)
def test_content_that_is_no_smtp_content_is_refused_as_declared(
    gate: tuple[ServeProcess, HopThread], raw: bytes, code: int
) -> None:
    serve, hop = gate
    before = len(hop.messages)
    assert serve.send(raw, ALICE) == code
    assert len(hop.messages) == before
