"""What time it is; the one place of this room that reads the machine's clock. All else is given a clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]
"""Gives the time now, with a time zone."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def utc_now() -> datetime:
    """The machine's time, in UTC."""
    return datetime.now(UTC)


def micros(moment: datetime) -> int:
    """Microseconds since 1970, exactly: how times are kept."""
    return (moment - EPOCH) // _MICROSECOND


def from_micros(number: int) -> datetime:
    """The moment, in UTC, of so many microseconds since 1970."""
    return EPOCH + number * _MICROSECOND


class Onward:
    """Seconds since 1970 that never go back, so that a clock set back does not revive an expired consent.

    Args:
        clock: the clock that is followed.
    """

    __slots__ = ("_clock", "_latest")

    def __init__(self, clock: Clock = utc_now) -> None:
        self._clock = clock
        self._latest = 0.0

    def __call__(self) -> float:
        """Seconds since 1970."""
        self._latest = max(self._latest, self._clock().timestamp())
        return self._latest
