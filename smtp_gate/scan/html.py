"""What one HTML part holds: every web address with the spans that are needed to edit it, and where a footer goes.

The page is walked once, token by token. What stands in a downlevel-hidden conditional comment
(``<!--[if mso]> ... <![endif]-->``) is markup for Outlook and walked too, one level deep and apart: no tag begins
outside and ends inside.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from smtp_gate.model import Address, Carrier, Span
from smtp_gate.scan.attributes import (
    ANYWHERE,
    ELEMENTS,
    QUOTES,
    VML,
    addresses_of,
    attributes_of,
    usual_image,
    value_of,
)
from smtp_gate.scan.style import style_addresses
from smtp_gate.scan.tokens import CONDITIONAL, MAY_LOAD, SWALLOWED, USUAL_IMAGE, USUAL_LINK, tokens
from smtp_gate.scan.urls import web_address

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smtp_gate.scan.attributes import Reader

_ANCHOR = Carrier.ANCHOR
_LINK_REST: Mapping[bytes, Reader] = {name: read for name, read in ELEMENTS[b"a"].items() if name != b"href"}
_FOREIGN = frozenset([b"svg", b"math"])
_NOTED = frozenset([b"html", b"style", b"/a", b"/body", b"/html", CONDITIONAL, SWALLOWED]) | _FOREIGN
_KNOWN: Mapping[bytes, Mapping[bytes, Reader]] = {name: {} for name in _NOTED} | dict(ELEMENTS)
"""What asks for a look, whatever its attributes are; an empty entry for what is no element with addresses."""
_LANGUAGE = re.compile(r"\s*([a-zA-Z]{2,3})(?![a-zA-Z])")
_MAY_HOLD = re.compile(
    rb"[hH/\\&](?:(?<=[hH])[\t\n\r]*[tT][\t\n\r]*[tT][\t\n\r]*[pP]|(?<=/)[\t\n\r]*[/\\]|(?<=[\\&]))"
)
"""What no web address can do without, however it is written: ``http``, two slashes, a reference or an escape."""


class HtmlPage(NamedTuple):
    """What :func:`read_html` finds.

    Attributes:
        addresses: in the order they stand. Spans of two may lie in one another: a ``srcset`` candidate or CSS
            address inside the tag of an image or anchor, an image inside an anchor's words.
        footer_offset: before the last ``</body>`` outside comments and raw text, else before the last ``</html>``;
            else the end, or where an unfinished comment, tag or raw text begins that would swallow it.
        language: primary subtag of ``<html lang>``, lower case; empty when it has none.
        foreign: whether there is SVG or MathML, in which a browser reads comments and raw text differently.
    """

    addresses: tuple[Address, ...]
    footer_offset: int
    language: str
    foreign: bool


def read_html(view: bytes) -> HtmlPage:
    """Every ``http``, ``https`` and ``//host`` address in the attributes and styles of ``view``.

    Args:
        view: HTML in UTF-8 or any charset whose markup characters are single ASCII octets.
    """
    page = _Reader(view)
    page.walk(0, len(view))
    footer = next((place for place in (page.body_end, page.html_end, page.swallowed) if place >= 0), len(view))
    return HtmlPage(tuple(page.addresses), footer, page.language, page.foreign)


class _Anchor(NamedTuple):
    """An ``<a href>`` that is still open; it will be put where it began."""

    place: int
    tag: Span
    value: Span
    quote: bytes
    url: str


class _Reader:
    """One walk over one page."""

    __slots__ = ("addresses", "body_end", "foreign", "html_end", "language", "swallowed", "view")

    def __init__(self, view: bytes) -> None:
        self.view = view
        self.addresses: list[Address] = []
        self.language = ""
        self.foreign = False
        self.body_end = self.html_end = self.swallowed = -1

    def walk(self, start: int, end: int, *, inside: bool = False) -> None:  # noqa: C901, PLR0912 - the hot loop
        """Reads ``view[start:end]``; ``inside`` a conditional comment nothing counts for the page as a whole."""
        view = self.view
        known = _KNOWN.get
        anchor: _Anchor | None = None
        for name, begin, stop, inner, content in tokens(view, start, end):
            wanted = known(name)
            if wanted is None:
                if name[1:2] == b":" and name[:1] in b"vo":
                    self._read(begin, stop, inner, VML)
                elif MAY_LOAD.search(view, inner, stop) is not None:
                    self._read(begin, stop, inner, ANYWHERE)
            elif name == b"a":
                # a second <a> ends the first, as the standard says
                if anchor is not None:
                    self._close(anchor, None, None)
                anchor = self._anchor(begin, stop, inner)
            elif name == b"/a":
                if anchor is not None:
                    self._close(anchor, Span(begin, stop), Span(anchor.tag.end, begin))
                    anchor = None
            elif (
                name == b"img"
                and (usual := USUAL_IMAGE.match(view, inner, stop)) is not None
                and usual[1] is not None
            ):
                self.addresses.append(usual_image(begin, stop, usual))
            elif wanted:
                self._read(begin, stop, inner, wanted)
            elif name == CONDITIONAL:
                if _MAY_HOLD.search(view, inner, content) is not None:
                    self.walk(inner, content, inside=True)
            else:
                self._note(name, begin, stop, inner, content, inside=inside)
        if anchor is not None:
            self._close(anchor, None, None)

    def _read(self, begin: int, stop: int, inner: int, wanted: Mapping[bytes, Reader]) -> None:
        if _MAY_HOLD.search(self.view, inner, stop) is None:
            return
        attributes = attributes_of(self.view, inner, stop - 1)
        self.addresses += addresses_of(self.view, Span(begin, stop), attributes, wanted)

    def _anchor(self, begin: int, stop: int, inner: int) -> _Anchor | None:
        """An ``<a>``: its other addresses go to the list, its ``href`` waits for the end tag."""
        view = self.view
        place = len(self.addresses)
        match = USUAL_LINK.match(view, inner, stop)
        if match is not None and match.lastindex == 1:
            return _Anchor(place, Span(begin, stop), Span(*match.span(1)), b'"', match[1].decode("ascii"))
        if match is not None:
            quote = b'"'
            value = Span(*match.span(2))
        else:
            attributes = attributes_of(view, inner, stop - 1)
            self.addresses += addresses_of(view, Span(begin, stop), attributes, _LINK_REST)
            match = attributes.get(b"href")
            if match is None or match.lastindex is None or match.lastindex == 1:
                return None
            quote = QUOTES[match.lastindex]
            value = Span(*match.span(match.lastindex))
        url = web_address(view, *value)
        return _Anchor(place, Span(begin, stop), value, quote, url) if url else None

    def _close(self, anchor: _Anchor, closing: Span | None, words: Span | None) -> None:
        """Adds an anchor where it began, now that it is known whether and where it ends."""
        place, tag, value, quote, url = anchor
        one = Address(_ANCHOR, tag, value, closing, words, quote, url, None, False)  # noqa: FBT003 - the hot path
        if place == len(self.addresses):
            self.addresses.append(one)
        else:
            self.addresses.insert(place, one)

    def _note(self, name: bytes, begin: int, stop: int, inner: int, content: int, *, inside: bool) -> None:
        """A style block, and what counts for the page as a whole."""
        if name[:1].isalpha() and MAY_LOAD.search(self.view, inner, stop) is not None:
            self._read(begin, stop, inner, ANYWHERE)
        if name == b"style":
            self.addresses += style_addresses(self.view, stop, content)
        elif name in _FOREIGN:
            self.foreign = True
        if inside:
            return
        if name == b"/body":
            self.body_end = begin
        elif name == b"/html":
            self.html_end = begin
        elif name == SWALLOWED:
            self.swallowed = begin
        elif name == b"html" and not self.language:
            attributes = attributes_of(self.view, inner, stop - 1)
            language = value_of(attributes, b"lang") or value_of(attributes, b"xml:lang")
            found = _LANGUAGE.match(language)
            self.language = found[1].lower() if found else ""
