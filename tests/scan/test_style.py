"""Addresses in CSS are found as a browser reads CSS, with the spans of what is written."""

from __future__ import annotations

import pytest

from smtp_gate.model import Carrier
from smtp_gate.scan.style import style_addresses

Found = tuple[str, bytes, bytes, bytes]


def found(css: bytes) -> list[Found]:
    """URL, element, value and quote of each address."""
    padded = b"}url(http://outside)" + css + b"url(http://outside)"
    addresses = list(style_addresses(padded, 20, len(padded) - 19))
    assert all(address.carrier is Carrier.CSS and address.load and address.look is None for address in addresses)
    return [
        (address.url, padded[slice(*address.element)], padded[slice(*address.value)], address.quote)
        for address in addresses
    ]


@pytest.mark.parametrize(
    ("css", "expected"),
    [
        (b"a:url(http://h/p)", ("http://h/p", b"url(http://h/p)", b"http://h/p", b"")),
        (b'a:URL( "http://h/p" )', ("http://h/p", b'URL( "http://h/p" )', b"http://h/p", b'"')),
        (b"a:url('https://h/(p)')", ("https://h/(p)", b"url('https://h/(p)')", b"https://h/(p)", b"'")),
        (b"a:url(//h/p)", ("https://h/p", b"url(//h/p)", b"//h/p", b"")),
        (b"a:url( http://h\r\n)", ("http://h", b"url( http://h\r\n)", b"http://h", b"")),
        (b"a:url(http://h", ("http://h", b"url(http://h", b"http://h", b"")),
        (b"a:url('http://h", ("http://h", b"url('http://h", b"http://h", b"'")),
        (b"a:\\75 rl(http://h)", ("http://h", b"\\75 rl(http://h)", b"http://h", b"")),
        (b"a:u\\rL(http://h)", ("http://h", b"u\\rL(http://h)", b"http://h", b"")),
        (
            b"a:\\000055R\\4c('h\\74 tp://h\\\n/p')",
            ("http://h/p", b"\\000055R\\4c('h\\74 tp://h\\\n/p')", b"h\\74 tp://h\\\n/p", b"'"),
        ),
        (b"a:url(http:\\2f\\2fh\\))", ("http://h)", b"url(http:\\2f\\2fh\\))", b"http:\\2f\\2fh\\)", b"")),
        (b"@import 'http://h/s.css';", ("http://h/s.css", b"'http://h/s.css'", b"http://h/s.css", b"'")),
        (b'@IMPORT/**/"//h" screen;', ("https://h", b'"//h"', b"//h", b'"')),
        (b"@\\69mport 'http://h';", ("http://h", b"'http://h'", b"http://h", b"'")),
        (b"@import url(http://h) screen;", ("http://h", b"url(http://h)", b"http://h", b"")),
        (b"a:image-set('http://h' 1x)", ("http://h", b"'http://h'", b"http://h", b"'")),
        (b"a:-webkit-image-set(url(http://h) 1x)", ("http://h", b"url(http://h)", b"http://h", b"")),
        (b"a:src('http://h')", ("http://h", b"'http://h'", b"http://h", b"'")),
        (b"a:image('http://h')", ("http://h", b"'http://h'", b"http://h", b"'")),
        (b"--a:'http://h';b:image-set(var(--a))", ("http://h", b"'http://h'", b"http://h", b"'")),
        (b"p{a:b;--c : x 'http://h'}", ("http://h", b"'http://h'", b"http://h", b"'")),
        (b"--a:url(http://h)", ("http://h", b"url(http://h)", b"http://h", b"")),
        (
            b"filter:progid:DXImageTransform.Microsoft.AlphaImageLoader(src='http://h',sizingMethod='scale')",
            ("http://h", b"'http://h'", b"http://h", b"'"),
        ),
        (b"cursor:url(http://h),auto", ("http://h", b"url(http://h)", b"http://h", b"")),
        (b"a{list-style-image:url(http://h)}", ("http://h", b"url(http://h)", b"http://h", b"")),
        (b"a::after{content:url(http://h)}", ("http://h", b"url(http://h)", b"http://h", b"")),
        (b"<!-- a{b:url(http://h)} -->", ("http://h", b"url(http://h)", b"http://h", b"")),
        (b"a:cross-fade(url(http://h),50%)", ("http://h", b"url(http://h)", b"http://h", b"")),
        (b"/* ' */a:url(http://h)", ("http://h", b"url(http://h)", b"http://h", b"")),
        (b"a:'/*';b:url(http://h)/**/", ("http://h", b"url(http://h)", b"http://h", b"")),
        (b"a:'\\'';b:url(http://h)", ("http://h", b"url(http://h)", b"http://h", b"")),
        (b"a:'\n b:url(http://h)", ("http://h", b"url(http://h)", b"http://h", b"")),
        (b"a:url(x'y) url(http://h)", ("http://h", b"url(http://h)", b"http://h", b"")),
        (b"a:url(x y'z\\)) url(http://h)", ("http://h", b"url(http://h)", b"http://h", b"")),
        (b"a:url('') url(http://h)", ("http://h", b"url(http://h)", b"http://h", b"")),
        (b"a:'" + b"\\a" * 9999 + b"' url(http://h)", ("http://h", b"url(http://h)", b"http://h", b"")),
        (b"@font-face{src:url(http://h)}", ("http://h", b"url(http://h)", b"http://h", b"")),
        (b"@media print{a{b:url(http://h)}}", ("http://h", b"url(http://h)", b"http://h", b"")),
        ("a:é url(http://h)".encode(), ("http://h", b"url(http://h)", b"http://h", b"")),
    ],
)
def test_addresses(css: bytes, expected: Found) -> None:
    (one,) = found(css)
    assert one == expected


@pytest.mark.parametrize(
    "css",
    [
        *(
            b"",
            b"a:url(cid:x)",
            b"a:url(data:image/png;base64,http://h)",
            b"a:url(p.png)",
            b"a:url()",
            b"a:url( '' )",
        ),
        *(b"/* url(http://h) */", b"/* url(http://h)", b"a:'url(http://h)'", b'a:"http://h"', b"curl(http://h)"),
        *(
            b"-url(http://h)",
            b"url (http://h)",
            b"a:'x\\\nurl(http://h)'",
            b"@media 'http://h';",
            b"@imports 'http://h';",
        ),
        *(
            b"a{b:image-set('x')}c{d:'http://h'}",
            b"@import 'x'; a{b:'http://h'}",
            b"@import x;'http://h'",
            b"\\url (http://h)",
        ),
        *(b"a:'--b:c';d:'http://h'", b"--a:b;c:'http://h'", b"{--a:b}c{d:'http://h'}", b"---'http://h'"),
        *(b"src:'http://h'", "éurl(http://h)".encode(), b"u\\rlx(http://h)"),
    ],
)
def test_no_address(css: bytes) -> None:
    assert found(css) == []


def test_addresses_come_in_order() -> None:
    css = b"@import 'http://a';@import url(http://b);c{d:url( http://c) url(\"http://d\");e:image-set('http://e','http://f')}"
    assert [url for url, *_ in found(css)] == [f"http://{letter}" for letter in "abcdef"]
