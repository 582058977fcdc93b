"""Rows with an origin become events, once; all others are told by line and reason, without what is in them."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtp_gate.consent import Choice, Entry, Ledger, csv_import
from smtp_gate.consent.csv_import import CsvRows, Imported, NotThisFile, Skipped, import_csv
from smtp_gate.model import EVERYTHING, Purpose
from smtp_gate.tokens import Keyring, subject_of

if TYPE_CHECKING:
    from tests.consent.conftest import Hands

subject = partial(subject_of, Keyring({1: bytes(64)}, 1, bytes(64)))
HEADER = "address,controller,purposes,decision,at,method,source,notice\n"
GOOD = "anna@example.com,acme,clicks,grant,2026-04-20T10:00:00+02:00,form,https://acme.example/news,v3\n"


def rows(text: str | bytes, clock: Hands, zone: str = "") -> CsvRows:
    data = text if isinstance(text, bytes) else text.encode()
    return CsvRows(io.BytesIO(data), subject, {"acme", "other"}, zone=ZoneInfo(zone) if zone else None, clock=clock)


def test_a_row_becomes_an_event_with_its_origin(clock: Hands) -> None:
    text = (
        HEADER.replace("\n", ",reference,language,expires\n")
        + 'Anna@Example.com,acme,"performance, clicks",grant,2026-04-20T10:00:00+02:00,form,'
        + "https://acme.example/news,v3,form 7,fr,2026-10-20T10:00:00Z\n"
    )
    (entry,) = rows(text, clock)
    assert isinstance(entry, Entry)
    event = entry.event
    assert entry.address == b"Anna@Example.com"
    assert event.subject == subject(b"anna@example.com")
    assert (event.controller, event.decision) == ("acme", Choice.GRANT)
    assert event.purposes == Purpose.PERFORMANCE | Purpose.CLICKS
    assert event.at == datetime(2026, 4, 20, 8, tzinfo=UTC)
    assert event.expires == datetime(2026, 10, 20, 10, tzinfo=UTC)
    assert (event.method, event.source, event.notice) == ("form", "https://acme.example/news", "v3")
    assert (event.reference, event.language, event.actor) == ("form 7", "fr", "import")


@pytest.mark.parametrize(
    "text",
    [
        HEADER + GOOD,
        "\ufeff" + HEADER + GOOD,
        (HEADER + GOOD).replace(",", ";"),
        (HEADER + GOOD).replace(",", "\t"),
        (HEADER + GOOD).replace("\n", "\r\n"),
        HEADER.upper() + "\n\n" + GOOD.replace(",grant,", ", GRANT ,") + ",,,,,,,\n",
        (HEADER + GOOD).rstrip("\n"),
    ],
    ids=["plain", "byte_order_mark", "semicolon", "tab", "crlf", "loose", "no_end"],
)
def test_files_of_usual_programs_are_read(text: str, clock: Hands) -> None:
    (entry,) = rows(text, clock)
    assert isinstance(entry, Entry)
    assert entry.event.purposes == Purpose.CLICKS


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "missing: address, controller"),
        ("anna@example.com,acme,clicks\n", "missing: address"),
        (HEADER.replace(",method", ""), "missing: method"),
        (HEADER.replace("\n", ",phone\n"), "not known; known are address"),
        (HEADER.replace("\n", ",source\n"), "a column twice"),
    ],
)
def test_a_file_that_does_not_name_its_columns_is_refused_whole(text: str, said: str, clock: Hands) -> None:
    with pytest.raises(NotThisFile, match=said):
        rows(text, clock)


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (GOOD.replace("anna@example.com", ""), "address must be one plain address"),
        (GOOD.replace("anna@example.com", "Anna <anna@example.com>"), "address must be one plain address"),
        (GOOD.replace("anna@example.com", "a@b@example.com"), "address must be one plain address"),
        (GOOD.replace("acme,", "acne,"), "controller must be an id of the configuration"),
        (GOOD.replace("clicks", "opens"), "purposes must be some of performance"),
        (GOOD.replace("clicks", ""), "purposes must be some of"),
        (GOOD.replace("clicks", "all"), "purposes of a grant must be named one by one"),
        (GOOD.replace("grant", "yes"), "decision must be grant, refuse or withdraw"),
        (GOOD.replace("2026-04-20T10:00:00+02:00", ""), "at must be a time"),
        (GOOD.replace("2026-04-20T10:00:00+02:00", "20/04/2026"), "at must be a time"),
        (GOOD.replace("+02:00", ""), "at must have a time zone"),
        (GOOD.replace("2026-04", "2026-06"), "at must not be in the future"),
        (GOOD.replace("2026-04", "1926-04"), "at must be a time after 1970"),
        (GOOD.replace("2026-04-20T10:00:00+02:00", "0001-01-01T00:00:00+14:00"), "at must be a time"),
        (GOOD.replace("form", ""), "method must not be empty"),
        (GOOD.replace("https://acme.example/news", " "), "source must not be empty"),
        (GOOD.replace("v3", ""), "notice must name the wording"),
        (GOOD.replace("v3", "v" * 1001), "notice must be at most 1000 characters"),
        (GOOD.replace(",v3", ""), "another number of columns"),
        (GOOD.replace("v3", "v3,"), "another number of columns"),
        (GOOD.replace("v3", '"v\n3"'), "notice must be at most"),
    ],
)
def test_a_row_that_proves_nothing_does_not_count_and_the_next_one_does(
    bad: str, reason: str, clock: Hands
) -> None:
    first, second, third = rows(HEADER + GOOD + bad + GOOD, clock)
    assert isinstance(first, Entry)
    assert isinstance(second, Skipped)
    assert isinstance(third, Entry)
    assert second.line == 3
    assert reason in second.reason
    assert "@" not in second.reason.replace("local@domain", "")


def test_rows_of_several_lines_are_told_by_their_first(clock: Hands) -> None:
    many = GOOD.replace("https://acme.example/news", '"two\nlines"')
    found = list(rows(HEADER + GOOD + many + GOOD.replace("acme,", "x,"), clock))
    assert [row.line for row in found if isinstance(row, Skipped)] == [3, 5]


def test_octets_that_are_no_utf_8_cost_their_row_only(clock: Hands) -> None:
    latin = GOOD.encode().replace(b"form", "téléphone".encode("latin-1"))
    first, second = rows(HEADER.encode() + latin + GOOD.encode(), clock)
    assert isinstance(first, Skipped)
    assert first.reason == "the row is not UTF-8"
    assert isinstance(second, Entry)


def test_a_field_without_end_and_a_null_octet_are_no_crash(clock: Hands) -> None:
    huge = GOOD.replace("v3", "v" * 200_000)
    found = list(rows(HEADER + huge + GOOD.replace("v3", "v\0") + GOOD, clock))
    assert [isinstance(row, Skipped) for row in found] == [True, True, False]


@given(st.binary(max_size=300))
@settings(max_examples=100)
def test_any_octets_are_rows_or_reasons(octets: bytes) -> None:
    for row in CsvRows(io.BytesIO(HEADER.encode() + octets), subject, {"acme"}):
        assert isinstance(row, (Entry, Skipped))


def test_refusals_need_no_wording_and_may_be_of_all(clock: Hands) -> None:
    text = HEADER + GOOD.replace("grant", "withdraw").replace("clicks", "all").replace("v3", "")
    (entry,) = rows(text, clock)
    assert isinstance(entry, Entry)
    assert (entry.event.decision, entry.event.purposes) == (Choice.WITHDRAW, EVERYTHING)


def test_times_without_a_zone_count_when_the_zone_is_told(clock: Hands) -> None:
    text = HEADER + GOOD.replace("+02:00", "") + GOOD
    first, second = rows(text, clock, "Europe/Paris")
    assert first == second


def test_the_same_row_twice_is_one_event_in_one_file_and_in_two(ledger: Ledger, clock: Hands) -> None:
    refused = GOOD.replace("grant", "refuse")
    first = HEADER + GOOD + GOOD + refused + GOOD.replace("acme,", "x,")
    assert import_csv(rows(first, clock), ledger) == Imported(2, 1, 1)
    again = HEADER + refused + GOOD.replace("+02:00", "Z").replace("T10", "T08") + GOOD.replace("v3", "v4")
    assert import_csv(rows(again, clock), ledger) == Imported(1, 2, 0)
    assert ledger.head() == 3
    assert [each.event.notice for each in ledger.history(subject(b"anna@example.com"))] == ["v3", "v3", "v4"]


def test_a_dry_run_tells_the_same_and_writes_nothing(ledger: Ledger, clock: Hands) -> None:
    text = HEADER + GOOD + GOOD + GOOD.replace("anna", "bert") + GOOD.replace("acme,", "x,")
    told = import_csv(rows(text, clock), ledger, dry_run=True)
    assert ledger.head() == 0
    assert import_csv(rows(text, clock), ledger) == told == Imported(2, 1, 1)
    assert import_csv(rows(text, clock), ledger, dry_run=True) == Imported(0, 3, 1)


def test_large_files_go_in_by_batches_and_say_how_far_they_are(
    ledger: Ledger, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(csv_import, "BATCH", 10)
    text = HEADER + "".join(GOOD.replace("anna", f"anna{number % 24}") for number in range(25))
    seen: list[int] = []
    assert import_csv(rows(text, clock), ledger, progress=seen.append) == Imported(24, 1, 0)
    assert seen == [10, 20, 25]
    assert ledger.count() == 24
    assert ledger.address(subject(b"anna7@example.com")) == b"anna7@example.com"


def test_an_old_list_revives_nobody(ledger: Ledger, clock: Hands) -> None:
    withdrawn = GOOD.replace("grant", "withdraw").replace("2026-04-20", "2026-04-25")
    import_csv(rows(HEADER + withdrawn, clock), ledger)
    clock.on(days=3)
    import_csv(rows(HEADER + GOOD, clock), ledger)
    standing = ledger.standing("acme", subject(b"anna@example.com"))
    assert standing
    assert standing.grants == ()
