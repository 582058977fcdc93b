"""The ledger in a file of SQLite: the database of one machine."""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError

from smtp_gate.consent.database import ERRORS, KEY, Database, cause_of
from smtp_gate.consent.schema import prepare
from smtp_gate.consent.tables import CHUNK
from smtp_gate.errors import ConfigError, StoreUnavailable
from smtp_gate.limits import LEDGER_BUSY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smtp_gate.consent.database import Rows

_LOOK_UP = "SELECT subject, mark, grants FROM standing WHERE controller = ? AND subject IN ({})"


class SqliteFile(Database):
    """A file, made when it is not there.

    Args:
        url: ``sqlite:////absolute/path``.

    Raises:
        ConfigError: when it is no such address.
    """

    def __init__(self, url: str) -> None:
        self.path = sqlite_path(url)
        address = sa.URL.create("sqlite", database=str(self.path))
        engine = sa.create_engine(address, connect_args={"timeout": LEDGER_BUSY})
        sa.event.listen(engine, "connect", _connected)
        sa.event.listen(engine, "begin", _begun)
        super().__init__(engine, engine, engine.execution_options(write=True))

    def reader(self) -> SqliteReader:
        """For look-ups."""
        return SqliteReader(self.path)

    def overwrite(self, connection: sa.Connection) -> None:
        """Write over what is deleted, do not only mark it as free."""
        connection.exec_driver_sql("PRAGMA secure_delete = ON")

    def sweep(self) -> None:
        """Empty the write-ahead log, where older pages stand; readers that are busy keep it for a while."""
        with self.trouble(), closing(self._reading.raw_connection()) as connection:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def _prepare(self) -> None:
        try:
            # Made here and not by SQLite, whose files everybody may read: addresses stand in it.
            os.close(os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        except OSError as error:
            raise ConfigError(str(self.path), KEY, f"cannot be opened for writing: {error.strerror}") from None
        _to_wal(self.path)
        try:
            with self._writing.begin() as connection:
                prepare(connection)
        except ValueError as error:
            raise ConfigError(str(self.path), KEY, str(error)) from None
        except ERRORS as error:
            raise ConfigError(str(self.path), KEY, f"is not a usable ledger: {cause_of(error)}") from None

    def _reason_of(self, error: Exception) -> str:
        return "ledger_locked" if "locked" in cause_of(error) else "ledger"


class SqliteReader:
    """The plain driver: through SQLAlchemy the way to the query costs several times the query.

    Args:
        path: of the ledger, which must exist when the first question comes.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None

    def read(self, controller: str, subjects: Sequence[bytes]) -> Rows:
        """As :meth:`Reader.read`."""
        found: Rows = {}
        try:
            if self._connection is None:
                self._connection = sqlite3.connect(
                    self._path, timeout=0.05, isolation_level=None, check_same_thread=False
                )
                self._connection.execute("PRAGMA query_only = ON")
            for at in range(0, len(subjects), CHUNK):
                chunk = subjects[at : at + CHUNK]
                query = _LOOK_UP.format(",".join("?" * len(chunk)))
                for subject, mark, grants in self._connection.execute(query, (controller, *chunk)):
                    found[subject] = (mark, grants)
        except sqlite3.Error:
            self.close()
            raise StoreUnavailable("ledger") from None
        return found

    def close(self) -> None:
        """As :meth:`Reader.close`."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None


def sqlite_path(url: str) -> Path:
    """The file of an SQLite address.

    Raises:
        ConfigError: when it is another kind of address, or names no file.
    """
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError):
        problem = "is not a database address; write sqlite:////path/to/consent.db or postgresql://user@host/name"
        raise ConfigError("", KEY, problem) from None
    if parsed.drivername != "sqlite" or not parsed.database or parsed.database == ":memory:" or parsed.query:
        problem = "must be a file of SQLite, sqlite:////path/to/consent.db, or postgresql://user@host/name"
        raise ConfigError("", KEY, problem)
    return Path(parsed.database)


def _to_wal(path: Path) -> None:
    """Let readers go on while somebody writes. The file remembers it; while it changes over, nobody may have it."""
    end = time.monotonic() + LEDGER_BUSY
    while True:
        try:
            with closing(sqlite3.connect(path, timeout=LEDGER_BUSY)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > end:  # several start at once, on a new file
                raise ConfigError(str(path), KEY, f"is not a usable ledger: {error}") from None
            time.sleep(0.01)
        except sqlite3.Error as error:
            raise ConfigError(str(path), KEY, f"is not a usable ledger: {error}") from None
        else:
            return


def _connected(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # or the driver begins by itself, too late and in the wrong mode
    connection.execute("PRAGMA synchronous = FULL")  # a commit that was told outlives a power cut


def _begun(connection: sa.Connection) -> None:
    # A writer takes its turn at once: one that first reads and then wants to write is refused, not queued.
    write = connection.get_execution_options().get("write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if write else "BEGIN")
