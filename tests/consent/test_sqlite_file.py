"""What a ledger in a file of SQLite needs beside what all ledgers do."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from smtp_gate.consent import Ledger, LedgerStore
from smtp_gate.consent.sqlite_file import SqliteReader
from smtp_gate.errors import ConfigError, StoreUnavailable
from smtp_gate.model import NOTHING, UNKNOWN, Consent, Purpose

if TYPE_CHECKING:
    from pathlib import Path

    from tests.consent.conftest import Decisions

ANNA, PERF = b"a" * 16, Purpose.PERFORMANCE


def test_only_the_owner_may_read_the_file(ledger: Ledger, tmp_path: Path) -> None:
    assert ledger.head() == 0
    assert stat.S_IMODE((tmp_path / "consent.db").stat().st_mode) == 0o600


def test_a_commit_is_synced_to_the_disk_and_readers_are_not_held_up(ledger: Ledger) -> None:
    with ledger._database.read() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2


@pytest.mark.usefixtures("ledger")
def test_a_ledger_that_another_holds_is_waited_for_and_then_unavailable(
    decisions: Decisions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("smtp_gate.consent.sqlite_file.LEDGER_BUSY", 0.1)
    hasty = Ledger(f"sqlite:///{tmp_path}/consent.db", lambda: decisions.grant(ANNA, PERF).at)
    with closing(sqlite3.connect(tmp_path / "consent.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="ledger_locked"):
            hasty.append(decisions.grant(ANNA, PERF))
        assert hasty.history(ANNA) == []
        other.execute("ROLLBACK")
    assert hasty.append(decisions.grant(ANNA, PERF)) == 1
    hasty.close()


def test_another_file_is_not_taken_for_a_ledger(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"no database at all" * 100)
    with pytest.raises(ConfigError, match="not a usable ledger: file is not a database"):
        Ledger(f"sqlite:///{tmp_path}/x")


@pytest.mark.parametrize("content", [None, b"", b"no database " * 1000])
async def test_no_ledger_is_unavailable_and_comes_back_by_itself(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "consent.db"
    if content is not None:
        path.write_bytes(content)
    store = LedgerStore(SqliteReader(path))
    with pytest.raises(StoreUnavailable, match="ledger"):
        await store.look_up("acme", [ANNA])
    path.unlink()
    Ledger(f"sqlite:///{path}").close()
    assert await store.look_up("acme", [ANNA]) == [UNKNOWN]
    await store.close()


@pytest.mark.parametrize(
    ("mark", "grants"),
    [
        ("grant", b"\x01"),
        ("grant", b"\x21\0\0\0\0"),
        ("grant", b"\0\0\0\0\0"),
        ("maybe", b"\x01\0\0\0\0"),
        ("grant", "\x01\0\0\0\0"),
        (1, b"\x01\0\0\0\0"),
        ("grant", 1),
    ],
)
async def test_an_odd_row_is_doubt(
    ledger: Ledger, decisions: Decisions, tmp_path: Path, mark: object, grants: object
) -> None:
    ledger.append(decisions.grant(ANNA, Purpose.CLICKS))
    with closing(sqlite3.connect(tmp_path / "consent.db")) as raw, raw:
        raw.execute("UPDATE standing SET mark = ?, grants = ?", (mark, grants))
    store = LedgerStore(SqliteReader(tmp_path / "consent.db"))
    assert await store.look_up("acme", [ANNA]) == [Consent(NOTHING, "doubt")]
    await store.close()


@pytest.mark.usefixtures("ledger")
def test_look_ups_cannot_write(tmp_path: Path) -> None:
    reader = SqliteReader(tmp_path / "consent.db")
    reader.read("acme", [ANNA])
    assert reader._connection is not None
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader._connection.execute("DELETE FROM event")
    reader.close()
