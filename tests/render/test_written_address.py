"""An address is written so that a client reads exactly it, whatever stands round it."""

from __future__ import annotations

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtp_gate.render.address import in_attribute, in_css, in_text, proper


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("https://a.example/?b=c&d=e%20f#g", b"https://a.example/?b=c&d=e%20f#g"),
        ("https://a.example/é?q=日", b"https://a.example/%C3%A9?q=%E6%97%A5"),
        ("https://bücher.example/ä", b"https://xn--bcher-kva.example/%C3%A4"),
        ("https://ü..example/", b"https://%C3%BC..example/"),
        ("//bücher.example", b"//xn--bcher-kva.example"),
        ("mailto:é@a.example", b"mailto:%C3%A9@a.example"),
        ('https://a.example/"<b> `\t\r\n', b"https://a.example/%22%3Cb%3E%20%60%09%0D%0A"),
        ("https://a.example/|{}^[]\\'", b"https://a.example/|{}^[]\\'"),
        ("https://a.example/\ud800", b"https://a.example/%3F"),
    ],
)
def test_an_address_becomes_printable_ascii(url: str, written: bytes) -> None:
    assert proper(url).replace(b"%7B", b"{") == written.replace(b"%7B", b"{")


@given(st.text(max_size=60), st.sampled_from([b'"', b"'", b""]))
def test_an_attribute_is_read_as_the_address(url: str, quote: bytes) -> None:
    text = in_attribute(url, quote)
    assert text.isascii()
    assert not any(sign in text.strip(b'"') for sign in (b" ", b"\n", b"\r", b"\t", b"<", b">", b'"', b"`"))
    inner = text
    if quote == b"'":
        assert b"'" not in text
    elif not quote and text.startswith(b'"'):
        assert text.endswith(b'"')
        inner = text[1:-1]
    elif not quote:
        assert b"'" not in text
        assert b"=" not in text
    assert html.unescape(inner.decode()).encode() == proper(url)


@given(st.text(max_size=60), st.text(alphabet="\"' ", min_size=2, max_size=4))
def test_a_page_in_an_attribute_is_read_as_the_address(url: str, quotes: str) -> None:
    text = in_attribute(url, quotes.encode())
    for quote in quotes[:-1]:
        assert quote.encode() not in text
        text = html.unescape(text.decode()).encode()
    assert html.unescape(text.decode()).strip('"').encode() == proper(url)


def test_quotes_are_added_only_round_a_whole_value() -> None:
    assert in_attribute("https://a.example/?b=c", b"") == b'"https://a.example/?b=c"'
    assert in_attribute("https://a.example/?b=c", b"", whole=False) == b"https://a.example/?b=c"
    assert in_attribute("https://a.example/b", b"") == b"https://a.example/b"


@given(st.text(max_size=60))
def test_css_holds_nothing_that_ends_its_url(url: str) -> None:
    assert not set(in_css(url)) & set(b"\"'()\\<> \n\r\t")


def test_running_text_is_ended_by_nothing_inside() -> None:
    assert in_text("https://a.example/<b> c?d=é&e") == b"https://a.example/%3Cb%3E%20c?d=%C3%A9&e"
