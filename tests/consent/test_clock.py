"""Times are kept exactly, and a clock set back revives nothing."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import given
from hypothesis import strategies as st

from smtp_gate.consent.clock import Onward, from_micros, micros, utc_now


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=2, minutes=45))])))
def test_a_time_is_kept_exactly(moment: datetime) -> None:
    assert from_micros(micros(moment)) == moment


def test_the_clock_has_a_zone() -> None:
    assert utc_now().tzinfo is UTC


def test_seconds_never_go_back_but_follow_the_clock_on() -> None:
    start = datetime(2026, 5, 1, tzinfo=UTC)
    times = iter([start, start - timedelta(days=1), start + timedelta(seconds=5)])
    onward = Onward(lambda: next(times))
    assert [onward() - start.timestamp() for _ in range(3)] == [0, 0, 5]
