"""Which decision counts. Times are seconds here; an event is (decision, purposes, at, recorded)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtp_gate.consent.event import Choice
from smtp_gate.consent.standing import (
    Grant,
    Step,
    consent_at,
    fold,
    pack_grants,
    unpack_grants,
)
from smtp_gate.limits import CLOCK_SKEW
from smtp_gate.model import EVERYTHING, NOTHING, Consent, Purpose

G, R, W = Choice.GRANT, Choice.REFUSE, Choice.WITHDRAW
PERF, CLICKS = Purpose.PERFORMANCE, Purpose.CLICKS
DAY = 86_400
NOW = 20_000 * DAY


def steps(*events: tuple[Choice, Purpose, int, int] | tuple[Choice, Purpose, int, int, int]) -> list[Step]:
    return [
        Step(seq, purposes, decision, at * 10**6, recorded * 10**6, ends[0] * 10**6 if ends else None)
        for seq, (decision, purposes, at, recorded, *ends) in enumerate(events, 1)
    ]


def now(*events: tuple[Choice, Purpose, int, int] | tuple[Choice, Purpose, int, int, int]) -> Consent:
    standing = fold(steps(*events))
    return consent_at(standing.mark, standing.grants, NOW)


def test_purposes_stand_each_for_itself() -> None:
    assert now((G, PERF | CLICKS, 1, 1), (W, CLICKS, 2, 2)) == Consent(PERF, "granted")
    assert now((R, PERF, 1, 1), (G, CLICKS, 2, 2)) == Consent(CLICKS, "granted")


def test_the_last_decision_counts() -> None:
    assert now((G, PERF, 1, 1), (W, PERF, 2, 2)) == Consent(NOTHING, "withdrawn")
    assert now((G, PERF, 1, 1), (W, PERF, 2, 2), (G, PERF, 3, 3)) == Consent(PERF, "granted")
    assert now((R, PERF, 1, 1)) == Consent(NOTHING, "refused")
    assert now((W, EVERYTHING, 1, 1)) == Consent(NOTHING, "withdrawn")


def test_an_old_list_brought_in_today_revives_nothing() -> None:
    assert now((W, PERF, 10 * DAY, 10 * DAY), (G, PERF, 5 * DAY, 20 * DAY)).granted == NOTHING


def test_an_old_withdrawal_brought_in_today_does_not_end_a_newer_consent() -> None:
    assert now((G, PERF, 10 * DAY, 10 * DAY), (W, PERF, 5 * DAY, 20 * DAY)).granted == PERF


def test_at_the_same_moment_no_wins() -> None:
    assert now((G, PERF, DAY, 9 * DAY), (W, PERF, DAY, 9 * DAY)).granted == NOTHING
    assert now((W, PERF, DAY, 9 * DAY), (G, PERF, DAY, 9 * DAY)).granted == NOTHING


@pytest.mark.parametrize("wrong", [1, int(CLOCK_SKEW), DAY])
def test_a_withdrawal_made_now_beats_a_consent_from_a_machine_whose_clock_is_ahead(wrong: int) -> None:
    assert now((G, PERF, DAY + wrong, DAY + wrong), (W, PERF, DAY + 1, DAY + 1)).granted == NOTHING


def test_a_consent_ends_at_its_end() -> None:
    standing = fold(steps((G, PERF, 1, 1, 100), (G, CLICKS, 2, 2)))
    assert consent_at(standing.mark, standing.grants, 99.9) == Consent(PERF | CLICKS, "granted")
    assert consent_at(standing.mark, standing.grants, 100.0) == Consent(CLICKS, "granted")
    assert now((G, PERF, 1, 1, 100)) == Consent(NOTHING, "expired")


def test_a_later_consent_sets_the_end_anew_and_two_at_once_have_the_earlier_one() -> None:
    assert fold(steps((G, PERF, 1, 1, 100), (G, PERF, 2, 2, 200))).grants == ((PERF, 200),)
    assert fold(steps((G, PERF, 2, 2, 100), (G, PERF, 1, 3, 200))).grants == ((PERF, 100),)
    assert fold(steps((G, PERF, 1, 1), (G, PERF, 1, 2, 200))).grants == ((PERF, 200),)
    assert fold(steps((G, PERF, 1, 1, 100), (G, PERF, 1, 2))).grants == ((PERF, 100),)


def test_an_end_beyond_what_a_record_can_say_is_cut_and_not_lost() -> None:
    assert fold(steps((G, PERF, 1, 1, 1 << 40))).grants == ((PERF, 0xFFFF_FFFF),)


events = st.tuples(
    st.sampled_from(list(Choice)),
    st.integers(1, 31).map(Purpose),
    st.integers(1, 50).map(lambda hour: hour * 3600),
    st.integers(50, 60).map(lambda hour: hour * 3600),
)


@given(st.lists(events, max_size=6), events, st.integers(1, 31).map(Purpose))
def test_nothing_is_granted_after_a_withdrawal_that_was_recorded_when_it_was_made(
    before: list[tuple[Choice, Purpose, int, int]],
    last: tuple[Choice, Purpose, int, int],
    purposes: Purpose,
) -> None:
    moment = last[3]
    granted = now(*before, (W, purposes, moment, moment)).granted
    assert granted & purposes == NOTHING
    if before:
        assert granted == now(*before).granted & ~purposes


@given(st.lists(events, min_size=1, max_size=8))
def test_a_purpose_is_granted_only_by_a_grant_later_than_every_no(
    history: list[tuple[Choice, Purpose, int, int]],
) -> None:
    granted = now(*history).granted
    for purpose in Purpose:
        yes = [at for decision, purposes, at, _ in history if decision is G and purposes & purpose]
        no = [at for decision, purposes, at, _ in history if decision is not G and purposes & purpose]
        if granted & purpose:
            assert yes
            assert max(yes) > max(no, default=0)


grants = st.dictionaries(st.integers(0, 0xFFFF_FFFF), st.integers(1, 31), max_size=5)


@given(grants)
def test_grants_are_packed_without_loss(found: dict[int, int]) -> None:
    pairs = [(bits, end) for end, bits in found.items()]
    assert unpack_grants(pack_grants([Grant(Purpose(bits), end) for bits, end in pairs])) == pairs
