"""The day of each person's last opening, and how far webhooks were told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from smtp_gate.consent.tables import Octets

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "opening",
        sa.Column("controller", sa.String(64), primary_key=True),
        sa.Column("subject", Octets(16), primary_key=True),
        sa.Column("day", sa.Integer, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "webhook",
        sa.Column("endpoint", sa.String(32), primary_key=True),
        sa.Column("seq", sa.BigInteger, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("due", sa.BigInteger, nullable=False),
        sa.Column("holder", Octets(16)),
        sa.Column("held_until", sa.BigInteger, nullable=False),
    )
