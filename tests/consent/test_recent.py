"""What a process knows of the newest withdrawals, and when it no longer knows enough."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from smtp_gate.consent import Ledger, RecentWithdrawals
from smtp_gate.errors import StoreUnavailable
from smtp_gate.limits import RECENT_STALE
from smtp_gate.model import EVERYTHING, Purpose

if TYPE_CHECKING:
    from tests.consent.conftest import Decisions
    from tests.consent.hand import Hand

BOTH_DATABASES = True
ANNA, BERT, CARL, DORA = (letter * 16 for letter in (b"a", b"b", b"c", b"d"))
NONE = -2


async def test_it_finds_refusals_and_withdrawals_and_keeps_the_newest(ledger: Ledger, decisions: Decisions) -> None:
    ledger.append(decisions.withdraw(ANNA, EVERYTHING))
    recent = RecentWithdrawals(ledger)
    await recent.poll()
    assert recent.seq_of("acme", ANNA) == 1
    ledger.append(decisions.grant(ANNA, Purpose.CLICKS))
    ledger.append(decisions.refuse(BERT, EVERYTHING, controller="other"))
    ledger.append(decisions.withdraw(ANNA, Purpose.CLICKS))
    await recent.poll()
    assert recent.seq_of("acme", ANNA) == 4
    assert recent.seq_of("other", BERT) == 3
    assert recent.seq_of("acme", BERT) == recent.seq_of("other", ANNA) == NONE


async def test_it_is_trusted_after_the_first_look_and_for_a_few_seconds_after_each(ledger: Ledger) -> None:
    now = [50.0]
    recent = RecentWithdrawals(ledger, lambda: now[0])
    with pytest.raises(StoreUnavailable, match="stale"):
        recent.check(0)
    await recent.poll()
    now[0] += RECENT_STALE
    recent.check(0)
    now[0] += 0.001
    with pytest.raises(StoreUnavailable, match="stale"):
        recent.check(0)
    await recent.poll()
    recent.check(0)


async def test_a_cache_that_lacks_what_is_no_longer_kept_is_not_believed(
    ledger: Ledger, decisions: Decisions
) -> None:
    for subject in (ANNA, BERT, CARL):
        ledger.append(decisions.withdraw(subject, EVERYTHING))
    recent = RecentWithdrawals(ledger, capacity=2)
    await recent.poll()
    assert [recent.seq_of("acme", subject) for subject in (ANNA, BERT, CARL)] == [NONE, 2, 3]
    recent.check(1)
    with pytest.raises(StoreUnavailable, match="behind"):
        recent.check(0)
    ledger.append(decisions.withdraw(DORA, EVERYTHING))
    await recent.poll()
    assert [recent.seq_of("acme", subject) for subject in (BERT, CARL, DORA)] == [NONE, 3, 4]
    recent.check(2)
    with pytest.raises(StoreUnavailable, match="behind"):
        recent.check(1)


async def test_a_withdrawal_of_this_process_holds_at_once(ledger: Ledger, decisions: Decisions) -> None:
    recent = RecentWithdrawals(ledger)
    await recent.poll()
    recent.add("acme", ANNA, ledger.append(decisions.withdraw(ANNA, EVERYTHING)))
    assert recent.seq_of("acme", ANNA) == 1
    ledger.append(decisions.withdraw(BERT, EVERYTHING))
    await recent.poll()
    assert [recent.seq_of("acme", subject) for subject in (ANNA, BERT)] == [1, 2]


async def test_it_looks_on_and_on_although_the_ledger_fails_in_between(
    ledger: Ledger, hand: Hand, decisions: Decisions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smtp_gate.consent.recent.RECENT_PERIOD", 0.01)
    recent = RecentWithdrawals(ledger)
    async with asyncio.TaskGroup() as group:
        looking = group.create_task(recent.run())
        hand.run("ALTER TABLE ledger_head RENAME TO gone")
        await asyncio.sleep(0.05)
        hand.run("ALTER TABLE gone RENAME TO ledger_head")
        ledger.append(decisions.withdraw(ANNA, EVERYTHING))
        for _ in range(500):
            await asyncio.sleep(0.01)
            if recent.seq_of("acme", ANNA) == 1:
                break
        looking.cancel()
    assert recent.seq_of("acme", ANNA) == 1
