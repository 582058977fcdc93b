"""One process's learning: seen beside the mails' way, counted in the store, known in memory, in no mail's way."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from smtp_gate.config.catalogue import load_catalogue
from smtp_gate.errors import StoreUnavailable
from smtp_gate.limits import (
    LEARN_COPIES,
    LEARN_ENOUGH,
    LEARN_QUIET,
    MAX_LEARN_ADDRESSES,
    MAX_LEARN_ALIKE,
    MAX_LEARN_BATCH,
    MAX_LEARN_MAILS,
)
from smtp_gate.scan.message import scan
from smtp_gate.trackers.learnt import Form, Lesson, Tally
from smtp_gate.witnesses import learning as module
from smtp_gate.witnesses.learning import Learning
from smtp_gate.witnesses.learning_store import LearningStore

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smtp_gate.model import Unjudged
    from smtp_gate.witnesses.learning_store import Sighting

CATALOGUE = load_catalogue(None, {}, "")
DOMAIN = "acme.example"
ENOUGH = LEARN_COPIES - 1


class Exact(LearningStore):
    """Counts in sets.

    Attributes:
        batches: how many sightings each round trip had.
        down: raises instead of counting.
    """

    def __init__(self) -> None:
        self.seen: dict[bytes, tuple[set[bytes], set[bytes], set[bytes]]] = {}
        self.found: list[Lesson] = []
        self.batches: list[int] = []
        self.down = False

    async def note(self, sightings: Sequence[Sighting]) -> list[Tally]:
        await asyncio.sleep(0)
        if self.down:
            raise StoreUnavailable("timeout")
        self.batches.append(len(sightings))
        told = []
        for one in sightings:
            kept = self.seen.setdefault(one.id, (set(), set(), set()))
            for marks, more in zip(kept, (one.readers, one.pairs, one.values), strict=True):
                marks.update(more)
            told.append(Tally(*map(len, kept)))
        return told

    async def lessons(self) -> list[Lesson]:
        if self.down:
            raise StoreUnavailable("timeout")
        return self.found

    async def close(self) -> None:
        """Nothing."""

    def tallies(self) -> list[Tally]:
        """How everything was seen."""
        return [Tally(*map(len, kept)) for kept in self.seen.values()]


class Watch:
    """A clock whose hands a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def store() -> Exact:
    return Exact()


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def learning(store: Exact, watch: Watch) -> Learning:
    return Learning(store, b"key", "act", watch)


def mail(*urls: str, pixel: str = "") -> Sequence[Unjudged]:
    """What nobody spoke about in a mail with these links."""
    html = "".join(f'<a href="{url}">x</a>' for url in urls) + (f'<img src="{pixel}" alt="">' if pixel else "")
    return scan(f"Content-Type: text/html\n\n{html}".encode(), CATALOGUE).unjudged


def reader(number: int) -> list[bytes]:
    return [b"reader%d@customer.example" % number]


async def test_a_burst_is_few_round_trips(learning: Learning, store: Exact) -> None:
    for number in range(200):
        learning.note(DOMAIN, reader(number), mail(f"https://go.acme.example/c/{number:08x}a"))
    await learning.settle()
    assert store.batches == [1]
    assert store.tallies() == [Tally(200, 200, 200)]


async def test_what_is_learnt_is_known_at_once(learning: Learning) -> None:
    for number in range(ENOUGH - 1):
        learning.note(DOMAIN, reader(number), mail(f"https://go.acme.example/c/{number:08x}a"))
    await learning.settle()
    assert learning.lessons(DOMAIN) is None
    learning.note(DOMAIN, reader(99), mail("https://go.acme.example/c/0badcafe9"))
    await learning.settle()
    lessons = learning.lessons(DOMAIN)
    assert lessons is not None
    [one] = mail("https://go.acme.example/c/7777cafe9")
    assert lessons.judge(one.address) is not None
    assert learning.lessons("other.example") is None, "what one domain's mail shows holds for its mail only"


async def test_a_copy_for_several_readers_counts_once_whatever_their_order(
    learning: Learning, store: Exact
) -> None:
    both = [b"ann@customer.example", b"Bob@customer.example"]
    page = mail("https://go.acme.example/c/0badcafe9")
    learning.note(DOMAIN, both, page)
    learning.note(DOMAIN, [address.lower() for address in reversed(both)], page)
    await learning.settle()
    assert store.tallies() == [Tally(1, 1, 1)]


async def test_the_same_address_twice_in_a_mail_counts_once_two_addresses_twice(
    learning: Learning, store: Exact
) -> None:
    url = "https://go.acme.example/c/0badcafe"
    learning.note(DOMAIN, reader(1), mail(url + "1", url + "1", url + "2"))
    await learning.settle()
    assert store.tallies() == [Tally(1, 2, 2)]


async def test_a_link_that_is_the_same_for_everybody_is_never_learnt(learning: Learning, store: Exact) -> None:
    pages = [f"https://shop.example/p/{number}0badcafe?ref=a1b2c3d4e5f6a7b8" for number in range(30)]
    for number in range(100):
        learning.note(DOMAIN, reader(number), mail(*pages))
    await learning.settle()
    assert store.tallies() == [Tally(100, 100 * MAX_LEARN_ALIKE, MAX_LEARN_ALIKE)]
    assert learning.lessons(DOMAIN) is None


async def test_a_link_that_each_reader_gets_again_and_again_is_learnt(learning: Learning, store: Exact) -> None:
    for number in range(100):
        person = number % 25
        learning.note(DOMAIN, reader(person), mail(f"https://go.acme.example/c/{person:08x}a"))
    await learning.settle()
    assert store.tallies() == [Tally(25, 25, 25)]
    assert learning.lessons(DOMAIN) is not None


async def test_a_link_that_stops_differing_is_unlearnt(learning: Learning) -> None:
    for number in range(30):
        learning.note(DOMAIN, reader(number), mail(f"https://go.acme.example/c/{number:08x}a"))
    await learning.settle()
    assert learning.lessons(DOMAIN) is not None
    for number in range(30):
        learning.note(DOMAIN, reader(number), mail("https://go.acme.example/c/0badcafe9"))
    await learning.settle()
    assert learning.lessons(DOMAIN) is None


async def test_what_many_got_is_counted_now_and_then_only(learning: Learning, store: Exact, watch: Watch) -> None:
    for number in range(LEARN_ENOUGH):
        learning.note(DOMAIN, reader(number), mail("https://shop.example/p/0badcafe9"))
    await learning.settle()
    learning.note(DOMAIN, reader(9999), mail("https://shop.example/p/0badcafe9"))
    await learning.settle()
    assert len(store.batches) == 1
    watch.now += LEARN_QUIET
    learning.note(DOMAIN, reader(9999), mail("https://shop.example/p/0badcafe9"))
    await learning.settle()
    assert store.tallies() == [Tally(LEARN_ENOUGH + 1, LEARN_ENOUGH + 1, 1)]


async def test_many_skeletons_go_in_several_round_trips(learning: Learning, store: Exact) -> None:
    words = [f"{first}{second}ox" for first in "abcdefghijklmnop" for second in "abcdefghijklmnop"][
        : 2 * MAX_LEARN_BATCH
    ]
    for word in words:
        learning.note(DOMAIN, reader(1), mail(f"https://{word}.example/c/0badcafe9"))
    await learning.settle()
    assert sum(store.batches) == len(words)
    assert max(store.batches) <= MAX_LEARN_BATCH


async def test_of_a_mail_without_end_the_beginning_is_counted(learning: Learning, store: Exact) -> None:
    urls = [f"https://go.acme.example/{number:08x}a" for number in range(MAX_LEARN_ADDRESSES + 50)]
    learning.note(DOMAIN, reader(1), mail(*urls))
    await learning.settle()
    assert store.tallies() == [Tally(1, MAX_LEARN_ADDRESSES, MAX_LEARN_ADDRESSES)]


@pytest.mark.parametrize("links", [MAX_LEARN_ALIKE, MAX_LEARN_ALIKE + 1])
async def test_of_many_alike_the_first_are_counted(learning: Learning, store: Exact, links: int) -> None:
    urls = [f"https://go.acme.example/c/{number:08x}a" for number in range(links)]
    learning.note(DOMAIN, reader(1), mail(*urls, "https://go.acme.example/o/0badcafe9", pixel=urls[0]))
    await learning.settle()
    assert sorted(store.tallies()) == [Tally(1, 1, 1), Tally(1, 1, 1), Tally(1, *[MAX_LEARN_ALIKE] * 2)]


async def test_of_many_mails_that_wait_the_oldest_goes(learning: Learning, store: Exact) -> None:
    for number in range(MAX_LEARN_MAILS + 50):
        learning.note(DOMAIN, reader(number), mail(f"https://go.acme.example/c/{number:08x}a"))
    await learning.settle()
    assert store.tallies() == [Tally(*[MAX_LEARN_MAILS] * 3)]


# --- in the background ------------------------------------------------------------------------------------------
async def happens(what: Callable[[], bool]) -> None:
    """Wait for something that another task does."""
    async with asyncio.timeout(20):
        while not what():  # noqa: ASYNC110 - what is waited for knows no event
            await asyncio.sleep(0.01)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LEARN_PAUSE", "LEARN_REFRESH", "LEARN_RETRY"):
        monkeypatch.setattr(module, name, 0.01)


@pytest.mark.usefixtures("quick")
async def test_it_counts_and_reads_by_itself(learning: Learning, store: Exact) -> None:
    store.found = [Lesson("shop.example", Form.PIXEL, "x.shop.example/{}", Tally(50, 50, 50))]
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(learning.run())
        await happens(lambda: learning.lessons("shop.example") is not None)
        learning.note(DOMAIN, reader(1), mail("https://go.acme.example/c/0badcafe9"))
        await happens(lambda: store.tallies() == [Tally(1, 1, 1)])
        running.cancel()


@pytest.mark.usefixtures("quick")
async def test_a_store_that_is_down_costs_what_was_seen_and_nothing_that_is_known(
    learning: Learning, store: Exact, watch: Watch
) -> None:
    store.found = [Lesson("shop.example", Form.PIXEL, "x.shop.example/{}", Tally(50, 50, 50))]
    await learning.refresh()
    store.down = True
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(learning.run())
        learning.note(DOMAIN, reader(1), mail("https://go.acme.example/c/0badcafe9"))
        await happens(lambda: not learning._queue)
        assert learning.lessons("shop.example") is not None
        store.down = False
        watch.now += 1
        await asyncio.sleep(0.1)
        learning.note(DOMAIN, reader(2), mail("https://go.acme.example/c/0badcafe8"))
        await happens(lambda: store.tallies() == [Tally(1, 1, 1)])
        running.cancel()


@pytest.mark.usefixtures("quick")
async def test_trouble_of_our_own_stops_learning_for_a_moment_only(
    learning: Learning, store: Exact, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError

    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(learning.run())
        with monkeypatch.context() as patch:
            patch.setattr(module, "skeleton", broken)
            learning.note(DOMAIN, reader(1), mail("https://go.acme.example/c/0badcafe9"))
            await happens(lambda: not learning._queue)
        await asyncio.sleep(0.1)
        learning.note(DOMAIN, reader(2), mail("https://go.acme.example/c/0badcafe8"))
        await happens(lambda: bool(store.tallies()))
        running.cancel()


@pytest.mark.usefixtures("quick")
async def test_while_it_is_off_nobody_is_asked(learning: Learning, store: Exact) -> None:
    learning.mode = "off"
    store.found = [Lesson("shop.example", Form.PIXEL, "x.shop.example/{}", Tally(50, 50, 50))]
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(learning.run())
        await asyncio.sleep(0.1)
        assert learning.lessons("shop.example") is None
        learning.mode = "observe"
        await happens(lambda: learning.lessons("shop.example") is not None)
        running.cancel()
    assert store.batches == []
