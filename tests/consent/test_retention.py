"""Who has not decided anything for as long as the configuration says is taken out, and nobody else."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from smtp_gate.consent import Choice, Ledger
from smtp_gate.model import EVERYTHING, Purpose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smtp_gate.consent.retention import Due
    from tests.consent.conftest import Decisions, Hands

BOTH_DATABASES = True
CLICKS, PERF = Purpose.CLICKS, Purpose.PERFORMANCE
YEAR = timedelta(days=365)


def person(number: int) -> bytes:
    return bytes([number]) * 16


@pytest.fixture
def full(ledger: Ledger, decisions: Decisions, clock: Hands) -> Ledger:
    """What some people decided in the first seconds, and one a year later."""
    start = clock()
    ledger.append(decisions.grant(person(1), CLICKS), b"1@reader.example")  # without an end
    ledger.append(decisions.grant(person(2), CLICKS, expires=start + timedelta(days=30)), b"2@reader.example")
    ledger.append(decisions.grant(person(3), CLICKS, expires=start + 2 * YEAR), b"3@reader.example")
    ledger.append(decisions.refuse(person(4), EVERYTHING), b"4@reader.example")
    ledger.append(decisions.grant(person(5), CLICKS | PERF), b"5@reader.example")
    ledger.append(decisions.withdraw(person(5), CLICKS))  # and keeps one
    ledger.append(decisions.withdraw(person(6), EVERYTHING), b"6@reader.example")
    ledger.append(decisions.grant(person(6), CLICKS, controller="other"), b"6@reader.example")
    clock.on(days=365)
    ledger.append(decisions.withdraw(person(7), EVERYTHING), b"7@reader.example")
    return ledger


def left(ledger: Ledger) -> set[int]:
    """Whose address is still known."""
    return {number for number in range(1, 8) if ledger.address(person(number)) is not None}


def test_nobody_is_due_before_the_time_is_over(full: Ledger) -> None:
    assert full.retain(YEAR + timedelta(days=1)) == {}
    assert left(full) == {1, 2, 3, 4, 5, 6, 7}


def test_the_time_runs_from_the_last_decision_and_not_while_anything_is_granted(full: Ledger, clock: Hands) -> None:
    clock.on(days=10)
    assert full.retain(YEAR, dry_run=True) == {"acme": 2}
    assert left(full) == {1, 2, 3, 4, 5, 6, 7}
    assert full.retain(YEAR, actor="timer") == {"acme": 2}  # 4 and 6, the latter with one controller only
    assert left(full) == {1, 2, 3, 5, 6, 7}
    (event,) = [each.event for each in full.history(person(4))]
    assert (event.decision, event.method, event.actor) == (Choice.WITHDRAW, "erasure", "timer")
    assert [each.event.controller for each in full.history(person(6))] == ["other", "acme"]
    assert full.verify()[1:] == (full.last()[1], None)
    assert full.retain(YEAR) == {}


def test_a_consent_that_ran_out_counts_from_its_end(full: Ledger, clock: Hands) -> None:
    clock.on(days=31)
    assert full.retain(YEAR) == {"acme": 3}
    assert left(full) == {1, 3, 5, 6, 7}
    clock.on(days=2 * 365 + 365)
    assert full.retain(YEAR) == {"acme": 2}
    assert left(full) == {1, 5, 6}


def test_who_decides_in_the_meantime_stays(
    full: Ledger, decisions: Decisions, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock.on(days=10)
    taken = full._take_out

    def meanwhile(due: Sequence[Due], actor: str) -> list[Due]:
        full.append(decisions.grant(person(4), CLICKS))
        return taken(due, actor)

    monkeypatch.setattr(full, "_take_out", meanwhile)
    assert full.retain(YEAR) == {"acme": 1}
    assert 4 in left(full)
