"""How long a look-up takes and how many a process does in a second, for mails with 1, 10 and 100 recipients."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING

from bench.consent_scale.people import CONTROLLER, expected, subject

if TYPE_CHECKING:
    from smtp_gate.consent import ConsentStore

RECIPIENTS = (1, 10, 100)
AT_ONCE = 8
"""Look-ups under way at one time, where the rate is measured."""
_SAMPLES = 30_000
"""Persons asked for in each measurement, so that the caches of the machine do not know them all."""


class WrongAnswerError(Exception):
    """A store said something that is not so."""


async def measure(store: ConsentStore, people: int, share: float = 1.0) -> dict[str, dict[str, float]]:
    """Figures by number of recipients: look-ups a second (and people a second), milliseconds of the median and p99.

    Args:
        store: asked for generated people.
        people: how many there are.
        share: of the usual number of look-ups.

    Raises:
        WrongAnswerError: also when there is none.
    """
    dice = random.Random(people)
    figures = {}
    for recipients in RECIPIENTS:
        times = max(20, int(_SAMPLES * share / max(recipients, 10)))
        mails = [[dice.randrange(people) for _ in range(recipients)] for _ in range(times)]
        asked = [[subject(number, people) for number in mail] for mail in mails]
        await store.look_up(CONTROLLER, asked[0])
        took = []
        for mail, subjects in zip(mails, asked, strict=True):
            began = time.perf_counter()
            found = await store.look_up(CONTROLLER, subjects)
            took.append(time.perf_counter() - began)
            if found != [expected(number) for number in mail]:
                raise WrongAnswerError
        began = time.perf_counter()
        await asyncio.gather(*(_ask(store, asked[at::AT_ONCE]) for at in range(AT_ONCE)))
        rate = times / (time.perf_counter() - began)
        took.sort()
        figures[str(recipients)] = {
            "look_ups_per_second": rate,
            "people_per_second": rate * recipients,
            "median_ms": took[len(took) // 2] * 1000,
            "p99_ms": took[int(len(took) * 0.99)] * 1000,
        }
    return figures


async def _ask(store: ConsentStore, mails: list[list[bytes]]) -> None:
    for subjects in mails:
        await store.look_up(CONTROLLER, subjects)
