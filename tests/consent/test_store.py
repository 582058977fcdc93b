"""What both stores promise: the same look-ups from Redis and from the ledger itself."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from smtp_gate.consent import ConsentStore, Entry, Ledger, LedgerStore, RecentWithdrawals, RedisCache, RedisStore
from smtp_gate.model import EVERYTHING, NOTHING, Consent, Purpose

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.consent.conftest import Decisions, Hands
    from tests.redis_server import RedisServer

    Keep = Callable[..., Awaitable[ConsentStore]]

BOTH_DATABASES = True
PERF, CLICKS = Purpose.PERFORMANCE, Purpose.CLICKS
GRANTED = Consent(PERF | CLICKS, "granted")
UNKNOWN = Consent(NOTHING, "unknown")


def person(number: int) -> bytes:
    return number.to_bytes(16, "big")


@pytest.fixture(params=["ledger", "redis"])
async def keep(
    request: pytest.FixtureRequest, ledger: Ledger, redis_server: RedisServer, prefix: str, clock: Hands
) -> AsyncIterator[Keep]:
    """Records events and gives a store that knows them."""
    made: list[ConsentStore] = []

    async def keep(*events: object) -> ConsentStore:
        ledger.append_many([Entry(event) for event in events])  # type: ignore[arg-type]
        store: ConsentStore
        if request.param == "ledger":
            store = LedgerStore(ledger.reader(), clock)
        else:
            cache = RedisCache(redis_server.url, prefix=prefix)
            await cache.reload(ledger)
            await cache.close()
            recent = RecentWithdrawals(ledger)
            await recent.poll()
            store = RedisStore(redis_server.url, recent, prefix=prefix, clock=clock)
        made.append(store)
        return store

    yield keep
    for store in made:
        await store.close()


async def test_answers_come_in_the_order_of_the_question(keep: Keep, decisions: Decisions) -> None:
    store = await keep(
        decisions.grant(person(1), PERF | CLICKS),
        decisions.refuse(person(2), EVERYTHING),
        decisions.grant(person(3), PERF | CLICKS),
        decisions.withdraw(person(3), CLICKS),
        decisions.grant(person(4), PERF),
        decisions.withdraw(person(4), EVERYTHING),
    )
    asked = [person(number) for number in (4, 9, 1, 3, 2, 1)]
    assert await store.look_up("acme", asked) == [
        Consent(NOTHING, "withdrawn"),
        UNKNOWN,
        GRANTED,
        Consent(PERF, "granted"),
        Consent(NOTHING, "refused"),
        GRANTED,
    ]
    assert await store.look_up("acme", []) == []


async def test_consent_for_one_controller_is_none_for_another(keep: Keep, decisions: Decisions) -> None:
    store = await keep(decisions.grant(person(1), PERF), decisions.grant(person(2), PERF, controller="acm"))
    for controller in ("other", "ACME", "acme ", "", "acme:", "%", "acm\x00"):
        assert await store.look_up(controller, [person(1)]) == [UNKNOWN]
    assert await store.look_up("acm", [person(1), person(2)]) == [UNKNOWN, Consent(PERF, "granted")]


async def test_consent_ends_by_itself_and_a_clock_set_back_does_not_revive_it(
    keep: Keep, decisions: Decisions, clock: Hands
) -> None:
    end = clock() + timedelta(days=2)
    store = await keep(decisions.grant(person(1), PERF, expires=end), decisions.grant(person(1), CLICKS))
    clock.now = end - timedelta(seconds=1)
    assert await store.look_up("acme", [person(1)]) == [GRANTED]
    clock.on(seconds=1)
    assert await store.look_up("acme", [person(1)]) == [Consent(CLICKS, "granted")]
    clock.on(days=-1)
    assert await store.look_up("acme", [person(1)]) == [Consent(CLICKS, "granted")]


async def test_a_thousand_recipients_are_asked_for_at_once(keep: Keep, decisions: Decisions) -> None:
    store = await keep(*(decisions.grant(person(number), Purpose(number % 31 + 1)) for number in range(1200)))
    found = await store.look_up("acme", [person(number) for number in range(1300)])
    assert [consent.granted for consent in found[:1200]] == [Purpose(number % 31 + 1) for number in range(1200)]
    assert found[1200:] == [UNKNOWN] * 100


async def test_every_octet_may_stand_in_a_subject(keep: Keep, decisions: Decisions) -> None:
    subjects = [bytes([octet]) * 16 for octet in range(256)]
    store = await keep(*(decisions.grant(subject, CLICKS) for subject in subjects))
    assert {consent.granted for consent in await store.look_up("acme", subjects)} == {CLICKS}
