"""Lemlist, Apollo and Outreach on customers' own hosts, 200 copies each through the gate: what catches them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from smtp_gate.config.catalogue import load_catalogue
from smtp_gate.witnesses import aliases as aliases_module
from smtp_gate.witnesses.aliases import Aliases
from smtp_gate.witnesses.resolver import Resolver
from tests.campaigns import CAMPAIGNS, COPIES
from tests.gate_room import PUBLIC_URL, Room
from tests.name_server import NameServer, Says

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.campaigns import Campaign


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


@pytest.mark.parametrize("says", [Says.NO_DATA, Says.NOTHING, Says.FAILURE, Says.RUBBISH])
async def test_without_an_alias_or_an_answer_mail_flows_as_if_nobody_asked(room: Room, says: Says) -> None:
    [campaign, *_] = CAMPAIGNS
    async with NameServer({campaign.host: says, "www.acme.example": says}) as server:
        room.gate.aliases = Aliases(Resolver(server.address))
        assert await told_on(room, campaign, range(3)) == [0, 1, 2]
        await room.gate.aliases.close()
