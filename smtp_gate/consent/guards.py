"""Triggers by which the database itself lets nobody change or delete an event or a wording.

They are the second wall, behind a role without the rights (``roles``). The one change they let through is an
erasure, which takes the personal fields of an event away and leaves all that is hashed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtp_gate.consent.chain import FIELDS, NOBODY

if TYPE_CHECKING:
    import sqlalchemy as sa

_KEPT = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in (*FIELDS, "hash"))
_ERASURE = (
    f"{_KEPT} AND OLD.erased IS NULL AND NEW.erased > OLD.seq AND NEW.salt IS NULL AND NEW.key IS NULL "
    f"AND NEW.subject = x'{NOBODY.hex()}' AND NEW.source = '' AND NEW.reference = ''"
)
_SQLITE = {
    "event_stays": "BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'an event stays'); END",
    "event_keeps": f"""BEFORE UPDATE ON event WHEN coalesce({_ERASURE}, 0) = 0
BEGIN SELECT RAISE(ABORT, 'an event stays as it is'); END""",
    "event_is_new": """BEFORE INSERT ON event WHEN EXISTS (SELECT 1 FROM event WHERE seq = NEW.seq OR key = NEW.key)
BEGIN SELECT RAISE(ABORT, 'an event is never replaced'); END""",
    "notice_stays": "BEFORE DELETE ON notice BEGIN SELECT RAISE(ABORT, 'a wording stays'); END",
    "notice_keeps": "BEFORE UPDATE ON notice BEGIN SELECT RAISE(ABORT, 'a wording stays as it is'); END",
    "notice_is_new": """BEFORE INSERT ON notice WHEN EXISTS (
    SELECT 1 FROM notice WHERE controller = NEW.controller AND version = NEW.version AND language = NEW.language
)
BEGIN SELECT RAISE(ABORT, 'a wording is never replaced'); END""",
}
"""INSERT is looked at too, since INSERT OR REPLACE deletes without telling a DELETE trigger."""


def lower(connection: sa.Connection) -> None:
    """Take them away, for a change of layout."""
    for name in _SQLITE:
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")


def raise_up(connection: sa.Connection) -> None:
    """Put them up; there must be none."""
    for name, rule in _SQLITE.items():
        connection.exec_driver_sql(f"CREATE TRIGGER {name} {rule}")
