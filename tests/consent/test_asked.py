"""When people were asked for consent: remembered for each controller, and gone with an erasure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtp_gate.consent.asked import Asked
from smtp_gate.model import Purpose

if TYPE_CHECKING:
    from smtp_gate.consent import Ledger
    from tests.consent.conftest import Decisions, Hands

BOTH_DATABASES = True
ANNA, BERT, CARL = b"a" * 16, b"b" * 16, b"c" * 16


async def test_who_was_asked_counts_until_the_days_are_over(ledger: Ledger, clock: Hands) -> None:
    asked = Asked(ledger, clock)
    await asked.note("acme", [ANNA, BERT, ANNA])
    assert await asked.lately("acme", [ANNA, BERT, CARL], 183) == {ANNA, BERT}
    assert await asked.lately("other", [ANNA, BERT], 183) == set()
    clock.on(days=182)
    assert await asked.lately("acme", [ANNA], 183) == {ANNA}
    clock.on(days=1)
    assert await asked.lately("acme", [ANNA], 183) == set()
    await asked.note("acme", [ANNA])
    assert await asked.lately("acme", [ANNA, BERT], 183) == {ANNA}


async def test_who_decided_was_asked(ledger: Ledger, decisions: Decisions, clock: Hands) -> None:
    ledger.append(decisions.refuse(ANNA, Purpose.CLICKS))
    ledger.append(decisions.grant(BERT, Purpose.CLICKS))
    clock.on(days=1)
    asked = Asked(ledger, clock)
    assert await asked.lately("acme", [ANNA, BERT, CARL], 183) == {ANNA, BERT}
    clock.on(days=183)
    assert await asked.lately("acme", [ANNA, BERT, CARL], 183) == set()


async def test_an_erasure_takes_the_question_away_and_is_itself_a_no(
    ledger: Ledger, decisions: Decisions, clock: Hands
) -> None:
    asked = Asked(ledger, clock)
    await asked.note("acme", [ANNA, BERT])
    ledger.append(decisions.grant(ANNA, Purpose.CLICKS))
    clock.on(days=100)
    ledger.erase(ANNA)
    clock.on(days=100)
    assert await asked.lately("acme", [ANNA], 183) == {ANNA}, "by the erasure"
    assert ledger.asked("acme", [ANNA, BERT], 0) == {ANNA, BERT}
    ledger.erase(BERT)
    assert ledger.asked("acme", [BERT], 0) == set(), "nothing was known of them but that they were asked"


async def test_many_at_once(ledger: Ledger, clock: Hands) -> None:
    people = [number.to_bytes(16, "big") for number in range(1, 1200)]
    asked = Asked(ledger, clock)
    await asked.note("acme", people)
    assert await asked.lately("acme", people, 1) == set(people)
