"""The tables of the ledger. Times are microseconds since 1970 as integers: exact, the same on every database."""

from __future__ import annotations

import sqlalchemy as sa

from smtp_gate.consent.chain import SALT_SIZE
from smtp_gate.consent.event import MAX_CONTROLLER
from smtp_gate.tokens.subject import SUBJECT_SIZE

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

questions = sa.Table(
    "question",
    metadata,
    sa.Column("controller", _controller, primary_key=True),
    sa.Column("subject", _subject, primary_key=True),
    sa.Column("at", sa.BigInteger, nullable=False),
    sqlite_with_rowid=False,
)
"""When a person was last asked for consent by mail; see ``asked``."""

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
