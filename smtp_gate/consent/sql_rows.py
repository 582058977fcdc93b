"""Rows of a query of somebody else's database, which is only ever read, a piece at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from smtp_gate.consent.raw_rows import RawRow
from smtp_gate.errors import SourceUnavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = 5000
"""Rows fetched at a time: as many as a transaction of the ledger takes."""


class SqlRows:
    """The rows of one SELECT, in a transaction that is read only and never committed.

    Args:
        url: of SQLAlchemy; may hold a password, so it is in no message.
        query: one SELECT.

    Raises:
        SourceUnavailable: when the database cannot be reached, or does not take the query.
    """

    def __init__(self, url: str, query: str) -> None:
        try:
            parsed = sa.make_url(url)
            self._engine = _engine(parsed)
        except NoSuchModuleError:
            raise SourceUnavailable("sql", "the address names a database that SQLAlchemy does not know") from None
        except (ArgumentError, ValueError):
            raise SourceUnavailable(
                "sql", "the address is no SQLAlchemy URL; write DRIVER://USER@HOST/NAME"
            ) from None
        except ImportError as error:
            raise SourceUnavailable("sql", f"the driver is not installed: pip install {error.name}") from None
        self.name = parsed.render_as_string(hide_password=True).partition("?")[0]
        try:
            self._connection = self._engine.connect().execution_options(
                stream_results=True, yield_per=PIECE, postgresql_readonly=True
            )
            if parsed.get_backend_name() in ("mysql", "mariadb"):
                self._connection.exec_driver_sql("SET TRANSACTION READ ONLY")
            self._result = self._connection.execute(sa.text(query))
            self.columns: list[str] = list(self._result.keys())
        except SQLAlchemyError as error:
            raise self._trouble(error) from None
        self._number = 0

    def __iter__(self) -> Iterator[RawRow]:
        try:
            for row in self._result:
                self._number += 1
                yield RawRow(self._number, dict(zip(self.columns, row, strict=True)))
        except SQLAlchemyError as error:
            raise self._trouble(error) from None

    def done(self) -> int:
        """Rows."""
        return self._number

    def size(self) -> int | None:
        """Nobody knows."""
        return None

    def close(self) -> None:
        """Give the connection back; nothing was changed, and nothing is kept."""
        self._connection.close()
        self._engine.dispose()

    def _trouble(self, error: SQLAlchemyError) -> SourceUnavailable:
        """What the driver said, in its first line: the others hold the query and its values."""
        self._engine.dispose()
        said = str(getattr(error, "orig", None) or error).splitlines()
        return SourceUnavailable(self.name, f"the database says: {said[0] if said else type(error).__name__}")


def _engine(url: sa.URL) -> sa.Engine:
    if url.get_backend_name() == "sqlite" and url.database:
        # A file that is not there is not made, and one that is there is not written.
        url = url.set(database=f"file:{url.database}", query={**url.query, "mode": "ro", "uri": "true"})
    return sa.create_engine(url, hide_parameters=True)
