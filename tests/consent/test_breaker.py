"""When a failing store is left alone, and when it is tried again."""

from __future__ import annotations

import pytest

from smtp_gate.consent.breaker import Breaker
from smtp_gate.errors import StoreUnavailable
from smtp_gate.limits import BREAKER_FAILURES, BREAKER_PAUSE


def opened(now: list[float]) -> Breaker:
    breaker = Breaker(lambda: now[0])
    for _ in range(BREAKER_FAILURES):
        breaker.check()
        breaker.failed()
    return breaker


def test_it_opens_at_the_last_failure_in_a_row_and_not_before() -> None:
    breaker = Breaker(lambda: 0)
    for _ in range(3):
        for _ in range(BREAKER_FAILURES - 1):
            breaker.failed()
        breaker.check()
        breaker.succeeded()
    assert not breaker.open
    with pytest.raises(StoreUnavailable, match="breaker_open"):
        opened([0.0]).check()


def test_after_the_pause_one_may_try_and_the_others_wait_for_it() -> None:
    now = [100.0]
    breaker = opened(now)
    now[0] += BREAKER_PAUSE - 0.001
    with pytest.raises(StoreUnavailable):
        breaker.check()
    now[0] += 0.001
    breaker.check()
    with pytest.raises(StoreUnavailable):
        breaker.check()
    breaker.succeeded()
    breaker.check()


def test_a_try_that_fails_or_never_ends_keeps_it_open_for_another_pause() -> None:
    now = [100.0]
    breaker = opened(now)
    for _ in range(3):
        now[0] += BREAKER_PAUSE
        breaker.check()
        breaker.failed()
        with pytest.raises(StoreUnavailable):
            breaker.check()
    now[0] += BREAKER_PAUSE
    breaker.check()  # cancelled: neither succeeded nor failed
    now[0] += BREAKER_PAUSE
    breaker.check()
