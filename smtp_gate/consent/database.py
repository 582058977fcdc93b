"""What the ledger needs of a database, whichever it is, and which one an address means.

``sqlite_file`` is the database of one machine, ``postgres`` the one beyond it. Only these two know their database's
ways; the statements of all others run on both.
"""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from contextlib import contextmanager
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from sqlalchemy.exc import SQLAlchemyError

from smtp_gate.errors import ConfigError, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from contextlib import AbstractContextManager

    import sqlalchemy as sa

KEY = "consent.ledger"
"""The key of the configuration that names the ledger."""

ERRORS = (SQLAlchemyError, sqlite3.Error)
"""What the database library raises; SQLite's own error comes through where its driver is used without it."""

Rows = dict[bytes, tuple[object, object]]
"""Mark and grants of the standing of some subjects; who is unknown is not in it."""


class Away(StoreUnavailable):
    """A server that cannot be reached while the ledger is being opened; the text says why."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__("ledger")
        self.problem = f"{place}: {KEY}: cannot be reached: {problem}"

    def __str__(self) -> str:
        """A sentence for a person at the command line."""
        return self.problem


class Reader(Protocol):
    """A connection for look-ups only, used by one thread, made when it is first needed."""

    def read(self, controller: str, subjects: Sequence[bytes]) -> Rows:
        """The standings of some people.

        Raises:
            StoreUnavailable: when there is no answer; the next call connects anew.
        """
        ...

    def close(self) -> None:
        """Give the connection back."""
        ...


class Database(ABC):
    """A database, made ready for use when it is first needed.

    Args:
        reading: for transactions that see one state of the ledger from beginning to end.
        walking: the same for what takes as long as it takes.
        writing: for transactions of the only writer at that time, whichever process it is.
    """

    def __init__(self, reading: sa.Engine, walking: sa.Engine, writing: sa.Engine) -> None:
        self._reading = reading
        self._walking = walking
        self._writing = writing
        self._ready = False
        self._turn = Lock()

    def make_ready(self) -> None:
        """Make the tables, or bring them up to this program, if that was not done yet.

        Raises:
            ConfigError: for a database that cannot be a ledger.
            Away: for one that cannot be reached now.
        """
        if self._ready:
            return
        with self._turn:
            if not self._ready:
                self._prepare()
                self._ready = True

    def read(self) -> AbstractContextManager[sa.Connection]:
        """A transaction that only reads, at one state of the ledger.

        Raises:
            StoreUnavailable: when the database does not do what is asked; so do all the others.
        """
        return self._transaction(self._reading)

    def walk(self) -> AbstractContextManager[sa.Connection]:
        """As :meth:`read`, for what goes through all rows."""
        return self._transaction(self._walking)

    def write(self, *, long: bool = False) -> AbstractContextManager[sa.Connection]:
        """A transaction of the only writer; it waits for its turn.

        Args:
            long: whether it goes through all rows.
        """
        return self._transaction(self._writing.execution_options(long=True) if long else self._writing)

    @contextmanager
    def trouble(self) -> Iterator[None]:
        """Whatever the database library says becomes one of ours."""
        try:
            yield
        except ERRORS as error:
            raise StoreUnavailable(self._reason_of(error)) from None

    @contextmanager
    def _transaction(self, engine: sa.Engine) -> Iterator[sa.Connection]:
        try:
            self.make_ready()
        except ConfigError:  # it was away when the ledger was opened, and is back as another one
            raise StoreUnavailable("ledger") from None
        with self.trouble(), engine.begin() as connection:
            yield connection

    @abstractmethod
    def _prepare(self) -> None:
        """As :meth:`make_ready`."""

    @abstractmethod
    def _reason_of(self, error: Exception) -> str:
        """The reason of :class:`StoreUnavailable` for an error."""

    @abstractmethod
    def reader(self) -> Reader:
        """For look-ups."""

    @abstractmethod
    def overwrite(self, connection: sa.Connection) -> None:
        """Let what a transaction deletes be written over, where the database can be told to."""

    @abstractmethod
    def sweep(self) -> None:
        """Clear away older states of what was deleted, where the database can be told to."""

    def close(self) -> None:
        """Give back all connections."""
        self._reading.dispose()


def database_at(url: str) -> Database:
    """The database of an address; nothing is opened yet.

    Args:
        url: ``sqlite:////absolute/path`` or ``postgresql://user@host/name``.

    Raises:
        ConfigError: when it is no such address, or the driver is not installed.
    """
    if url.startswith("postgresql:"):
        try:
            # Here, since few have it and need it.
            from smtp_gate.consent.postgres import Postgres  # noqa: PLC0415
        except ImportError:
            problem = "PostgreSQL needs its driver: pip install 'smtp-gate[postgresql]'"
            raise ConfigError("", KEY, problem) from None
        return Postgres(url)
    from smtp_gate.consent.sqlite_file import SqliteFile  # noqa: PLC0415

    return SqliteFile(url)


def cause_of(error: Exception) -> str:
    """What the driver said, in one line. The library's own text holds statements and their values: never shown."""
    said = getattr(error, "orig", None) or (error if isinstance(error, sqlite3.Error) else "unknown trouble")
    # PostgreSQL's first line; its details hold values of rows.
    primary = getattr(getattr(said, "diag", None), "message_primary", None)
    return primary or str(said).partition("\n")[0]
