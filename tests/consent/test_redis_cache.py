"""The cache never brings an older decision back, not even while it is loaded anew."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from smtp_gate.consent import Entry, Ledger, RedisCache, RedisStore, Register
from smtp_gate.consent.event import Choice
from smtp_gate.consent.redis_layout import write_value
from smtp_gate.consent.standing import Grant, Record, Standing
from smtp_gate.errors import StoreUnavailable
from smtp_gate.model import EVERYTHING, Purpose
from tests.consent.tamper import lies

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from tests.consent.conftest import Decisions, Hands
    from tests.redis_server import RedisServer

CLICKS = Purpose.CLICKS
PEOPLE = [number.to_bytes(16, "big") for number in range(600)]


@pytest.fixture
async def cache(redis_server: RedisServer, prefix: str) -> AsyncIterator[RedisCache]:
    cache = RedisCache(redis_server.url, prefix=prefix)
    yield cache
    await cache.close()


@pytest.fixture
async def store(redis_server: RedisServer, prefix: str) -> AsyncIterator[RedisStore]:
    """Without a look into the ledger: what the cache alone says."""
    store = RedisStore(redis_server.url, None, prefix=prefix)
    yield store
    await store.close()


@pytest.fixture
def agreed(ledger: Ledger, decisions: Decisions) -> Ledger:
    """All of PEOPLE agreed to clicks."""
    event = decisions.grant(PEOPLE[0], CLICKS)
    at = event.at
    ledger.append_many([Entry(decisions.grant(subject, CLICKS, at=at)) for subject in PEOPLE])
    return ledger


async def granted(store: RedisStore) -> set[bytes]:
    found = await store.look_up("acme", PEOPLE)
    return {subject for subject, consent in zip(PEOPLE, found, strict=True) if consent.granted}


class Meddled(Ledger):
    """A ledger in which something happens between reading a batch and writing it, or at the very end."""

    meddle: Callable[[], None] = staticmethod(lambda: None)
    meddle_last: Callable[[], None] = staticmethod(lambda: None)

    def changes(self, after: int, limit: int = 2000) -> tuple[list[Record], int]:
        found, last = super().changes(after, limit)
        if last == after:
            self.meddle_last()
        return found, last

    def records(self, batch: int = 2000) -> Iterator[list[Record]]:
        for found in super().records(batch):
            self.meddle()
            yield found


@pytest.fixture
def meddled(agreed: Ledger, url: str, clock: Hands) -> Iterator[Meddled]:
    assert agreed.head()
    meddled = Meddled(url, clock)
    yield meddled
    meddled.close()


async def test_an_older_record_never_replaces_a_newer_one(
    cache: RedisCache, store: RedisStore, agreed: Ledger, decisions: Decisions
) -> None:
    await cache.reload(agreed)
    (old,) = [each for each in next(agreed.records()) if each.subject == PEOPLE[7]]
    agreed.append(decisions.withdraw(PEOPLE[7], CLICKS))
    new = agreed.changes(600)[0]
    assert (await cache.write(new)).there
    assert (await cache.write([old])).there
    assert (await granted(store)) == {*PEOPLE} - {PEOPLE[7]}


@pytest.mark.parametrize("before", [b"", b"x", b"\xff" * 40, b"\x1f" + b"\xff" * 9, b"granted"])
async def test_what_is_no_record_is_replaced(
    *, cache: RedisCache, store: RedisStore, redis_server: RedisServer, prefix: str, agreed: Ledger, before: bytes
) -> None:
    await cache.reload(agreed)
    redis_server.say("HSET", *lies(redis_server, prefix, PEOPLE[0]), before)
    assert not (await store.look_up("acme", PEOPLE[:1]))[0].granted
    await cache.write(next(agreed.records()))
    assert (await store.look_up("acme", PEOPLE[:1]))[0].granted == CLICKS


async def test_numbers_are_compared_as_numbers(cache: RedisCache, store: RedisStore, ledger: Ledger) -> None:
    await cache.reload(ledger)
    for seq in (1, 255, 256, 1 << 31, 1 << 32, (1 << 40) - 1):
        grants = (Grant(CLICKS, 0),) if seq % 2 else ()
        await cache.write([Record("acme", PEOPLE[0], Standing(seq, Choice.WITHDRAW, grants))])
        await cache.write([Record("acme", PEOPLE[0], Standing(seq - 1, Choice.GRANT, (Grant(Purpose.FRAUD, 0),)))])
        (consent,) = await store.look_up("acme", PEOPLE[:1])
        assert consent.granted == Purpose(CLICKS if seq % 2 else 0)


async def test_without_an_epoch_nothing_is_written(
    cache: RedisCache, redis_server: RedisServer, prefix: str, agreed: Ledger
) -> None:
    assert await cache.position() is None
    assert not (await cache.write(next(agreed.records()))).there
    assert redis_server.say("KEYS", f"{prefix}*") == b"*0\r\n"


async def test_the_position_goes_on_and_never_back(cache: RedisCache, ledger: Ledger) -> None:
    await cache.reload(ledger)
    position = await cache.position()
    assert position
    for seq, after in ((5, 5), (3, 5), (10, 10)):
        assert await cache.advance(position.epochs, seq)
        assert await cache.position() == (after, after, position.epochs)
    assert not await cache.advance([b"0" * 12], 99)
    assert await cache.position() == (10, 10, position.epochs)


async def test_a_reload_says_how_far_it_is_and_removes_the_epoch_before(
    cache: RedisCache, store: RedisStore, redis_server: RedisServer, prefix: str, agreed: Ledger
) -> None:
    seen: list[int] = []
    assert await cache.reload(agreed, seen.append) == (600, 0, 600)
    assert seen == [600]
    assert await granted(store) == {*PEOPLE}
    assert await cache.reload(agreed) == (600, 5, 600)
    assert await granted(store) == {*PEOPLE}
    assert redis_server.say("KEYS", f"{prefix}*").startswith(b"*6\r\n")


async def test_what_the_layout_before_left_is_removed(
    cache: RedisCache, redis_server: RedisServer, prefix: str, agreed: Ledger
) -> None:
    redis_server.say("SET", f"{prefix}:live", "1 0123456789abcdef 600")
    redis_server.say("SET", f"{prefix}:r:0123456789abcdef:acme:x", "value")
    redis_server.say("SET", f"{prefix}:learn:known", "kept")
    assert await cache.position() is None
    assert await cache.reload(agreed) == (600, 2, 600)
    assert redis_server.say("KEYS", f"{prefix}:[rl]*") == redis_server.say("KEYS", f"{prefix}:learn:known")


async def test_other_keys_are_left_alone(
    cache: RedisCache, redis_server: RedisServer, prefix: str, agreed: Ledger
) -> None:
    redis_server.say("SET", f"other{prefix}:r:x", "kept")
    redis_server.say("SET", f"{prefix}x:r:x", "kept")
    for _ in range(2):
        await cache.reload(agreed)
    assert redis_server.say("GET", f"other{prefix}:r:x") == b"$4\r\nkept\r\n"
    assert redis_server.say("GET", f"{prefix}x:r:x") == b"$4\r\nkept\r\n"


async def test_a_withdrawal_between_reading_and_writing_is_not_undone(
    cache: RedisCache, store: RedisStore, meddled: Meddled, decisions: Decisions
) -> None:
    """The race, made certain: ledger and cache both have the withdrawal before the older batch is written."""
    await cache.reload(meddled)
    register = Register(meddled, cache)
    loop = asyncio.get_running_loop()

    def withdraw_all_three() -> None:
        for number in (0, 333, 599):
            event = decisions.withdraw(PEOPLE[number], EVERYTHING)
            asyncio.run_coroutine_threadsafe(register.record(event), loop).result(10)

    meddled.meddle = withdraw_all_three
    assert (await cache.reload(meddled)).applied == 603
    assert await granted(store) == {*PEOPLE} - {PEOPLE[0], PEOPLE[333], PEOPLE[599]}


async def test_a_withdrawal_that_only_the_ledger_got_is_replayed_before_the_change(
    cache: RedisCache, store: RedisStore, meddled: Meddled, decisions: Decisions
) -> None:
    await cache.reload(meddled)
    meddled.meddle = lambda: meddled.append(decisions.withdraw(PEOPLE[5], CLICKS))  # type: ignore[assignment]
    assert (await cache.reload(meddled)).applied == 601
    assert await granted(store) == {*PEOPLE} - {PEOPLE[5]}


async def test_a_withdrawal_after_the_last_replay_is_in_the_new_epoch_too(
    cache: RedisCache, store: RedisStore, meddled: Meddled, decisions: Decisions
) -> None:
    await cache.reload(meddled)
    register = Register(meddled, cache)
    loop = asyncio.get_running_loop()

    def withdraw() -> None:
        event = decisions.withdraw(PEOPLE[3], EVERYTHING)
        asyncio.run_coroutine_threadsafe(register.record(event), loop).result(10)

    meddled.meddle_last = withdraw
    assert (await cache.reload(meddled)).applied == 600
    assert await granted(store) == {*PEOPLE} - {PEOPLE[3]}


async def naive_reload(server: RedisServer, prefix: str, ledger: Ledger) -> None:
    """What everybody writes first: read all, write all."""
    for batch in ledger.records():
        for record in batch:
            where = await asyncio.to_thread(lies, server, prefix, record.subject)
            await asyncio.to_thread(server.say, "HSET", *where, write_value(record.standing))


async def test_a_naive_reload_resurrects_and_ours_does_not(
    *,
    cache: RedisCache,
    store: RedisStore,
    agreed: Ledger,
    decisions: Decisions,
    redis_server: RedisServer,
    prefix: str,
) -> None:
    await cache.reload(agreed)
    register = Register(agreed, cache)

    async def withdraw(people: list[bytes]) -> None:
        for subject in people:
            await register.record(decisions.withdraw(subject, EVERYTHING))

    first, second = PEOPLE[:-21:-1], PEOPLE[:570:6]
    await asyncio.gather(naive_reload(redis_server, prefix, agreed), withdraw(first))
    assert await granted(store) & {*first}

    reloads = 0

    async def reload_on_and_on() -> None:
        nonlocal reloads
        while not done.is_set():
            await cache.reload(agreed)
            reloads += 1

    async def withdraw_and_end() -> None:
        await withdraw(second)
        done.set()

    done = asyncio.Event()
    await asyncio.gather(reload_on_and_on(), withdraw_and_end())
    assert reloads >= 2
    assert await granted(store) == {*PEOPLE} - {*first} - {*second}


async def test_only_one_reload_at_a_time(cache: RedisCache, meddled: Meddled) -> None:
    second: list[BaseException] = []
    loop = asyncio.get_running_loop()

    def another() -> None:
        ran = asyncio.run_coroutine_threadsafe(cache.reload(meddled), loop)
        second.append(ran.exception(10) or AssertionError())

    meddled.meddle = another
    await cache.reload(meddled)
    assert [str(each) for each in second] == ["consent store unavailable: reload_running"]


async def test_a_loader_that_dies_half_way_leaves_the_old_epoch_and_the_next_one_cleans_up(
    cache: RedisCache, store: RedisStore, meddled: Meddled, redis_server: RedisServer, prefix: str
) -> None:
    await cache.reload(meddled)
    meddled.meddle = lambda: 1 / 0  # type: ignore[assignment]
    with pytest.raises(ZeroDivisionError):
        await cache.reload(meddled)
    # killed, so that it could not even give up: its mark and half of its records stay
    redis_server.say("SET", f"{prefix}:{{0}}:building", f"{'f' * 12} 5", "PX", "150")
    redis_server.say("HSET", f"{prefix}:{{0}}:{'f' * 12}:0000000", "x", "half")
    assert await granted(store) == {*PEOPLE}
    meddled.meddle = lambda: None
    with pytest.raises(StoreUnavailable, match="reload_running"):
        await cache.reload(meddled)
    await asyncio.sleep(0.2)
    assert await cache.reload(meddled) == (600, 6, 600)
    assert await granted(store) == {*PEOPLE}


@pytest.mark.parametrize("moment", ["meddle", "meddle_last"])
async def test_a_loader_that_lost_its_turn_changes_nothing(
    *, cache: RedisCache, store: RedisStore, meddled: Meddled, redis_server: RedisServer, prefix: str, moment: str
) -> None:
    await cache.reload(meddled)
    before = await cache.position()
    setattr(meddled, moment, lambda: redis_server.say("SET", f"{prefix}:{{0}}:building", "f"))
    with pytest.raises(StoreUnavailable, match="reload_lost"):
        await cache.reload(meddled)
    assert await cache.position() == before
    assert redis_server.say("GET", f"{prefix}:{{0}}:building") == b"$1\r\nf\r\n"
    assert await granted(store) == {*PEOPLE}


async def test_a_redis_that_is_gone_is_unavailable(agreed: Ledger) -> None:
    cache = RedisCache("redis://127.0.0.1:1/0")
    for ask in (cache.position(), cache.write(next(agreed.records())), cache.reload(agreed), cache.sweep()):
        with pytest.raises(StoreUnavailable, match="connection"):
            await ask
    await cache.close()
