"""When to leave a failing store alone, so that a dead one costs a mail nothing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from smtp_gate.errors import StoreUnavailable
from smtp_gate.limits import BREAKER_FAILURES, BREAKER_PAUSE

if TYPE_CHECKING:
    from collections.abc import Callable


class Breaker:
    """Opens after ``BREAKER_FAILURES`` failures in a row; after each ``BREAKER_PAUSE`` one question goes through.

    Args:
        clock: seconds that only go forward.
    """

    __slots__ = ("_clock", "_failures", "_next")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failures = 0
        self._next = 0.0

    @property
    def open(self) -> bool:
        """Whether the store is being left alone."""
        return self._failures >= BREAKER_FAILURES

    def check(self) -> None:
        """Ask before each question.

        Raises:
            StoreUnavailable: ``breaker_open``.
        """
        if not self.open:
            return
        now = self._clock()
        if now < self._next:
            raise StoreUnavailable("breaker_open")
        self._next = now + BREAKER_PAUSE  # this one may try; the others wait for what comes of it

    def succeeded(self) -> None:
        """The store answered."""
        self._failures = 0

    def failed(self) -> None:
        """The store did not answer."""
        self._failures += 1
        if self._failures == BREAKER_FAILURES:
            self._next = self._clock() + BREAKER_PAUSE
