"""However old a ledger is, opening it gives the tables that the program is written for, and a newer one is left."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from smtp_gate.consent import Ledger, migrations
from smtp_gate.consent.schema import REVISION
from smtp_gate.consent.tables import VERSIONS, metadata
from smtp_gate.errors import ConfigError
from smtp_gate.model import Purpose
from tests.consent.test_chain import old_ledger

if TYPE_CHECKING:
    from pathlib import Path

    from tests.consent.conftest import Decisions

ANNA = b"a" * 16


def layout(path: Path) -> list[tuple[str, str, str]]:
    """All tables, indexes and triggers of a file, with the words that made them; blanks and order do not count."""
    with closing(sqlite3.connect(path)) as raw:
        rows = raw.execute(
            "SELECT type, name, coalesce(sql, '') FROM sqlite_master WHERE tbl_name <> ?", (VERSIONS,)
        )
        return sorted(
            (kind, name, re.sub(r'\s*([(),])\s*|"', r"\1", " ".join(sql.split()))) for kind, name, sql in rows
        )


def test_the_steps_make_what_the_tables_say(ledger: Ledger, tmp_path: Path) -> None:
    with ledger._database.read() as connection:
        context = MigrationContext.configure(connection, opts={"version_table": VERSIONS})
        assert compare_metadata(context, metadata) == []
    metadata.create_all(sa.create_engine(f"sqlite:///{tmp_path}/plain.db"))
    made = [each for each in layout(tmp_path / "consent.db") if each[0] != "trigger"]
    assert made == layout(tmp_path / "plain.db")


def test_the_revision_is_the_last_step() -> None:
    assert ScriptDirectory(migrations.__path__[0]).get_current_head() == REVISION


def test_a_ledger_that_was_made_before_alembic_is_adopted(
    ledger: Ledger, decisions: Decisions, tmp_path: Path
) -> None:
    ledger.append(decisions.grant(ANNA, Purpose.CLICKS))
    before = layout(tmp_path / "consent.db")
    with closing(sqlite3.connect(tmp_path / "consent.db")) as raw:
        raw.executescript("""
            DROP TABLE ledger_schema; DROP TABLE opening; DROP TABLE webhook; DROP TABLE question;
            CREATE TABLE ledger_schema (id SMALLINT NOT NULL, version INTEGER NOT NULL, PRIMARY KEY (id));
            INSERT INTO ledger_schema VALUES (1, 2);
        """)
    with closing(Ledger(f"sqlite:///{tmp_path}/consent.db")) as adopted:
        assert adopted.append(decisions.withdraw(ANNA, Purpose.CLICKS)) == 2
        assert adopted.verify()[::2] == (2, None)
    assert layout(tmp_path / "consent.db") == before


def test_the_oldest_one_comes_out_like_a_new_one(ledger: Ledger, tmp_path: Path) -> None:
    assert ledger.head() == 0
    old_ledger(tmp_path / "old.db", range(1, 4))
    Ledger(f"sqlite:///{tmp_path}/old.db").close()
    assert layout(tmp_path / "old.db") == layout(tmp_path / "consent.db")


@pytest.mark.usefixtures("ledger")
def test_a_program_of_before_alembic_refuses_it(tmp_path: Path) -> None:
    """It asks for this number first, and takes a ledger without the table for the oldest layout."""
    with (
        closing(sqlite3.connect(tmp_path / "consent.db")) as raw,
        pytest.raises(sqlite3.OperationalError, match="no such column"),
    ):
        raw.execute("SELECT ledger_schema.version FROM ledger_schema")


@pytest.mark.usefixtures("ledger")
@pytest.mark.parametrize("newer", ["UPDATE ledger_schema SET version_num = '9999'", "numbered"])
def test_a_ledger_of_a_newer_program_is_left_alone(tmp_path: Path, newer: str) -> None:
    with closing(sqlite3.connect(tmp_path / "consent.db")) as raw:
        if newer == "numbered":
            raw.execute(f"DROP TABLE {VERSIONS}")
            newer = f"CREATE TABLE {VERSIONS} AS SELECT 1 AS id, 3 AS version"
        raw.execute(newer)
        raw.commit()
    before = layout(tmp_path / "consent.db")
    with pytest.raises(ConfigError, match="made by a newer smtp-gate"):
        Ledger(f"sqlite:///{tmp_path}/consent.db")
    assert layout(tmp_path / "consent.db") == before


@pytest.mark.usefixtures("ledger")
def test_alembic_is_not_loaded_for_a_ledger_that_is_as_it_should_be(tmp_path: Path) -> None:
    code = "import sys; from smtp_gate.consent import Ledger; Ledger(sys.argv[1]); print('alembic' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code, f"sqlite:///{tmp_path}/consent.db"], stdout=subprocess.PIPE, check=True
    )
    assert done.stdout == b"False\n"
