"""Endpoints are told every decision, in order, at least once, signed, by one process at a time."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import threading
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from smtp_gate.consent import Entry, Event, Ledger
from smtp_gate.consent.event import Choice
from smtp_gate.errors import StoreUnavailable
from smtp_gate.hooks.call import NotTold
from smtp_gate.hooks.courier import Courier, pause
from smtp_gate.hooks.endpoint import Endpoint
from smtp_gate.limits import HOOK_BATCH, HOOK_CALLS, HOOK_LEASE, HOOK_PAUSE_MOST, MAX_HOOK_ATTEMPTS
from smtp_gate.model import Purpose
from tests.hooks.receiver import SECRET, receiving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

ANNA = b"a" * 16
NOW = datetime(2026, 5, 1, 12, tzinfo=UTC)
ENDPOINT = Endpoint("e" * 32, "https://crm.example/hook", "acme", SECRET, frozenset(Choice))


@pytest.fixture(name="ledger")
def _ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(f"sqlite:///{tmp_path / 'consent.db'}", lambda: NOW)
    yield ledger
    ledger.close()


def decided(number: int, choice: Choice = Choice.GRANT, controller: str = "acme") -> Entry:
    """One decision of a person of a number."""
    event = Event(
        controller=controller,
        subject=bytes([number % 250]) * 16,
        purposes=Purpose.CLICKS,
        decision=choice,
        at=NOW - timedelta(hours=1),
        method="form",
        source="https://acme.example/news",
        reference=str(number),
        notice="v1",
        language="fr",
    )
    return Entry(event, f"p{number % 250}@reader.example".encode())


class Wire:
    """Takes letters in place of the network.

    Attributes:
        got: number of each event, in the order of the calls.
        fails: how many calls fail from now on.
    """

    def __init__(self) -> None:
        self.got: list[int] = []
        self.fails = 0

    def __call__(self, endpoint: Endpoint, body: bytes, fields: Mapping[str, str]) -> None:
        """One call."""
        assert endpoint.secret
        assert fields["webhook-id"]
        if self.fails:
            self.fails -= 1
            raise NotTold("http_500")
        self.got.append(json.loads(body)["data"]["event"])


class Clock:
    """A clock that a test turns."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        """Now."""
        return self.now


async def begun(ledger: Ledger, wire: Any, clock: Clock | None = None) -> Courier:
    """A courier that knows where its endpoint begins."""
    courier = Courier(ledger, [ENDPOINT], clock or Clock(), wire)
    await courier.tell(ENDPOINT)
    return courier


async def test_what_comes_after_it_was_configured_is_told_in_order_with_the_address(ledger: Ledger) -> None:
    ledger.append_many([decided(1)])
    with receiving() as receiver:
        endpoint = receiver.endpoint()
        courier = Courier(ledger, [endpoint], lambda: NOW)
        assert await courier.tell(endpoint) == 0
        ledger.append_many([decided(2), decided(3, controller="other"), decided(2, Choice.WITHDRAW)])
        assert await courier.tell(endpoint) == 2
        assert await courier.tell(endpoint) == 0
    first, second = (json.loads(body) for _, _, body in receiver.got)
    assert (first["type"], second["type"]) == ("consent.grant", "consent.withdraw")
    assert first["data"] == {
        "event": 2,
        "controller": "acme",
        "address": "p2@reader.example",
        "purposes": ["clicks"],
        "at": "2026-05-01T11:00:00+00:00",
        "method": "form",
        "source": "https://acme.example/news",
        "reference": "2",
        "notice": "v1",
        "language": "fr",
        "actor": "",
        "expires": None,
    }
    path, fields, body = receiver.got[0]
    assert path == "/hook?a=b"
    assert (fields["webhook-id"], fields["webhook-timestamp"]) == ("acme-2", str(int(NOW.timestamp())))
    text = f"acme-2.{int(NOW.timestamp())}.".encode() + body
    assert fields["webhook-signature"] == "v1," + b64encode(hmac.digest(SECRET, text, hashlib.sha256)).decode()
    assert fields["content-type"] == "application/json"


async def test_only_the_wanted_decisions_are_told(ledger: Ledger) -> None:
    wire = Wire()
    endpoint = ENDPOINT._replace(choices=frozenset({Choice.WITHDRAW}))
    courier = Courier(ledger, [endpoint], lambda: NOW, wire)
    await courier.tell(endpoint)
    ledger.append_many([decided(1), decided(1, Choice.WITHDRAW), decided(1, Choice.REFUSE)])
    assert await courier.tell(endpoint) == 1
    assert wire.got == [2]
    assert ledger.hook(endpoint.id).seq == 3, "what is none of its own is not looked at again"


async def test_a_failure_holds_back_all_that_comes_later_until_it_is_taken(ledger: Ledger) -> None:
    wire, clock = Wire(), Clock()
    courier = await begun(ledger, wire, clock)
    ledger.append_many([decided(1), decided(2), decided(3)])
    wire.fails = 2
    assert await courier.tell(ENDPOINT) == 0
    assert await courier.tell(ENDPOINT) == 0, "not before it is due"
    assert wire.fails == 1
    clock.now += timedelta(seconds=pause(1))
    assert await courier.tell(ENDPOINT) == 0
    clock.now += timedelta(seconds=pause(2) - 1)
    assert await courier.tell(ENDPOINT) == 0
    clock.now += timedelta(seconds=1)
    assert await courier.tell(ENDPOINT) == 3
    assert wire.got == [1, 2, 3]


def test_pauses_grow_to_an_hour_and_all_attempts_take_five_days() -> None:
    pauses = [pause(attempt) for attempt in range(1, MAX_HOOK_ATTEMPTS)]
    assert pauses[:3] == [5, 10, 20]
    assert pauses[-1] == HOOK_PAUSE_MOST
    assert 4.9 < sum(pauses) / 86_400 < 5.2


async def test_after_days_one_event_is_passed_over_and_the_others_are_told(ledger: Ledger) -> None:
    wire, clock = Wire(), Clock()
    courier = await begun(ledger, wire, clock)
    ledger.append_many([decided(1), decided(2)])
    wire.fails = MAX_HOOK_ATTEMPTS
    for _ in range(MAX_HOOK_ATTEMPTS - 1):
        assert await courier.tell(ENDPOINT) == 0
        clock.now += timedelta(hours=1)
    assert wire.fails == 1
    await courier.tell(ENDPOINT)
    assert wire.got == [2]


async def test_a_process_that_dies_after_telling_tells_again_and_nothing_is_lost(ledger: Ledger) -> None:
    """At least once: the id is the same, so the receiver can know."""
    wire, clock = Wire(), Clock()
    courier = await begun(ledger, wire, clock)
    ledger.append_many([decided(number) for number in range(1, 4)])

    def dies(endpoint: Endpoint, body: bytes, fields: Mapping[str, str]) -> None:
        wire(endpoint, body, fields)
        raise KeyboardInterrupt

    courier._post = dies
    with pytest.raises(KeyboardInterrupt):
        await courier.tell(ENDPOINT)
    other = await begun(ledger, wire, clock)
    assert wire.got == [1], "its turn is not over yet"
    clock.now += timedelta(seconds=HOOK_LEASE + 1)
    assert await other.tell(ENDPOINT) == 3
    assert wire.got == [1, 1, 2, 3]


async def test_several_processes_tell_each_event_once(ledger: Ledger) -> None:
    wire = Wire()
    couriers = [await begun(ledger, wire) for _ in range(4)]
    ledger.append_many([decided(number) for number in range(1, HOOK_BATCH + 51)])
    for _ in range(3):
        await asyncio.gather(*(courier.tell(ENDPOINT) for courier in couriers))
    assert wire.got == list(range(1, HOOK_BATCH + 51))


async def test_a_person_who_was_erased_meanwhile_is_told_nothing_about(ledger: Ledger) -> None:
    wire = Wire()
    courier = await begun(ledger, wire)
    ledger.append_many([decided(1), decided(2)])
    ledger.erase(bytes([1]) * 16)
    await courier.tell(ENDPOINT)
    assert wire.got == [2, 3]


async def test_a_ledger_that_is_away_and_a_broken_endpoint_end_nothing(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    wire = Wire()
    courier = await begun(ledger, wire)
    ledger.append_many([decided(1)])

    def broken(*_: object) -> None:
        raise ValueError("p1@reader.example")

    courier._post = broken
    await courier._turn(ENDPOINT)

    def down(*_: object) -> int:
        raise StoreUnavailable("ledger")

    monkeypatch.setattr(Ledger, "head", down)
    await courier._turn(ENDPOINT)
    monkeypatch.undo()
    courier._post = wire
    await courier._turn(ENDPOINT)
    assert wire.got == [1]


async def test_a_slow_endpoint_holds_up_no_other_and_nothing_else(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smtp_gate.hooks.courier.HOOK_PERIOD", 0.01)
    slow = [
        ENDPOINT._replace(id=f"{number:032}", url="https://slow.example/hook") for number in range(HOOK_CALLS - 1)
    ]
    hangs, told = threading.Event(), Wire()

    def post(endpoint: Endpoint, body: bytes, fields: Mapping[str, str]) -> None:
        if endpoint in slow:
            hangs.wait(30)
        told(endpoint, body, fields)

    courier = Courier(ledger, [*slow, ENDPOINT], lambda: NOW, post)

    async def until(done: Callable[[], bool]) -> None:
        for _ in range(2000):
            if done():
                return
            await asyncio.sleep(0.01)
        raise AssertionError("it did not happen in time")

    try:
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(courier.run())
            await until(lambda: len(courier._begun) == HOOK_CALLS)
            for number in (1, 2):  # the second while the slow ones still have the first
                ledger.append_many([decided(number)])
                await until(lambda number=number: len(told.got) == number)  # type: ignore[misc]
            assert told.got == [1, 2]
            running.cancel()
    finally:
        hangs.set()
        courier.close()
