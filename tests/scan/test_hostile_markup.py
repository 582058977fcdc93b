"""Markup that makes other parsers take quadratic time or hundreds of megabytes is read like any other.

No clock is read here: what is quadratic on these inputs needs minutes, and the timeout ends it.
"""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest

from smtp_gate.model import Span
from smtp_gate.scan.calendar import read_calendar
from smtp_gate.scan.html import read_html
from smtp_gate.scan.plaintext import read_text
from smtp_gate.scan.words import visible_words

if TYPE_CHECKING:
    from collections.abc import Callable

SIZE = 200_000


def filled(before: bytes, repeated: bytes, after: bytes = b"") -> bytes:
    return before + repeated * (SIZE // len(repeated)) + after


ATTACKS = {
    "less-than": filled(b"", b"<"),
    "end tag openers": filled(b"", b"</"),
    "tags never closed": filled(b"", b"<div>"),
    "cells": filled(b"<table><tr><td>", b"<td>x"),
    "one long value": filled(b"<a href='", b"http://h/&amp;", b"'>x</a>"),
    "ampersands": filled(b"<a href='http://h/", b"&", b"'>x</a>"),
    "digits": filled(b"<a href='http://h/&#", b"1", b"'>x</a>"),
    "letters behind an ampersand": filled(b"<a href='http://h/&", b"a", b"'>&" + b"a" * SIZE),
    "comment never closed": filled(b"<p>x<!--", b"a -- b "),
    "comment openers": filled(b"", b"<!--"),
    "condition openers": filled(b"", b"<!--[if mso]>"),
    "conditions never named": filled(b"", b"<!--[if "),
    "conditions": filled(b"", b"<!--[if x]>http:<a href=http://h>-->"),
    "dashes": filled(b"<!--", b"-"),
    "tags cut short": filled(b"", b"<a "),
    "names cut short": filled(b"", b"<p"),
    "quotes never closed": filled(b"", b"<a x='"),
    "double quotes never closed": filled(b"", b'<td x="'),
    "values never closed": filled(b"", b'<td x="('),
    "different attributes": b"<a " + b"".join(b"k%d=v " % number for number in range(SIZE // 8)) + b">",
    "the same attribute": filled(b"<a ", b"href=v ", b">"),
    "attributes of one letter": filled(b"<a ", b"x ", b">"),
    "equals signs": filled(b"<a ", b"x = ", b">"),
    "blanks in a tag": filled(b"<a", b" ", b"x"),
    "blanks between attributes": filled(b"", b"<p a  \t\t    \r\n b"),
    "slashes": filled(b"<a", b"/", b">"),
    "wrong nesting": filled(b"", b"<b><p></b>"),
    "links never closed": filled(b"", b"<a href=http://h><b><i>"),
    "links in tables": filled(b"", b"<table><a href=http://h>x"),
    "images in a link": filled(b"<a href=http://h>", b"<img src=http://i>", b"</a>"),
    "styles never closed": filled(b"<style>", b"</sty "),
    "style after style": filled(b"", b"<style></style>"),
    "scripts in scripts": filled(b"", b"<script><!--<script>"),
    "scripts of dashes": filled(b"<script><!--", b"-"),
    "quiet tags and text": filled(b"", b'<td a="b">1 < 2 '),
    "quiet tags and an open quote": filled(b"", b"<td>x</td>") + b'<td a="' + b"x" * SIZE,
    "style: comments": filled(b"<style>", b"/*", b"</style>"),
    "style: strings": filled(b"<style>", b"'a", b"</style>"),
    "style: url openers": filled(b"<style>", b"url(", b"</style>"),
    "style: url and blanks": filled(b"<style>", b"url(  \t ", b"</style>"),
    "style: url and quote": filled(b"<style>", b"url('http://h", b"</style>"),
    "style: imports": filled(b"<style>", b"@import ", b"</style>"),
    "style: image sets": filled(b"<style>", b"image-set(", b"</style>"),
    "style: backslashes": filled(b"<style>", b"\\", b"</style>"),
    "style: escaped names": filled(b"<style>", b"\\75rl(", b"</style>"),
    "style: escaped address": filled(b'<style>a{b:url("', b"\\68", b"</style>"),
    "style: remnants": filled(b"<style>", b"url(a'", b"</style>"),
    "style: one name": filled(b"<style>\\", b"u", b"</style>"),
    "inline declarations": filled(b"<img src=http://h style='", b"width:1px;", b"'>"),
    "inline comments": filled(b"<img src=http://h style='", b"/*", b"'>"),
    "inline exclamation marks": filled(b"<img src=http://h style='width:", b"! ", b"'>"),
    "width of digits": filled(b"<img src=http://h width=", b"1", b">"),
    "width of zeros": filled(b"<img src=http://h style=width:", b"0", b"x!>"),
    "candidates": filled(b"<img srcset='", b"http://h,", b"'>"),
    "candidates and brackets": filled(b"<img srcset='http://h ", b"(", b"'>"),
    "candidates and commas": filled(b"<img srcset='http://h", b",", b"'>"),
    "refresh of blanks": filled(b"<meta http-equiv=refresh content='", b" ", b"'>"),
    "blanks round an address": filled(b"<a href='", b" ", b"http://h'>x</a>"),
    "slashes before a host": filled(b"<a href='http:", b"/", b"'>x</a>"),
    "backslashes in an address": filled(b"<a href='http://h", b"\\", b"'>x</a>"),
    "style: strings of custom properties": filled(b"<style>--a:", b"'//a'", b"</style>"),
    "bases": filled(b"", b"<base href=http://h><img src=x>"),
    "frames": filled(b"", b"<iframe srcdoc='<img src=//h>'></iframe>"),
    "a frame of references": filled(b"<iframe srcdoc='", b"&lt;", b"'>"),
    "animations": filled(b"<svg><animate attributename=href values='", b"//h;", b"'>"),
    "readings that never meet": filled(b"<svg>", b"<style>"),
    "readings in comments": filled(b"<svg>", b"<style><!--</style>"),
    "readings in values": filled(b"<svg>", b"<title><p x='</title>"),
    "sections": filled(b"<svg>", b"<![CDATA["),
    "sections that end": filled(b"<svg>", b"<![CDATA[<style>]]>"),
    "conditions and foreign markup": filled(b"", b"<!--[if x]><svg>http:<style><a href=http://h>--></style>"),
    "foreign styles": filled(b"<svg>", b"<style>&lt;<!--</style>"),
    "a foreign style of references": filled(b"<svg><style>", b"&lt;", b"</style>"),
    "almost a link": filled(b"<a", b' a="b" href="http://h"'),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("view", ATTACKS.values(), ids=ATTACKS)
def test_hostile_markup_ends_in_time(view: bytes) -> None:
    page = read_html(view)
    assert 0 <= page.footer_offset <= len(view)
    visible_words(view, Span(0, len(view)))


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "repeated",
    [b"http://h", b"http://h) ", b")", b"(", b"http://h/ \r\n", b".", b"<http://h \r\nx", b"h", b"http://"],
)
def test_hostile_text_ends_in_time(repeated: bytes) -> None:
    read_text(filled(b"<http://h/", repeated), delsp=True)


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "repeated",
    [
        b"\r\n ",
        b"\\,",
        b"\\n",
        b"http://h\\n",
        b'"',
        b';a="',
        b"X-ALT-DESC:<a href='//h'>\r\n",
        b"URL:http://h\r\n",
        b":",
        b"a.",
    ],
)
def test_hostile_calendars_end_in_time(repeated: bytes) -> None:
    read_calendar(filled(b"DESCRIPTION;x:http://h", repeated))


@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "repeated", [b"http://h ", b"<p>http://h", b"&amp;http://h", b"http://", b"<b title='http://h", b"://"]
)
def test_hostile_words_end_in_time(repeated: bytes) -> None:
    read_html(filled(b"<p>http://h ", repeated))


@pytest.mark.parametrize("repeated", [b"x ", b"x='' ", b"/x", b"x="], ids=repr)
@pytest.mark.parametrize("before", [b"<a ", b"</a "])
def test_attributes_cost_no_memory(before: bytes, repeated: bytes) -> None:
    """Two hundred thousand attributes in a repeated group would take 36 MB."""
    assert peak(lambda: read_html(filled(before, repeated * 2, b">"))) < 4_000_000


@pytest.mark.parametrize(
    "name", ["dashes", "less-than", "style: backslashes", "styles never closed", "scripts of dashes"]
)
def test_other_runs_cost_no_memory(name: str) -> None:
    assert peak(lambda: read_html(ATTACKS[name])) < 4_000_000


def peak(work: Callable[[], object]) -> int:
    """Octets that Python and its regex engine held at most during ``work``."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
