"""A Redis that may forget by itself is not used, says so, and is loaded again when it is set right."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from smtp_gate.consent import Entry, Ledger, RedisCache, RedisStore, Register
from smtp_gate.errors import StoreUnavailable
from smtp_gate.model import Purpose
from tests.redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator

    from tests.consent.conftest import Decisions

CLICKS = Purpose.CLICKS
PEOPLE = [number.to_bytes(16, "big") for number in range(50)]
MEMORY = "100mb"


@pytest.fixture
def server() -> Iterator[RedisServer]:
    """Of one test: its settings are changed."""
    with RedisServer() as server:
        yield server


@pytest.fixture
async def cache(server: RedisServer, ledger: Ledger, decisions: Decisions) -> AsyncIterator[RedisCache]:
    ledger.append_many([Entry(decisions.grant(subject, CLICKS)) for subject in PEOPLE])
    cache = RedisCache(server.url)
    yield cache
    await cache.close()


@pytest.fixture
async def store(server: RedisServer) -> AsyncIterator[RedisStore]:
    store = RedisStore(server.url, None)
    yield store
    await store.close()


@pytest.mark.parametrize("policy", ["allkeys-lru", "allkeys-lfu", "allkeys-random"])
async def test_a_policy_that_takes_any_key_stops_tracking_until_it_is_changed(
    *, server: RedisServer, cache: RedisCache, store: RedisStore, ledger: Ledger, policy: str
) -> None:
    register = Register(ledger, cache)
    await register.catch_up()
    assert (await store.look_up("acme", PEOPLE[:1]))[0].granted == CLICKS
    server.say("CONFIG", "SET", "maxmemory", MEMORY, "maxmemory-policy", policy)
    for ask in (register.catch_up(), cache.reload(ledger), cache.position()):
        with pytest.raises(StoreUnavailable, match="eviction"):
            await ask
    with pytest.raises(StoreUnavailable, match="no_epoch"):
        await store.look_up("acme", PEOPLE[:1])
    assert await cache.unwise() == ["maxmemory-policy"]
    server.say("CONFIG", "SET", "maxmemory-policy", "noeviction")
    assert await register.catch_up() == 50
    assert (await store.look_up("acme", PEOPLE[:1]))[0].granted == CLICKS


@pytest.mark.parametrize(
    ("memory", "policy"), [("0", "allkeys-lru"), (MEMORY, "noeviction"), (MEMORY, "volatile-lru")]
)
async def test_other_policies_are_used(
    *, server: RedisServer, cache: RedisCache, ledger: Ledger, memory: str, policy: str
) -> None:
    server.say("CONFIG", "SET", "maxmemory", memory, "maxmemory-policy", policy)
    assert (await cache.reload(ledger)).records == 50
    assert await cache.unwise() == (["maxmemory-policy"] if policy == "volatile-lru" else [])


async def test_settings_that_waste_memory_are_named_and_harm_nobody(
    server: RedisServer, cache: RedisCache, store: RedisStore, ledger: Ledger
) -> None:
    server.say("CONFIG", "SET", "hash-max-listpack-entries", "16", "hash-max-listpack-value", "4")
    await cache.reload(ledger)
    assert await cache.unwise() == ["hash-max-listpack-entries", "hash-max-listpack-value"]
    assert {consent.granted for consent in await store.look_up("acme", PEOPLE)} == {CLICKS}


async def test_a_service_that_lets_nobody_ask_is_used(ledger: Ledger, decisions: Decisions) -> None:
    ledger.append(decisions.grant(PEOPLE[0], CLICKS))
    with RedisServer() as server:
        server.say("ACL", "SETUSER", "default", "-info", "-config")
        cache = RedisCache(server.url)
        assert (await cache.reload(ledger)).records == 1
        assert await cache.unwise() == []
        await cache.close()


async def test_a_full_memory_loses_no_record(
    server: RedisServer, cache: RedisCache, store: RedisStore, ledger: Ledger, decisions: Decisions
) -> None:
    """Without eviction a full Redis takes no write: the ledger has the withdrawal, and the cache is behind."""
    register = Register(ledger, cache)
    await register.catch_up()
    server.say("CONFIG", "SET", "maxmemory", "1")
    await register.record(decisions.withdraw(PEOPLE[0], CLICKS))
    with pytest.raises(StoreUnavailable, match="error_reply"):
        await register.catch_up()
    assert (await store.look_up("acme", PEOPLE[1:2]))[0].granted == CLICKS
    server.say("CONFIG", "SET", "maxmemory", "0")
    assert await register.catch_up() == 1
    assert not (await store.look_up("acme", PEOPLE[:1]))[0].granted


class Told:
    """What is reported."""

    def __init__(self) -> None:
        self.states: list[str] = []
        self.settings: list[str] = []

    def state(self, trouble: str) -> None:
        if [trouble] != self.states[-1:]:
            self.states.append(trouble)

    def unwise(self, setting: str) -> None:
        self.settings.append(setting)


async def test_who_watches_over_the_cache_tells_how_it_is(
    server: RedisServer, cache: RedisCache, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smtp_gate.consent.register.CATCH_UP_PERIOD", 0.01)
    told = Told()

    async def heard(number: int) -> None:
        async with asyncio.timeout(20):
            while len(told.states) < number:  # noqa: ASYNC110 - what is waited for is a list
                await asyncio.sleep(0.01)

    server.say("CONFIG", "SET", "hash-max-listpack-entries", "16")
    async with asyncio.TaskGroup() as group:
        running = group.create_task(Register(ledger, cache, report=told).run())
        await heard(1)
        server.say("CONFIG", "SET", "maxmemory", MEMORY, "maxmemory-policy", "allkeys-lru")
        await heard(2)
        server.say("CONFIG", "SET", "maxmemory-policy", "noeviction")
        await heard(3)
        server.kill()
        await heard(4)
        running.cancel()
    assert told.states == ["", "eviction", "", "connection"]
    assert told.settings == ["hash-max-listpack-entries"] * 2
