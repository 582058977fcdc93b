"""A served gate with several processes tells the CRM of a withdrawal on its page, once."""

from __future__ import annotations

import json
import sqlite3
from base64 import b64encode
from contextlib import closing

from smtp_gate.config.keys import load_keys, new_keys
from smtp_gate.model import EVERYTHING
from smtp_gate.tokens import WithdrawToken, seal, subject_of
from tests.hooks.receiver import receiving
from tests.hop_thread import HopThread
from tests.serve_process import ServeProcess, eventually

ALICE = "alice@reader.example"


def begun(serve: ServeProcess) -> bool:
    """Whether the gate knows from where on the endpoint is told."""
    with closing(sqlite3.connect(serve.folder / "consent.db")) as raw:
        return bool(raw.execute("SELECT count(*) FROM webhook").fetchone()[0])


def test_a_withdrawal_is_told_to_the_crm_with_the_address_and_nothing_of_it_is_logged() -> None:
    with HopThread() as hop, receiving() as receiver:
        serve = ServeProcess(hop.url)
        secret = serve.folder / "hook.secret"
        secret.write_text(f"whsec_{b64encode(b's' * 32).decode()}", encoding="ascii")
        secret.chmod(0o600)
        new_keys(serve.keys)
        url = f"http://127.0.0.1:{receiver.port}/secret-path"
        serve.write(webhooks=[{"url": url, "controller": "acme", "secret_file": str(secret)}])
        with serve:
            # The endpoint is told of what comes after it was first seen.
            eventually(lambda: begun(serve))
            serve.agrees(ALICE, EVERYTHING)
            eventually(lambda: receiver.got)
            ring = load_keys(serve.keys)
            token = seal(ring, WithdrawToken("acme", subject_of(ring, ALICE.encode())))
            assert serve.get(f"{serve.public_url}/w/{token}", "POST").status_code == 200
            eventually(lambda: len(receiver.got) == 2)
            assert serve.stop() == 0
            told = serve.text()
    bodies = [json.loads(body) for _, _, body in receiver.got]
    assert [(body["type"], body["data"]["address"]) for body in bodies] == [
        ("consent.grant", ALICE),
        ("consent.withdraw", ALICE),
    ]
    assert "reader.example" not in told
    assert "secret-path" not in told
