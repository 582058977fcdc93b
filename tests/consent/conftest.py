"""A ledger in a temporary folder, a Redis for the whole module, a clock that stands until it is set."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from smtp_gate.consent import Choice, Event, Ledger
from tests.consent.tamper import STORE_TIMEOUT
from tests.redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from smtp_gate.model import Purpose

_prefixes = itertools.count()


@pytest.fixture(autouse=True)
def longer_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The Redis store waits as long as a busy machine needs."""
    monkeypatch.setattr("smtp_gate.consent.redis_store.STORE_TIMEOUT", STORE_TIMEOUT)


class Hands:
    """A clock whose hands a test moves."""

    def __init__(self) -> None:
        self.now = datetime(2026, 5, 1, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def on(self, **span: float) -> None:
        """Move on by a span as of ``timedelta``."""
        self.now += timedelta(**span)


class Decisions:
    """Makes events: ``decisions.grant(subject, Purpose.CLICKS)``, a second apart from each other."""

    def __init__(self, clock: Hands) -> None:
        self._clock = clock

    def grant(self, subject: bytes, purposes: Purpose, **fields: object) -> Event:
        return self._event(Choice.GRANT, subject, purposes, fields)

    def refuse(self, subject: bytes, purposes: Purpose, **fields: object) -> Event:
        return self._event(Choice.REFUSE, subject, purposes, fields)

    def withdraw(self, subject: bytes, purposes: Purpose, **fields: object) -> Event:
        return self._event(Choice.WITHDRAW, subject, purposes, fields)

    def _event(self, decision: Choice, subject: bytes, purposes: Purpose, fields: dict[str, object]) -> Event:
        self._clock.on(seconds=1)
        given = {"controller": "acme", "at": self._clock(), "method": "form", "source": "test", **fields}
        return Event(subject=subject, purposes=purposes, decision=decision, **given)  # type: ignore[arg-type]


@pytest.fixture
def clock() -> Hands:
    return Hands()


@pytest.fixture
def decisions(clock: Hands) -> Decisions:
    return Decisions(clock)


@pytest.fixture
def ledger(tmp_path: Path, clock: Hands) -> Iterator[Ledger]:
    made = Ledger(f"sqlite:///{tmp_path}/consent.db", clock)
    yield made
    made.close()


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def prefix() -> str:
    """Of the keys of one test in the server of its module."""
    return f"test{next(_prefixes)}"
