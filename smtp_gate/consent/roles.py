"""What the gate's own role may do on PostgreSQL: the first wall around events and wordings.

The tables belong to another role, the owner; the gate's can neither delete nor change what was recorded, except the
columns that an erasure empties, and there the triggers (``guards``) look at each row.
"""

from __future__ import annotations

import re

from smtp_gate.consent.tables import VERSIONS

RIGHTS = {
    "event": ("SELECT", "INSERT", "UPDATE (subject, source, reference, key, salt, erased)"),
    "notice": ("SELECT", "INSERT"),
    "standing": ("SELECT", "INSERT", "DELETE"),
    "address": ("SELECT", "INSERT", "DELETE"),
    "ledger_head": ("SELECT", "UPDATE (seq, hash, notices)"),
    "opening": ("SELECT", "INSERT", "UPDATE (day)", "DELETE"),
    "question": ("SELECT", "INSERT", "DELETE"),
    "webhook": ("SELECT", "INSERT", "UPDATE", "DELETE"),
    VERSIONS: ("SELECT",),
}
"""By table."""
_ROLE = re.compile(r"[a-z_][a-z0-9_]{0,62}")


def rights_sql(role: str) -> str:
    """Statements for ``psql``, to be run by the owner of the tables; they can be run again.

    Args:
        role: name of the gate's role.

    Raises:
        ValueError: for a name that would need quotes.
    """
    if not _ROLE.fullmatch(role):
        raise ValueError("is no name of a role; use at most 63 small letters, digits and _")
    lines = [
        f"-- What the role {role} needs, and no more. Run it as the owner of the ledger's tables, after",
        "-- `smtp-gate ledger upgrade`; making the role needs CREATEROLE.",
        f"DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{role}') THEN",
        f"CREATE ROLE {role} LOGIN; END IF; END $$;",
        f"REVOKE ALL ON {', '.join(RIGHTS)} FROM {role}, PUBLIC;",
        *(f"GRANT {', '.join(rights)} ON {table} TO {role};" for table, rights in RIGHTS.items()),
    ]
    return "\n".join(lines) + "\n"
