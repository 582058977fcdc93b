"""Look-ups in the ledger itself: nothing but an answer, or the word that there is none."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from smtp_gate.consent import Ledger, LedgerStore
from smtp_gate.errors import StoreUnavailable
from smtp_gate.limits import BREAKER_FAILURES, STORE_TIMEOUT
from smtp_gate.model import NOTHING, UNKNOWN, Consent, Purpose

if TYPE_CHECKING:
    from pathlib import Path

    from tests.consent.conftest import Decisions

ANNA = b"a" * 16


async def test_a_decision_holds_for_the_next_look_up(ledger: Ledger, decisions: Decisions) -> None:
    store = LedgerStore(ledger.path)
    assert await store.look_up("acme", [ANNA]) == [UNKNOWN]
    ledger.append(decisions.grant(ANNA, Purpose.CLICKS))
    assert await store.look_up("acme", [ANNA]) == [Consent(Purpose.CLICKS, "granted")]
    ledger.append(decisions.withdraw(ANNA, Purpose.CLICKS))
    assert await store.look_up("acme", [ANNA]) == [Consent(NOTHING, "withdrawn")]
    await store.close()


async def test_it_answers_while_somebody_writes(ledger: Ledger, decisions: Decisions) -> None:
    ledger.append(decisions.grant(ANNA, Purpose.CLICKS))
    store = LedgerStore(ledger.path)
    with closing(sqlite3.connect(ledger.path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("DELETE FROM standing")
        assert await store.look_up("acme", [ANNA]) == [Consent(Purpose.CLICKS, "granted")]
        writer.execute("ROLLBACK")
    await store.close()


@pytest.mark.parametrize("content", [None, b"", b"no database " * 1000])
async def test_no_ledger_is_unavailable_and_comes_back_by_itself(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "consent.db"
    if content is not None:
        path.write_bytes(content)
    store = LedgerStore(path)
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
async def test_an_odd_row_is_doubt(ledger: Ledger, decisions: Decisions, mark: object, grants: object) -> None:
    ledger.append(decisions.grant(ANNA, Purpose.CLICKS))
    with closing(sqlite3.connect(ledger.path)) as raw, raw:
        raw.execute("UPDATE standing SET mark = ?, grants = ?", (mark, grants))
    store = LedgerStore(ledger.path)
    assert await store.look_up("acme", [ANNA]) == [Consent(NOTHING, "doubt")]
    await store.close()


async def test_a_disk_that_stalls_costs_the_time_limit_and_then_nothing(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    store = LedgerStore(ledger.path, monotonic=lambda: now[0])
    stalled = threading.Event()

    def stall(_controller: str, _subjects: tuple[bytes, ...]) -> dict[bytes, tuple[object, object]]:
        stalled.wait(30)
        return {}

    monkeypatch.setattr(store, "_read", stall)
    start = time.monotonic()
    lost = await asyncio.gather(
        *(store.look_up("acme", [ANNA]) for _ in range(BREAKER_FAILURES)), return_exceptions=True
    )
    assert [str(each) for each in lost] == ["consent store unavailable: timeout"] * BREAKER_FAILURES
    assert STORE_TIMEOUT <= time.monotonic() - start < STORE_TIMEOUT + 2
    with pytest.raises(StoreUnavailable, match="breaker_open"):
        await store.look_up("acme", [ANNA])
    stalled.set()
    monkeypatch.undo()
    now[0] += 60
    assert await store.look_up("acme", [ANNA]) == [UNKNOWN]
    await store.close()


async def test_it_cannot_write(ledger: Ledger) -> None:
    store = LedgerStore(ledger.path)
    await store.look_up("acme", [ANNA])
    assert store._connection is not None
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        store._connection.execute("DELETE FROM event")
    await store.close()
