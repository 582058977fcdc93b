"""A running gate signs the ledger's head, and says so when the ledger is not the one that was signed."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

from smtp_gate.model import Purpose
from tests.hop_thread import HopThread
from tests.serve_process import ServeProcess, eventually


def test_heads_are_signed_once_for_all_workers_and_a_cut_ledger_is_told() -> None:
    with HopThread() as hop, ServeProcess(hop.url, config={"consent": {"heads": "heads.jsonl"}}) as serve:
        serve.agrees("alice@reader.example", Purpose.CLICKS)
        serve.agrees("bob@reader.example", Purpose.CLICKS)
        assert serve.stop() == 0
        serve.start()
        heads = serve.folder / "heads.jsonl"
        eventually(lambda: heads.exists() and heads.read_text().endswith("\n"))
        assert serve.stop() == 0
        assert [json.loads(line)["events"] for line in heads.read_text().splitlines()] == [2]
        with closing(sqlite3.connect(next(serve.folder.glob("*.db")))) as raw:
            raw.executescript(
                "DROP TRIGGER event_stays; DELETE FROM event WHERE seq = 2; UPDATE ledger_head SET seq = 1"
            )
        serve.start()
        eventually(lambda: serve.events("ledger_replaced"))
        told = serve.events("ledger_replaced")[0]
        assert (told["events"], told["signed"]) == (1, 2)
