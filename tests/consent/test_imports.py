"""Rows with an origin become events, once; all others are told by line and reason, without what is in them."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtp_gate.config.source_map import PLAIN, Map
from smtp_gate.consent import Choice, Entry, Ledger, imports, utc_now
from smtp_gate.consent.imports import Imported, Skipped, import_rows
from smtp_gate.consent.mapping import Mapper, plain_columns
from smtp_gate.consent.raw_rows import CsvRows, JsonRows, NotThisFile, RawRow
from smtp_gate.consent.transition import end_of, words
from smtp_gate.model import EVERYTHING, Purpose
from smtp_gate.tokens import Keyring, subject_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smtp_gate.consent import Clock
    from tests.consent.conftest import Hands

subject = partial(subject_of, Keyring({1: bytes(64)}, 1, bytes(64)))
HEADER = "address,controller,purposes,decision,at,method,source,notice\n"
GOOD = "anna@example.com,acme,clicks,grant,2026-04-20T10:00:00+02:00,form,https://acme.example/news,v3\n"


def raw(text: str | bytes) -> CsvRows:
    rows = CsvRows(io.BytesIO(text if isinstance(text, bytes) else text.encode()), "people.csv")
    rows.columns = plain_columns(rows.columns)
    return rows


def mapper(clock: Clock, zone: str = "", columns: Map = PLAIN, folder: Path = Path("/nowhere")) -> Mapper:
    return Mapper(
        columns,
        subject,
        {"acme": "Acme SAS", "other": "Other"},
        folder=folder,
        zone=ZoneInfo(zone) if zone else None,
        name="people.csv",
        clock=clock,
    )


def read(rows: Iterable[RawRow], by: Mapper) -> list[Entry | Skipped]:
    """What counts of each row, and then why the rest does not."""
    found: list[Entry | Skipped] = []
    for row in rows:
        mapped = by.read(row)
        found += mapped.entries
        if mapped.reason:
            found.append(Skipped(row.place, mapped.reason, by.address(row), row.values))
    return found


def rows(text: str | bytes, clock: Clock, zone: str = "") -> list[Entry | Skipped]:
    return read(raw(text), mapper(clock, zone))


def bring(text: str, ledger: Ledger, clock: Hands, **how: Any) -> Imported:
    return import_rows(raw(text), mapper(clock), ledger, **how)


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
        ("", "names no columns"),
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
    found = rows(HEADER + GOOD + many + GOOD.replace("acme,", "x,"), clock)
    assert [row.line for row in found if isinstance(row, Skipped)] == [3, 5]


def test_octets_that_are_no_utf_8_cost_their_row_only(clock: Hands) -> None:
    latin = GOOD.encode().replace(b"form", "téléphone".encode("latin-1"))
    first, second = rows(HEADER.encode() + latin + GOOD.encode(), clock)
    assert isinstance(first, Skipped)
    assert first.reason == "the row is not UTF-8"
    assert isinstance(second, Entry)


def test_a_field_without_end_and_a_null_octet_are_no_crash(clock: Hands) -> None:
    huge = GOOD.replace("v3", "v" * 200_000)
    found = rows(HEADER + huge + GOOD.replace("v3", "v\0") + GOOD, clock)
    assert [isinstance(row, Skipped) for row in found] == [True, True, False]


@given(st.binary(max_size=300))
@settings(max_examples=100)
def test_any_octets_are_rows_or_reasons(octets: bytes) -> None:
    for row in rows(HEADER.encode() + octets, utc_now):
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
    assert bring(first, ledger, clock) == Imported(4, 2, 1, 1, 0)
    again = HEADER + refused + GOOD.replace("+02:00", "Z").replace("T10", "T08") + GOOD.replace("v3", "v4")
    assert bring(again, ledger, clock) == Imported(3, 1, 2, 0, 0)
    assert ledger.head() == 3
    assert [each.event.notice for each in ledger.history(subject(b"anna@example.com"))] == ["v3", "v3", "v4"]


def test_a_dry_run_tells_the_same_and_writes_nothing(ledger: Ledger, clock: Hands) -> None:
    text = HEADER + GOOD + GOOD + GOOD.replace("anna", "bert") + GOOD.replace("acme,", "x,")
    told = bring(text, ledger, clock, dry_run=True)
    assert ledger.head() == 0
    assert bring(text, ledger, clock) == told == Imported(4, 2, 1, 1, 0)
    assert bring(text, ledger, clock, dry_run=True) == Imported(4, 0, 3, 1, 0)


def test_large_files_go_in_by_batches_and_say_how_far_they_are(
    ledger: Ledger, clock: Hands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "BATCH", 10)
    text = HEADER + "".join(GOOD.replace("anna", f"anna{number % 24}") for number in range(25))
    seen: list[Imported] = []
    assert bring(text, ledger, clock, progress=seen.append) == Imported(25, 24, 1, 0, 0)
    assert [each.read for each in seen] == [10, 20, 25]
    assert ledger.count() == 24
    assert ledger.address(subject(b"anna7@example.com")) == b"anna7@example.com"


def test_an_old_list_revives_nobody(ledger: Ledger, clock: Hands) -> None:
    withdrawn = GOOD.replace("grant", "withdraw").replace("2026-04-20", "2026-04-25")
    bring(HEADER + withdrawn, ledger, clock)
    clock.on(days=3)
    bring(HEADER + GOOD, ledger, clock)
    standing = ledger.standing("acme", subject(b"anna@example.com"))
    assert standing
    assert standing.grants == ()


def test_a_refusal_counts_however_little_comes_with_it(clock: Hands) -> None:
    """What ends tracking is believed: without time, origin, wording, or with purposes that nobody knows."""
    for text in (
        GOOD.replace("grant", "refuse").replace("2026-04-20T10:00:00+02:00", ""),
        GOOD.replace("grant", "withdraw").replace("2026-04-20T10:00:00+02:00", "yesterday"),
        GOOD.replace("grant", "withdraw").replace("2026-04", "2036-04"),
        GOOD.replace("grant", "refuse").replace("clicks", "whatever").replace("form", "").replace("v3", "v" * 2000),
        GOOD.replace("grant", "refuse").replace("https://acme.example/news", '"two\nlines"'),
    ):
        (entry,) = rows(HEADER + text, clock)
        assert isinstance(entry, Entry)
        assert entry.event.decision is not Choice.GRANT
        assert entry.event.method
        assert entry.event.source
        assert entry.event.at <= clock()
    (entry,) = rows(HEADER + "a@b.example,acme,,refuse,,,,\n", clock)
    assert isinstance(entry, Entry)
    assert (entry.event.purposes, entry.event.source, entry.event.at) == (EVERYTHING, "people.csv", clock())


def test_a_refusal_without_a_time_is_one_event_however_often_it_comes(ledger: Ledger, clock: Hands) -> None:
    text = HEADER + GOOD.replace("grant", "refuse").replace("2026-04-20T10:00:00+02:00", "")
    assert bring(text, ledger, clock) == Imported(1, 1, 0, 0, 1)
    clock.on(days=1)
    assert bring(text, ledger, clock) == Imported(1, 0, 1, 0, 1)


def test_a_refusal_without_a_zone_is_not_taken_for_earlier_than_it_was(clock: Hands) -> None:
    (entry,) = rows(HEADER + GOOD.replace("grant", "refuse").replace("+02:00", ""), clock)
    assert isinstance(entry, Entry)
    assert entry.event.at == datetime(2026, 4, 20, 22, tzinfo=UTC)


CRM: dict[str, Any] = {
    "email": "Contact.Mail",
    "controller": {"column": "Brand", "values": {"Acme SAS": "acme", "Other": "other"}},
    "purposes": {"each": {"performance": "Opens", "clicks": "Contact.Clicks"}},
    "at": {"column": "When", "format": ["%d/%m/%Y %H:%M", "unix"], "zone": "Europe/Paris"},
    "method": {"fixed": "form"},
    "source": {"fixed": "https://acme.example/news"},
    "notice": {"column": "Text", "values": {"old": "v1", "new": "v2"}},
}
ROW: dict[str, Any] = {
    "Contact": {"Mail": "anna@example.com", "Clicks": False},
    "Brand": "Acme SAS",
    "Opens": "Oui",
    "When": "20/04/2026 10:00",
    "Text": "new",
}


def mapped(row: dict[str, Any], clock: Hands, columns: dict[str, Any] = CRM, **how: Any) -> list[Entry | Skipped]:
    return read([RawRow(1, row)], mapper(clock, columns=Map.model_validate(columns), **how))


def test_a_column_for_each_purpose_says_yes_and_no(clock: Hands) -> None:
    yes, no = mapped(ROW, clock)
    assert isinstance(yes, Entry)
    assert isinstance(no, Entry)
    assert (yes.event.decision, yes.event.purposes) == (Choice.GRANT, Purpose.PERFORMANCE)
    assert (no.event.decision, no.event.purposes) == (Choice.REFUSE, Purpose.CLICKS)
    assert yes.event.at == datetime(2026, 4, 20, 8, tzinfo=UTC)
    assert (yes.event.notice, yes.event.method) == ("v2", "form")
    (no,) = mapped({**ROW, "Opens": None}, clock)
    assert isinstance(no, Entry)
    assert no.event.decision is Choice.REFUSE


def test_a_no_counts_though_the_yes_of_the_same_row_proves_nothing(clock: Hands) -> None:
    no, told = mapped({**ROW, "Text": "another"}, clock)
    assert isinstance(no, Entry)
    assert isinstance(told, Skipped)
    assert no.event.decision is Choice.REFUSE
    assert told.reason == "Text (notice) must be one of the values that are mapped"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"Brand": "Acne"}, "Brand (controller) must be one of the values that are mapped"),
        ({"Opens": "perhaps"}, "Opens must be one of the answers that are mapped"),
        ({"When": "2026-04-20"}, "When (at) must be a time as mapped"),
        ({"When": None}, "When (at) must be a time such as"),
        ({"Text": ["new"]}, "Text must be one value"),
        ({"Contact": "anna@example.com"}, "address must be one plain address"),
        ({"Contact": {"Mail": ["anna@example.com"]}}, "Contact.Mail must be one value"),
        ({"When": "1e400"}, "When (at) must be a time as mapped"),
    ],
)
def test_reasons_name_the_column_as_the_source_does(change: dict[str, Any], reason: str, clock: Hands) -> None:
    told = [each for each in mapped({**ROW, **change}, clock) if isinstance(each, Skipped)]
    assert len(told) == 1
    assert told[0].reason.startswith(reason)


def test_a_time_may_be_a_number_and_purposes_a_list(clock: Hands) -> None:
    columns = {
        "email": "mail", "purposes": "for", "decision": {"fixed": "grant"}, "controller": {"fixed": "acme"},
        "at": {"column": "at", "format": "unix_ms"}, "method": "how", "source": "where", "notice": "text",
    }  # fmt: skip
    row = {"mail": "a@b.example", "for": ["clicks", "fraud"], "at": 1776672000000, "how": "form", "where": "x",
           "text": "v1"}  # fmt: skip
    (entry,) = mapped(row, clock, columns)
    assert isinstance(entry, Entry)
    assert entry.event.at == datetime(2026, 4, 20, 8, tzinfo=UTC)
    assert entry.event.purposes == Purpose.CLICKS | Purpose.FRAUD


def test_what_another_one_collected_counts_only_with_a_proof(clock: Hands, tmp_path: Path) -> None:
    (tmp_path / "proofs").mkdir()
    (tmp_path / "proofs/anna.pdf").write_bytes(b"signed")
    (tmp_path / "secret").write_bytes(b"")
    columns = {
        **CRM, "purposes": {"fixed": "performance"}, "decision": {"fixed": "grant"},
        "collector": "Partner", "proof": {"column": "File", "folder": "proofs"},
    }  # fmt: skip

    def one(**change: str) -> Entry | Skipped:
        (found,) = mapped({**ROW, **change}, clock, columns, folder=tmp_path)
        return found

    bought = one(Partner="Leads Ltd", File="anna.pdf")
    assert isinstance(bought, Entry)
    assert bought.event.reference == (
        "collected by Leads Ltd; proof anna.pdf "
        "sha256:4a3cdfae6f291c8f544daea5b72905cf9e74c1ed427d831ad0d7ca00c73c794d"
    )
    for change in ({}, {"File": "../secret"}, {"File": "bert.pdf"}, {"File": "/etc/hostname"}, {"File": "."}):
        told = one(Partner="Leads Ltd", **change)
        assert isinstance(told, Skipped)
        assert told.reason.startswith("proof must")
    for own in ("Acme SAS", "acme", ""):
        assert isinstance(one(Partner=own), Entry)


def test_a_third_party_is_also_known_by_the_method_and_its_refusals_count(clock: Hands) -> None:
    third = GOOD.replace(",form,", ",third_party,")
    told, kept = rows(HEADER + third + third.replace("grant", "withdraw"), clock)
    assert isinstance(told, Skipped)
    assert isinstance(kept, Entry)


def test_json_lines_are_rows_and_what_is_none_is_told() -> None:
    text = b'\xef\xbb\xbf{"a": {"b": 1}}\n\n[1]\n{"a"\n' + b'"' + b"x" * 1_048_577 + b'"\n{"c": 2}'
    found = list(JsonRows(io.BytesIO(text), "people.jsonl"))
    assert [(row.place, row.values, row.fault[:8]) for row in found] == [
        (1, {"a": {"b": 1}}, ""),
        (3, {}, "the line"),
        (4, {}, "the line"),
        (5, {}, "the line"),
        (6, {"c": 2}, ""),
    ]
    assert "longer" in found[3].fault


@given(st.dictionaries(st.sampled_from([*ROW, "x"]), st.none() | st.integers() | st.text() | st.lists(st.text())))
@settings(max_examples=100)
def test_any_json_is_entries_or_a_reason(change: dict[str, Any]) -> None:
    by = mapper(utc_now, columns=Map.model_validate(CRM))
    for each in read([RawRow(1, {**ROW, **change})], by):
        assert isinstance(each, (Entry, Skipped))


OLD: dict[str, Any] = {
    "email": "mail", "controller": {"fixed": "acme"}, "purposes": {"fixed": ["performance", "clicks"]},
    "source": {"fixed": "mailing 77"}, "notice": {"fixed": "notice 1"},
    "transition": {"collected_at": "made", "informed_at": "told", "objected_at": "no"},
}  # fmt: skip
UNTIL = end_of(date(2027, 3, 31))


def old(clock: Hands, until: datetime | None = UNTIL, **change: str) -> Entry | Skipped:
    """A row of somebody of an older list; the clock stands after the transition."""
    clock.now = datetime(2026, 9, 1, tzinfo=UTC)
    row = {"mail": "anna@example.com", "made": "2026-04-13T23:59:59+02:00", "told": "2026-07-14T23:59:59+02:00"}
    by = Mapper(
        Map.model_validate(OLD), subject, {"acme": "Acme"}, folder=Path("/nowhere"), until=until, clock=clock
    )
    (found,) = read([RawRow(1, {**row, **change})], by)
    return found


def test_who_was_told_in_time_and_kept_silent_counts_until_the_day_and_never_for_clicks(clock: Hands) -> None:
    found = old(clock)
    assert isinstance(found, Entry)
    event = found.event
    assert (event.method, event.purposes) == ("french_transition", Purpose.PERFORMANCE)
    assert event.expires == datetime(2027, 3, 31, 21, 59, 59, tzinfo=UTC)
    assert (event.reference, event.notice, event.source) == ("collected 2026-04-13", "notice 1", "mailing 77")
    assert words(event).startswith("was told and did not object; no consent")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"made": "2026-04-14T00:00:00+02:00"}, "collected_at is not before 14 April 2026"),
        ({"made": ""}, "collected_at is not before 14 April 2026"),
        ({"told": "2026-07-15T00:00:00+02:00"}, "informed_at is not by 14 July 2026"),
        ({"told": ""}, "informed_at is not by 14 July 2026"),
        ({"told": "in June"}, "told (informed_at) must be a time"),
        ({"until": None}, "counts only with consent.transition_until"),
    ],
)
def test_silence_without_its_evidence_or_the_switch_is_nothing(
    change: dict[str, Any], reason: str, clock: Hands
) -> None:
    told = old(clock, **change)
    assert isinstance(told, Skipped)
    assert reason in told.reason


def test_an_objection_of_the_transition_counts_whatever_else_is_there(clock: Hands) -> None:
    for no in ("2026-06-01T00:00:00Z", "yes"):
        found = old(clock, until=None, no=no, made="", told="")
        assert isinstance(found, Entry)
        assert (found.event.decision, found.event.purposes) == (Choice.REFUSE, EVERYTHING)
