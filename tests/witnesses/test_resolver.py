"""CNAME records asked of a real DNS server on loopback, in all the ways it can answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.asyncresolver
import dns.resolver
import pytest

from smtp_gate.errors import ConfigError
from smtp_gate.limits import ALIAS_MEMORY_NONE
from smtp_gate.witnesses import resolver as module
from smtp_gate.witnesses.aliases import Alias, Aliases, NoAnswerError
from smtp_gate.witnesses.resolver import Resolver
from tests.name_server import NameServer, Says

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def server() -> AsyncIterator[NameServer]:
    records = {
        "go.acme.example": "Custom.Vendor.example",
        "www.acme.example": Says.NO_DATA,
        "mute.acme.example": Says.NOTHING,
        "odd.acme.example": Says.RUBBISH,
        "broken.acme.example": Says.FAILURE,
    }
    async with NameServer(records) as server:
        yield server


async def test_an_alias_comes_in_lower_case_with_its_ttl(server: NameServer) -> None:
    assert await Resolver(server.address).alias("go.acme.example") == Alias("custom.vendor.example", 300.0)


async def test_only_the_record_of_the_name_as_it_is_is_asked_for(server: NameServer) -> None:
    await Resolver(server.address).alias("go.acme.example")
    assert server.asked == [("go.acme.example", "CNAME")]


@pytest.mark.parametrize("name", ["www.acme.example", "nowhere.acme.example"])
async def test_no_record_and_no_such_name_are_answers(server: NameServer, name: str) -> None:
    assert await Resolver(server.address).alias(name) == Alias("", ALIAS_MEMORY_NONE)


@pytest.mark.parametrize(
    "name",
    [
        "mute.acme.example",
        "odd.acme.example",
        "broken.acme.example",
    ],
)
async def test_silence_and_errors_are_no_answer(
    server: NameServer, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ALIAS_TIMEOUT", 0.3)
    with pytest.raises((NoAnswerError, TimeoutError)):
        await Resolver(server.address).alias(name)


async def test_silence_is_told_apart(server: NameServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ALIAS_TIMEOUT", 0.3)
    with pytest.raises(TimeoutError):
        await Resolver(server.address).alias("mute.acme.example")
    with pytest.raises(NoAnswerError):
        await Resolver(server.address).alias("broken.acme.example")


@pytest.mark.parametrize(
    "name", ["a" * 64 + ".example", "empty..example", ".".join(["label"] * 60), "a\\400.example"]
)
async def test_what_is_no_name_is_not_asked_for(server: NameServer, name: str) -> None:
    assert await Resolver(server.address).alias(name) == Alias("", ALIAS_MEMORY_NONE)
    assert server.asked == []


async def test_nobody_listening_is_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ALIAS_TIMEOUT", 0.3)
    async with NameServer({}) as gone:
        address = gone.address
    with pytest.raises((NoAnswerError, TimeoutError)):
        await Resolver(address).alias("go.acme.example")


async def test_many_questions_at_once_all_get_their_own_answer() -> None:
    hosts = [f"go{number}.acme.example" for number in range(25)]
    records = {host: f"custom{number}.vendor.example" for number, host in enumerate(hosts)}
    async with NameServer(records | dict.fromkeys(records.values(), Says.NO_DATA)) as server:
        aliases = Aliases(Resolver(server.address))
        found: dict[str, tuple[str, ...]] = {}
        while len(found) < len(hosts):  # on a busy machine some come late
            found = dict(await aliases.of(hosts))
        await aliases.close()
    assert found == {host: (target,) for host, target in records.items()}


def test_a_system_without_dns_is_told_with_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    def unconfigured(**_: object) -> None:
        raise dns.resolver.NoResolverConfiguration

    monkeypatch.setattr(dns.asyncresolver, "Resolver", unconfigured)
    with pytest.raises(ConfigError, match=r"^trackers\.dns: .*resolv\.conf.*192\.0\.2\.53:53"):
        Resolver()
