"""When each person was last asked for consent by mail."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from smtp_gate.consent.tables import Octets

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "question",
        sa.Column("controller", sa.String(64), primary_key=True),
        sa.Column("subject", Octets(16), primary_key=True),
        sa.Column("at", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
