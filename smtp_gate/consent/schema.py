"""Brings the layout of a ledger's database up to this program, when it is opened.

Alembic does it, by the steps in ``migrations``, in one transaction with all else: a start that is broken off
changes nothing. A database that is as it should be costs one look, and Alembic is not even loaded.
"""

from __future__ import annotations

from pathlib import Path
from threading import Lock

import sqlalchemy as sa

from smtp_gate.consent import guards, migrations
from smtp_gate.consent.tables import VERSIONS

REVISION = "0004"
"""The last step in ``migrations``, by its number."""
_ADOPTED = 2
"""Layouts had a number of their own before; this one is what revision 0002 makes."""
_turn = Lock()
"""Alembic's ``op`` is one for the whole process."""


def is_current(connection: sa.Connection) -> bool:
    """Whether there is nothing to be done."""
    return _found(connection) == REVISION


def prepare(connection: sa.Connection) -> None:
    """Make or bring up what is there, in the writing transaction that is open.

    Raises:
        ValueError: when the database is of a newer version; the text says what to do.
    """
    found = _found(connection)
    if found == REVISION:
        return
    # Here, since it takes a seventh of a second and a few megabytes.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    steps = {step.revision for step in ScriptDirectory.from_config(config).walk_revisions()}
    if found not in {*steps, "", _ADOPTED}:
        raise ValueError(f"was made by a newer smtp-gate (layout {found}, this one knows {REVISION}); update it")
    guards.lower(connection)
    with _turn:
        if found == _ADOPTED:
            connection.exec_driver_sql(f"DROP TABLE {VERSIONS}")
            command.stamp(config, "0002")
        command.upgrade(config, REVISION)
    guards.raise_up(connection)


def _found(connection: sa.Connection) -> str | int:
    """Which layout there is: the revision, or the number of before there were any; empty for none or the first."""
    inspector = sa.inspect(connection)
    if not inspector.has_table(VERSIONS):
        return ""
    (column,) = inspector.get_columns(VERSIONS)[-1:]
    found: str | int = connection.execute(sa.text(f"SELECT {column['name']} FROM {VERSIONS}")).scalar_one()  # noqa: S608 - names of columns
    return found
