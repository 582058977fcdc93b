"""Cache and ledger are compared record by record; what differs is counted by kind, and nobody is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from smtp_gate.consent import Entry, Ledger, RedisCache
from smtp_gate.consent.event import Choice
from smtp_gate.consent.redis_layout import PartKeys, write_value
from smtp_gate.consent.redis_verify import Compared, compare
from smtp_gate.consent.standing import Grant, Standing
from smtp_gate.errors import StoreUnavailable
from smtp_gate.model import Purpose
from tests.consent.tamper import lies

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.consent.conftest import Decisions
    from tests.redis_server import RedisServer

CLICKS = Purpose.CLICKS
PEOPLE = [number.to_bytes(16, "big") for number in range(300)]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smtp_gate.consent.redis_verify.CATCH_UP_PERIOD", 0)


@pytest.fixture
async def cache(
    redis_server: RedisServer, prefix: str, ledger: Ledger, decisions: Decisions
) -> AsyncIterator[RedisCache]:
    """In step with the ledger."""
    ledger.append_many([Entry(decisions.grant(subject, CLICKS)) for subject in PEOPLE])
    ledger.append(decisions.withdraw(PEOPLE[0], CLICKS))
    cache = RedisCache(redis_server.url, prefix=prefix)
    await cache.reload(ledger)
    yield cache
    await cache.close()


async def test_a_cache_in_step_is_the_same(cache: RedisCache, ledger: Ledger) -> None:
    seen: list[int] = []
    found = await compare(ledger, cache, seen.append)
    assert found == (300, 0, 0, 0, 0, 0)
    assert found.same
    assert seen[-1] == 300


async def test_every_kind_of_difference_is_counted(
    *, cache: RedisCache, ledger: Ledger, decisions: Decisions, redis_server: RedisServer, prefix: str
) -> None:
    def put(number: int, *octets: bytes) -> None:
        word = "HSET" if octets else "HDEL"
        redis_server.say(word, *lies(redis_server, prefix, PEOPLE[number]), *octets)

    put(1)
    put(2)
    ledger.append(decisions.withdraw(PEOPLE[3], CLICKS))
    put(4, write_value(Standing(999, Choice.WITHDRAW, ())))
    put(5, write_value(Standing(6, Choice.GRANT, (Grant(Purpose.FRAUD, 0),))))
    put(6, b"odd")
    key, _ = lies(redis_server, prefix, PEOPLE[7])
    redis_server.say("HSET", key, "somebody", "else")
    found = await compare(ledger, cache)
    assert found == Compared(300, missing=2, older=1, newer=1, wrong=2, extra=1)
    assert not found.same
    await cache.reload(ledger)
    assert (await compare(ledger, cache)).same


async def test_more_differences_than_are_looked_at_twice_are_counted_all_the_same(
    *, cache: RedisCache, ledger: Ledger, redis_server: RedisServer, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smtp_gate.consent.redis_verify.MAX_VERIFY_AGAIN", 5)
    position = await cache.position()
    assert position
    for bucket in range(3):
        redis_server.say("DEL", PartKeys(prefix, "0").epoch(position.epochs[0]) + b"%07d" % bucket)
    assert (await compare(ledger, cache)).missing == 300


async def test_what_was_only_late_is_no_difference(
    *, cache: RedisCache, ledger: Ledger, decisions: Decisions, monkeypatch: pytest.MonkeyPatch
) -> None:
    ledger.append(decisions.withdraw(PEOPLE[3], CLICKS))
    whole = ledger.standing

    def standing(_controller: str, _subject: bytes) -> Standing | None:
        monkeypatch.setattr(ledger, "standing", whole)
        return Standing(4, Choice.GRANT, (Grant(CLICKS, 0),))  # as if the cache had been written meanwhile

    monkeypatch.setattr(ledger, "standing", standing)
    assert (await compare(ledger, cache)).same


async def test_without_an_epoch_or_over_a_reload_there_is_no_result(
    cache: RedisCache, ledger: Ledger, redis_server: RedisServer, prefix: str
) -> None:
    live = PartKeys(prefix, "0").live
    pointer = redis_server.say("GET", live).split(b"\r\n")[1]

    def move(_: int) -> None:
        redis_server.say("SET", live, b"2 ffffffffffff 1 1")

    with pytest.raises(StoreUnavailable, match="epoch_moved"):
        await compare(ledger, cache, move)
    redis_server.say("DEL", live)
    with pytest.raises(StoreUnavailable, match="no_epoch"):
        await compare(ledger, cache)
    redis_server.say("SET", live, pointer)
