"""What holds for all tests: none asserts on time, and hypothesis does not either."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from smtp_gate.consent import Ledger
from tests.postgres_server import PostgresServer

if TYPE_CHECKING:
    from collections.abc import Iterator

settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server for all tests of a process, started when the first one needs it."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_ledger(postgres_server: PostgresServer) -> str:
    """Name of a database with an empty ledger, to be copied by :meth:`PostgresServer.new`."""
    url = postgres_server.new()
    Ledger(url).close()
    return url.rpartition("/")[2]
