"""Lemlist, Apollo and Outreach on customers' own hosts, 200 copies each through the gate: what catches them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from smtp_gate.config.catalogue import load_catalogue
from smtp_gate.errors import StoreUnavailable
from smtp_gate.limits import LEARN_COPIES
from smtp_gate.witnesses import aliases as aliases_module
from smtp_gate.witnesses.aliases import Aliases
from smtp_gate.witnesses.learning import Learning
from smtp_gate.witnesses.redis_learning import RedisLearning
from smtp_gate.witnesses.resolver import Resolver
from smtp_gate.witnesses.sqlite_learning import SqliteLearning
from tests.campaigns import CAMPAIGNS, COPIES, token
from tests.gate_room import PUBLIC_URL, Room, letter
from tests.name_server import NameServer, Says

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from tests.campaigns import Campaign
    from tests.redis_server import RedisServer


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    async with Room() as room:
        yield room


@pytest.fixture(params=CAMPAIGNS, ids=[campaign.vendor for campaign in CAMPAIGNS])
def campaign(request: pytest.FixtureRequest) -> Campaign:
    found: Campaign = request.param
    return found


async def told_on(room: Room, campaign: Campaign, numbers: range) -> list[int]:
    """Sends copies; those that left with an address of the tracking host that a client would ask by itself."""
    left = []
    for number in numbers:
        recipient = campaign.recipient(number)
        sent = await room.send(campaign.copy(number), recipient)
        assert sent.codes == [250]
        content = room.got(recipient)[-1]
        assert b"https://www.acme.example/logo.png" in content
        assert b'<a href="https://www.acme.example/about">who we are</a>' in content
        assert b"our offer</a>" in content
        if campaign.host.encode() in content:
            left.append(number)
    return left


async def test_nothing_catches_a_copy_by_itself(room: Room, campaign: Campaign) -> None:
    assert await told_on(room, campaign, range(3)) == [0, 1, 2]


async def test_own_domains_in_the_configuration_catch_every_copy(room: Room, campaign: Campaign) -> None:
    catalogue = load_catalogue(None, {campaign.vendor: [campaign.host]}, PUBLIC_URL)
    room.gate.ruleset = replace(room.gate.ruleset, catalogue=catalogue)
    assert await told_on(room, campaign, range(COPIES)) == []


async def test_dns_catches_every_copy(room: Room, campaign: Campaign, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aliases_module, "ALIAS_BUDGET", 20.0)  # a busy machine may need longer than a mail may wait
    async with NameServer({campaign.host: campaign.alias, campaign.alias: Says.NO_DATA}) as server:
        room.gate.aliases = Aliases(Resolver(server.address))
        assert await told_on(room, campaign, range(COPIES)) == []
        assert sorted(server.names()) == sorted([campaign.host, campaign.alias, "www.acme.example"]), (
            "each host is asked for once, and no address ever"
        )
        await room.gate.aliases.close()


@pytest.fixture(params=["file", "redis"])
async def learning(
    request: pytest.FixtureRequest, room: Room, tmp_path: Path, redis_server: RedisServer, prefix: str
) -> AsyncIterator[Learning]:
    """The room's learning, acting, on each store."""
    store = (
        SqliteLearning(tmp_path / "learnt.db")
        if request.param == "file"
        else RedisLearning(redis_server.url, prefix=prefix)
    )
    room.gate.learning = Learning(store, b"key", "act")
    yield room.gate.learning
    await room.gate.learning.close()


async def test_learning_catches_each_copy_from_the_twentieth_on(
    room: Room, campaign: Campaign, learning: Learning
) -> None:
    assert await told_on(room, campaign, range(LEARN_COPIES - 2)) == list(range(LEARN_COPIES - 2))
    await learning.settle()
    assert await told_on(room, campaign, range(LEARN_COPIES - 2, LEARN_COPIES - 1)) == [LEARN_COPIES - 2]
    await learning.settle()
    assert await told_on(room, campaign, range(LEARN_COPIES - 1, COPIES)) == []


async def test_while_it_only_observes_every_copy_leaves_as_it_came(
    room: Room, campaign: Campaign, learning: Learning
) -> None:
    learning.mode = "observe"
    for number in range(LEARN_COPIES + 5):
        await room.send(campaign.copy(number), campaign.recipient(number))
        await learning.settle()
    assert learning.lessons("acme.example") is not None
    for number in range(LEARN_COPIES, LEARN_COPIES + 5):
        assert room.got(campaign.recipient(number)) == [campaign.copy(number)]


def order(number: int) -> bytes:
    """A mail about somebody's order: every link is the customer's own, and none may break."""
    code = token(f"order {number}")
    return letter(
        f'<p><a href="https://shop.example/orders/{10_000 + number}">Order {10_000 + number}</a>\r\n'
        f'<a href="https://track.post.example/JD{number:010d}">where it is</a>\r\n'
        f'<a href="https://track.post.example/{code}">the same, signed</a>\r\n'
        f'<a href="https://tickets.shop.example/t/{code}">your ticket</a>\r\n'
        f'<a href="https://go.shop.example/invoice/{code}.pdf">invoice</a>\r\n'
        f'<a href="https://my.shop.example/r/{code}?id={number}">my account</a>\r\n'
        f'<a href="https://meet.example/{code}">talk to us</a>\r\n'
        f'<img src="https://shop.example/img/{code}.png" width="120" height="120" alt="A chair">\r\n'
        f'<img src="https://shop.example/barcode/{code}.png">\r\n'
        f'<img src="https://shop.example/photos/{code}.jpg"></p>'.encode()
    )


async def test_mail_about_orders_leaves_as_it_came_however_many(room: Room, learning: Learning) -> None:
    for number in range(LEARN_COPIES + 10):
        recipient = b"buyer%d@customer.example" % number
        assert (await room.send(order(number), recipient)).codes == [250]
        await learning.settle()
        assert room.got(recipient) == [order(number)]
    lessons = learning.lessons("acme.example")
    assert lessons is not None
    assert len(lessons.lessons) >= 9, "it was seen that they differ"


async def test_a_newsletter_whose_links_are_long_and_the_same_for_all_leaves_as_it_came(
    room: Room, learning: Learning
) -> None:
    links = [f'<a href="https://go.acme.example/c/{token(f"page {page}")}">page {page}</a>' for page in range(30)]
    page = letter("\r\n".join(links).encode())
    for number in range(2 * LEARN_COPIES):
        await room.send(page, b"reader%d@customer.example" % number)
        await learning.settle()
    assert [content for content in room.got(b"reader39@customer.example") if content != page] == []
    assert learning.lessons("acme.example") is None


async def test_a_store_that_is_down_costs_no_mail(room: Room) -> None:
    [campaign, *_] = CAMPAIGNS
    room.gate.learning = Learning(RedisLearning("redis://127.0.0.1:1/0"), b"key", "act")
    assert await told_on(room, campaign, range(3)) == [0, 1, 2]
    with pytest.raises(StoreUnavailable):
        await room.gate.learning.settle()
    assert await told_on(room, campaign, range(3, 6)) == [3, 4, 5]


@pytest.mark.parametrize("says", [Says.NO_DATA, Says.NOTHING, Says.FAILURE, Says.RUBBISH])
async def test_without_an_alias_or_an_answer_mail_flows_as_if_nobody_asked(room: Room, says: Says) -> None:
    [campaign, *_] = CAMPAIGNS
    async with NameServer({campaign.host: says, "www.acme.example": says}) as server:
        room.gate.aliases = Aliases(Resolver(server.address))
        assert await told_on(room, campaign, range(3)) == [0, 1, 2]
        await room.gate.aliases.close()
