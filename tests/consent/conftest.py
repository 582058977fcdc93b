"""A ledger in a temporary folder, a Redis for the whole module, a clock that stands until it is set."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from smtp_gate.consent import Choice, Event, Ledger
from tests.consent.hand import Hand
from tests.consent.tamper import STORE_TIMEOUT
from tests.redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from smtp_gate.model import Purpose

_prefixes = itertools.count()


@pytest.fixture(autouse=True)
def longer_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look-ups wait as long as a busy machine needs."""
    monkeypatch.setattr("smtp_gate.consent.redis_store.STORE_TIMEOUT", STORE_TIMEOUT)
    monkeypatch.setattr("smtp_gate.consent.ledger_store.STORE_TIMEOUT", STORE_TIMEOUT)
    monkeypatch.setattr("smtp_gate.consent.postgres.STORE_TIMEOUT", STORE_TIMEOUT)


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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tests about the ledger itself run on both databases: those of modules with ``BOTH_DATABASES``."""
    if "database" in metafunc.fixturenames and getattr(metafunc.module, "BOTH_DATABASES", False):
        metafunc.parametrize("database", ["sqlite", "postgresql"], indirect=True)


@pytest.fixture
def database(request: pytest.FixtureRequest) -> str:
    """Which one the ledger is on."""
    return str(getattr(request, "param", "sqlite"))


@pytest.fixture
def url(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Of a ledger that is only there on PostgreSQL yet, and empty."""
    if database == "sqlite":
        yield f"sqlite:///{tmp_path}/consent.db"
        return
    template = request.getfixturevalue("postgres_ledger")
    server = request.getfixturevalue("postgres_server")
    url = server.new(template)
    yield url
    server.drop(url)


@pytest.fixture
def empty(database: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """Where there is no ledger yet."""
    if database == "sqlite":
        yield f"sqlite:///{tmp_path}/new.db"
        return
    server = request.getfixturevalue("postgres_server")
    url = server.new()
    yield url
    server.drop(url)


@pytest.fixture
def ledger(url: str, clock: Hands) -> Iterator[Ledger]:
    made = Ledger(url, clock)
    yield made
    made.close()


@pytest.fixture
def hand(ledger: Ledger, url: str) -> Hand:  # noqa: ARG001 - its tables must be there
    """Somebody with the ledger's database in hand."""
    return Hand(url)


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def prefix() -> str:
    """Of the keys of one test in the server of its module."""
    return f"test{next(_prefixes)}"
