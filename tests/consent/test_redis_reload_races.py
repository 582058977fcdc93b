"""No order of what a loader and others do loses a decision: orders that hypothesis makes up, on a real Redis.

The loader runs as it is. At each moment when it asks the ledger something, other processes take some steps: events
are committed, their records are read, and written into the cache later, out of order, or never; another loader dies
and leaves its marks; a third one catches up; Redis loses all.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, cast

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from smtp_gate.consent import RedisCache, RedisStore, Register
from smtp_gate.consent.event import Choice
from smtp_gate.consent.redis_servers import One
from smtp_gate.consent.redis_verify import compare
from smtp_gate.consent.standing import Grant, Record, Standing
from smtp_gate.errors import StoreUnavailable
from smtp_gate.model import NOTHING, Purpose

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smtp_gate.consent import Ledger
    from tests.redis_server import RedisServer

PEOPLE = [letter * 16 for letter in (b"a", b"b", b"c", b"d")]
GRANTS = (Grant(Purpose.CLICKS, 0),)


class Step(NamedTuple):
    """One thing that somebody else does.

    Attributes:
        what: ``decide`` commits an event and reads the standing for the cache, ``write`` writes one of those that
            were read, ``forget`` loses one, ``catch_up`` is another process's, ``mark`` a dead loader's mark,
            ``lose`` all of Redis, ``reload`` another loader.
        who: number of the person.
        which: of the records that wait; whether a decision is a grant.
    """

    what: str
    who: int
    which: int


steps = st.builds(
    Step,
    st.sampled_from(["decide"] * 6 + ["write"] * 3 + ["forget", "catch_up", "catch_up", "mark", "lose", "reload"]),
    st.integers(0, 3),
    st.integers(0, 5),
)


class Book:
    """As much of a ledger as a cache needs, in memory; what happens at each question is up to a plan."""

    def __init__(self, plan: list[list[Step]]) -> None:
        self.plan = plan
        self.events: list[bytes] = []
        self.standings: dict[bytes, Standing] = {}
        self.world: World | None = None

    def decide(self, who: int, *, grant: bool) -> Record:
        subject = PEOPLE[who]
        self.events.append(subject)
        choice = Choice.GRANT if grant else Choice.WITHDRAW
        self.standings[subject] = Standing(len(self.events), choice, GRANTS if grant else ())
        return Record("acme", subject, self.standings[subject])

    def standing(self, _: str, subject: bytes) -> Standing | None:
        return self.standings.get(subject)

    def head(self) -> int:
        self._meanwhile()
        return len(self.events)

    def count(self) -> int:
        return len(self.standings)

    def records(self, batch: int = 1) -> Iterator[list[Record]]:
        for subject in PEOPLE:
            if subject in self.standings:
                found = [Record("acme", subject, self.standings[subject])]
                self._meanwhile()
                yield found
        assert batch == 1

    def changes(self, after: int, limit: int = 2) -> tuple[list[Record], int]:
        span = self.events[after : after + limit]
        found = [Record("acme", subject, self.standings[subject]) for subject in dict.fromkeys(span)]
        self._meanwhile()
        return found, after + len(span)

    def _meanwhile(self) -> None:
        if self.world is not None and self.plan:
            self.world.take(self.plan.pop())


class World:
    """What the others do, in a thread of the ledger's questions."""

    def __init__(self, book: Book, cache: RedisCache, server: RedisServer, prefix: str) -> None:
        self._book = book
        self._cache = cache
        self._server = server
        self._prefix = prefix
        self._waiting: list[Record] = []
        self._loop = asyncio.get_running_loop()

    def take(self, some: list[Step]) -> None:
        for step in some:
            self._take(step)

    def _take(self, step: Step) -> None:
        if step.what == "decide":
            self._waiting.append(self._book.decide(step.who, grant=step.which % 2 == 0))
        elif step.what in ("write", "forget"):
            if self._waiting:
                record = self._waiting.pop(step.which % len(self._waiting))
                if step.what == "write":
                    self._run(self._cache.write([record]))
        elif step.what == "lose":
            self._server.say("FLUSHALL")
        elif step.what == "mark":
            self._server.say("SET", f"{self._prefix}:{{0}}:building", "ffffffffffff 1", "NX", "PX", "3")
        else:
            quiet = Book([])
            quiet.events, quiet.standings = self._book.events, self._book.standings
            if step.what == "reload":
                self._run(self._cache.reload(cast("Ledger", quiet)))
            else:
                self._run(Register(cast("Ledger", quiet), self._cache).catch_up())

    def _run(self, work: object) -> None:
        with suppress(StoreUnavailable):
            asyncio.run_coroutine_threadsafe(work, self._loop).result(20)  # type: ignore[arg-type]


@pytest.mark.parametrize("parts", [1, 3])
@settings(
    max_examples=60,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # to make a found one smaller would take minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    before=st.lists(steps, max_size=4),
    plan=st.lists(st.lists(steps, max_size=3), max_size=12),
    late=st.booleans(),
)
def test_no_order_loses_a_decision(
    *,
    redis_server: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
    parts: int,
    before: list[Step],
    plan: list[list[Step]],
    late: bool,
) -> None:
    monkeypatch.setattr(One, "tags", tuple(map(str, range(parts))))
    # What is asked here is which answer comes, not how soon: a busy machine may take its time.
    monkeypatch.setattr("smtp_gate.consent.redis_store.STORE_TIMEOUT", 10.0)

    async def run() -> None:
        redis_server.say("FLUSHALL")
        book = Book(list(plan))
        cache = RedisCache(redis_server.url, prefix="race")
        store = RedisStore(redis_server.url, None, prefix="race")
        ledger = cast("Ledger", book)
        world = World(book, cache, redis_server, "race")
        for step in before:
            await asyncio.to_thread(world.take, [step])
        book.world = world
        for _ in range(2):
            with suppress(StoreUnavailable):
                await cache.reload(ledger)
        with suppress(StoreUnavailable):
            await Register(ledger, cache).catch_up()
        book.world = None
        await asyncio.sleep(0.004)  # marks of the dead end
        book.plan.clear()
        await Register(ledger, cache).catch_up()
        # The writes that are still on their way come now, newest first, or never; then the cache alone is right.
        if late:
            await asyncio.to_thread(world.take, [Step("write", 0, -1)] * 100)
        found = await store.look_up("acme", PEOPLE)
        wanted = [book.standings.get(subject) for subject in PEOPLE]
        assert [bool(consent.granted) for consent in found] == [bool(each and each.grants) for each in wanted]
        assert all(consent.granted in (NOTHING, Purpose.CLICKS) for consent in found)
        assert (await compare(ledger, cache)).same
        await cache.close()
        await store.close()

    asyncio.run(run())
