"""Look-ups in Redis under every fault: an answer that grants nothing, or StoreUnavailable, and soon."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

import pytest

from smtp_gate.consent import Entry, Ledger, RecentWithdrawals, RedisCache, RedisStore
from smtp_gate.consent.event import Choice
from smtp_gate.consent.redis_layout import write_value
from smtp_gate.consent.standing import Grant, Standing
from smtp_gate.errors import ConfigError, StoreUnavailable
from smtp_gate.limits import BREAKER_FAILURES, BREAKER_PAUSE
from smtp_gate.model import NOTHING, UNKNOWN, Consent, Purpose
from tests.consent.tamper import STORE_TIMEOUT, Wire, lies
from tests.redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from tests.consent.conftest import Decisions, Hands

PERF, CLICKS = Purpose.PERFORMANCE, Purpose.CLICKS
SLOW_MACHINE = 2.0
"""Seconds beyond the limit that a busy machine may take; redis-py left to itself takes 4 to 40."""
GRANTED = Consent(PERF | CLICKS, "granted")
PEOPLE = [bytes([number]) * 16 for number in range(100)]
AGREED = PEOPLE[::2]
"""Every second person agreed; the others are unknown."""


@pytest.fixture
async def cache(
    ledger: Ledger, decisions: Decisions, redis_server: RedisServer, prefix: str
) -> AsyncIterator[RedisCache]:
    """A cache in which every second person agreed."""
    ledger.append_many([Entry(decisions.grant(subject, PERF | CLICKS)) for subject in AGREED])
    cache = RedisCache(redis_server.url, prefix=prefix)
    await cache.reload(ledger)
    yield cache
    await cache.close()


@pytest.fixture
async def wire(redis_server: RedisServer) -> AsyncIterator[Wire]:
    async with Wire(redis_server.port) as wire:
        yield wire


@pytest.fixture
async def store(cache: RedisCache, wire: Wire, prefix: str, clock: Hands) -> AsyncIterator[RedisStore]:
    """Through the wire, with an answer behind it, so that it knows the epoch."""
    assert await cache.position()
    store = RedisStore(wire.url, None, prefix=prefix, clock=clock)
    assert await store.look_up("acme", PEOPLE[:2]) == [GRANTED, UNKNOWN]
    wire.requests.clear()
    yield store
    await store.close()


@pytest.mark.parametrize("number", [1, 2, 100])
async def test_one_round_trip_for_all_recipients(store: RedisStore, wire: Wire, number: int) -> None:
    found = await store.look_up("acme", PEOPLE[:number])
    assert found == [GRANTED if subject in AGREED else UNKNOWN for subject in PEOPLE[:number]]
    assert len(wire.requests) == 1
    assert wire.requests[0].count(b"$4\r\nHGET\r\n") == number


async def test_the_first_look_up_asks_for_the_epoch_and_one_after_a_reload_reads_again(
    cache: RedisCache, store: RedisStore, wire: Wire, ledger: Ledger, decisions: Decisions
) -> None:
    ledger.append(decisions.withdraw(PEOPLE[0], CLICKS))
    await cache.reload(ledger)
    assert await store.look_up("acme", PEOPLE[:2]) == [Consent(PERF, "granted"), UNKNOWN]
    assert len(wire.requests) == 2
    assert await store.look_up("acme", PEOPLE[:2]) == [Consent(PERF, "granted"), UNKNOWN]
    assert len(wire.requests) == 3


def value(*, end: int = 0) -> bytes:
    return write_value(Standing(1, Choice.GRANT, (Grant(CLICKS, end),)))


async def test_values_of_an_old_epoch_never_pass_for_those_of_a_new_one_that_another_look_up_saw(
    store: RedisStore, cache: RedisCache, ledger: Ledger, decisions: Decisions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two look-ups of one process: the first made its question before the change, and it arrives after it."""
    [server] = store._servers.all()
    arrives = asyncio.Event()
    look = server.look

    async def late(request: bytes, number: int) -> list[bytes | None]:
        await arrives.wait()
        return await look(request, number)

    monkeypatch.setattr(server, "look", late)
    first = asyncio.ensure_future(store.look_up("acme", PEOPLE[:1]))
    await asyncio.sleep(0)
    monkeypatch.setattr(server, "look", look)
    ledger.append(decisions.withdraw(PEOPLE[0], CLICKS))
    await cache.reload(ledger)
    assert await store.look_up("acme", PEOPLE[:1]) == [Consent(PERF, "granted")]
    arrives.set()
    assert await first == [Consent(PERF, "granted")]


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b"", "doubt"),
        (b"granted", "doubt"),
        (b"\x02" + value()[1:], "doubt"),
        (value(end=1), "expired"),
        (value()[:-1], "doubt"),
        (value() * 1000, "doubt"),
    ],
    ids=["empty", "word", "no_mark", "expired", "cut", "long"],
)
async def test_an_odd_record_grants_nothing_and_hurts_nobody_else(
    store: RedisStore, redis_server: RedisServer, prefix: str, octets: bytes, reason: str
) -> None:
    key, field = lies(redis_server, prefix, PEOPLE[0])
    assert redis_server.say("HGET", key, field).startswith(b"$6\r\n")
    redis_server.say("HSET", key, field, octets)
    found = await store.look_up("acme", [PEOPLE[0], PEOPLE[2]])
    assert found == [Consent(NOTHING, reason), GRANTED]


async def test_a_key_of_another_type_grants_nothing(
    store: RedisStore, redis_server: RedisServer, prefix: str
) -> None:
    key, _ = lies(redis_server, prefix, PEOPLE[0])
    redis_server.say("DEL", key)
    redis_server.say("RPUSH", key, value())
    assert await store.look_up("acme", [PEOPLE[0], PEOPLE[2]]) == [Consent(NOTHING, "doubt")] * 2


async def test_values_beyond_all_measure_are_not_read_to_their_end(
    store: RedisStore, redis_server: RedisServer, prefix: str
) -> None:
    key, field = lies(redis_server, prefix, PEOPLE[0])
    redis_server.say("HSET", key, field, bytes(10_000_000))
    with pytest.raises(StoreUnavailable, match="bad_reply"):
        await store.look_up("acme", PEOPLE[:1])
    assert await store.look_up("acme", PEOPLE[2:3]) == [GRANTED]


@pytest.mark.parametrize(
    "pointer", [None, b"", b"2", b"1 0123456789abcdef 5", b"2 0123 5 1", b"2 0123456789ab -5 1"]
)
async def test_without_a_live_epoch_nothing_is_known(
    store: RedisStore, redis_server: RedisServer, prefix: str, pointer: bytes | None
) -> None:
    live = f"{prefix}:{{0}}:live"
    good = redis_server.say("GET", live).split(b"\r\n")[1]
    redis_server.say(*(("DEL", live) if pointer is None else ("SET", live, pointer)))
    for _ in range(2 * BREAKER_FAILURES):  # Redis answers, so the breaker has no reason to open
        with pytest.raises(StoreUnavailable, match="no_epoch"):
            await store.look_up("acme", PEOPLE[:1])
    redis_server.say("SET", live, good)
    assert await store.look_up("acme", PEOPLE[:1]) == [GRANTED]


@pytest.mark.parametrize(
    "answer",
    [
        b"-LOADING Redis is loading the dataset in memory\r\n",
        b"-OOM command not allowed\r\n",
        b"-READONLY You can't write against a read only replica.\r\n",
        b"-NOAUTH Authentication required.\r\n",
        b"-MOVED 3999 127.0.0.1:6381\r\n",
        b"-CLUSTERDOWN Hash slot not served\r\n",
        b"-MASTERDOWN Link with MASTER is down\r\n",
        b"-ERR unknown\r\n",
        b"- \xff\xfe\r\n",
        b"HTTP/1.1 200 OK\r\n\r\n",
        b"\0" * 1000,
        b"$99999999999\r\n",
        b"$-7\r\nx\r\n",
        b"$x\r\n",
        b"*x\r\n",
        b":1\r\n:2\r\n",
        b"+OK\r\n+OK\r\n",
        b"*1\r\n" * 5000,
        b"_\r\n%1\r\n",
    ],
)
async def test_an_answer_that_is_none_is_unavailable_and_the_next_one_counts(
    store: RedisStore, wire: Wire, answer: bytes
) -> None:
    wire.spoil = lambda _: answer
    start = time.monotonic()
    with pytest.raises(StoreUnavailable):
        await store.look_up("acme", PEOPLE[:2])
    assert time.monotonic() - start < STORE_TIMEOUT + SLOW_MACHINE
    wire.spoil = None
    assert await store.look_up("acme", PEOPLE[:2]) == [GRANTED, UNKNOWN]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data.replace(b"$-1\r\n", b"", 1),
        lambda data: b"$-1\r\n" + data,
        lambda data: data.replace(b"$-1\r\n", b"$-1\r\n$-1\r\n", 1),
        lambda data: data.replace(b"$-1\r\n", b"$-2\r\n", 1),
        lambda data: data.replace(b"$-1\r\n", b"*-1\r\n", 1),
        lambda data: data.replace(b"$-1\r\n", b"$0\r\n", 1),
        lambda data: data.replace(b"$-1\r\n", b"-ERR no\r\n", 1),
        lambda data: data.replace(b"$6\r\n", b"$7\r\n", 1),
        lambda data: data.replace(b"$6\r\n", b"$5\r\n", 1),
        lambda data: data.replace(b"$6\r\n", b"$99999999999\r\n", 1),
        lambda data: data + b"$5\r\nextra\r\n",
        lambda data: data[:-9],
        lambda data: data[:-3] + b"x\r\n",
        lambda _: None,
    ],
    ids=[
        "less", "before", "between", "size", "array", "cut_empty", "error", "longer", "shorter", "huge", "more",
        "cut", "others", "reset",
    ],
)  # fmt: skip
async def test_broken_answers_never_shift_answers_between_people(
    store: RedisStore, wire: Wire, spoil: Callable[[bytes], bytes | None]
) -> None:
    wire.spoil = spoil
    with pytest.raises(StoreUnavailable):
        await store.look_up("acme", PEOPLE[1:3])
    wire.spoil = None
    assert await store.look_up("acme", [PEOPLE[3], PEOPLE[4]]) == [UNKNOWN, GRANTED]


async def test_a_silent_redis_costs_the_time_limit_and_then_nothing(
    ledger: Ledger, decisions: Decisions, prefix: str
) -> None:
    ledger.append(decisions.grant(PEOPLE[0], PERF | CLICKS))
    now = [0.0]
    with RedisServer() as server:
        other = RedisCache(server.url, prefix=prefix)
        await other.reload(ledger)
        await other.close()
        store = RedisStore(server.url, None, prefix=prefix, monotonic=lambda: now[0])
        assert await store.look_up("acme", PEOPLE[:1]) == [GRANTED]
        server.freeze()
        for _ in range(BREAKER_FAILURES):
            start = time.monotonic()
            with pytest.raises(StoreUnavailable, match="timeout"):
                await store.look_up("acme", PEOPLE[:100])
            assert time.monotonic() - start < STORE_TIMEOUT + SLOW_MACHINE
        start = time.monotonic()
        for _ in range(100):
            with pytest.raises(StoreUnavailable, match="breaker_open"):
                await store.look_up("acme", PEOPLE[:1])
        assert time.monotonic() - start < SLOW_MACHINE
        server.thaw()
        now[0] += BREAKER_PAUSE
        assert await store.look_up("acme", PEOPLE[:1]) == [GRANTED]
        await store.close()


async def test_a_redis_that_is_gone_is_noticed_at_once_and_found_again(
    ledger: Ledger, decisions: Decisions, prefix: str
) -> None:
    ledger.append(decisions.grant(PEOPLE[0], PERF | CLICKS))
    with RedisServer(keep=True) as server:
        other = RedisCache(server.url, prefix=prefix)
        await other.reload(ledger)
        await other.close()
        store = RedisStore(server.url, None, prefix=prefix)
        assert await store.look_up("acme", PEOPLE[:1]) == [GRANTED]
        server.kill()
        start = time.monotonic()
        for _ in range(BREAKER_FAILURES - 1):
            with pytest.raises(StoreUnavailable, match="connection"):
                await store.look_up("acme", PEOPLE[:1])
        assert time.monotonic() - start < SLOW_MACHINE
        server.start()
        assert await store.look_up("acme", PEOPLE[:1]) == [GRANTED]
        await store.close()


async def test_a_slow_redis_is_waited_for_up_to_the_limit_and_not_longer(store: RedisStore, wire: Wire) -> None:
    wire.delay = STORE_TIMEOUT / 3
    assert await store.look_up("acme", PEOPLE[:1]) == [GRANTED]
    wire.delay = STORE_TIMEOUT * 2
    start = time.monotonic()
    with pytest.raises(StoreUnavailable, match="timeout"):
        await store.look_up("acme", PEOPLE[:1])
    assert time.monotonic() - start < STORE_TIMEOUT + SLOW_MACHINE
    wire.delay = 0
    assert await store.look_up("acme", PEOPLE[:1]) == [GRANTED]


async def test_the_limit_counts_for_connecting_and_all_answers_together(
    cache: RedisCache, wire: Wire, prefix: str
) -> None:
    assert await cache.position()
    wire.delay = STORE_TIMEOUT * 0.6
    store = RedisStore(wire.url, None, prefix=prefix)
    start = time.monotonic()
    with pytest.raises(StoreUnavailable, match="timeout"):
        await store.look_up("acme", PEOPLE[:1])
    assert time.monotonic() - start < STORE_TIMEOUT + SLOW_MACHINE
    await store.close()


async def test_a_failed_look_up_is_not_tried_again(store: RedisStore, wire: Wire) -> None:
    wire.deaf = True
    with pytest.raises(StoreUnavailable):
        await store.look_up("acme", PEOPLE[:1])
    assert len(wire.requests) == 1


async def test_a_cancelled_look_up_leaves_nothing_to_the_next_one(store: RedisStore, wire: Wire) -> None:
    """CVE-2023-28858: the next caller on the connection got the answer that the cancelled one had asked for."""
    wire.delay = 0.002
    for step in range(150):
        task = asyncio.ensure_future(store.look_up("acme", [PEOPLE[0]]))
        await asyncio.sleep(step * 0.000_04)
        task.cancel()
        assert await store.look_up("acme", [PEOPLE[1]]) == [UNKNOWN]
        assert await store.look_up("acme", [PEOPLE[2]]) == [GRANTED]
        await asyncio.gather(task, return_exceptions=True)
    assert not any(server.busy for server in store._servers.all())


async def test_an_answer_that_was_given_up_is_nobody_elses(store: RedisStore, wire: Wire) -> None:
    refused = b"-ERR no\r\n"
    wire.spoil = lambda data: refused + data
    wire.pause = len(refused)
    with pytest.raises(StoreUnavailable, match="error_reply"):
        await store.look_up("acme", [PEOPLE[0], PEOPLE[2]])
    wire.spoil = None
    assert await store.look_up("acme", [PEOPLE[1], PEOPLE[3]]) == [UNKNOWN, UNKNOWN]


async def test_many_at_once_get_their_own_answers_while_some_are_cancelled(store: RedisStore) -> None:
    async def one(number: int) -> None:
        subjects = [PEOPLE[number], PEOPLE[(number + 1) % 100]]
        look_up = asyncio.ensure_future(store.look_up("acme", subjects))
        if number % 5 == 0:
            await asyncio.sleep(0.001 * (number % 7))
            look_up.cancel()
        try:
            found = await look_up
        except (asyncio.CancelledError, StoreUnavailable):
            return
        assert found == [GRANTED if subject in AGREED else UNKNOWN for subject in subjects]

    for _ in range(3):
        await asyncio.gather(*(one(number) for number in range(100)))
    assert not any(server.busy for server in store._servers.all())
    assert await store.look_up("acme", PEOPLE[:1]) == [GRANTED]


async def test_a_withdrawal_read_from_the_ledger_beats_an_older_answer_of_redis(
    cache: RedisCache, ledger: Ledger, decisions: Decisions, redis_server: RedisServer, prefix: str
) -> None:
    recent = RecentWithdrawals(ledger)
    store = RedisStore(redis_server.url, recent, prefix=prefix)
    with pytest.raises(StoreUnavailable, match="stale"):
        await store.look_up("acme", PEOPLE[:1])
    await recent.poll()
    assert await store.look_up("acme", PEOPLE[:1]) == [GRANTED]
    ledger.append(decisions.withdraw(PEOPLE[0], CLICKS))
    await recent.poll()
    assert await store.look_up("acme", [PEOPLE[0], PEOPLE[2]]) == [Consent(NOTHING, "withdrawn"), GRANTED]
    assert await store.look_up("other", [PEOPLE[0]]) == [UNKNOWN]
    await cache.write(ledger.changes(0)[0])
    assert await store.look_up("acme", PEOPLE[:1]) == [Consent(PERF, "granted")]
    await store.close()


@pytest.mark.parametrize(
    "url", ["", "localhost", "http://localhost", "redis://localhost?nonsense=1", "redis://:secret@h:x"]
)
def test_an_address_that_is_none_is_refused_at_start(url: str) -> None:
    with pytest.raises(ConfigError, match="not an address of Redis") as caught:
        RedisStore(url, None)
    assert "secret" not in str(caught.value)
