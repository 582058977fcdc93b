"""An export holds all that was recorded, and shows by itself what was done to it."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from smtp_gate.consent import Entry, Ledger
from smtp_gate.consent.export import NotAnExport, Span, verify_export
from smtp_gate.model import Purpose

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.consent.conftest import Decisions, Hands

BOTH_DATABASES = True
ANNA, BERT = b"a" * 16, b"b" * 16
CLICKS = Purpose.CLICKS
TEXT = "Nous mesurons l'ouverture.\n"


@pytest.fixture
def full(ledger: Ledger, decisions: Decisions) -> Ledger:
    """Six events; Anna, who is in 1, 3 and 5, agreed to a kept wording and is taken out by 7."""
    ledger.add_notice("acme", "v3", "fr", TEXT)
    for number in range(1, 7):
        subject, address = (ANNA, b"anna@reader.example") if number % 2 else (BERT, b"bert@reader.example")
        fields = {"notice": "v3", "language": "fr", "controller": "acme" if number < 6 else "other"}
        event = decisions.grant(subject, CLICKS, **fields, expires=decisions.grant(ANNA, CLICKS).at + timedelta(9))
        ledger.append_many([Entry(event, address, bytes([number]) * 16)])
    ledger.erase(ANNA)
    return ledger


def lines_of(ledger: Ledger, **span: Any) -> list[bytes]:
    return [json.dumps(line).encode() for line in ledger.export(Span(**span))]


def test_all_events_and_wordings_are_in_it_and_it_is_good(full: Ledger) -> None:
    lines = lines_of(full)
    first, notice, *events, end = (json.loads(line) for line in lines)
    assert first["ledger"] == {"events": 7, "hash": full.last()[1].hex()}
    assert notice["notice"]["text"] == TEXT
    assert [line["event"]["record_id"] for line in events] == [1, 2, 3, 4, 5, 6, 7]
    assert end == {"end": {"events": 7}}
    bert = events[1]["event"]
    assert (bert["pii_principal_id"], bert["address"]) == (BERT.hex(), "bert@reader.example")
    assert (bert["purposes"], bert["event_state"], bert["privacy_notice"]) == (["clicks"], "given", "v3")
    assert events[0]["event"]["pii_principal_id"] is events[0]["event"]["address"] is None
    assert events[0]["event"]["erased_by"] == 7
    assert "anna@reader" not in str(events)
    assert verify_export(lines, dict([full.last()])) == (7, full.last()[1], None)


def test_a_part_of_it_is_good_by_itself(full: Ledger, clock: Hands) -> None:
    for span, seqs in (
        ({"controller": "other"}, [6]),
        ({"since": clock() - timedelta(seconds=3)}, [5, 6, 7]),
        ({"until": clock() - timedelta(seconds=3)}, [1, 2, 3, 4]),
        ({"since": clock() + timedelta(seconds=1)}, []),
    ):
        lines = lines_of(full, **span)
        assert [json.loads(line)["event"]["record_id"] for line in lines if b'"event"' in line] == seqs
        verdict = verify_export(lines, {})
        assert (verdict.events, verdict.fault) == (len(seqs), None)


def test_addresses_can_be_left_out(full: Ledger) -> None:
    lines = lines_of(full, addresses=False)
    assert b"@" not in b"".join(lines)
    assert verify_export(lines, {}).fault is None


@pytest.mark.parametrize(
    ("spoil", "seq", "kind"),
    [
        (lambda lines: lines.pop(3), 7, "missing"),
        (lambda lines: lines.insert(4, lines.pop(3)), 2, "link"),
        (lambda lines: lines.insert(4, lines[3]), 2, "link"),
        (lambda lines: _swap(lines, 3, b'"given"', b'"refused"'), 2, "forged"),
        (lambda lines: _swap(lines, 3, BERT.hex().encode(), ANNA.hex().encode()), 2, "person"),
        (lambda lines: _swap(lines, 1, b"mesurons", b"lisons"), 0, "notice"),
        (lambda lines: lines.pop(1), 1, "notice"),
    ],
)
def test_what_is_done_to_the_file_is_found_and_named(
    full: Ledger, spoil: Callable[[list[bytes]], object], seq: int, kind: str
) -> None:
    lines = lines_of(full)
    spoil(lines)
    fault = verify_export(lines, {}).fault
    assert fault is not None
    assert (fault.seq, fault.kind) == (seq, kind)


def test_an_event_that_was_written_anew_is_found_by_what_was_signed(full: Ledger) -> None:
    fault = verify_export(lines_of(full), {4: bytes(32)}).fault
    assert fault is not None
    assert (fault.seq, fault.kind) == (4, "signed")


@pytest.mark.parametrize("lines", [[], [b"no json"], [b"[]"], [b"{}"], [b'{"export": "another 1"}']])
def test_another_file_is_no_export(lines: list[bytes]) -> None:
    with pytest.raises(NotAnExport):
        verify_export(lines, {})


def test_a_file_that_was_cut_off_is_told(full: Ledger) -> None:
    with pytest.raises(NotAnExport, match="was cut off"):
        verify_export(lines_of(full)[:-1], {})


def _swap(lines: list[bytes], at: int, one: bytes, other: bytes) -> None:
    assert one in lines[at]
    lines[at] = lines[at].replace(one, other)
