"""Redis goes away and comes back under a running gate: mail flows on untracked, then tracked again by itself."""

from __future__ import annotations

from smtp_gate.model import Purpose
from tests.hop_thread import HopThread
from tests.redis_server import RedisServer
from tests.serve_process import ServeProcess, eventually
from tests.test_withdrawal import MAIL

ALICE = "alice@example.com"


def test_mail_flows_on_while_redis_is_away() -> None:
    with RedisServer() as redis, HopThread() as hop, ServeProcess(hop.url, cache=redis.url) as serve:
        serve.agrees(ALICE, Purpose(31))
        door = f"{serve.public_url}/p/".encode()

        def tracked() -> bool:
            assert serve.send(MAIL % 9, ALICE) == 250, "nothing is deferred"
            return door in hop.contents(ALICE)[-1]

        eventually(tracked)
        for away in (redis.stop, redis.freeze):
            away()
            assert [tracked() for _ in range(12)] == [False] * 12
            (redis.start if away == redis.stop else redis.thaw)()
            # Stopped, it forgot everything: the gates load it anew from the ledger.
            eventually(tracked, 12)
            assert {line["reason"] for line in serve.events("store_down")} <= {"connection", "timeout", "no_epoch"}
            assert serve.events("store_up")
        assert {code for line in serve.events("message") for code in line["replies"]} == {"250"}
        assert {"granted", "unavailable"} <= {
            reason for line in serve.events("message") for reason in line["consent"]
        }


def test_a_gate_starts_without_redis_and_says_so_in_its_numbers() -> None:
    with HopThread() as hop, ServeProcess(hop.url, cache="redis://127.0.0.1:1/0") as serve:
        serve.agrees(ALICE, Purpose(31))
        assert serve.send(MAIL % 9, ALICE) == 250
        assert b"<img" not in hop.contents(ALICE)[0]
        numbers = serve.get(f"http://127.0.0.1:{serve.metrics}/metrics").text
        assert 'smtp_gate_consent_answers_total{reason="unavailable"} 1.0' in numbers
