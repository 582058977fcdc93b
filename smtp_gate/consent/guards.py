"""Triggers by which the database itself lets nobody change or delete an event or a wording.

They are the second wall; on PostgreSQL the first one is a role without the rights (``roles``). The one change they
let through is an erasure, which takes the personal fields of an event away and leaves all that is hashed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtp_gate.consent.chain import FIELDS, NOBODY

if TYPE_CHECKING:
    import sqlalchemy as sa

_ERASURE = (
    "{kept} AND OLD.erased IS NULL AND NEW.erased > OLD.seq AND NEW.salt IS NULL AND NEW.key IS NULL "
    "AND NEW.subject = {nobody} AND NEW.source = '' AND NEW.reference = ''"
)


def _erasure(same: str, nobody: str) -> str:
    kept = " AND ".join(f"NEW.{name} {same} OLD.{name}" for name in (*FIELDS, "hash"))
    return _ERASURE.format(kept=kept, nobody=nobody)


_SQLITE = {
    "event_stays": "BEFORE DELETE ON event BEGIN SELECT RAISE(ABORT, 'an event stays'); END",
    "event_keeps": f"""BEFORE UPDATE ON event WHEN coalesce({_erasure("IS", f"x'{NOBODY.hex()}'")}, 0) = 0
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

_REFUSED = "EXECUTE FUNCTION ledger_refuses"
_SAME = _erasure("IS NOT DISTINCT FROM", f"'\\x{NOBODY.hex()}'::bytea")
_POSTGRES = {
    "event_stays": f"BEFORE DELETE ON event FOR EACH ROW {_REFUSED}('an event stays')",
    "event_keeps": f"""BEFORE UPDATE ON event FOR EACH ROW WHEN (NOT coalesce({_SAME}, false))
{_REFUSED}('an event stays as it is')""",
    "event_is_kept": f"BEFORE TRUNCATE ON event FOR EACH STATEMENT {_REFUSED}('an event stays')",
    "notice_stays": f"BEFORE DELETE ON notice FOR EACH ROW {_REFUSED}('a wording stays')",
    "notice_keeps": f"BEFORE UPDATE ON notice FOR EACH ROW {_REFUSED}('a wording stays as it is')",
    "notice_is_kept": f"BEFORE TRUNCATE ON notice FOR EACH STATEMENT {_REFUSED}('a wording stays')",
}
"""An INSERT that meets a row there is an error or, ON CONFLICT, an UPDATE."""
_REFUSES = """
CREATE OR REPLACE FUNCTION ledger_refuses() RETURNS trigger LANGUAGE plpgsql AS
'BEGIN RAISE EXCEPTION USING MESSAGE = TG_ARGV[0], ERRCODE = ''restrict_violation''; END'
"""


def lower(connection: sa.Connection) -> None:
    """Take them away, for a change of layout."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql("DROP FUNCTION IF EXISTS ledger_refuses CASCADE")
        return
    for name in _SQLITE:
        connection.exec_driver_sql(f"DROP TRIGGER IF EXISTS {name}")


def raise_up(connection: sa.Connection) -> None:
    """Put them up; there must be none."""
    postgres = connection.dialect.name == "postgresql"
    if postgres:
        connection.exec_driver_sql(_REFUSES)
    for name, rule in (_POSTGRES if postgres else _SQLITE).items():
        connection.exec_driver_sql(f"CREATE TRIGGER {name} {rule}")
