"""The cache behind a Sentinel and in a Cluster: real servers, real faults, and no consent comes back."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

import pytest

from smtp_gate.consent import Entry, Ledger, RecentWithdrawals, RedisCache, RedisStore, Register
from smtp_gate.consent.redis_layout import PartKeys, places
from smtp_gate.consent.redis_servers import CLUSTER_PARTS, CLUSTER_TAGS
from smtp_gate.consent.redis_verify import compare
from smtp_gate.errors import StoreUnavailable
from smtp_gate.model import EVERYTHING, NOTHING, Consent, Purpose
from smtp_gate.witnesses.redis_learning import RedisLearning
from tests.consent.tamper import Wire
from tests.redis_server import RedisServer
from tests.redis_topology import SLOTS, RedisCluster, Replica, SentinelServer, Watched, until
from tests.witnesses.test_learning_store import own, sighting

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

    from tests.consent.conftest import Decisions

T = TypeVar("T")
AGREED = Consent(Purpose.CLICKS, "granted")
WITHDRAWN = Consent(NOTHING, "withdrawn")
PEOPLE = [number.to_bytes(16, "big") for number in range(200)]
BEFORE, DURING, AFTER = PEOPLE[:3], PEOPLE[3:6], PEOPLE[6:9]
"""Who take consent back: before a fault, while it lasts, when it is over."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[RedisCluster]:
    """Without a replica; what a test breaks, it mends."""
    with RedisCluster() as cluster:
        yield cluster


@pytest.fixture
def agreed(ledger: Ledger, decisions: Decisions) -> Ledger:
    """All of PEOPLE agreed to clicks."""
    at = decisions.grant(PEOPLE[0], Purpose.CLICKS).at
    ledger.append_many([Entry(decisions.grant(subject, Purpose.CLICKS, at=at)) for subject in PEOPLE])
    return ledger


class Node:
    """One process of the gate.

    Attributes:
        alone: look-ups that believe the cache alone: what a program without our second look would do.
        store: look-ups as the gate makes them.
    """

    def __init__(self, url: str, prefix: str, ledger: Ledger, decisions: Decisions) -> None:
        self.cache = RedisCache(url, prefix=prefix)
        self.recent = RecentWithdrawals(ledger, monotonic=lambda: 0)
        self.register = Register(ledger, self.cache)
        self.alone = RedisStore(url, None, prefix=prefix)
        self.store = RedisStore(url, self.recent, prefix=prefix)
        self._decisions = decisions

    async def withdraw(self, people: list[bytes]) -> None:
        """As the withdrawal page does; a cache that fails is no error."""
        for subject in people:
            await self.register.record(self._decisions.withdraw(subject, EVERYTHING))
        await self.recent.poll()

    async def answers(self, store: RedisStore, people: list[bytes]) -> list[Consent]:
        """What a store says as soon as it says anything."""
        return await eventually(lambda: store.look_up("acme", people))

    async def never_granted(self, people: list[bytes], over: Callable[[], bool]) -> int:
        """Look up again and again until it is over; how often there was an answer."""
        answers = 0
        while not await asyncio.to_thread(over):
            with suppress(StoreUnavailable):
                await self.recent.poll()
                found = await self.store.look_up("acme", people)
                assert {consent.granted for consent in found} == {NOTHING}
                answers += 1
            await asyncio.sleep(0.02)
        return answers

    async def close(self) -> None:
        for each in (self.cache, self.alone, self.store):
            await each.close()


@asynccontextmanager
async def node_of(url: str, prefix: str, ledger: Ledger, decisions: Decisions) -> AsyncIterator[Node]:
    node = Node(url, prefix, ledger, decisions)
    try:
        await eventually(node.register.catch_up)
        await node.recent.poll()
        yield node
    finally:
        await node.close()


async def eventually(ask: Callable[[], Awaitable[T]], seconds: float = 30) -> T:
    """What an attempt gives that does not fail."""
    end = time.monotonic() + seconds
    while True:
        try:
            return await ask()
        except StoreUnavailable:
            if time.monotonic() > end:
                raise
        await asyncio.sleep(0.05)


async def in_step(node: Node, ledger: Ledger) -> bool:
    """Whether the cache says what the ledger says, once it has been caught up."""
    await eventually(node.register.catch_up)
    return (await eventually(lambda: compare(ledger, node.cache))).same


# --- Sentinel -------------------------------------------------------------------------------------------------
async def test_a_failover_that_loses_acknowledged_withdrawals_brings_no_consent_back(
    agreed: Ledger, decisions: Decisions, prefix: str
) -> None:
    """A partition between master and replica, withdrawals acknowledged by the master, then it dies for good."""
    with RedisServer() as master:
        async with Wire(master.port) as wire:
            replica = Replica(int(wire.url.rpartition(":")[2].partition("/")[0]))
            sentinel = SentinelServer(master.port)
            try:
                await asyncio.to_thread(replica.start)
                await asyncio.to_thread(sentinel.start)
                url = f"redis+sentinel://127.0.0.1:{sentinel.port}/mymaster"
                async with node_of(url, prefix, agreed, decisions) as node:
                    await node.withdraw(BEFORE)
                    pointer = await asyncio.to_thread(master.say, "GET", f"{prefix}:{{0}}:live")
                    await asyncio.to_thread(until, lambda: replica.say("GET", f"{prefix}:{{0}}:live") == pointer)
                    wire.spoil = lambda _: b""
                    await node.withdraw(DURING)
                    assert await node.answers(node.alone, DURING) == [WITHDRAWN] * 3, "the master acknowledged it"
                    master.kill()
                    await node.never_granted(DURING, lambda: sentinel.master() == replica.port)
                    assert await node.answers(node.alone, DURING) == [AGREED] * 3, "the fault is a real one"
                    assert await node.answers(node.store, BEFORE + DURING) == [WITHDRAWN] * 6
                    await node.withdraw(AFTER)
                    assert await node.answers(node.store, AFTER + PEOPLE[-1:]) == [WITHDRAWN] * 3 + [AGREED]
                    assert await in_step(node, agreed)
                    assert await node.answers(node.alone, BEFORE + DURING + AFTER) == [WITHDRAWN] * 9
            finally:
                await asyncio.to_thread(sentinel.close)
                await asyncio.to_thread(replica.close)


async def test_a_master_that_freezes_is_left_and_not_followed_when_it_comes_back(
    agreed: Ledger, decisions: Decisions, prefix: str
) -> None:
    with Watched() as watched:
        learning = RedisLearning(watched.url, prefix=prefix)
        async with node_of(watched.url, prefix, agreed, decisions) as node:
            assert await learning.note([sighting(own(30))])
            await node.withdraw(BEFORE)
            watched.master.freeze()
            await node.withdraw(DURING)
            await node.never_granted(BEFORE + DURING, lambda: watched.sentinel.master() == watched.replica.port)
            assert await node.answers(node.store, PEOPLE[3:10]) == [WITHDRAWN] * 3 + [AGREED] * 4
            assert await in_step(node, agreed)
            watched.master.thaw()  # it believes for a while that it is the master still
            await node.withdraw(AFTER)
            role = b"role:slave"
            await node.never_granted(
                BEFORE + DURING + AFTER, lambda: role in watched.master.say("INFO", "replication")
            )
            assert await in_step(node, agreed)
            assert await node.answers(node.alone, BEFORE + DURING + AFTER) == [WITHDRAWN] * 9
            assert len(await eventually(learning.lessons)) == 1
        await learning.close()


# --- Cluster --------------------------------------------------------------------------------------------------
async def test_a_cluster_carries_the_cache_on_all_its_masters(
    cluster: RedisCluster, agreed: Ledger, decisions: Decisions, prefix: str
) -> None:
    async with node_of(cluster.url, prefix, agreed, decisions) as node:
        keys = [node.count(b"live") for node in cluster.say("KEYS", f"{prefix}:*")]
        assert sum(keys) == CLUSTER_PARTS
        assert min(keys) >= CLUSTER_PARTS // 3 - 1
        assert await node.answers(node.store, PEOPLE) == [AGREED] * len(PEOPLE)
        for subject in PEOPLE[:20]:
            assert await node.store.look_up("acme", [subject]) == [AGREED]
        await node.withdraw(BEFORE)
        assert await node.answers(node.alone, PEOPLE[:5]) == [WITHDRAWN] * 3 + [AGREED] * 2
        assert (await node.cache.reload(agreed)).removed == CLUSTER_PARTS
        assert await node.answers(node.alone, PEOPLE[:5]) == [WITHDRAWN] * 3 + [AGREED] * 2
        assert await compare(agreed, node.cache) == (len(PEOPLE), 0, 0, 0, 0, 0)
        assert await node.cache.unwise() == []
        learning = RedisLearning(cluster.url, prefix=prefix)
        assert await learning.note([sighting(own(30))])
        assert len(await learning.lessons()) == 1
        await learning.close()


async def test_a_node_that_loses_all_is_loaded_again(
    cluster: RedisCluster, agreed: Ledger, decisions: Decisions, prefix: str
) -> None:
    async with node_of(cluster.url, prefix, agreed, decisions) as node:
        await node.withdraw(BEFORE)
        assert cluster.nodes[1].say("FLUSHALL") == b"+OK\r\n"
        with pytest.raises(StoreUnavailable, match="no_epoch"):
            await node.store.look_up("acme", PEOPLE)
        assert await in_step(node, agreed)
        assert await node.answers(node.store, PEOPLE[:5]) == [WITHDRAWN] * 3 + [AGREED] * 2


async def test_a_node_that_lost_its_last_writes_is_behind_by_itself(
    cluster: RedisCluster, agreed: Ledger, decisions: Decisions, prefix: str
) -> None:
    """As after a failover of one shard: its part is set back, the others are not."""
    async with node_of(cluster.url, prefix, agreed, decisions) as node:
        [live] = [position for position in [await node.cache.position()] if position]
        place = places("acme", CLUSTER_PARTS)(BEFORE[0])
        tag = CLUSTER_TAGS[place.part]
        holder = next(each for each in cluster.nodes if each.say("GET", PartKeys(prefix, tag).live)[:1] == b"$")
        keys = PartKeys(prefix, tag)
        bucket = keys.epoch(live.epochs[place.part]) + b"0000000"
        pointer = holder.say("GET", keys.live).split(b"\r\n")[1]
        value = holder.say("HGET", bucket, place.field).split(b"\r\n", 1)[1][:-2]
        await node.withdraw(BEFORE[:1])
        await eventually(node.register.catch_up)
        assert await node.answers(node.alone, BEFORE[:1]) == [WITHDRAWN]
        holder.say("SET", keys.live, pointer)
        holder.say("HSET", bucket, place.field, value)
        assert await node.answers(node.alone, BEFORE[:1]) == [AGREED], "the fault is a real one"
        assert await node.answers(node.store, BEFORE[:1]) == [WITHDRAWN]
        position = await node.cache.position()
        assert position
        assert position.applied == position.newest - 1
        assert await node.register.catch_up() == 1
        assert await node.answers(node.alone, BEFORE[:1]) == [WITHDRAWN]


async def test_slots_that_move_to_another_node_are_followed(
    cluster: RedisCluster, agreed: Ledger, decisions: Decisions, prefix: str
) -> None:
    async with node_of(cluster.url, prefix, agreed, decisions) as node:
        assert await node.answers(node.store, PEOPLE) == [AGREED] * len(PEOPLE)
        source, target = cluster.nodes[0], cluster.nodes[2]
        name = {each: each.say("CLUSTER", "MYID").split(b"\r\n")[1] for each in (source, target)}
        tag = CLUSTER_TAGS[0]
        slot = source.say("CLUSTER", "KEYSLOT", tag)[1:-2]
        assert int(slot) < SLOTS // 3

        def move(one: RedisServer, other: RedisServer) -> None:
            other.say("CLUSTER", "SETSLOT", slot, "IMPORTING", name[one])
            one.say("CLUSTER", "SETSLOT", slot, "MIGRATING", name[other])
            keys = [key for key in one.say("CLUSTER", "GETKEYSINSLOT", slot, "1000").split(b"\r\n") if b"{" in key]
            done = one.say("MIGRATE", "127.0.0.1", str(other.port), "", "0", "5000", "KEYS", *keys)
            assert done == b"+OK\r\n"
            for each in cluster.nodes:
                each.say("CLUSTER", "SETSLOT", slot, "NODE", name[other])

        for one, other in ((source, target), (target, source)):
            await asyncio.to_thread(move, one, other)
            assert await node.answers(node.store, PEOPLE) == [AGREED] * len(PEOPLE)
            assert await in_step(node, agreed)
        await node.withdraw(BEFORE)
        assert await node.answers(node.alone, BEFORE) == [WITHDRAWN] * 3


async def test_a_node_that_freezes_costs_only_its_own_people(
    cluster: RedisCluster, agreed: Ledger, decisions: Decisions, prefix: str
) -> None:
    async with node_of(cluster.url, prefix, agreed, decisions) as node:
        cluster.nodes[0].freeze()
        try:
            outcomes: dict[str, int] = {}
            for subject in PEOPLE[:60]:
                try:
                    assert await node.store.look_up("acme", [subject]) == [AGREED]
                    reason = "answered"
                except StoreUnavailable as problem:
                    reason = problem.reason
                await node.recent.poll()
                outcomes[reason] = outcomes.get(reason, 0) + 1
            assert outcomes.keys() <= {"answered", "timeout", "breaker_open", "no_server"}
            assert outcomes["answered"] > 20
            assert outcomes["timeout"] <= 5, "then its breaker opens"
        finally:
            cluster.nodes[0].thaw()
            await asyncio.to_thread(cluster.agree, cluster.nodes)
        await asyncio.sleep(0)
        assert await in_step(node, agreed)


async def test_a_replica_that_takes_over_is_found_and_no_consent_comes_back(
    agreed: Ledger, decisions: Decisions, prefix: str
) -> None:
    with RedisCluster(replica=True) as cluster:
        async with node_of(cluster.url, prefix, agreed, decisions) as node:
            await node.withdraw(BEFORE)
            cluster.nodes[0].kill()
            await node.withdraw(DURING)
            alive = cluster.nodes[1:]
            await node.never_granted(BEFORE + DURING, lambda: served(alive))
            assert await node.answers(node.store, PEOPLE[:10]) == [WITHDRAWN] * 6 + [AGREED] * 4
            assert await in_step(node, agreed)
            assert await node.answers(node.alone, BEFORE + DURING) == [WITHDRAWN] * 6


def served(nodes: list[RedisServer]) -> bool:
    """Whether all slots have a living master, as all nodes say."""
    return all(b"cluster_slots_ok:%d" % SLOTS in node.say("CLUSTER", "INFO") for node in nodes)


async def test_a_cluster_that_is_not_there_is_unavailable(agreed: Ledger, prefix: str) -> None:
    store = RedisStore("redis+cluster://127.0.0.1:1,127.0.0.1:2", None, prefix=prefix)
    cache = RedisCache("redis+cluster://127.0.0.1:1", prefix=prefix)
    for ask in (store.look_up("acme", PEOPLE), cache.position(), cache.reload(agreed), cache.sweep()):
        with pytest.raises(StoreUnavailable, match="connection"):
            await ask
    await store.close()
    await cache.close()


async def test_a_single_server_is_no_cluster(redis_server: RedisServer, prefix: str) -> None:
    store = RedisStore(f"redis+cluster://127.0.0.1:{redis_server.port}", None, prefix=prefix)
    with pytest.raises(StoreUnavailable, match="connection"):
        await store.look_up("acme", PEOPLE)
    await store.close()
