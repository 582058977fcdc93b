"""Who asks too often hears so; readers, withdrawals and everybody else's networks are never held up by it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtp_gate import limits
from smtp_gate.model import EVERYTHING, NOTHING
from smtp_gate.web.rates import PERIOD, Meter, Rates, _address
from smtp_gate.web.tracked import GIF
from tests.web.site import People, Site, ask, from_elsewhere, link, pixel, withdrawal

if TYPE_CHECKING:
    from starlette.types import Scope

TARGET = "https://acme.example/offer"


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        """Now."""
        return self.now


# --- the meter ------------------------------------------------------------------------------------------------
def test_so_many_times_at_once_then_one_by_one() -> None:
    clock = Clock()
    meter = Meter(10, clock)
    assert [meter.over(b"a") for _ in range(11)] == [False] * 10 + [True]
    assert not meter.over(b"b")
    clock.now += PERIOD / 10
    assert [meter.over(b"a") for _ in range(2)] == [False, True]
    clock.now += PERIOD
    assert [meter.over(b"a") for _ in range(11)] == [False] * 10 + [True]


@given(st.lists(st.floats(0, 30), min_size=1, max_size=60), st.integers(1, 20))
def test_no_minute_sees_more_than_twice_the_rate_and_none_is_refused_below_it(
    steps: list[float], rate: int
) -> None:
    clock = Clock()
    meter = Meter(rate, clock)
    taken: list[float] = []
    for step in steps:
        clock.now += step
        recent = [time for time in taken if time > clock.now - PERIOD]
        over = meter.over(b"a")
        assert not over or len(recent) >= 1
        if not over:
            taken.append(clock.now)
            assert len(recent) + 1 <= 2 * rate


def test_memory_has_an_end_and_what_recovered_makes_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smtp_gate.web.rates.MAX_METERED", 100)
    clock = Clock()
    for when_full in (False, True):
        meter = Meter(1, clock, when_full=when_full)
        for number in range(100):
            assert not meter.over(b"%d" % number)
        assert meter.over(b"one more") is when_full
        assert len(meter) == 100
        assert meter.over(b"1"), "who is known stays known"
        clock.now += PERIOD + 1
        assert not meter.over(b"one more")
        assert len(meter) == 1


# --- who a client is ------------------------------------------------------------------------------------------
def scope(peer: str, *forwarded: str) -> Scope:
    """A request from a peer."""
    return {
        "type": "http",
        "client": (peer, 1) if peer else None,
        "headers": [(b"x-forwarded-for", each.encode()) for each in forwarded],
    }


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("192.0.2.1", ["203.0.113.9"], "192.0.2.1"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["1.1.1.1, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9, 10.1.1.1"], "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9", "10.1.1.1"], "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9:4711"], "203.0.113.9"),
        ("10.0.0.1", ["[2001:db8::1]:4711"], "2001:db8::1"),
        ("10.0.0.1", ["::ffff:203.0.113.9"], "203.0.113.9"),
        ("::ffff:10.0.0.1", ["203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["203.0.113.9, nonsense"], "10.0.0.1"),
        ("10.0.0.1", ["203.0.113.9, nonsense, 10.1.1.1"], "10.1.1.1"),
        ("10.0.0.1", ["10.1.1.1, 10.1.1.2"], "10.1.1.1"),
        ("10.0.0.1", [",".join(["203.0.113.9"] + ["10.0.0.2"] * limits.MAX_PROXY_HOPS)], "10.0.0.2"),
    ],
)
def test_a_client_is_whom_the_last_proxy_of_ours_names(peer: str, forwarded: list[str], client: str) -> None:
    assert Rates(["10.0.0.0/8"])._client(scope(peer, *forwarded)) == _address(client)


def test_a_client_without_an_address_is_nobody_in_particular() -> None:
    assert Rates()._client(scope("")) is None
    assert Rates()._network(scope("/run/socket")) == b""


def test_a_client_is_its_network_and_nothing_of_its_address_is_kept() -> None:
    rates = Rates()
    same = [rates._network(scope(peer)) for peer in ("192.0.2.1", "192.0.2.250", "::ffff:192.0.2.9")]
    other = [rates._network(scope(peer)) for peer in ("192.0.3.1", "2001:db8::1", "2001:db8:0:100::1")]
    assert len(set(same)) == 1
    assert len(set(same + other)) == 4
    assert rates._network(scope("2001:db8::1")) == rates._network(scope("2001:db8:0:ff::9"))
    assert Rates()._network(scope("192.0.2.1")) != same[0], "another process cannot compare"
    assert bytes([192, 0, 2]) not in b"".join(same)


# --- what a client hears --------------------------------------------------------------------------------------
async def test_who_guesses_is_told_to_wait_and_nobody_else() -> None:
    site = Site(People(EVERYTHING))
    async with site.client() as client:
        codes = [(await client.get("/w/x", headers=from_elsewhere(1))).status_code for _ in range(12)]
        assert codes == [404] * limits.MAX_STRANGERS_PER_NETWORK + [429] * 2
        busy = await client.get("/nothing", headers=from_elsewhere(1) | {"Accept-Language": "pl"})
        assert (busy.status_code, busy.headers["retry-after"], busy.headers["content-language"]) == (
            429,
            "60",
            "pl",
        )
        assert busy.headers["x-frame-options"] == "DENY"
        assert (await client.get("/w/x", headers=from_elsewhere(2))).status_code == 404
        for path in (pixel(), link(), ask(), withdrawal()):
            assert (await client.get(path, headers=from_elsewhere(1))).status_code in (200, 302)
        assert (await client.post(withdrawal(), headers=from_elsewhere(1))).status_code == 200
    assert len(site.people.withdrawn) == 1


async def test_guesses_are_answered_alike_and_change_nothing() -> None:
    site = Site()
    async with site.client() as client:
        answers = {
            (answer.status_code, answer.content)
            for number in range(500)
            for answer in [await client.get(f"/w/{number:040}", headers=from_elsewhere(number % 2))]
        }
    assert {status for status, _ in answers} == {404, 429}
    assert len(answers) == 2
    assert (site.people.asked, site.people.withdrawn) == (0, [])


async def test_a_pixel_over_its_rate_is_dead_and_its_vendor_hears_nothing_more() -> None:
    site = Site()
    async with site.client() as client:
        codes = [(await client.get(pixel())).status_code for _ in range(limits.MAX_HITS_PER_TOKEN + 1)]
        over = await client.get(pixel())
        assert codes == [302] * limits.MAX_HITS_PER_TOKEN + [200]
        assert (over.content, over.headers["cache-control"]) == (GIF, "no-store")
        assert (await client.get(pixel("https://t.example/other.gif"))).status_code == 302


async def test_nothing_is_counted_of_what_is_dead() -> None:
    site = Site(People(NOTHING, "withdrawn"), targets={"https://t.example/c": TARGET})
    async with site.client() as client:
        for _ in range(limits.MAX_HITS_PER_TOKEN + 2):
            dead = await client.get(pixel())
            assert (dead.content, dead.headers["cache-control"]) == (GIF, "public, max-age=31536000, immutable")
            assert (await client.get(link())).headers["location"] == TARGET
        site.people.granted, site.people.reason = EVERYTHING, "granted"
        assert (await client.get(pixel())).status_code == 302


async def test_a_web_server_in_front_that_names_nobody_holds_no_reader_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smtp_gate.web.rates.MAX_PAGES_PER_NETWORK", 3)
    site = Site()
    async with site.client() as client:
        assert {(await client.get(ask())).status_code for _ in range(5)} == {200}


async def test_a_link_over_its_rate_still_goes_on() -> None:
    site = Site(targets={"https://t.example/c": TARGET})
    async with site.client() as client:
        for path, beyond in ((link(), TARGET), (link("https://t.example/opaque"), None)):
            for _ in range(limits.MAX_HITS_PER_TOKEN):
                assert (await client.get(path)).headers["location"].startswith("https://t.example/")
            answer = await client.get(path)
            assert answer.headers.get("location") == beyond
            assert answer.status_code == (302 if beyond else 200)


async def test_pages_of_one_network_have_a_rate_and_withdrawals_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smtp_gate.web.rates.MAX_PAGES_PER_NETWORK", 3)
    monkeypatch.setattr("smtp_gate.web.rates.MAX_POSTS_PER_TOKEN", 2)
    site = Site(People(NOTHING, "withdrawn"))
    async with site.client() as client:
        codes = [(await client.get(ask(), headers=from_elsewhere(1))).status_code for _ in range(4)]
        assert codes == [200, 200, 200, 429]
        assert (await client.get(ask(), headers=from_elsewhere(2))).status_code == 200
        for _ in range(5):
            assert (await client.get(withdrawal(), headers=from_elsewhere(1))).status_code == 200
            assert (await client.post(withdrawal(), headers=from_elsewhere(1))).status_code == 200
            assert (await client.get(pixel(), headers=from_elsewhere(1))).status_code == 200
        assert [(await client.post(ask(), headers=from_elsewhere(3))).status_code for _ in range(3)] == [303] * 3


def test_a_form_has_a_rate_for_each_person() -> None:
    rates = Rates()
    paths: list[Any] = [rates.post("/c/alice") for _ in range(limits.MAX_POSTS_PER_TOKEN + 1)]
    assert paths == [False] * limits.MAX_POSTS_PER_TOKEN + [True]
    assert not rates.post("/c/bob")
