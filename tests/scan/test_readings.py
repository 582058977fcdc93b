"""Whatever a browser sees in SVG, MathML and other odd places is seen by us, however it reads them.

Three independent readers of the standard are the browsers.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import html5lib
import pytest
import turbohtml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from smtp_gate.scan.attributes import click, image, load, pixel
from smtp_gate.scan.elements import ELEMENTS
from smtp_gate.scan.html import read_html
from smtp_gate.scan.readings import all_readings
from smtp_gate.scan.style import style_addresses

if TYPE_CHECKING:
    from collections.abc import Callable

HOLDING = {
    "img": ("src",),
    "image": ("href", "xlink:href"),
    "use": ("href", "xlink:href"),
    "feimage": ("href",),
    "a": ("href", "xlink:href"),
    "mi": ("href",),
    "mtext": ("href",),
    "animate": ("to",),
    "iframe": ("src",),
    "frame": ("src",),
    "input": ("src",),
}
"""What the oracles are asked for: an element's attributes that hold an address."""
XLINK = "{http://www.w3.org/1999/xlink}href"


def ours(page: str) -> set[str]:
    return {one.url for one in read_html(page.encode()).addresses}


def theirs(name: str, attributes: dict[str, str], text: str) -> set[str]:
    """What one element of an oracle's tree holds."""
    found = {
        value
        for key in HOLDING.get(name.lower(), ())
        if (value := attributes.get(key) or attributes.get("href" if key == "xlink:href" else key) or "")
    }
    if name.lower() == "style":
        css = text.encode()
        found |= {one.url for one in style_addresses(css, 0, len(css))}
    return {url for url in found if url.startswith("http")}


def by_html5lib(page: str) -> set[str]:
    found: set[str] = set()
    try:
        tree = html5lib.parse(page, namespaceHTMLElements=False)
    except AssertionError:  # it trips over list boxes in SVG, as in <svg><select><title><select><textarea>
        return found
    for element in tree.iter():
        if isinstance(element.tag, str):
            name = re.sub(r"\{.*\}", "", element.tag)
            attributes = {"xlink:href" if key == XLINK else str(key): value for key, value in element.items()}
            found |= theirs(name, attributes, "".join(element.itertext()))
    return found


def by_lexbor(page: str) -> set[str]:
    found = set()
    for element in LexborHTMLParser(page).css("*"):
        attributes = {key: value or "" for key, value in element.attributes.items()}
        found |= theirs(element.tag or "", attributes, element.text(deep=False))
    return found


def by_turbohtml(page: str) -> set[str]:
    found = set()
    for element in turbohtml.parse(page).find_all():
        attributes = {str(key): str(value) for key, value in element.attrs.items()}
        found |= theirs(str(element.tag), attributes, str(element.text))
    return found


ORACLES = (by_html5lib, by_lexbor, by_turbohtml)

HIDING = {
    "style of SVG is markup": "<svg><style><img src=http://h></style></svg>",
    "title of SVG is markup": "<svg><title><img src=http://h></title></svg>",
    "title of SVG hides its end": "<svg><title><!--</title>--><image href=http://h /></svg>",
    "script of SVG": "<svg><script><a xlink:href=http://h></script></svg>",
    "textarea of MathML": "<math><textarea><mi href=http://h>",
    "plaintext of SVG": "<svg><plaintext><image href=http://h>",
    "a section": "<svg><![CDATA[><img src=http://no ]]><image href=http://h />",
    "a section that hides a style": "<svg><![CDATA[ <style> ]]><image href=http://h />",
    "a section with an end tag": "<svg><style><![CDATA[</style>]]><image href=http://h />",
    "style behind SVG": "<svg></svg><style><!--</style><img src=http://h>",
    "one after the other": "<svg></svg><style><!-- </style><svg><style></svg><img src=http://h>",
    "a breakout": "<svg><style><p></style><img src=http://h>",
    "HTML in SVG": "<svg><foreignObject><style></svg></style><img src=http://h>",
    "CSS in a section": "<svg><style><![CDATA[a{b:url(http://h)}]]></style></svg>",
    "CSS in references": "<svg><style>a{b:&#117;rl(http&colon;//h)}</style></svg>",
    "CSS round a comment": "<svg><style>a{b:u<!-- -->rl(http://h)}</style></svg>",
    "MathML link": "<math><mi href=http://h>x</mi></math>",
    "annotation": "<math><annotation-xml encoding=text/html><style><img src=http://h></style>",
    "a list box": "<select><style><img src=http://no></select><img src=http://h>",
    "frames": "<frameset><title><frame src=http://h></title></frameset>",
    "in a condition": "<!--[if mso]><svg><style><image href=http://h /></style></svg><![endif]-->",
}


@pytest.mark.parametrize("page", HIDING.values(), ids=HIDING)
def test_nothing_hides(page: str) -> None:
    assert "http://h" in ours(page)
    assert not read_html(page.encode()).hidden
    for oracle in ORACLES:
        assert oracle(page) <= ours(page), oracle.__name__


def test_an_address_that_two_readings_see_is_told_once_and_in_its_place() -> None:
    page = (
        "<svg><image href=http://1 /></svg><a href=http://2>x</a><svg><style><image href=http://3 /></style></svg>"
    )
    page += "<style>a{b:url(http://4)}</style><img src=http://5 width=1>"
    assert [one.url for one in read_html(page.encode()).addresses] == [f"http://{number}" for number in range(1, 6)]


def test_what_is_read_in_a_style_is_where_it_is_written() -> None:
    page = b"<svg><style>a{b:u<!-- x -->rl('http://h/?a&amp;b')}</style></svg>"
    (one,) = read_html(page).addresses
    assert one.url == "http://h/?a&b"
    assert page[slice(*one.element)] == b"u<!-- x -->rl('http://h/?a&amp;b')"
    assert page[slice(*one.value)] == b"http://h/?a&amp;b"


SINGLE = [
    (name.decode(), attribute.decode())
    for name, wanted in ELEMENTS.items()
    for attribute, read in wanted.items()
    if read in (load, click, image, pixel)
]


def attributes_by_html5lib(page: str) -> set[tuple[str, str]]:
    """Element and attribute of all that hold the address, in lower case."""
    return {
        (re.sub(r"\{.*\}", "", str(element.tag)).lower(), ("xlink:href" if key == XLINK else str(key)).lower())
        for element in html5lib.parse(page, namespaceHTMLElements=False).iter()
        for key, value in element.items()
        if value == "http://h"
    }


def attributes_by_lexbor(page: str) -> set[tuple[str, str]]:
    return {
        (str(element.tag).lower(), key.lower())
        for element in LexborHTMLParser(page).css("*")
        for key, value in element.attributes.items()
        if value == "http://h"
    }


def attributes_by_turbohtml(page: str) -> set[tuple[str, str]]:
    return {
        (str(element.tag).lower(), str(key).lower())
        for element in turbohtml.parse(page).find_all()
        for key, value in element.attrs.items()
        if str(value) == "http://h"
    }


@pytest.mark.parametrize("before", ["", "<table><td>", "<svg>", "<svg><desc>", "<math><mi>", "<select>", "<p><b>"])
@pytest.mark.parametrize("reader", [attributes_by_html5lib, attributes_by_lexbor, attributes_by_turbohtml])
def test_each_carrier_that_a_browser_sees_is_seen(
    before: str, reader: Callable[[str], set[tuple[str, str]]]
) -> None:
    seen = 0
    for name, attribute in SINGLE:
        page = f"{before}<{name} {attribute}=http://h></{name}>"
        if reader(page):
            seen += 1
            assert "http://h" in ours(page), (name, attribute)
    assert seen


NAMES = (
    "svg",
    "math",
    "style",
    "title",
    "script",
    "textarea",
    "foreignObject",
    "desc",
    "mi",
    "mtext",
    "select",
    "g",
)
HTML_NAMES = ("annotation-xml encoding=text/html", "p", "table", "td", "iframe", "xmp", "a", "noscript", "template")
PIECES = [*(f"<{name}>" for name in NAMES + HTML_NAMES)]
PIECES += [f"</{name.split()[0]}>" for name in NAMES + HTML_NAMES]
PIECES += ["<!--", "-->", "<![CDATA[", "]]>", "<svg/>", "<style/>", "x", ">", "<b x='", "'>", "&lt;", "/*", "*/"]
PLANTS = ["<img src={}>", "<image href={} />", "<use xlink:href={} />", "<a href={}>", "<mi href={}>"]
PLANTS += ["a{{b:url({})}}", "<animate attributeName=href to={} />", "<svg><a xlink:href={}>"]


@st.composite
def pages(draw: st.DrawFn) -> str:
    """Odd markup with addresses planted in it, each another one."""
    pieces = draw(st.lists(st.sampled_from([*PIECES, *PLANTS, *PLANTS]), max_size=16))
    return draw(st.sampled_from(["<svg>", "<math>", "<p><svg>", "<select>"])) + "".join(
        piece.format(f"http://h{number}/") if piece in PLANTS else piece for number, piece in enumerate(pieces)
    )


@settings(max_examples=400, deadline=None)
@given(pages())
@example("<svg><style><title></style><image href=http://h1/ /></title>")
def test_every_reader_sees_no_more_than_we(page: str) -> None:
    found = ours(page)
    for oracle in ORACLES:
        assert oracle(page) <= found, oracle.__name__


@settings(max_examples=200, deadline=None)
@given(pages())
def test_other_readings_lose_nothing_and_keep_the_order(page: str) -> None:
    found = read_html(page.encode()).addresses
    assert [one.element.start for one in found] == sorted(one.element.start for one in found)
    assert len({one.value for one in found}) == len(found)
    tokens, _ = all_readings(page.encode(), 0, len(page))
    assert len({token[1] for token in tokens}) == len(tokens)


def test_too_many_readings_are_given_up_and_told() -> None:
    page = read_html(b"<svg>" + b"<style>" * 2000)
    assert page.hidden
