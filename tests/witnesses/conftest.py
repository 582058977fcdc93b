"""A Redis for the whole module, and keys of each test's own in it."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from tests.redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator

_prefixes = itertools.count()


@pytest.fixture(autouse=True)
def longer_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stores of learning wait as long as a busy machine needs."""
    for store in ("redis_learning", "sqlite_learning"):
        monkeypatch.setattr(f"smtp_gate.witnesses.{store}.LEARN_TIMEOUT", 20.0)


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture
def prefix() -> str:
    """Of the keys of one test in the server of its module."""
    return f"test{next(_prefixes)}"
