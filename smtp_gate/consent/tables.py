"""The tables of the ledger, and how its database is opened; with ``schema`` all that knows SQLite's ways.

Times are microseconds since 1970 as integers: exact, sortable, the same on every database.
"""

from __future__ import annotations

import os
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from smtp_gate.consent.chain import SALT_SIZE
from smtp_gate.consent.event import MAX_CONTROLLER
from smtp_gate.errors import ConfigError
from smtp_gate.limits import LEDGER_BUSY
from smtp_gate.tokens.subject import SUBJECT_SIZE

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "consent.ledger"
"""The key of the configuration that names the ledger."""

CHUNK = 500
"""Values in one IN list: SQLite before 3.32 takes 999 parameters."""


class Octets(sa.LargeBinary):
    """Bytes as every driver takes them; SQLAlchemy wraps each value, which costs a fifth of an import."""

    def bind_processor(self, dialect: sa.Dialect) -> None:  # noqa: ARG002 - the library's signature
        """Nothing is changed on the way."""
        return


metadata = sa.MetaData()
_subject = Octets(SUBJECT_SIZE)
_controller = sa.String(MAX_CONTROLLER)
_sha256 = Octets(32)

VERSIONS = "ledger_schema"
"""Where Alembic notes how far it came. A program of before Alembic looks here for a number, finds none, and leaves
the ledger alone."""

NEGATIVE = sa.text("decision <> 'grant'")
"""Written out: with a parameter in it, the index below would not be used."""

head = sa.Table(
    "ledger_head",
    metadata,
    sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("hash", _sha256, nullable=False),
    sa.Column("notices", sa.Integer, nullable=False),
)
"""One row: seq and hash of the last event, and how many wordings there are.

A number once given is never given again, even when rows are cut off."""

events = sa.Table(
    "event",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("controller", _controller, nullable=False),
    sa.Column("subject", _subject, nullable=False),
    sa.Column("purposes", sa.SmallInteger, nullable=False),
    sa.Column("decision", sa.String(8), nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Column("recorded", sa.BigInteger, nullable=False),
    sa.Column("method", sa.Text, nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("reference", sa.Text, nullable=False),
    sa.Column("notice", sa.Text, nullable=False),
    sa.Column("language", sa.Text, nullable=False),
    sa.Column("actor", sa.Text, nullable=False),
    sa.Column("expires", sa.BigInteger),
    sa.Column("key", Octets(16), unique=True),
    sa.Column("notice_sha256", _sha256),
    sa.Column("salt", Octets(SALT_SIZE)),
    sa.Column("person", _sha256, nullable=False),
    sa.Column("previous", _sha256, nullable=False),
    sa.Column("hash", _sha256, nullable=False),
    sa.Column("erased", sa.BigInteger),
    sa.Index("event_subject", "subject", "controller"),
    sa.Index("event_negative", "seq", sqlite_where=NEGATIVE, postgresql_where=NEGATIVE),
)
"""Every decision, only ever added to. ``chain`` says what the hashes cover; ``erased`` is the seq of the event that
took the personal fields away."""

notices = sa.Table(
    "notice",
    metadata,
    sa.Column("controller", _controller, primary_key=True),
    sa.Column("version", sa.Text, primary_key=True),
    sa.Column("language", sa.Text, primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("sha256", _sha256, nullable=False),
    sa.Column("recorded", sa.BigInteger, nullable=False),
)
"""The wordings that people were shown, only ever added to."""

standings = sa.Table(
    "standing",
    metadata,
    sa.Column("controller", _controller, primary_key=True),
    sa.Column("subject", _subject, primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("mark", sa.String(8), nullable=False),
    sa.Column("grants", Octets, nullable=False),
    sqlite_with_rowid=False,
)
"""What the events amount to, written in the transaction of the event; can be made again from the events."""

addresses = sa.Table(
    "address",
    metadata,
    sa.Column("subject", _subject, primary_key=True),
    sa.Column("address", Octets, nullable=False),
    sqlite_with_rowid=False,
)
"""Who a subject is. Apart, so that it can be erased and the events stay."""

openings = sa.Table(
    "opening",
    metadata,
    sa.Column("controller", _controller, primary_key=True),
    sa.Column("subject", _subject, primary_key=True),
    sa.Column("day", sa.Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""The day of a person's last opening, in days since 1970, and nothing else; see ``openings``."""

webhooks = sa.Table(
    "webhook",
    metadata,
    sa.Column("endpoint", sa.String(32), primary_key=True),
    sa.Column("seq", sa.BigInteger, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("due", sa.BigInteger, nullable=False),
    sa.Column("holder", Octets(16)),
    sa.Column("held_until", sa.BigInteger, nullable=False),
)
"""How far each endpoint was told of events, when it is tried again, and who does that until when."""

ERRORS = (SQLAlchemyError, sqlite3.Error)
"""What the database library raises; a driver's own error comes through while a connection is being made."""

LOOK_UP = "SELECT subject, mark, grants FROM standing WHERE controller = ? AND subject IN ({})"


def open_engine(url: str, prepare: Callable[[sa.Connection], None]) -> sa.Engine:
    """The database of a ledger, with all tables made.

    An engine made with ``execution_options(write=True)`` of it begins its transactions as the only writer.

    Args:
        url: ``sqlite:////absolute/path``.
        prepare: makes the tables, in a writing transaction; raises ValueError for a database it cannot use.

    Raises:
        ConfigError: when it is no such address, or there is no ledger and none can be made.
    """
    path = sqlite_path(url)
    try:
        # Made here and not by SQLite, whose files everybody may read: addresses stand in it.
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
    except OSError as error:
        raise ConfigError(str(path), KEY, f"cannot be opened for writing: {error.strerror}") from None
    _to_wal(path)
    engine = sa.create_engine(sa.URL.create("sqlite", database=str(path)), connect_args={"timeout": LEDGER_BUSY})
    sa.event.listen(engine, "connect", _connected)
    sa.event.listen(engine, "begin", _begun)
    try:
        with engine.execution_options(write=True).begin() as connection:
            prepare(connection)
    except ValueError as error:
        engine.dispose()
        raise ConfigError(str(path), KEY, str(error)) from None
    except ERRORS as error:
        engine.dispose()
        raise ConfigError(str(path), KEY, f"is not a usable ledger: {cause_of(error)}") from None
    return engine


def overwrite(connection: sa.Connection) -> None:
    """Let what this connection deletes be written over, not only be marked as free."""
    connection.exec_driver_sql("PRAGMA secure_delete = ON")


def sweep(engine: sa.Engine) -> None:
    """Empty the write-ahead log, where older pages stand; readers that are busy keep it for a while."""
    with closing(engine.raw_connection()) as connection:
        connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")


def cause_of(error: Exception) -> str:
    """What the driver said. The library's own text holds statements and their values, and is never shown."""
    return str(getattr(error, "orig", None) or (error if isinstance(error, sqlite3.Error) else "unknown trouble"))


def sqlite_path(url: str) -> Path:
    """The file of an SQLite address.

    Raises:
        ConfigError: when it is another kind of address, or names no file.
    """
    try:
        parsed = sa.make_url(url)
    except (ArgumentError, ValueError):
        raise ConfigError("", KEY, "is not a database address; write sqlite:////path/to/consent.db") from None
    if parsed.drivername != "sqlite" or not parsed.database or parsed.database == ":memory:" or parsed.query:
        raise ConfigError("", KEY, "must be a file of SQLite: sqlite:////path/to/consent.db")
    return Path(parsed.database)


def connect(path: Path) -> sqlite3.Connection:
    """A plain connection for look-ups only.

    Raises:
        sqlite3.Error: when the file cannot be opened.
    """
    connection = sqlite3.connect(path, timeout=0.05, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA query_only = ON")
    return connection


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
