"""``make accuracy`` in short: nothing else is changed, templates are left alone; and the measurement can fail.

How much is found is the full command's matter: its bars move with the catalogue. No address of a mail is printed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from bench.accuracy import fidelity
from bench.accuracy.measure import measure, rules
from bench.accuracy.report import Figures, looked_at, misses, page
from bench.accuracy.rows import Row, mails, recipient_of
from bench.accuracy.vendors import ids_of
from smtp_gate.cli.mail import account, rewritten
from smtp_gate.model import NOTHING, Kind
from tests.corpus import needs_corpus
from tests.gate_room import LINK, PIXEL, letter

if TYPE_CHECKING:
    from smtp_gate.model import Scan

CHUNKS = 6
"""So that the workers of a test run share them."""
EVERY = 11
"""Of the mails that are no templates, one in so many."""


@needs_corpus
@pytest.mark.parametrize("number", range(CHUNKS))
def test_nothing_but_the_edits_changes_and_templates_stay(number: int) -> None:
    chosen = [mail for mail in mails() if mail.kind == "C" or mail.number % EVERY == 0]
    outcomes = [measure(mail) for mail in chosen[number::CHUNKS]]
    figures = Figures(outcomes)
    assert sum(outcome.edited for outcome in outcomes) > 5
    assert figures.faults == []
    assert [(one.mail, one.mark) for one in figures.alarms_of("C")] == []
    assert "@" not in page(figures, "2026-11-24")
    assert sum(1 for _ in misses(figures)) == 1 + len(figures.missed) + len(figures.alarms) + len(figures.faults)


# --- the measurement can fail ---------------------------------------------------------------------------------
PICTURE = b'<img src="https://cdn.example/logo.png" width="90" height="40" alt="Acme">'
NEWS = letter(
    b"<p>Caf\xc3\xa9 &amp; more</p>\r\n" + PICTURE + b'\r\n<a href="' + LINK + b'">Our <b>shop</b></a>\r\n'
    b'<img src="' + PIXEL + b'" width="1" height="1">\r\n<p>Bye</p>'
)


def judged(raw: bytes = NEWS) -> tuple[Scan, bytes, dict[str, Any]]:
    """A mail, what leaves, and what explain says."""
    scan, variant = rewritten(rules(), raw, "", NOTHING, "person@example.com")
    assert variant.content != raw
    return scan, variant.content, account("", scan, variant, NOTHING)


def test_a_faithful_mail_has_no_fault() -> None:
    assert fidelity.faults(*judged()) == []


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            b"<p>Bye</p>",
            b"<p>bye</p>",
            {"octets_outside_edits", "lines_outside_edits", "text_lxml", "text_html5lib"},
        ),
        (b"Subject: Autumn", b"Subject: autumn", {"octets_outside_parts", "headers", "tree"}),
        (b'width="90"', b'width="91"', {"elements_lxml", "elements_html5lib"}),
        (PICTURE, b"", {"elements_lxml", "elements_html5lib"}),
        (b"<p>Bye</p>", b"<p>Bye</p><hr>", {"octets_outside_edits"}),
        (b"text/html; charset", b"text/plain; charset", {"tree", "headers"}),
    ],
)
def test_what_changes_beside_the_edits_is_a_fault(old: bytes, new: bytes, told: set[str]) -> None:
    scan, after, said = judged()
    assert after.count(old) == 1
    assert told <= set(fidelity.faults(scan, after.replace(old, new), said))


def test_an_edit_that_explain_does_not_list_is_a_fault() -> None:
    scan, after, said = judged()
    said["addresses"] = [row for row in said["addresses"] if row["kind"] != "pixel"]
    assert "octets_outside_edits" in fidelity.faults(scan, after, said)


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        (
            "quoted-printable",
            b'<p>=C3=A9 one=\r\n two</p>\r\n<img width=3D1 height=3D1 src=3D"%s">\r\n<p>last</p>\r\n',
        ),
        ("8bit", b'<p>one</p>\r\n<img width=1 height=1 src="%s">\r\n<p>last</p>\r\n'),
    ],
)
def test_lines_that_no_edit_touches_stay_as_they_are_written(encoding: str, body: bytes) -> None:
    pixel = PIXEL.replace(b"=", b"=3D") if encoding == "quoted-printable" else PIXEL
    raw = (
        b"Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: " + encoding.encode() + b"\r\n\r\n"
        + body % pixel
    )  # fmt: skip
    scan, after, said = judged(raw)
    assert fidelity.faults(scan, after, said) == []
    # The same text, written differently: only who compares lines sees it.
    if encoding == "quoted-printable":
        assert fidelity.faults(scan, after.replace(b"<p>last", b"<p>l=61st"), said) == ["lines_outside_edits"]


@pytest.mark.parametrize(
    ("text", "pieces", "holds"),
    [
        (b"abXcd", [b"ab", b"cd"], True),
        (b"abcd", [b"ab", b"cd"], True),
        (b"abXbcYd", [b"ab", b"bc", b"d"], True),
        (b"abd", [b"ab", b"bd"], False),
        (b"Xabcd", [b"ab", b"cd"], False),
        (b"abcdX", [b"ab", b"cd"], False),
        (b"abcd", [b"abcd"], True),
        (b"abcdX", [b"abcd"], False),
        (b"adcb", [b"a", b"b", b"c", b"b"], False),
    ],
)
def test_pieces_stand_in_order(text: bytes, pieces: list[bytes], holds: bool) -> None:
    assert fidelity.in_order(text, pieces) is holds


# --- rows -----------------------------------------------------------------------------------------------------
def test_a_row_that_was_cut_is_found_by_its_begin() -> None:
    whole, cut = Row("x", True, "https://a.example/x", False), Row("x", True, "https://a.example/x", True)  # noqa: FBT003 - fields
    assert [row.is_("https://a.example/xyz") for row in (whole, cut)] == [False, True]
    assert whole.is_("https://a.example/x")


@pytest.mark.parametrize(
    ("guess", "ids"),
    [
        ("aws-ses", ("amazon_ses",)),
        ("sendgrid,klaviyo", ("sendgrid", "klaviyo")),
        ("swpmkt/locaweb", ("locaweb",)),
        ("safelinks", ()),
    ],
)
def test_names_of_the_list_are_files_of_the_catalogue(guess: str, ids: tuple[str, ...]) -> None:
    assert ids_of(guess) == ids


@pytest.mark.parametrize(
    ("to", "address"),
    [
        (("Jane <Jane@shop.example>",), "jane@shop.example"),
        (("a@b.example, c@d.example",), "person@example.com"),
        (("undisclosed-recipients:;",), "person@example.com"),
        ((), "person@example.com"),
    ],
)
def test_a_mail_goes_to_whom_it_says(to: tuple[str, ...], address: str) -> None:
    assert recipient_of(to) == address


def test_what_was_looked_at_has_a_verdict_and_names_no_address() -> None:
    for mark, (verdict, why) in looked_at().items():
        assert len(mark) == 16
        assert verdict in {"tracker", "harmless"}
        assert why
        assert "@" not in why
        assert "://" not in why


def test_a_finding_where_none_should_be_is_an_alarm() -> None:
    kinds = [finding.kind for finding in judged()[0].findings]
    assert kinds == [Kind.LINK, Kind.PIXEL]
