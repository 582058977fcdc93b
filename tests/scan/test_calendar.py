"""Addresses in invitations and cards are found through folds and escapes, and told where they are written."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtp_gate.model import Address, Carrier, Span
from smtp_gate.scan.calendar import read_calendar


def found(text: str) -> list[tuple[str, bytes, bool]]:
    return [(one.url, one.quote, one.load) for one in read_calendar(text.encode()).addresses]


@pytest.mark.parametrize(
    ("line", "url", "quote", "load"),
    [
        ("URL:https://h/a,b;c=d", "https://h/a,b;c=d", b"", False),
        ("URL;VALUE=URI:http://h", "http://h", b"", False),
        ("ATTACH;FMTTYPE=image/png:http://h/x.png", "http://h/x.png", b"", False),
        ("IMAGE;VALUE=URI;DISPLAY=BADGE:http://h", "http://h", b"", True),
        ("item1.PHOTO;VALUE=uri:http://h", "http://h", b"", True),
        ("CONFERENCE;VALUE=URI;FEATURE=VIDEO:http://h", "http://h", b"", False),
        ("X-OTHER;VALUE=URI:http://h/a,b", "http://h/a,b", b"", False),
        ("DESCRIPTION:Join at http://h/?a\\,b\\;c.\\nBye", "http://h/?a,b;c", b"\\", False),
        ("DESCRIPTION;LANGUAGE=en:http://h\\nhello", "http://h", b"\\", False),
        ("LOCATION:(http://h)", "http://h", b"\\", False),
        ('DESCRIPTION;ALTREP="http://h/d":words', "http://h/d", b"", False),
        ("description:http://h", "http://h", b"\\", False),
        ("DESCRIPTION:ht\r\n tp://h/a\r\n\tbc", "http://h/abc", b"\\", False),
        ("URL:http://h/a\n b", "http://h/ab", b"", False),
    ],
)
def test_addresses_in_lines(line: str, url: str, quote: bytes, load: bool) -> None:
    text = f"BEGIN:VEVENT\r\n{line}\r\nEND:VEVENT\r\n"
    assert found(text) == [(url, quote, load)]
    (one,) = read_calendar(text.encode()).addresses
    written = text.encode()[slice(*one.value)].decode()
    assert written.replace("\r\n\t", "").replace("\r\n ", "").replace("\n ", "").replace("\\", "") == url


def test_a_page_in_a_line_is_read_as_one() -> None:
    text = (
        'X-ALT-DESC;FMTTYPE=text/html:<html><p>Hi\\, <a href="http://l/?a\\,b&amp;c">yo\r\n u</a>\\n'
        "<img src='http://i/\r\n x' width=1>http://t\r\n"
    )
    view = text.encode()
    link, image, words = read_calendar(view).addresses
    assert (link.carrier, link.url, link.quote) == (Carrier.ANCHOR, "http://l/?a,b&c", b'\\"')
    assert view[slice(*link.element)] == b'<a href="http://l/?a\\,b&amp;c">'
    assert link.words is not None
    assert view[slice(*link.words)] == b"yo\r\n u"
    assert (image.carrier, image.url, image.load, image.quote) == (Carrier.IMAGE, "http://i/x", True, b"\\'")
    assert view[slice(*image.element)] == b"<img src='http://i/\r\n x' width=1>"
    assert (words.carrier, words.url, words.quote) == (Carrier.TEXT, "http://t", b"\\&")
    assert found('DESCRIPTION;FMTTYPE="text/html":<img src=http://h>') == [("http://h", b"\\ ", True)]


@pytest.mark.parametrize(
    "text",
    [
        *("", "http://h", "URL:cid:x", "DESCRIPTION http://h", "ATTENDEE:mailto:a@h", "DESCRIPTION:www.h.example"),
        *("X-ALT-DESC:<p title=http://h>", "BEGIN:VCARD\r\nhttp://h"),
    ],
)
def test_what_holds_none(text: str) -> None:
    assert found(text) == []


def test_an_encoding_of_its_own_is_told() -> None:
    assert read_calendar(b"DESCRIPTION;ENCODING=QUOTED-PRINTABLE:http=3A//h=\r\n").hidden
    assert read_calendar(b"NOTE;QUOTED-PRINTABLE:http://h").hidden
    assert not read_calendar(b"NOTE;ENCODING=QUOTED-PRINTABLE:caf=E9").hidden
    assert not read_calendar(b"NOTE:http://h").hidden


PIECES = [
    "URL:",
    "DESCRIPTION:",
    "X-ALT-DESC:",
    "\r\n",
    "\r\n ",
    "http://h/",
    "\\n",
    "\\,",
    "<a href='",
    "'>",
    ";",
    '"',
    "x",
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=20).map("".join))
def test_spans_stand_in_the_text(text: str) -> None:
    view = text.encode()

    def inside(span: Span) -> bool:
        return 0 <= span.start < span.end <= len(view)

    def holds(one: Address) -> bool:
        return inside(one.value) and one.element.start <= one.value.start < one.value.end <= one.element.end

    assert all(holds(one) for one in read_calendar(view).addresses)
