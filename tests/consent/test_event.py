"""What an event must hold to count."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from smtp_gate.consent import Choice, Event, names_of, purposes_of
from smtp_gate.model import EVERYTHING, NOTHING, Purpose

GOOD: dict[str, object] = {
    "controller": "acme",
    "subject": bytes(16),
    "purposes": Purpose.CLICKS,
    "decision": Choice.GRANT,
    "at": datetime(2026, 5, 1, tzinfo=UTC),
    "method": "form",
    "source": "https://acme.example/newsletter",
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("controller", ""),
        ("controller", "a" * 65),
        ("controller", "a\nb"),
        ("subject", bytes(15)),
        ("purposes", NOTHING),
        ("purposes", Purpose(32)),
        ("at", datetime(2026, 5, 1)),  # noqa: DTZ001 - a time without a zone is what is refused
        ("at", datetime(1969, 5, 1, tzinfo=UTC)),
        ("method", ""),
        ("source", ""),
        ("source", "x" * 1001),
        ("notice", "v1\0"),
        ("expires", datetime(2026, 4, 30, tzinfo=UTC)),
        ("expires", datetime(2027, 5, 1)),  # noqa: DTZ001
    ],
)
def test_a_decision_that_proves_nothing_cannot_be_made(field: str, value: object) -> None:
    Event(**GOOD)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=field):
        Event(**GOOD | {field: value})  # type: ignore[arg-type]


def test_only_a_grant_ends() -> None:
    end = {"expires": datetime(2027, 5, 1, tzinfo=UTC)}
    Event(**GOOD | end)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="only a grant"):
        Event(**GOOD | end | {"decision": Choice.REFUSE})  # type: ignore[arg-type]


def test_what_stands_for_the_person_is_not_shown() -> None:
    assert "subject" not in repr(Event(**GOOD))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("words", "purposes"),
    [
        ("clicks", Purpose.CLICKS),
        (" Performance , CLICKS ", Purpose.PERFORMANCE | Purpose.CLICKS),
        ("fraud;deliverability", Purpose.FRAUD | Purpose.DELIVERABILITY),
        ("profiling|clicks performance", Purpose.PROFILING | Purpose.CLICKS | Purpose.PERFORMANCE),
        ("all", EVERYTHING),
    ],
)
def test_purposes_are_read_from_words(words: str, purposes: Purpose) -> None:
    assert purposes_of(words) == purposes
    assert purposes_of(",".join(names_of(purposes))) == purposes


@pytest.mark.parametrize("words", ["", " ", ",", "clicks,", "opens", "31", "clicks,NOTHING"])
def test_other_words_are_no_purposes(words: str) -> None:
    with pytest.raises(ValueError, match="performance, profiling, fraud, deliverability, clicks"):
        purposes_of(words)
