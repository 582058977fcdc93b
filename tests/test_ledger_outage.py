"""PostgreSQL goes away and comes back under a running gate: mail flows on untracked, nothing pretends success."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtp_gate.model import Purpose
from tests.hop_thread import HopThread
from tests.serve_process import ServeProcess, eventually
from tests.test_withdrawal import MAIL, dead, door

if TYPE_CHECKING:
    from tests.postgres_server import PostgresServer

ALICE = "alice@example.com"


def test_mail_flows_and_a_withdrawal_says_that_it_was_not_stored(
    postgres_server: PostgresServer, postgres_ledger: str
) -> None:
    url = postgres_server.new(postgres_ledger)
    with HopThread() as hop:
        serve = ServeProcess(hop.url, workers=1, config={"consent": {"ledger": url}})

        def tracked() -> bool:
            assert serve.send(MAIL % 9, ALICE) == 250, "nothing is deferred"
            return f"{serve.public_url}/p/".encode() in hop.contents(ALICE)[-1]

        postgres_server.kill()
        try:
            with serve:  # it starts all the same
                assert not tracked()
                postgres_server.start()
                serve.agrees(ALICE, Purpose(31))
                eventually(tracked, 20)
                pixel, page = (door(hop.contents(ALICE)[-1], letter) for letter in "pw")
                postgres_server.freeze()
                assert not tracked()
                assert dead(serve, pixel)
                answer = serve.get(page, "POST")
                assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
                postgres_server.thaw()
                assert eventually(lambda: serve.get(page, "POST").status_code == 200, 20) >= 0
                eventually(lambda: dead(serve, pixel), 20)
                assert not tracked()
                reasons = {reason for line in serve.events("message") for reason in line["consent"]}
                assert {"granted", "unavailable"} <= reasons
                numbers = serve.get(f"http://127.0.0.1:{serve.metrics}/metrics").text
                assert "s3cret" not in numbers
                assert "s3cret" not in (serve.folder / "log").read_text()
        finally:
            postgres_server.thaw()
            postgres_server.start()
    postgres_server.drop(url)
