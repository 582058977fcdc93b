"""Web addresses in running text begin and end where a reader says they do."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtp_gate.model import Carrier
from smtp_gate.scan.plaintext import footer_place, read_text


@pytest.mark.parametrize(
    "text",
    [
        *("see |http://h/p| now", "|https://h|", "|http://h/?a=1&b=2#c|\r\n", "<|http://h/p|>", "|HTTPS://H/p|."),
        *(
            "(|http://h/p|)",
            "(see |http://h/p|).",
            "|http://h/a_(b)|",
            "|http://h/a_(b)|).",
            "[|http://h|]",
            "{|http://h|}",
        ),
        *(
            "|http://h/p|.",
            "|http://h/p|,",
            "|http://h/p|?!",
            "|http://h/?q=1|;",
            "'|http://h|'",
            '"|http://h|"',
            "*|http://h|*",
        ),
        *(
            "|http://h/t=_|",
            "|http://h/~x-|",
            "|http://h/=|",
            "|http://h/a.b,c;d|",
            "|http://h/(a)(b|",
            "|http://h/a]b|]",
        ),
        *(
            "x|http://h|",
            "a:|http://h|",
            "|http://h/p|\u00a0x",
            "|http://h/p|。",
            "«|http://h|»",
            "|http://h|<br>",
            "> |http://h|",
        ),
        *(
            "|http://h/?u=http://i|",
            "|http://h|\n|http://i|",
            "<|http://h|>,<|http://i|>",
            "[x](|http://h/p|)",
            "|http://h|\x00",
        ),
    ],
)
def test_addresses_in_text(text: str) -> None:
    pieces = text.split("|")
    view = "".join(pieces).encode()
    assert [view[slice(*one.value)].decode() for one in read_text(view)] == pieces[1::2]


@pytest.mark.parametrize(
    "text", ["", "www.example.com", "http:/h", "http://", "http:// h", "http://.", "ftp://h", "h.example"]
)
def test_what_is_none(text: str) -> None:
    assert read_text(text.encode()) == ()


def test_an_address_of_text_has_no_markup_round_it() -> None:
    (one,) = read_text(b"<HTTP://h\\p?q>")
    assert one.carrier is Carrier.TEXT
    assert (one.element, one.quote, one.closing, one.words, one.look) == (one.value, b"", None, None, None)
    assert not one.load
    assert one.url == "http://h/p?q"


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("x <http://h/aaa \r\nbbb \r\nccc> y", ["http://h/aaabbbccc"]),
        ("<http://h/aaa\nbbb\n>", ["http://h/aaabbb"]),
        ("<URL:http://h/a-\r\n   b>", ["http://h/a-b"]),
        ("> <http://h/aaa\r\n> bbb>", ["http://h/aaabbb"]),
        (">> <http://h/aaa\r\n>> bbb\r\n>> >", ["http://h/aaabbb"]),
        ("<http://h/a\r\nb c>", ["http://h/a"]),
        ("<http://h/a\r\n\r\nb>", ["http://h/a"]),
        ("<http://h/a\r\n<http://i>", ["http://h/a", "http://i"]),
        ("<http://h/a" + "\r\nb" * 21 + ">", ["http://h/a"]),
        ("http://h/aaa \r\nbbb", ["http://h/aaa"]),
        ("(http://h/aaa\r\nbbb)", ["http://h/aaa"]),
    ],
)
def test_in_angle_brackets_an_address_goes_on_in_other_lines(text: str, urls: list[str]) -> None:
    view = text.encode()
    found = read_text(view)
    assert [one.url for one in found] == urls
    assert b"\n" in view[slice(*found[0].value)] or urls[0] in text


@pytest.mark.parametrize(
    ("text", "urls"),
    [
        ("x http://h/aaa \r\nbbb. \r\nccc", ["http://h/aaabbb.ccc"]),
        ("x http://h/aaa \r\nbbb", ["http://h/aaabbb"]),
        ("> http://h/aaa \r\n> bbb", ["http://h/aaabbb"]),
        (">> http://h/aaa \r\n> bbb", ["http://h/aaa"]),
        ("http://h/aaa \r\n> bbb", ["http://h/aaa"]),
        ("http://h/aaa \r\n bbb", ["http://h/aaabbb"]),
        ("http://h/aaa  \r\nbbb", ["http://h/aaa"]),
        ("http://h/aaa\r\nbbb", ["http://h/aaa"]),
        ("http://h/aaa \r\n-- \r\nbbb", ["http://h/aaa"]),
        ("(http://h/aaa \r\nbbb)", ["http://h/aaabbb"]),
        ("<http://h/aaa \r\nbbb>", ["http://h/aaabbb"]),
    ],
)
def test_soft_breaks_that_take_their_blank_along_are_taken_out(text: str, urls: list[str]) -> None:
    assert [one.url for one in read_text(text.encode(), delsp=True)] == urls


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ("Hello\r\n-- \r\nAnna\r\n", "-- \r\nAnna\r\n"),
        ("Hello\n-- \nAnna", "-- \nAnna"),
        ("-- \r\nAnna", "-- \r\nAnna"),
        ("Hello\r\n-- ", "-- "),
        (
            "Hello\r\n-- \r\nAnna\r\n\r\nOn Monday:\r\n> Hi\r\n-- \r\nBob",
            "-- \r\nAnna\r\n\r\nOn Monday:\r\n> Hi\r\n-- \r\nBob",
        ),
        ("Yes.\r\n\r\n> Hi\r\n> -- \r\n> Bob\r\n", ""),
        ("Hello\r\n--\r\nAnna", ""),
        ("Hello\r\n -- \r\nAnna", ""),
        ("Hello\r\n-- Anna\r\n--  \r\n", ""),
        ("Hello", ""),
        ("", ""),
    ],
)
def test_a_footer_goes_before_the_signature(text: str, rest: str) -> None:
    assert text[footer_place(text.encode()) :] == rest


@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from(["http://", "https://", "h", "/", ".", ")", "(", "<", ">", " \r\n", " ", "é", "?"]),
        max_size=30,
    ),
    st.booleans(),
)
def test_addresses_never_overlap(pieces: list[str], delsp: bool) -> None:
    view = "".join(pieces).encode()
    end = 0
    for one in read_text(view, delsp=delsp):
        assert end <= one.value.start < one.value.end <= len(view)
        end = one.value.end
