"""Somebody with the database in hand: says SQL to it behind the ledger's back, whichever database it is.

Statements are written as SQLite has them; what PostgreSQL says otherwise is put into its words here.
"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import psycopg
from psycopg.rows import dict_row

if TYPE_CHECKING:
    from collections.abc import Iterator

REFUSED = (sqlite3.IntegrityError, psycopg.errors.RestrictViolation)
"""What the triggers make of a statement."""


class Session(Protocol):
    """An open connection in a transaction."""

    def run(self, statement: str) -> int:
        """How many rows it was about."""
        ...

    def rows(self, query: str) -> list[dict[str, Any]]:
        """What it finds."""
        ...


class Hand:
    """On one database.

    Args:
        url: of a ledger.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.postgres = url.startswith("postgresql")

    @contextmanager
    def session(self) -> Iterator[Session]:
        """A transaction, committed at its end, given up when something is raised in it."""
        if self.postgres:
            with psycopg.connect(self.url, row_factory=dict_row) as connection:
                yield _Postgres(connection)
            return
        with closing(sqlite3.connect(self.url.removeprefix("sqlite:///"))) as file, file:
            file.row_factory = sqlite3.Row
            file.execute("BEGIN")
            yield _Sqlite(file)

    def run(self, *statements: str) -> None:
        """Say some statements, in one transaction."""
        with self.session() as session:
            for statement in statements:
                session.run(statement)

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Ask one thing."""
        with self.session() as session:
            return session.rows(query)

    def disarm(self) -> None:
        """Take the triggers away."""
        if self.postgres:
            self.run("DROP FUNCTION IF EXISTS ledger_refuses CASCADE")
            return
        names = self.rows("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        self.run(*(f"DROP TRIGGER {row['name']}" for row in names))

    def meddle(self, *statements: str) -> None:
        """Take the triggers away, and change what each statement says; it must find something."""
        self.disarm()
        with self.session() as session:
            for statement in statements:
                assert session.run(statement) != 0

    def break_inserts(self, table: str) -> None:
        """Let every INSERT into a table fail, with a word that nobody must see."""
        if self.postgres:
            self.run(
                "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE ''secret''; END'",
                f"CREATE TRIGGER t BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION broken()",
            )
        else:
            self.run(f"CREATE TRIGGER t BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'secret'); END")


class _Sqlite:
    def __init__(self, file: sqlite3.Connection) -> None:
        self._file = file

    def run(self, statement: str) -> int:
        return self._file.execute(statement).rowcount

    def rows(self, query: str) -> list[dict[str, Any]]:
        return [dict(row) for row in self._file.execute(query)]


class _Postgres:
    def __init__(self, connection: psycopg.Connection[dict[str, Any]]) -> None:
        self._connection = connection

    def run(self, statement: str) -> int:
        return self._connection.execute(_translated(statement)).rowcount

    def rows(self, query: str) -> list[dict[str, Any]]:
        return self._connection.execute(_translated(query)).fetchall()


def _translated(statement: str) -> bytes:
    statement = re.sub(r"zeroblob\((\d+)\)", r"decode(repeat('00', \1), 'hex')", statement)
    return re.sub(r"x'([0-9a-f]*)'", r"'\\x\1'::bytea", statement).encode()
