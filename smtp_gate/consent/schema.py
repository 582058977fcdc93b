"""The layout of the ledger's database by versions: made, brought up from an older one, and guarded by triggers.

Version 1 had no chain: ``event`` without salt, hashes and ``erased``, no notices, a head without a hash. Bringing
it up copies the events in their order and chains what is there; it is one transaction, so a start that is broken
off changes nothing.
"""

from __future__ import annotations

import secrets

import sqlalchemy as sa

from smtp_gate.consent.chain import FIELDS, NOBODY, SALT_SIZE, START
from smtp_gate.consent.rows import EventRow, link
from smtp_gate.consent.tables import CHUNK, events, head, metadata, schema

VERSION = 2
_NEW = {"notice_sha256": None, "salt": None, "person": b"", "previous": b"", "hash": b"", "erased": None}
"""What a row of version 1 lacks."""

_KEPT = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in (*FIELDS, "hash"))
_ERASURE = (
    f"{_KEPT} AND OLD.erased IS NULL AND NEW.erased > OLD.seq AND NEW.salt IS NULL AND NEW.key IS NULL "
    f"AND NEW.subject = x'{NOBODY.hex()}' AND NEW.source = '' AND NEW.reference = ''"
)
_TRIGGERS = """
CREATE TRIGGER event_stays BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'an event stays'); END;
CREATE TRIGGER event_keeps BEFORE UPDATE ON event WHEN coalesce({erasure}, 0) = 0
BEGIN SELECT RAISE(ABORT, 'an event stays as it is'); END;
CREATE TRIGGER event_is_new BEFORE INSERT ON event
WHEN EXISTS (SELECT 1 FROM event WHERE seq = NEW.seq OR key = NEW.key)
BEGIN SELECT RAISE(ABORT, 'an event is never replaced'); END;
CREATE TRIGGER notice_stays BEFORE DELETE ON notice
BEGIN SELECT RAISE(ABORT, 'a wording stays'); END;
CREATE TRIGGER notice_keeps BEFORE UPDATE ON notice
BEGIN SELECT RAISE(ABORT, 'a wording stays as it is'); END;
CREATE TRIGGER notice_is_new BEFORE INSERT ON notice
WHEN EXISTS (
    SELECT 1 FROM notice
    WHERE controller = NEW.controller AND version = NEW.version AND language = NEW.language
)
BEGIN SELECT RAISE(ABORT, 'a wording is never replaced'); END;
"""
"""For SQLite. INSERT is looked at too, since INSERT OR REPLACE deletes without telling a DELETE trigger."""


def prepare(connection: sa.Connection) -> None:
    """Make what is not there yet, in the writing transaction that is open.

    Raises:
        ValueError: when the database is of a newer version; the text says what to do.
    """
    found = _version(connection)
    if found > VERSION:
        raise ValueError(f"was made by a newer smtp-gate (layout {found}, this one knows {VERSION}); update it")
    if found == VERSION:
        return
    if found:
        _set_aside(connection)
    metadata.create_all(connection)
    seq = last = 0
    previous = START
    if found:
        seq = connection.execute(sa.select(sa.column("seq")).select_from(sa.table("ledger_head_1"))).scalar() or 0
        last, previous = _chain(connection)
        connection.exec_driver_sql("DROP TABLE event_1")
        connection.exec_driver_sql("DROP TABLE ledger_head_1")
    connection.execute(head.insert(), {"id": 1, "seq": max(seq, last), "hash": previous, "notices": 0})
    connection.execute(schema.insert(), {"id": 1, "version": VERSION})
    for trigger in _TRIGGERS.format(erasure=_ERASURE).split("END;")[:-1]:
        connection.exec_driver_sql(f"{trigger}END")


def _version(connection: sa.Connection) -> int:
    inspector = sa.inspect(connection)
    if inspector.has_table(schema.name):
        version: int = connection.execute(sa.select(schema.c.version)).scalar_one()
        return version
    return 1 if inspector.has_table(events.name) else 0


def _set_aside(connection: sa.Connection) -> None:
    for index in events.indexes:
        connection.exec_driver_sql(f"DROP INDEX {index.name}")
    connection.exec_driver_sql("ALTER TABLE event RENAME TO event_1")
    connection.exec_driver_sql("ALTER TABLE ledger_head RENAME TO ledger_head_1")


def _chain(connection: sa.Connection) -> tuple[int, bytes]:
    """Copy the events of version 1; the seq and hash of the last one."""
    columns: list[sa.ColumnElement[object]] = [sa.column(each.name) for each in events.c if each.name not in _NEW]
    old = sa.select(*columns).select_from(sa.table("event_1")).order_by(sa.column("seq"))
    last, previous = 0, START
    for part in connection.execution_options(yield_per=CHUNK).execute(old).mappings().partitions():
        rows: list[EventRow] = []
        for each in part:
            row: EventRow = {**each, **_NEW}  # type: ignore[typeddict-item]
            link(row, previous, secrets.token_bytes(SALT_SIZE))
            last, previous = row["seq"], row["hash"]
            rows.append(row)
        connection.execute(events.insert(), rows)
    return last, previous
