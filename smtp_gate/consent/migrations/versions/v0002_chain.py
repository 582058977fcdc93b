"""The ledger with its chain: the first step, on an empty database or on one of before there was a chain.

Layout 1, which only SQLite has had, was ``event`` without salt, hashes and ``erased``, no notices, a head without a
hash. Its events are copied in their order and chained.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, cast

import sqlalchemy as sa
from alembic import op

from smtp_gate.consent.chain import NOBODY, SALT_SIZE, START
from smtp_gate.consent.rows import link
from smtp_gate.consent.tables import CHUNK, Octets

if TYPE_CHECKING:
    from smtp_gate.consent.rows import EventRow

revision = "0002"
down_revision = None

_OLD = (
    *("seq", "controller", "subject", "purposes", "decision", "at", "recorded", "method", "source", "reference"),
    *("notice", "language", "actor", "expires", "key"),
)
"""Columns of an event of layout 1."""


def upgrade() -> None:
    """Make the tables; chain what is there."""
    connection = op.get_bind()
    found = sa.inspect(connection).get_table_names()
    if "event" in found:
        for index in ("event_subject", "event_negative"):
            op.drop_index(index, "event")
        for name in ("event", "ledger_head"):
            op.rename_table(name, f"{name}_1")
    events, head = _make(found)
    seq = last = 0
    previous = START
    if "event" in found:
        seq = connection.execute(sa.text("SELECT seq FROM ledger_head_1")).scalar() or 0
        last, previous = _chain(connection, events)
        for name in ("event_1", "ledger_head_1"):
            op.drop_table(name)
    connection.execute(head.insert(), {"id": 1, "seq": max(seq, last), "hash": previous, "notices": 0})


def _make(found: list[str]) -> tuple[sa.Table, sa.Table]:
    events = op.create_table(
        "event",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
        sa.Column("controller", sa.String(64), nullable=False),
        sa.Column("subject", Octets(len(NOBODY)), nullable=False),
        sa.Column("purposes", sa.SmallInteger, nullable=False),
        sa.Column("decision", sa.String(8), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("recorded", sa.BigInteger, nullable=False),
        *(sa.Column(name, sa.Text, nullable=False) for name in _OLD[7:13]),
        sa.Column("expires", sa.BigInteger),
        sa.Column("key", Octets(16), unique=True),
        sa.Column("notice_sha256", Octets(32)),
        sa.Column("salt", Octets(SALT_SIZE)),
        *(sa.Column(name, Octets(32), nullable=False) for name in ("person", "previous", "hash")),
        sa.Column("erased", sa.BigInteger),
    )
    op.create_index("event_subject", "event", ["subject", "controller"])
    negative = sa.text("decision <> 'grant'")
    op.create_index("event_negative", "event", ["seq"], sqlite_where=negative, postgresql_where=negative)
    head = op.create_table(
        "ledger_head",
        sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("hash", Octets(32), nullable=False),
        sa.Column("notices", sa.Integer, nullable=False),
    )
    op.create_table(
        "notice",
        sa.Column("controller", sa.String(64), primary_key=True),
        sa.Column("version", sa.Text, primary_key=True),
        sa.Column("language", sa.Text, primary_key=True),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("sha256", Octets(32), nullable=False),
        sa.Column("recorded", sa.BigInteger, nullable=False),
    )
    if "standing" not in found:
        op.create_table(
            "standing",
            sa.Column("controller", sa.String(64), primary_key=True),
            sa.Column("subject", Octets(len(NOBODY)), primary_key=True),
            sa.Column("seq", sa.BigInteger, nullable=False),
            sa.Column("mark", sa.String(8), nullable=False),
            sa.Column("grants", Octets, nullable=False),
            sqlite_with_rowid=False,
        )
    if "address" not in found:
        op.create_table(
            "address",
            sa.Column("subject", Octets(len(NOBODY)), primary_key=True),
            sa.Column("address", Octets, nullable=False),
            sqlite_with_rowid=False,
        )
    return events, head


def _chain(connection: sa.Connection, events: sa.Table) -> tuple[int, bytes]:
    """Copy the events of layout 1; the seq and hash of the last one."""
    # Typed as the new ones: a text that is none must not be copied.
    columns = [sa.column(name, events.c[name].type) for name in _OLD]
    old = sa.select(*columns).select_from(sa.table("event_1")).order_by(sa.column("seq"))
    old = old.execution_options(yield_per=CHUNK)
    last, previous = 0, START
    for part in connection.execute(old).mappings().partitions():
        rows = []
        for each in part:
            row = cast("EventRow", {**each, "notice_sha256": None, "erased": None})
            link(row, previous, secrets.token_bytes(SALT_SIZE))
            last, previous = row["seq"], row["hash"]
            rows.append(dict(row))
        connection.execute(events.insert(), rows)
    return last, previous
