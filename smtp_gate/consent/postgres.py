"""The ledger on PostgreSQL: one for gates on many machines.

All waiting has an end, on both sides: the server ends what takes too long (``statement_timeout``, ``lock_timeout``,
and a transaction whose client says nothing any more), and :class:`Link` ends what a server does not answer at all.
Statements are not prepared, and nothing is asked through a pool of another kind (PgBouncer must pool sessions).
"""

from __future__ import annotations

import selectors
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import psycopg
import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict
from psycopg.waiting import Ready

from smtp_gate.consent.database import ERRORS, KEY, Away, Database, cause_of
from smtp_gate.consent.schema import is_current, prepare
from smtp_gate.errors import ConfigError, StoreUnavailable
from smtp_gate.limits import (
    LEDGER_ANSWER,
    LEDGER_CONNECT,
    LEDGER_CONNECTIONS,
    LEDGER_LOCK,
    LEDGER_PAUSE,
    LEDGER_WALK,
    STORE_TIMEOUT,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from psycopg.abc import RV, PQGen

    from smtp_gate.consent.database import Rows

_MAKING = 0x736D74705F676174
"""Number of the advisory lock under which tables are made: several gates start at once."""
_LOOK_UP = "SELECT subject, mark, grants FROM standing WHERE controller = %s AND subject = ANY(%s)"
_LOCKED = "55P03"
"""SQLSTATE lock_not_available."""


class Link(psycopg.Connection[Any]):
    """A connection that is closed when the server says nothing for a while.

    The server's own limits do not help against one that is frozen or behind a broken network.

    Attributes:
        patience: seconds without an octet.
    """

    patience = LEDGER_ANSWER

    def wait(self, gen: PQGen[RV], *_: object, **__: object) -> RV:
        """As psycopg's own, with an end.

        Raises:
            psycopg.OperationalError: when the server is silent for too long.
        """
        try:
            return self._waited(gen)
        except (psycopg.Error, StopIteration):
            raise
        except BaseException:  # such as Ctrl-C: what is on its way cannot be told from what comes next
            self.pgconn.finish()
            raise

    def _waited(self, gen: PQGen[RV]) -> RV:
        socket = self.pgconn.socket
        try:
            state = next(gen)
            with selectors.DefaultSelector() as selector:
                selector.register(socket, state)
                while True:
                    end = time.monotonic() + self.patience
                    ready = selector.select(self.patience)
                    if not ready and time.monotonic() >= end:
                        self.pgconn.finish()
                        raise psycopg.OperationalError(f"no answer for {self.patience:g} s")
                    state = gen.send(Ready(ready[0][1]) if ready else Ready.NONE)
                    selector.modify(socket, state)
        except StopIteration as done:
            result: RV = done.value
            return result


class Postgres(Database):
    """A database of a server.

    Args:
        url: ``postgresql://user@host/name``, as libpq reads it: several hosts, ``?sslmode=``, ``?service=`` and the
            like; the password also from PGPASSFILE or PGPASSWORD.

    Raises:
        ConfigError: when it is no such address; the password is never in the text.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        try:
            named = conninfo_to_dict(url)
        except psycopg.Error:  # its text holds the address
            problem = "is no address of PostgreSQL; write postgresql://user@host/name"
            raise ConfigError("", KEY, problem) from None
        server = f"{named.get('host', '')}{':' if named.get('port') else ''}{named.get('port', '')}"
        self._place = f"postgresql://{server}/{named.get('dbname', '')}"
        engine = sa.create_engine(
            "postgresql+psycopg://",
            creator=self._connected,
            pool_pre_ping=True,
            pool_size=LEDGER_CONNECTIONS,
            max_overflow=0,
            pool_timeout=LEDGER_ANSWER,
        )
        sa.event.listen(engine, "begin", _begun)
        reading = engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._making = engine.execution_options(long=True)
        super().__init__(reading, reading.execution_options(long=True), engine.execution_options(write=True))

    def reader(self) -> PostgresReader:
        """For look-ups."""
        return PostgresReader(self._url)

    def overwrite(self, connection: sa.Connection) -> None:
        """Nothing: old rows stay in the files until VACUUM, see ``docs/consent.md``."""

    def sweep(self) -> None:
        """Nothing, as above."""

    def _connected(self) -> Link:
        link = open_link(self._url, LEDGER_ANSWER, write=True)
        with link.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('lock_timeout', %s, false),"
                "       set_config('idle_in_transaction_session_timeout', %s, false)",
                (_milliseconds(LEDGER_LOCK), _milliseconds(LEDGER_PAUSE)),
            )
        link.autocommit = False
        return link

    def _prepare(self) -> None:
        try:
            with self._making.connect() as connection:
                if connection.exec_driver_sql("SHOW server_encoding").scalar() != "UTF8":
                    raise ConfigError(self._place, KEY, "must be a database with the encoding UTF8")
                if is_current(connection):
                    return
                connection.rollback()
                with connection.begin():
                    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_MAKING})")
                    prepare(connection)
        except ValueError as error:
            raise ConfigError(self._place, KEY, str(error)) from None
        except sa.exc.OperationalError as error:
            if getattr(error.orig, "sqlstate", None) is None:
                raise Away(self._place, cause_of(error)) from None
            raise ConfigError(self._place, KEY, f"is not a usable ledger: {cause_of(error)}") from None
        except sa.exc.ProgrammingError as error:
            cure = "; as the owner of its tables run: smtp-gate ledger upgrade --ledger postgresql://OWNER@..."
            hint = cure if getattr(error.orig, "sqlstate", "") == "42501" else ""
            raise ConfigError(self._place, KEY, f"is not a usable ledger: {cause_of(error)}{hint}") from None
        except ERRORS as error:
            raise ConfigError(self._place, KEY, f"is not a usable ledger: {cause_of(error)}") from None

    def _reason_of(self, error: Exception) -> str:
        locked = getattr(getattr(error, "orig", None), "sqlstate", None) == _LOCKED
        return "ledger_locked" if locked else "ledger"


class PostgresReader:
    """One connection, one query for all people of a mail.

    Args:
        url: as of :class:`Postgres`.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._link: Link | None = None

    def read(self, controller: str, subjects: Sequence[bytes]) -> Rows:
        """As :meth:`Reader.read`. A connection that broke while nobody asked is made anew within the same call."""
        if "\0" in controller:  # which this database cannot even be asked about
            return {}
        try:
            if self._link is not None:
                try:
                    return self._asked(self._link, controller, subjects)
                except psycopg.OperationalError:
                    if not self._link.closed:
                        raise
            self._link = open_link(self._url, STORE_TIMEOUT, write=False)
            return self._asked(self._link, controller, subjects)
        except psycopg.Error:
            self.close()
            raise StoreUnavailable("ledger") from None

    def close(self) -> None:
        """As :meth:`Reader.close`."""
        if self._link is not None:
            self._link.close()
            self._link = None

    @staticmethod
    def _asked(link: Link, controller: str, subjects: Sequence[bytes]) -> Rows:
        rows = link.execute(_LOOK_UP, (controller, list(subjects))).fetchall()
        return {subject: (mark, grants) for subject, mark, grants in rows}


def open_link(url: str, patience: float, *, write: bool) -> Link:
    """A connection in autocommit mode whose statements may take so many seconds.

    Args:
        url: as of :class:`Postgres`.
        patience: seconds for a statement, for the server and for us.
        write: whether it may.

    Raises:
        psycopg.Error: when there is none to be had.
    """
    link = Link.connect(
        url,
        autocommit=True,
        connect_timeout=LEDGER_CONNECT,
        application_name="smtp-gate",
        prepare_threshold=None,
    )
    link.patience = patience
    try:
        # A commit that was told outlives a power cut, also where the server is set up for less.
        link.execute(
            "SELECT set_config('statement_timeout', %s, false),"
            " set_config('default_transaction_read_only', %s, false),"
            " CASE current_setting('synchronous_commit')"
            " WHEN 'off' THEN set_config('synchronous_commit', 'on', false) END",
            (_milliseconds(patience), "off" if write else "on"),
        )
    except BaseException:
        with suppress(psycopg.Error):
            link.close()
        raise
    return link


def _milliseconds(seconds: float) -> str:
    return str(int(seconds * 1000))


def _begun(connection: sa.Connection) -> None:
    options = connection.get_execution_options()
    link: Link = connection.connection.dbapi_connection  # type: ignore[assignment]
    link.patience = LEDGER_WALK if options.get("long") else LEDGER_ANSWER
    if options.get("long"):
        limit = _milliseconds(LEDGER_WALK)
        connection.exec_driver_sql(
            f"SET LOCAL statement_timeout = {limit}; SET LOCAL lock_timeout = {limit};"
            f" SET LOCAL idle_in_transaction_session_timeout = {limit}"
        )
    if options.get("write"):
        # Whoever holds this row is the only writer until it commits, so that the order of events is that of their
        # commits: who reads up to some event never misses one before it.
        connection.exec_driver_sql("SELECT seq FROM ledger_head FOR UPDATE")
