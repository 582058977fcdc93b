"""Only the day of a person's last opening is kept, and it goes when the person objects."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from smtp_gate import limits
from smtp_gate.consent import Ledger
from smtp_gate.consent.openings import Opening, Openings
from smtp_gate.errors import StoreUnavailable
from smtp_gate.model import Purpose

if TYPE_CHECKING:
    from pathlib import Path

    from tests.consent.conftest import Decisions

BOTH_DATABASES = True
ANNA, BERT = b"a" * 16, b"b" * 16
MORNING = datetime(2026, 5, 1, 6, 30, tzinfo=UTC)


class Days:
    """Openings with a clock that a test turns."""

    def __init__(self, ledger: Ledger) -> None:
        self.now = MORNING
        self.openings = Openings(ledger, lambda: self.now)

    def opened(self, subject: bytes, now: datetime) -> None:
        """A person opens a mail."""
        self.now = now
        self.openings.opened("acme", subject)


async def test_two_openings_at_different_hours_and_days_are_one_later_day(ledger: Ledger) -> None:
    days = Days(ledger)
    days.opened(ANNA, MORNING)
    days.opened(ANNA, MORNING + timedelta(hours=9))
    await days.openings.write()
    assert ledger.openings("acme") == [Opening("acme", ANNA, date(2026, 5, 1))]
    days.opened(ANNA, MORNING + timedelta(days=2))
    await days.openings.write()
    days.opened(ANNA, MORNING)  # a process whose clock is behind
    await days.openings.write()
    assert ledger.openings("acme") == [Opening("acme", ANNA, date(2026, 5, 3))]
    assert ledger.openings("other") == []


async def test_nothing_in_the_database_tells_more_than_the_day(
    ledger: Ledger, tmp_path: Path, database: str
) -> None:
    if database != "sqlite":
        pytest.skip("PostgreSQL's rows have places of their own")
    rows = []
    for hour in (0, 23):
        days = Days(ledger)
        for subject in (BERT, ANNA) if hour else (ANNA, BERT):
            days.opened(subject, datetime(2026, 5, 1, hour, 59, tzinfo=UTC))
        await days.openings.write()
        with closing(sqlite3.connect(tmp_path / "consent.db")) as raw:
            assert [name for _, name, *_ in raw.execute("PRAGMA table_info(opening)")] == [
                "controller",
                "subject",
                "day",
            ]
            rows.append(raw.execute("SELECT * FROM opening").fetchall())
            with pytest.raises(sqlite3.OperationalError):
                raw.execute("SELECT rowid FROM opening")  # it would be the order of arrival
    assert rows[0] == rows[1]


@pytest.mark.parametrize("purposes", [Purpose.DELIVERABILITY, Purpose(31)])
async def test_who_objects_loses_the_day_with_the_event(
    ledger: Ledger, decisions: Decisions, purposes: Purpose
) -> None:
    days = Days(ledger)
    for subject in (ANNA, BERT):
        days.opened(subject, MORNING)
    await days.openings.write()
    ledger.append(decisions.withdraw(ANNA, Purpose.CLICKS))
    assert len(ledger.openings("acme")) == 2
    ledger.append(decisions.withdraw(ANNA, purposes))
    assert [opening.subject for opening in ledger.openings("acme")] == [BERT]


async def test_who_is_erased_loses_it_too(ledger: Ledger, decisions: Decisions) -> None:
    ledger.append(decisions.grant(ANNA, Purpose.CLICKS))
    days = Days(ledger)
    days.opened(ANNA, MORNING)
    await days.openings.write()
    ledger.erase(ANNA)
    assert ledger.openings("acme") == []


async def test_what_cannot_be_written_waits_and_has_an_end(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    def down(*_: Any) -> None:
        raise StoreUnavailable("ledger")

    monkeypatch.setattr("smtp_gate.consent.openings.MAX_OPENINGS", 3)
    days = Days(ledger)
    monkeypatch.setattr(Ledger, "keep_openings", down)
    for number in range(5):
        days.opened(bytes([number]) * 16, MORNING)
    with pytest.raises(StoreUnavailable):
        await days.openings.write()
    monkeypatch.undo()
    await days.openings.write()
    assert len(ledger.openings("acme")) == 3
    assert limits.MAX_OPENINGS >= 10_000
