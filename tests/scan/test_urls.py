"""A web address is what a browser would ask a web server for."""

from __future__ import annotations

import pytest

from smtp_gate.scan.urls import absolute, web_address


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (b"http://h", "http://h"),
        (b"https://h/p?q=1&r=(2)#f", "https://h/p?q=1&r=(2)#f"),
        (b"https://h/?a=1&amp;b=2", "https://h/?a=1&b=2"),
        (b"https://h/?a=1&amp;lt=2&gt=3", "https://h/?a=1&lt=2&gt=3"),
        (b" \r\n\thttp://h/ \r\n", "http://h/"),
        (b"\x01 http://h/ \x1f", "http://h/"),
        (b"ht\ntp:/\r\n/h/a\tb", "http://h/ab"),
        (b"HTTP://H/P", "http://H/P"),
        (b"//h/p", "https://h/p"),
        (b"\\\\h\\p", "https://h/p"),
        (b"/\\h/p", "https://h/p"),
        (b"http:\\\\h\\p?a\\b", "http://h/p?a\\b"),
        (b"http:///h/p", "http://h/p"),
        (b"http:h/p", "http://h/p"),
        (b"&#104;ttp://h", "http://h"),
        (b"http&colon;//h", "http://h"),
        ("http://h/é".encode(), "http://h/é"),
        (b"http://h/\xe9", "http://h/é"),
    ],
)
def test_web_addresses(written: bytes, read: str) -> None:
    assert web_address(b"<" + written + b">", 1, 1 + len(written), absolute) == read


@pytest.mark.parametrize(
    "written",
    [
        *(b"", b"#top", b"cid:a@b", b"CID:a@b", b"data:text/html,http://h", b"mailto:a@b", b"tel:+1", b"p/q.png"),
        *(b"/p", b"./p", b"?q=http://h", b"javascript:x", b"ftp://h", b"http:", b"http://", b"//", b"httpx://h"),
        *(b"about:blank", b"x http://h", b"%68ttp://h", b"file:///h"),
    ],
)
def test_anything_else_is_none(written: bytes) -> None:
    assert web_address(written, 0, len(written), absolute) == ""


def test_text_whose_escapes_are_resolved() -> None:
    assert absolute(" //h/a b ") == "https://h/a b"
    assert absolute("a") == ""
