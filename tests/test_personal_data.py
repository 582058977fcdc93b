"""After a busy run no address, subject, token, full URL or client address stands in any log line or number."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path

import httpx

from smtp_gate.config.api_keys import add_api_key
from smtp_gate.config.keys import load_keys
from smtp_gate.model import Purpose
from smtp_gate.tokens import OpeningToken, seal, subject_of
from tests.hop_thread import HopThread
from tests.serve_process import ServeProcess, transact

ALICE, BOB, CAROL = "alice.person@reader.example", "bob.secret@reader.example", "carol@refused.example"
SENDER = "hidden.sender@acme.example"
URL = "https://acme.us13.list-manage.com/track/click?u=c299c0fb17f046bcb00000000&id=55fdb00000&e=1e6a00000a"
PIXEL = "https://acme.us13.list-manage.com/track/open.php?u=c299c0fb17f046bcb00000000&id=55fdb00000&e=1e6a00000a"
MAIL = (
    f"From: Hidden Sender <{SENDER}>\r\nTo: {ALICE}\r\nSubject: Private-subject-words\r\n"
    f"Message-ID: <unique-message-id@acme.example>\r\nContent-Type: text/html\r\n\r\n"
    f'<html><body><a href="{URL.replace("&", "&amp;")}">secretwords</a><img src="{PIXEL.replace("&", "&amp;")}">'
    "</body></html>\r\n"
).encode()


def test_nothing_personal_is_told() -> None:
    folder = tempfile.TemporaryDirectory()
    api_keys = Path(folder.name) / "api-keys.yaml"
    secret = add_api_key(api_keys, "crm", "acme")
    config = {"web": {"api_keys": str(api_keys), "proxies": ["127.0.0.1"]}}
    with folder, HopThread() as hop, ServeProcess(hop.url, config=config) as serve:
        hop.hop.when("RCPT", f"550 5.1.1 <{CAROL}> is unknown here".encode(), to=CAROL.encode())
        serve.agrees(ALICE, Purpose(31))
        with serve.client() as client:
            transact(client, MAIL, [ALICE, BOB, CAROL], SENDER, ident="4XqXyz1234")
            client.docmd(f"RCPT TO:<{ALICE}> junk {BOB}")
            client.docmd(f"NONSENSE {ALICE}")
            client.docmd("MAIL", f"FROM:<{SENDER}\x01>")
        with serve.client(lmtp=True) as client:
            transact(client, MAIL, [ALICE, BOB], SENDER)
            assert client.getreply()[0] == 250  # the second recipient's
        hop.hop.when("DOT", f"554 5.7.1 mail from {SENDER} to {ALICE} is spam".encode())
        with serve.client() as client:
            transact(client, MAIL.replace(b"secretwords", b"other"), [BOB], SENDER)
        content = hop.contents(ALICE)[0]
        tokens = re.findall(rb"/([plw])/([\w-]{20,})", content)
        assert {kind for kind, _ in tokens} == {b"p", b"l", b"w"}
        for kind, token in tokens:
            url = f"{serve.public_url}/{kind.decode()}/{token.decode()}"
            serve.get(url)
            serve.get(url, "POST")
            serve.get(url[:-3] + "AAA", **{"X-Forwarded-For": "203.0.113.77", "User-Agent": f"agent of {ALICE}"})
        key = serve.cli("keys", "api", "list", "--api-keys", str(api_keys), "--json").stdout
        assert "crm" in key
        for body in (
            {
                "address": ALICE,
                "decision": "withdraw",
                "at": "2026-05-01T10:00:00Z",
                "method": "crm",
                "source": BOB,
            },
            {"address": f"<{ALICE}>", BOB: "x"},
        ):
            fields = {"Authorization": f"Bearer {secret}", "X-Forwarded-For": "203.0.113.77"}
            httpx.post(f"{serve.public_url}/api/v1/consents", json=body, headers=fields, timeout=20)
        ring = load_keys(serve.keys)
        opening = seal(ring, OpeningToken("acme", subject_of(ring, BOB.encode())))
        serve.get(f"{serve.public_url}/o/{opening}", **{"X-Forwarded-For": "203.0.113.77"})
        numbers = serve.get(f"http://127.0.0.1:{serve.metrics}/metrics").text
        assert serve.stop() == 0
        told = serve.text() + numbers
        assert len(serve.events("message")) >= 3
        assert {line["next_hop"] for line in serve.events("message")} == {f"127.0.0.1:{hop.hop.port}"}
        assert "smtp_gate_hits_total" in numbers
    planted = [
        *(ALICE, BOB, CAROL, SENDER, "alice.person", "bob.secret", "hidden.sender", "reader.example"),
        *("Private-subject-words", "unique-message-id", "secretwords", "list-manage.com", "c299c0fb", "203.0.113"),
        *(token.decode() for _, token in tokens),
        *(opening, secret, secret[-20:], "opening"),
    ]
    assert [word for word in planted if word.lower() in told.lower()] == []
    assert not re.search(r"127\.0\.0\.1(?!:)", told), "a client's address"
