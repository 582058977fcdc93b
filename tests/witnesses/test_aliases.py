"""Where hosts lead by their names in DNS: asked once, within a mail's time, and remembered."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from smtp_gate.limits import (
    ALIAS_FAILED_MEMORY,
    ALIAS_MEMORY,
    ALIAS_MEMORY_LEAST,
    BREAKER_FAILURES,
    MAX_ALIAS_CHAIN,
    MAX_ALIASES_PER_MAIL,
)
from smtp_gate.witnesses import aliases as module
from smtp_gate.witnesses.aliases import Alias, Aliases, NoAnswerError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


class Book:
    """DNS as a dictionary.

    Attributes:
        records: name to what it is an alias of; others are no alias; None: silence; ``!``: an error.
        ttl: of all.
        asked: names, in order.
    """

    def __init__(self) -> None:
        self.records: dict[str, str | None] = {}
        self.ttl = 300.0
        self.asked: list[str] = []
        self._open = asyncio.Event()
        self.answer()

    def shut(self) -> None:
        """Let everybody wait."""
        self._open.clear()

    def answer(self) -> None:
        """Answer, also those who wait."""
        self._open.set()

    async def alias(self, name: str) -> Alias:
        self.asked.append(name)
        await self._open.wait()
        target = self.records.get(name, "")
        if target is None:
            raise TimeoutError
        if target == "!":
            raise NoAnswerError
        return Alias(target, self.ttl)


class Watch:
    """A clock whose hands a test moves."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def book() -> Book:
    return Book()


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
async def aliases(book: Book, watch: Watch, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Aliases]:
    monkeypatch.setattr(module, "ALIAS_BUDGET", 10.0)  # answers come at once, on a busy machine too
    made = Aliases(book, watch)
    yield made
    await made.close()


async def test_a_host_is_followed_from_name_to_name(book: Book, aliases: Aliases) -> None:
    book.records = {"go.acme.example": "acme.links.example", "acme.links.example": "custom.vendor.example"}
    known = await aliases.of(["go.acme.example", "www.acme.example"])
    assert known == {"go.acme.example": ("acme.links.example", "custom.vendor.example")}


async def test_an_answer_is_remembered_whatever_it_is(book: Book, aliases: Aliases) -> None:
    book.records = {"go.acme.example": "custom.vendor.example"}
    for _ in range(3):
        assert len(await aliases.of(["go.acme.example", "www.acme.example"])) == 1
    assert sorted(book.asked) == ["custom.vendor.example", "go.acme.example", "www.acme.example"]


@pytest.mark.parametrize(
    ("ttl", "kept"),
    [(0.0, ALIAS_MEMORY_LEAST), (300.0, 300.0), (1e9, ALIAS_MEMORY)],
)
async def test_it_is_kept_for_its_ttl_within_bounds(
    book: Book, aliases: Aliases, watch: Watch, ttl: float, kept: float
) -> None:
    book.records, book.ttl = {"go.acme.example": "custom.vendor.example"}, ttl
    await aliases.of(["go.acme.example"])
    book.records["go.acme.example"] = "other.vendor.example"
    watch.now += kept - 1
    assert await aliases.of(["go.acme.example"]) == {"go.acme.example": ("custom.vendor.example",)}
    watch.now += 1
    assert await aliases.of(["go.acme.example"]) == {"go.acme.example": ("other.vendor.example",)}


@pytest.mark.parametrize("trouble", [None, "!"])
async def test_no_answer_is_remembered_for_a_while_too(
    book: Book, aliases: Aliases, watch: Watch, trouble: str | None
) -> None:
    book.records = {"go.acme.example": trouble}
    assert await aliases.of(["go.acme.example"]) == {}
    book.records = {"go.acme.example": "custom.vendor.example"}
    watch.now += ALIAS_FAILED_MEMORY - 1
    assert await aliases.of(["go.acme.example"]) == {}
    watch.now += 1
    assert await aliases.of(["go.acme.example"]) == {"go.acme.example": ("custom.vendor.example",)}


async def test_what_was_found_before_a_name_without_answer_holds(book: Book, aliases: Aliases) -> None:
    book.records = {"go.acme.example": "custom.vendor.example", "custom.vendor.example": None}
    assert await aliases.of(["go.acme.example"]) == {"go.acme.example": ("custom.vendor.example",)}


async def test_what_comes_late_is_known_for_the_next_mail(
    book: Book, aliases: Aliases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ALIAS_BUDGET", 0.0)
    book.records = {"go.acme.example": "custom.vendor.example"}
    book.shut()
    assert await aliases.of(["go.acme.example"]) == {}
    assert await aliases.of(["go.acme.example"]) == {}
    book.answer()
    monkeypatch.setattr(module, "ALIAS_BUDGET", 10.0)
    assert await aliases.of(["go.acme.example"]) == {"go.acme.example": ("custom.vendor.example",)}
    assert book.asked.count("go.acme.example") == 1, "mails that wait for the same host share the question"


async def test_where_dns_is_down_nobody_waits_until_it_answers(
    book: Book, aliases: Aliases, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts = [f"go.{word}.example" for word in ("acme", "shop", "post", "bank", "farm")][:BREAKER_FAILURES]
    book.records = dict.fromkeys(hosts)
    assert await aliases.of(hosts) == {}
    monkeypatch.setattr(module, "ALIAS_BUDGET", 1e9)
    book.shut()
    book.records["go.fresh.example"] = "custom.vendor.example"
    assert await aliases.of(["go.fresh.example"]) == {}, "nobody waits"
    assert book.asked[-1] != "go.fresh.example"
    await asyncio.sleep(0)
    assert book.asked[-1] == "go.fresh.example", "it is asked for all the same"
    book.answer()
    for _ in range(5):
        await asyncio.sleep(0)
    assert await aliases.of(["go.fresh.example"]) == {"go.fresh.example": ("custom.vendor.example",)}
    assert len(await aliases.of(["go.other.example", "go.fresh.example"])) == 1
    assert "go.other.example" in book.asked, "after an answer mails wait again"


async def test_a_loop_ends(book: Book, aliases: Aliases) -> None:
    book.records = {
        "a.example": "b.example",
        "b.example": "c.example",
        "c.example": "a.example",
        "d.example": "d.example",
    }
    assert await aliases.of(["a.example", "d.example"]) == {"a.example": ("b.example", "c.example")}


@pytest.mark.parametrize("length", [MAX_ALIAS_CHAIN, MAX_ALIAS_CHAIN + 3])
async def test_a_long_chain_is_cut(book: Book, aliases: Aliases, length: int) -> None:
    book.records = {f"n{number}.example": f"n{number + 1}.example" for number in range(length)}
    chain = (await aliases.of(["n0.example"]))["n0.example"]
    assert chain == tuple(f"n{number + 1}.example" for number in range(MAX_ALIAS_CHAIN))
    assert len(book.asked) == MAX_ALIAS_CHAIN + 1


async def test_of_many_hosts_the_rest_waits_for_the_next_mail(book: Book, aliases: Aliases) -> None:
    hosts = [f"go.shop{number}.example" for number in range(MAX_ALIASES_PER_MAIL + 1)]
    book.records = {hosts[-1]: "custom.vendor.example"}
    assert await aliases.of(hosts) == {}
    assert book.asked == hosts[:-1]
    assert await aliases.of(hosts) == {hosts[-1]: ("custom.vendor.example",)}


async def test_of_many_questions_at_a_time_the_rest_is_not_asked(
    book: Book, aliases: Aliases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ALIAS_BUDGET", 0.0)
    monkeypatch.setattr(module, "MAX_ALIASES_ASKED", 3)
    book.shut()
    for host in ("a.example", "b.example", "c.example", "d.example"):
        await aliases.of([host])
        await asyncio.sleep(0)
    assert book.asked == ["a.example", "b.example", "c.example"]


async def test_only_so_many_hosts_are_remembered(
    book: Book, aliases: Aliases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ALIASES", 2)
    for host in ("a.example", "b.example", "c.example", "b.example", "a.example"):
        await aliases.of([host])
    assert book.asked == ["a.example", "b.example", "c.example", "a.example"]


async def test_at_the_end_nothing_is_asked_any_more(
    book: Book, aliases: Aliases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ALIAS_BUDGET", 0.0)
    book.shut()
    await aliases.of(["go.acme.example"])
    await aliases.close()
    assert len(asyncio.all_tasks()) == 1
