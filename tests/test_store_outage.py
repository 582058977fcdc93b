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


def test_a_redis_that_is_flushed_or_may_forget_stops_tracking_and_all_heals_by_itself() -> None:
    with RedisServer() as redis, HopThread() as hop, ServeProcess(hop.url, cache=redis.url) as serve:
        serve.agrees(ALICE, Purpose(31))
        door = f"{serve.public_url}/p/".encode()

        def tracked() -> bool:
            assert serve.send(MAIL % 9, ALICE) == 250, "nothing is deferred"
            return door in hop.contents(ALICE)[-1]

        eventually(tracked)
        epoch = redis.say("GET", "smtp_gate:{0}:live")
        redis.say("FLUSHALL")
        eventually(lambda: redis.say("GET", "smtp_gate:{0}:live").startswith(b"$") and tracked(), 12)
        assert redis.say("GET", "smtp_gate:{0}:live") != epoch
        redis.say("CONFIG", "SET", "maxmemory", "100mb", "maxmemory-policy", "allkeys-lru")
        eventually(lambda: not tracked())
        assert [tracked() for _ in range(5)] == [False] * 5
        eventually(lambda: serve.events("cache_behind"))
        assert {line["reason"] for line in serve.events("cache_behind")} == {"eviction"}
        numbers = serve.get(f"http://127.0.0.1:{serve.metrics}/metrics").text
        assert 'smtp_gate_cache_failures_total{reason="eviction"}' in numbers
        assert 'smtp_gate_store_failures_total{reason="no_epoch"}' in numbers
        redis.say("CONFIG", "SET", "maxmemory-policy", "noeviction")
        eventually(tracked, 12)
        eventually(lambda: serve.events("cache_in_step"))


def test_a_mail_that_waits_upstream_while_consent_is_withdrawn_leaves_untracked() -> None:
    with RedisServer() as redis, HopThread() as hop, ServeProcess(hop.url, cache=redis.url) as serve:
        serve.agrees(ALICE, Purpose(31))
        door = f"{serve.public_url}/p/".encode()
        eventually(lambda: serve.send(MAIL % 9, ALICE) == 250 and door in hop.contents(ALICE)[-1])
        hop.hop.when("DOT", b"451 4.3.0 later")
        assert serve.send(MAIL % 8, ALICE) == 451
        serve.cli("consent", "withdraw", ALICE)
        hop.hop.forget()
        assert serve.send(MAIL % 8, ALICE) == 250
        assert b"<img" not in hop.contents(ALICE)[-1]


def test_a_gate_starts_without_redis_and_says_so_in_its_numbers() -> None:
    with HopThread() as hop, ServeProcess(hop.url, cache="redis://127.0.0.1:1/0") as serve:
        serve.agrees(ALICE, Purpose(31))
        assert serve.send(MAIL % 9, ALICE) == 250
        assert b"<img" not in hop.contents(ALICE)[0]
        numbers = serve.get(f"http://127.0.0.1:{serve.metrics}/metrics").text
        assert 'smtp_gate_consent_answers_total{reason="unavailable"} 1.0' in numbers
