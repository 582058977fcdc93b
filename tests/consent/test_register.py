"""A decision is stored in the ledger or it is not; the cache follows, at once or when it can."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from smtp_gate.consent import Entry, Ledger, LedgerStore, RecentWithdrawals, RedisCache, RedisStore, Register
from smtp_gate.consent.event import Choice, Event
from smtp_gate.consent.notices import OtherWording, sha256_of
from smtp_gate.errors import StoreUnavailable
from smtp_gate.limits import CACHE_BUCKET_FULL
from smtp_gate.model import EVERYTHING, NOTHING, UNKNOWN, Consent, Purpose
from tests.consent.tamper import lies
from tests.redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.consent.conftest import Decisions, Hands
    from tests.consent.hand import Hand

BOTH_DATABASES = True
ANNA, BERT = b"a" * 16, b"b" * 16
PERF, CLICKS = Purpose.PERFORMANCE, Purpose.CLICKS


@pytest.fixture
async def cache(redis_server: RedisServer, prefix: str) -> AsyncIterator[RedisCache]:
    cache = RedisCache(redis_server.url, prefix=prefix)
    yield cache
    await cache.close()


@pytest.fixture
async def alone(redis_server: RedisServer, prefix: str, clock: Hands) -> AsyncIterator[RedisStore]:
    """What the cache says without a look into the ledger."""
    store = RedisStore(redis_server.url, None, prefix=prefix, clock=clock)
    yield store
    await store.close()


async def test_grant_withdraw_refuse_are_recorded_with_their_origin(ledger: Ledger, clock: Hands) -> None:
    register = Register(ledger, clock=clock)
    end = clock() + timedelta(days=183)
    await register.grant(
        "acme", ANNA, PERF | CLICKS, method="form", source="https://acme.example", notice="v3", language="fr",
        reference="7", actor="person", expires=end, address=b"anna@example.com",
    )  # fmt: skip
    clock.on(hours=1)
    assert await register.withdraw("acme", ANNA) == 2
    assert await register.refuse("acme", BERT, CLICKS, method="phone", source="desk", actor="op") == 3
    grant, withdrawal = (each.event for each in await register.history(ANNA))
    assert (grant.decision, grant.purposes, grant.expires) == (Choice.GRANT, PERF | CLICKS, end)
    assert (grant.method, grant.source, grant.reference, grant.notice) == (
        "form",
        "https://acme.example",
        "7",
        "v3",
    )
    assert (grant.language, grant.actor) == ("fr", "person")
    assert (withdrawal.decision, withdrawal.purposes, withdrawal.at) == (Choice.WITHDRAW, EVERYTHING, clock())
    assert (withdrawal.method, withdrawal.actor) == ("page", "person")
    (refusal,) = await register.history(BERT, "acme")
    assert (refusal.event.decision, refusal.event.method, refusal.event.actor) == (Choice.REFUSE, "phone", "op")
    assert ledger.address(ANNA) == b"anna@example.com"
    store = LedgerStore(ledger.reader(), clock)
    assert await store.look_up("acme", [ANNA]) == [Consent(NOTHING, "withdrawn")]
    await store.close()


async def test_a_decision_is_in_the_cache_when_it_is_told(
    ledger: Ledger, cache: RedisCache, alone: RedisStore, clock: Hands
) -> None:
    register = Register(ledger, cache, clock=clock)
    await register.catch_up()
    await register.grant("acme", ANNA, PERF | CLICKS, method="form", source="test")
    assert await alone.look_up("acme", [ANNA]) == [Consent(PERF | CLICKS, "granted")]
    clock.on(hours=1)
    await register.withdraw("acme", ANNA, CLICKS)
    assert await alone.look_up("acme", [ANNA]) == [Consent(PERF, "granted")]
    await register.withdraw("acme", ANNA)
    assert await alone.look_up("acme", [ANNA]) == [Consent(NOTHING, "withdrawn")]


async def test_what_the_ledger_does_not_take_is_not_stored(
    ledger: Ledger, hand: Hand, cache: RedisCache, alone: RedisStore, clock: Hands
) -> None:
    register = Register(ledger, cache, clock=clock)
    await register.catch_up()
    hand.break_inserts("event")
    with pytest.raises(StoreUnavailable, match="ledger"):
        await register.withdraw("acme", ANNA)
    with pytest.raises(StoreUnavailable, match="ledger"):
        await register.grant("acme", ANNA, CLICKS, method="form", source="test")
    assert await alone.look_up("acme", [ANNA]) == [UNKNOWN]


async def test_a_cache_that_is_down_does_not_keep_a_withdrawal_from_being_stored_and_is_caught_up(
    ledger: Ledger, clock: Hands
) -> None:
    with RedisServer(keep=True) as server:
        cache = RedisCache(server.url)
        recent = RecentWithdrawals(ledger)
        alone, store = RedisStore(server.url, None, clock=clock), RedisStore(server.url, recent, clock=clock)
        register = Register(ledger, cache, recent=recent, clock=clock)
        await recent.poll()
        await register.grant("acme", ANNA, CLICKS, method="form", source="test")
        await register.grant("acme", BERT, CLICKS, method="form", source="test")
        assert await register.catch_up() == 2
        server.kill()
        clock.on(hours=1)
        await register.withdraw("acme", ANNA)
        with pytest.raises(StoreUnavailable):
            await register.catch_up()
        server.start()
        assert [each.granted for each in await alone.look_up("acme", [ANNA, BERT])] == [CLICKS, CLICKS]
        assert [each.granted for each in await store.look_up("acme", [ANNA, BERT])] == [NOTHING, CLICKS]
        assert await register.catch_up() == 1
        assert [each.granted for each in await alone.look_up("acme", [ANNA, BERT])] == [NOTHING, CLICKS]
        assert await register.catch_up() == 0
        for each in (cache, alone, store):
            await each.close()


async def test_a_cache_that_lost_what_it_acknowledged_brings_no_consent_back(
    *, ledger: Ledger, cache: RedisCache, alone: RedisStore, redis_server: RedisServer, prefix: str, clock: Hands
) -> None:
    """A failover to a replica that lags: the records and the position are those of some moment ago."""
    register = Register(ledger, cache, clock=clock)
    recent = RecentWithdrawals(ledger)  # of another process: it must find out by itself
    store = RedisStore(redis_server.url, recent, prefix=prefix, clock=clock)
    await register.grant("acme", ANNA, CLICKS, method="form", source="test")
    await register.catch_up()
    live, key, field = f"{prefix}:{{0}}:live", *lies(redis_server, prefix, ANNA)
    pointer = redis_server.say("GET", live).split(b"\r\n", 1)[1][:-2]
    record = redis_server.say("HGET", key, field).split(b"\r\n", 1)[1][:-2]
    clock.on(hours=1)
    await register.withdraw("acme", ANNA)
    await register.catch_up()
    await recent.poll()
    redis_server.say("SET", live, pointer)
    redis_server.say("HSET", key, field, record)
    assert (await alone.look_up("acme", [ANNA]))[0].granted == CLICKS
    assert await store.look_up("acme", [ANNA]) == [Consent(NOTHING, "withdrawn")]
    assert await register.catch_up() == 1
    assert await alone.look_up("acme", [ANNA]) == [Consent(NOTHING, "withdrawn")]
    await store.close()


async def test_an_empty_cache_is_loaded_and_one_that_is_ahead_of_the_ledger_is_another_ledgers(
    *,
    ledger: Ledger,
    cache: RedisCache,
    alone: RedisStore,
    redis_server: RedisServer,
    prefix: str,
    decisions: Decisions,
) -> None:
    register = Register(ledger, cache)
    ledger.append(decisions.grant(ANNA, CLICKS))
    assert await register.catch_up() == 1
    first = await cache.position()
    redis_server.say("SET", f"{prefix}:{{0}}:live", b"2 %s 99 1" % (first.epochs[0] if first else b""))
    assert await register.catch_up() == 1
    second = await cache.position()
    assert first
    assert second
    assert first.epochs != second.epochs
    assert second.applied == 1
    assert (await alone.look_up("acme", [ANNA]))[0].granted == CLICKS


async def test_many_events_are_caught_up_in_steps(
    ledger: Ledger, cache: RedisCache, alone: RedisStore, decisions: Decisions, monkeypatch: pytest.MonkeyPatch
) -> None:
    register = Register(ledger, cache)
    await register.catch_up()
    people = [number.to_bytes(16, "big") for number in range(30)]
    for subject in people:
        ledger.append(decisions.grant(subject, CLICKS))
    whole = ledger.changes
    monkeypatch.setattr(ledger, "changes", lambda after: whole(after, 7))
    assert await register.catch_up() == 30
    assert {consent.granted for consent in await alone.look_up("acme", people)} == {CLICKS}


async def test_a_cache_that_grew_too_small_is_loaded_anew_with_more_keys(
    *,
    ledger: Ledger,
    cache: RedisCache,
    alone: RedisStore,
    redis_server: RedisServer,
    prefix: str,
    decisions: Decisions,
) -> None:
    register = Register(ledger, cache)
    await register.catch_up()
    before = await cache.position()
    people = [number.to_bytes(16, "big") for number in range(CACHE_BUCKET_FULL + 1)]
    ledger.append_many([Entry(decisions.grant(subject, CLICKS)) for subject in people[:-1]])
    assert await register.catch_up() == CACHE_BUCKET_FULL
    assert await cache.position() == (CACHE_BUCKET_FULL, CACHE_BUCKET_FULL, before and before.epochs)
    assert redis_server.say("KEYS", f"{prefix}*").startswith(b"*2\r\n")
    ledger.append(decisions.grant(people[-1], CLICKS))
    assert await register.catch_up() == CACHE_BUCKET_FULL + 1
    assert redis_server.say("KEYS", f"{prefix}*").startswith(b"*5\r\n")
    assert {consent.granted for consent in await alone.look_up("acme", people)} == {CLICKS}


async def test_without_a_cache_there_is_nothing_to_catch_up(ledger: Ledger) -> None:
    assert await Register(ledger).catch_up() == 0


async def test_it_goes_on_catching_up_when_redis_comes_and_goes(
    ledger: Ledger, decisions: Decisions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smtp_gate.consent.register.CATCH_UP_PERIOD", 0.02)
    with RedisServer() as server:
        cache, alone = RedisCache(server.url), RedisStore(server.url, None, monotonic=lambda: 0)
        ledger.append(decisions.grant(ANNA, CLICKS))

        async def until_there() -> None:
            for _ in range(1000):
                if await cache.position():
                    return
                await asyncio.sleep(0.01)

        async with asyncio.TaskGroup() as group:
            running = group.create_task(Register(ledger, cache).run())
            await until_there()
            assert (await alone.look_up("acme", [ANNA]))[0].granted == CLICKS
            server.stop()
            await asyncio.sleep(0.1)
            server.start()  # empty
            await until_there()
            assert (await alone.look_up("acme", [ANNA]))[0].granted == CLICKS
            running.cancel()
        await cache.close()
        await alone.close()


async def test_a_wording_is_kept_once_and_the_events_after_it_hold_its_hash(
    ledger: Ledger, hand: Hand, clock: Hands
) -> None:
    register = Register(ledger, clock=clock)
    for _ in range(2):
        await register.keep_wording("acme", "page 1", "fr", "Arrêter le suivi ?")
        await register.withdraw("acme", ANNA, notice="page 1", language="fr")
    first, second = ledger.chained(ANNA)
    assert first.notice_sha256 == second.notice_sha256 == sha256_of("Arrêter le suivi ?")
    with hand.session() as other:  # whoever has it kept once asks no database again
        other.run("UPDATE ledger_head SET seq = seq")
        await register.keep_wording("acme", "page 1", "fr", "Arrêter le suivi ?")


async def test_a_changed_wording_under_the_same_version_is_refused(ledger: Ledger, clock: Hands) -> None:
    register = Register(ledger, clock=clock)
    await register.keep_wording("acme", "page 1", "fr", "Arrêter le suivi ?")
    with pytest.raises(OtherWording):
        await register.keep_wording("acme", "page 1", "fr", "Continuer le suivi ?")
    await register.keep_wording("acme", "page 1", "en", "Stop tracking?")


async def test_what_is_decided_at_one_time_is_stored_together_and_read_from_the_ledger(
    ledger: Ledger, clock: Hands
) -> None:
    register = Register(ledger, clock=clock)
    assert await register.current("acme", ANNA) == (UNKNOWN, 0)
    assert await register.address(ANNA) is None

    def event(choice: Choice, purposes: Purpose) -> Event:
        return Event(
            controller="acme",
            subject=ANNA,
            purposes=purposes,
            decision=choice,
            at=clock(),
            method="page",
            source="p",
        )

    decided = [event(Choice.REFUSE, EVERYTHING & ~PERF), event(Choice.GRANT, PERF)]
    assert await register.decide(decided, b"anna@example.com") == 2
    assert await register.current("acme", ANNA) == (Consent(PERF, "granted"), 2)
    assert await register.current("other", ANNA) == (UNKNOWN, 0)
    assert await register.address(ANNA) == b"anna@example.com"
