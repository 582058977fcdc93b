"""Look-ups in the ledger itself: nothing but an answer, or the word that there is none."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import TYPE_CHECKING

import pytest

from smtp_gate.consent import Ledger, LedgerStore
from smtp_gate.errors import StoreUnavailable
from smtp_gate.limits import BREAKER_FAILURES, STORE_TIMEOUT
from smtp_gate.model import NOTHING, UNKNOWN, Consent, Purpose

if TYPE_CHECKING:
    from tests.consent.conftest import Decisions
    from tests.consent.hand import Hand

BOTH_DATABASES = True
ANNA = b"a" * 16


async def test_a_decision_holds_for_the_next_look_up(ledger: Ledger, decisions: Decisions) -> None:
    store = LedgerStore(ledger.reader())
    assert await store.look_up("acme", [ANNA]) == [UNKNOWN]
    ledger.append(decisions.grant(ANNA, Purpose.CLICKS))
    assert await store.look_up("acme", [ANNA]) == [Consent(Purpose.CLICKS, "granted")]
    ledger.append(decisions.withdraw(ANNA, Purpose.CLICKS))
    assert await store.look_up("acme", [ANNA]) == [Consent(NOTHING, "withdrawn")]
    await store.close()


async def test_it_answers_while_somebody_writes(ledger: Ledger, hand: Hand, decisions: Decisions) -> None:
    ledger.append(decisions.grant(ANNA, Purpose.CLICKS))
    store = LedgerStore(ledger.reader())
    with hand.session() as writer:
        writer.run("DELETE FROM standing")
        assert await store.look_up("acme", [ANNA]) == [Consent(Purpose.CLICKS, "granted")]
    await store.close()


async def test_a_disk_that_stalls_costs_the_time_limit_and_then_nothing(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    store = LedgerStore(ledger.reader(), monotonic=lambda: now[0])
    stalled = threading.Event()

    def stall(_controller: str, _subjects: tuple[bytes, ...]) -> dict[bytes, tuple[object, object]]:
        stalled.wait(30)
        return {}

    monkeypatch.setattr(store._reader, "read", stall)
    start = time.monotonic()
    lost = await asyncio.gather(
        *(store.look_up("acme", [ANNA]) for _ in range(BREAKER_FAILURES)), return_exceptions=True
    )
    assert [str(each) for each in lost] == ["consent store unavailable: timeout"] * BREAKER_FAILURES
    assert STORE_TIMEOUT <= time.monotonic() - start < STORE_TIMEOUT + 2
    with pytest.raises(StoreUnavailable, match="breaker_open"):
        await store.look_up("acme", [ANNA])
    stalled.set()
    monkeypatch.undo()
    now[0] += 60
    assert await store.look_up("acme", [ANNA]) == [UNKNOWN]
    await store.close()


async def test_a_database_that_fails_in_a_new_way_is_still_no_answer(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = LedgerStore(ledger.reader())

    def broken(_controller: str, _subjects: tuple[bytes, ...]) -> dict[bytes, tuple[object, object]]:
        raise OSError("a socket that is none")

    monkeypatch.setattr(store._reader, "read", broken)
    with pytest.raises(StoreUnavailable, match="ledger"):
        await store.look_up("acme", [ANNA])
    await store.close()
