"""The API keeps what its document says, whatever it is called with: schemathesis tries."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from smtp_gate.consent import Ledger, LedgerStore, Register
from smtp_gate.web.api import Api
from smtp_gate.web.app import web_app
from smtp_gate.web.openapi import document
from tests.web.site import ACME, RING, Heard, Site
from tests.web.test_api import KEYS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from starlette.applications import Starlette

EXAMPLES = int(os.environ.get("SMTP_GATE_API_EXAMPLES", "15"))
"""Calls of each of the six kinds; a search for what nobody thought of takes thousands."""


@pytest.fixture(name="app")
def _app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Starlette]:
    for name in ("MAX_API_CALLS", "MAX_STRANGERS_PER_NETWORK"):
        monkeypatch.setattr(f"smtp_gate.web.rates.{name}", 1_000_000)
    ledger = Ledger(f"sqlite:///{tmp_path / 'consent.db'}")
    register, store = Register(ledger), LedgerStore(ledger.reader())
    yield web_app(Site().catalogue, RING, store, register, {"acme": ACME}, log=Heard(), api=Api(KEYS, register))
    ledger.close()


@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_calls_are_answered_as_the_document_says(app: Starlette, mode: str) -> None:
    import schemathesis  # noqa: PLC0415 - takes two seconds, and nobody else needs it
    from schemathesis.checks import load_all_checks  # noqa: PLC0415 - the same
    from schemathesis.specs.openapi.checks import positive_data_acceptance  # noqa: PLC0415 - the same

    load_all_checks()
    raw = json.loads(document())
    for word in ("if", "then", "else"):  # by trial and error it would take half a minute to obey them
        del raw["components"]["schemas"]["Decision"][word]
    schema = schemathesis.openapi.from_dict(raw)
    schema.app = app
    for path in ("/consents", "/consents/batch", "/consents/search"):
        calls = schema[path]["POST"].as_strategy(generation_mode=schemathesis.GenerationMode(mode))

        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.generate],  # to shrink what was found takes minutes
            suppress_health_check=list(HealthCheck),
        )
        @given(calls)
        def call(case: Any) -> None:
            answer = case.call(headers={"Authorization": "Bearer secret-crm"})
            case.validate_response(answer, excluded_checks=[positive_data_acceptance])
            if mode == "positive" and answer.status_code == 422:
                # Nor can a document say "before now" or "after the other one".
                fields = {fault["pointer"].rpartition("/")[2] for fault in answer.json()["errors"]}
                assert fields <= {"at", "expires", "notice", "language", "purposes"}

        call()
