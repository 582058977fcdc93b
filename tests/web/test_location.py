"""Only plain web addresses get into a redirect, and they arrive as a browser would send them."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtp_gate.limits import MAX_URL
from smtp_gate.web.location import location


@pytest.mark.parametrize(
    ("url", "there"),
    [
        ("https://t.example/a?b=c&d=%20#e", "https://t.example/a?b=c&d=%20#e"),
        ("HTTP://T.Example", "http://T.Example"),
        ("https://t.example:8443/a", "https://t.example:8443/a"),
        ("https://t_1.example./a", "https://t_1.example./a"),
        ("https://127.0.0.1/a", "https://127.0.0.1/a"),
        ("https://[2001:db8::1]:80/a", "https://[2001:db8::1]:80/a"),
        ("https://t.example?a=https://u:p@x.example/", "https://t.example/?a=https://u:p@x.example/"),
        ("https://t.example/é b|{}^'\"<>", "https://t.example/%C3%A9%20b|{}^'\"<>"),
        ("https://bücher.example/a", "https://xn--bcher-kva.example/a"),
    ],
)
def test_web_addresses_go_through(url: str, there: str) -> None:
    assert location(url) == there


@pytest.mark.parametrize(
    "url",
    [
        "",
        "//evil.example/",
        "/path",
        "\\\\evil.example",
        "https:/\\evil.example",
        "https://t.example\\@evil.example/",
        "https:evil.example",
        "https:///evil.example",
        "https://",
        "https://?a",
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://t.example/",
        "mailto:a@t.example",
        " https://t.example/",
        "https://user@t.example/",
        "https://user:pass@t.example/",
        "https://t.example%00.evil.example/",
        "https://t.example/\r\nSet-Cookie: a=b",
        "https://t.example/\n",
        "https://t.example/\t",
        "https://t.example/\x00",
        "https://t.example/\x85",
        "https://t..example/",
        "https://.t.example/",
        "https://t.example:99999/",
        "https://t.example:/",
        "https://t.example:80x/",
        "https://t.ex ample/",
        "https://straße.example/",
        "https://\u2100.example/",
        "https://\ud800.example/",
        "https://t.example/\ud800",
        "https://[::1/",
        "https://::1/",
    ],
)
def test_anything_else_does_not(url: str) -> None:
    assert location(url) is None


@settings(max_examples=150)
@given(st.text(st.characters()) | st.text("https://\\@:%#?[]aé\r\n\t .").map(lambda text: "https://" + text))
def test_whatever_goes_through_is_one_printable_word_to_a_named_host(url: str) -> None:
    there = location(url)
    if there is not None:
        assert re.fullmatch(r"https?://[A-Za-z0-9_.:\[\]-]+([/#][\x21-\x7e]*)?", there)
        assert location(there) == there


def test_the_longest_address_goes_through_and_a_longer_one_does_not() -> None:
    head = "https://t.example/"
    longest = head + "a" * (MAX_URL - len(head))
    assert location(longest) == longest
    assert location(longest + "a") is None
    for piece in (".", "@", "é", ":", "[", "\\", "é."):
        location("https://" + piece * MAX_URL)
        location(head + piece * 1000)
