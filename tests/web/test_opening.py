"""The gate's own pixel: always the same picture; the day is kept of whoever did not object, and nothing is told."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from smtp_gate.model import EVERYTHING, NOTHING, Purpose
from smtp_gate.tokens import OpeningToken, seal
from smtp_gate.web.tracked import GIF
from tests.web.site import ALICE, RING, People, Site, pixel, unavailable, withdrawal

PATH = "/o/" + seal(RING, OpeningToken("acme", ALICE))


@dataclass
class Kept:
    """Days that were handed over."""

    days: list[tuple[str, bytes]] = field(default_factory=list)

    def opened(self, controller: str, subject: bytes) -> None:
        """Keep it."""
        self.days.append((controller, subject))


def shape(answer: Any) -> tuple[Any, ...]:
    """All that a visitor can tell apart."""
    return answer.status_code, dict(answer.headers), answer.content


@pytest.mark.parametrize(
    ("people", "kept"),
    [
        (People(NOTHING, "unknown"), True),
        (People(EVERYTHING), True),
        (People(Purpose.CLICKS), False),
        (People(NOTHING, "withdrawn"), False),
        (People(NOTHING, "refused"), False),
        (People(failure=unavailable()), False),
        (People(failure=OSError()), False),
    ],
    ids=lambda value: str(getattr(value, "reason", value)),
)
async def test_the_answer_is_always_the_same_and_the_day_is_kept_where_it_may_be(
    people: People, kept: bool
) -> None:
    days = Kept()
    site = Site(people, days=days)
    async with site.client() as client:
        answer = await client.get(PATH)
    async with Site(People(NOTHING, "unknown"), days=Kept()).client() as client:
        other = await client.get(PATH)
    assert shape(answer) == shape(other)
    assert (answer.content, answer.headers["cache-control"]) == (GIF, "no-store")
    assert days.days == ([("acme", ALICE)] if kept else [])
    assert site.heard.hits == []


async def test_a_token_of_one_pixel_opens_not_the_other() -> None:
    days = Kept()
    async with Site(days=days).client() as client:
        assert (await client.get("/o" + pixel()[2:])).status_code == 404
        assert (await client.get("/o" + withdrawal()[2:])).status_code == 404
        assert (await client.get("/p" + PATH[2:])).status_code == 404
        assert (await client.get("/w" + PATH[2:])).status_code == 404
        assert (await client.post(PATH)).status_code == 405
    assert days.days == []


def test_two_mails_to_one_person_hold_the_same_token() -> None:
    assert seal(RING, OpeningToken("acme", ALICE)) == PATH[3:]
    assert seal(RING, OpeningToken("other", ALICE)) != PATH[3:]
