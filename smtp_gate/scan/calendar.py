r"""The web addresses in iCalendar (RFC 5545), vCalendar and vCard (RFC 6350): content lines, folded and escaped.

A line goes on in the next one behind a line end and one blank. In a text ``\n`` is a line break and a backslash
stands before ``,``, ``;`` and itself; some properties hold a page (``X-ALT-DESC``), which is read as one.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from smtp_gate.model import Address, Carrier, Span
from smtp_gate.scan.html import read_html
from smtp_gate.scan.made import Made
from smtp_gate.scan.plaintext import ADDRESS, trimmed
from smtp_gate.scan.urls import absolute

if TYPE_CHECKING:
    from collections.abc import Callable

_FOLD = re.compile(rb"\r?\n[ \t]")
_LINE = re.compile(rb"[^\r\n]+")
_NAME = re.compile(rb"(?:[A-Za-z0-9-]{1,64}\.)?([A-Za-z0-9-]{1,64})")
_VALUE_BEGINS = re.compile(rb"[^:\"]*(?:\"[^\"]*\"[^:\"]*){0,50}:")
_ESCAPE = re.compile(rb"\\([\\,;nN])")
_ESCAPED = {b"n": b"\n", b"N": b"\n"}
_PAGE = re.compile(rb";FMTTYPE=\"?text/html|;VALUE=\"?text/html", re.IGNORECASE)
_ADDRESSED = re.compile(rb";VALUE=\"?(?:uri|url)\b", re.IGNORECASE)
_ENCODED = re.compile(rb";(?:ENCODING=)?\"?QUOTED-PRINTABLE", re.IGNORECASE)
_LOADED = frozenset([b"IMAGE", b"LOGO", b"PHOTO", b"SOUND"])
"""Properties whose address a client may fetch to show it (RFC 7986 section 5.10, RFC 6350 section 6.2.4)."""
_BARE = _LOADED | {b"ATTACH", b"CALURI", b"CONFERENCE", b"FBURL", b"KEY", b"SOURCE", b"TZURL", b"URL"}
"""Properties whose value is an address as it stands, not a text."""


class Calendar(NamedTuple):
    """What :func:`read_calendar` finds.

    Attributes:
        addresses: in the order they stand.
        hidden: whether an address stands in a line that is encoded in a way of its own (vCalendar 1.0, vCard 2.1),
            or a page in it could not be read whole.
    """

    addresses: tuple[Address, ...]
    hidden: bool


def read_calendar(view: bytes) -> Calendar:
    """Every ``http`` and ``https`` address in the lines of ``view``.

    Args:
        view: the part in a charset that holds ASCII as single octets.

    Returns:
        Addresses with spans of the view, folds within; those of a text have a quote that begins with a backslash.
    """
    made = Made()
    at = 0
    for fold in _FOLD.finditer(view):
        made.add(view[at : fold.start()], at, fold.start())
        at = fold.end()
    made.add(view[at:], at, len(view))
    text = made.text()
    found: list[Address] = []
    hidden = False
    for line in _LINE.finditer(text):
        begin, end = line.span()
        name = _NAME.match(text, begin, end)
        value = _VALUE_BEGINS.match(text, begin, end)
        if name is None or value is None or text.find(b"//", begin, end) < 0:
            continue
        declared = text[begin : value.end()]
        if _ENCODED.search(declared) is not None:
            hidden = True
            continue
        found += _running(text, begin, value.end(), made.span, b"", load=False)
        kind = name[1].upper()
        if kind in _BARE or _ADDRESSED.search(declared) is not None:
            found += _running(text, value.end(), end, made.span, b"", load=kind in _LOADED)
            continue
        plain = _unescaped(text, value.end(), end)

        def span(first: int, last: int, plain: Made = plain) -> Span:
            return made.span(*plain.span(first, last))

        inside = plain.text()
        if kind == b"X-ALT-DESC" or _PAGE.search(declared) is not None:
            page = read_html(inside)
            hidden = hidden or page.hidden
            found += [one.moved(span, b"\\") for one in page.addresses]
        else:
            found += _running(inside, 0, len(inside), span, b"\\", load=False)
    return Calendar(tuple(found), hidden)


def _unescaped(text: bytes, start: int, end: int) -> Made:
    plain = Made()
    at = start
    for escape in _ESCAPE.finditer(text, start, end):
        if escape.start() > at:
            plain.add(text[at : escape.start()], at, escape.start())
        plain.add(_ESCAPED.get(escape[1], escape[1]), *escape.span())
        at = escape.end()
    plain.add(text[at:end], at, end)
    return plain


def _running(
    text: bytes, start: int, end: int, span: Callable[[int, int], Span], quote: bytes, *, load: bool
) -> list[Address]:
    """The addresses that stand in ``text[start:end]`` one after the other."""
    found = []
    for match in ADDRESS.finditer(text, start, end):
        first, last = match.start(), trimmed(text, *match.span())
        url = absolute(text[first:last].decode("ascii"))
        if url:
            value = span(first, last)
            found.append(Address(Carrier.TEXT, value, value, None, None, quote, url, None, load=load))
    return found
