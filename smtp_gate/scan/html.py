"""What one HTML part holds: every web address with the spans that are needed to edit it, and where a footer goes.

The page is walked once, token by token. What stands in a downlevel-hidden conditional comment (``<!--[if mso]>
... <![endif]-->``) is markup for Outlook and walked too, one level deep and apart: no tag begins outside and
ends inside. The page in an ``<iframe srcdoc>`` is walked like this one, through the references that it is
written with. Where a ``<base>`` says what relative addresses mean, the page is walked once more with it; and
what comes behind ``<svg>`` and its like once more for all that other readings see.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from smtp_gate.limits import MAX_FRAME_DEPTH
from smtp_gate.model import Address, Carrier, Span
from smtp_gate.scan.attributes import NEW, QUOTES, Tag, addresses_of, attributes_of, usual_image, value_of, written
from smtp_gate.scan.elements import ANYWHERE, ELEMENTS, UNKNOWN, VML
from smtp_gate.scan.readings import UNCLEAR, all_readings, style_text
from smtp_gate.scan.style import style_addresses, unfolded_style
from smtp_gate.scan.tokens import CONDITIONAL, MAY_LOAD, SWALLOWED, USUAL_IMAGE, USUAL_LINK, tokens
from smtp_gate.scan.urls import absolute, against, web_address
from smtp_gate.scan.visible import visible_addresses

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smtp_gate.scan.attributes import Reader
    from smtp_gate.scan.urls import Resolve

_ANCHOR = Carrier.ANCHOR
_LINK_REST: Mapping[bytes, Reader] = {name: read for name, read in ELEMENTS[b"a"].items() if name != b"href"}
_NOTED = (
    frozenset([b"base", b"html", b"iframe", b"style", b"/a", b"/body", b"/html", CONDITIONAL, SWALLOWED]) | UNCLEAR
)
_KNOWN: Mapping[bytes, Mapping[bytes, Reader]] = dict(ELEMENTS) | {name: {} for name in _NOTED}
"""What asks for a look, whatever its attributes are; an empty entry for what is more than its addresses."""
_PAGE_TAGS = frozenset([b"base", b"html", b"iframe"])
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
        hidden: whether something could not be read: frames too deep, too many ways to read.
    """

    addresses: tuple[Address, ...]
    footer_offset: int
    language: str
    hidden: bool


def read_html(view: bytes, *, depth: int = 0, resolve: Resolve = absolute) -> HtmlPage:
    """Every ``http``, ``https`` and ``//host`` address in the attributes, styles and visible text of ``view``.

    Args:
        view: HTML in UTF-8 or any charset whose markup characters are single ASCII octets.
        depth: how many ``srcdoc`` are round it.
        resolve: makes web addresses of what stands there, unless the page has a ``<base>`` of its own.
    """
    page = _Reader(view, resolve, depth)
    page.walk(0, len(view))
    if page.base:
        page = _Reader(view, against(page.base), depth)
        page.walk(0, len(view))
    seen = visible_addresses(view, page.addresses)
    if seen:
        page.addresses = sorted([*page.addresses, *seen], key=lambda one: one.element)
    footer = next((place for place in (page.body_end, page.html_end, page.swallowed) if place >= 0), len(view))
    return HtmlPage(tuple(page.addresses), footer, page.language, page.hidden)


class Stretch(NamedTuple):
    """A piece of a page, as :func:`read_stretch` finds it; offsets of the view, -1 for what is not there.

    Attributes:
        addresses: in the order they stand, without those in visible text.
        body_end: of the last ``</body>``.
        html_end: of the last ``</html>``.
        swallowed: where something begins that would swallow whatever follows.
        language: as in :class:`HtmlPage`.
        whole: whether no tag, comment, raw text or link reaches out of it.
        alone: whether nothing in it changes how the rest of the page is read.
    """

    addresses: list[Address]
    body_end: int
    html_end: int
    swallowed: int
    language: str
    whole: bool
    alone: bool


def read_stretch(view: bytes, start: int, end: int) -> Stretch:
    """What stands in ``view[start:end]``, in front of which no tag, comment, raw text or link is open."""
    read = _Reader(view, absolute, 0)
    read.walk(start, end)
    # "</" is text at the end of input, and begins a comment anywhere else
    whole = read.swallowed < 0 and not read.open and not view.endswith(b"</", start, end)
    alone = not read.base and read.unclear < 0 and not read.hidden
    return Stretch(
        read.addresses, read.body_end, read.html_end, read.swallowed, read.language, whole=whole, alone=alone
    )


_Anchor = tuple[int, int, int, int, int, bytes, str]
"""An ``<a href>`` still open: place in the list, begin and end of its tag, of its value, the quote, the url."""


class _Reader:
    """One walk over one page."""

    __slots__ = (
        "addresses",
        "base",
        "body_end",
        "depth",
        "hidden",
        "html_end",
        "language",
        "open",
        "relative",
        "resolve",
        "swallowed",
        "unclear",
        "view",
    )

    def __init__(self, view: bytes, resolve: Resolve, depth: int) -> None:
        self.view = view
        self.resolve = resolve
        self.relative = resolve is not absolute
        self.depth = depth
        self.base = ""
        self.addresses: list[Address] = []
        self.language = ""
        self.hidden = False
        self.open = False
        self.body_end = self.html_end = self.swallowed = self.unclear = -1

    def walk(self, start: int, end: int, *, inside: bool = False) -> None:  # noqa: C901, PLR0912 - the hot loop
        """Reads ``view[start:end]``; ``inside`` a conditional comment nothing counts for the page as a whole."""
        view = self.view
        known = _KNOWN.get
        self.unclear = -1
        before = len(self.addresses)
        anchor: _Anchor | None = None
        for name, begin, stop, inner, content in tokens(view, start, end):
            wanted = known(name)
            if wanted is None:
                if b":" in name:
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
                    self._close(anchor, NEW(Span, (begin, stop)), NEW(Span, (anchor[2], begin)))
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
                if self.relative or _MAY_HOLD.search(view, inner, content) is not None:
                    outside = self.unclear
                    self.walk(inner, content, inside=True)
                    self.unclear = outside
            else:
                self._note(name, begin, stop, inner, content, inside=inside)
        self.open = anchor is not None
        if anchor is not None:
            self._close(anchor, None, None)
        if self.unclear >= 0:
            self._reread(self.unclear, end, before)

    def _reread(self, start: int, end: int, before: int) -> None:
        """Adds what other readings of ``view[start:end]`` see; ``before`` addresses stand before it."""
        found, whole = all_readings(self.view, start, end)
        self.hidden = self.hidden or not whole
        first, self.addresses = self.addresses, []
        for name, begin, stop, inner, content in found:
            if name == b"a":
                anchor = self._anchor(begin, stop, inner)
                if anchor is not None:
                    self._close(anchor, None, None)
            elif name == CONDITIONAL:
                self.walk(inner, content, inside=True)
            elif name in _PAGE_TAGS:
                self._page(name, self._tag(begin, stop, inner), inside=True)
            elif name[:1].isalpha():
                self._read(begin, stop, inner, VML if b":" in name else ELEMENTS.get(name, UNKNOWN))
            if name == b"style":
                self.addresses += style_addresses(self.view, stop, content, self.resolve)
                made = style_text(self.view, stop, content)
                self.addresses += unfolded_style(made.text(), made.span, self.resolve)
        here = {one.value: one for one in self.addresses}
        here |= {one.value: one for one in first[before:]}
        if len(here) > len(first) - before:
            first[before:] = sorted(here.values(), key=lambda one: one.element)
        self.addresses = first

    def _read(self, begin: int, stop: int, inner: int, wanted: Mapping[bytes, Reader]) -> None:
        if self.relative or _MAY_HOLD.search(self.view, inner, stop) is not None:
            self.addresses += addresses_of(self._tag(begin, stop, inner), wanted)

    def _tag(self, begin: int, stop: int, inner: int) -> Tag:
        return Tag(self.view, Span(begin, stop), attributes_of(self.view, inner, stop - 1), self.resolve)

    def _anchor(self, begin: int, stop: int, inner: int) -> _Anchor | None:
        """An ``<a>``: its other addresses go to the list, its ``href`` waits for the end tag."""
        view = self.view
        place = len(self.addresses)
        match = USUAL_LINK.match(view, inner, stop)
        if match is not None and match.lastindex == 1:
            return place, begin, stop, *match.span(1), b'"', match[1].decode("ascii")
        if match is not None:
            group, quote = 2, b'"'
        else:
            tag = self._tag(begin, stop, inner)
            self.addresses += addresses_of(tag, _LINK_REST)
            match = tag.attributes.get(b"href")
            if match is None or match.lastindex is None or match.lastindex == 1:
                return None
            group, quote = match.lastindex, QUOTES[match.lastindex]
        first, last = match.span(group)
        url = web_address(view, first, last, self.resolve)
        return (place, begin, stop, first, last, quote, url) if url else None

    def _close(self, anchor: _Anchor, closing: Span | None, words: Span | None) -> None:
        """Adds an anchor where it began, now that it is known whether and where it ends."""
        place, begin, stop, first, last, quote, url = anchor
        tag, value = NEW(Span, (begin, stop)), NEW(Span, (first, last))
        one = NEW(Address, (_ANCHOR, tag, value, closing, words, quote, url, None, False))
        if place == len(self.addresses):
            self.addresses.append(one)
        else:
            self.addresses.insert(place, one)

    def _note(self, name: bytes, begin: int, stop: int, inner: int, content: int, *, inside: bool) -> None:
        """A style block, a frame, and what counts for the page as a whole."""
        if name in _PAGE_TAGS:
            self._page(name, self._tag(begin, stop, inner), inside=inside)
            return
        if name == b"style":
            self.addresses += style_addresses(self.view, stop, content, self.resolve)
        elif name in UNCLEAR:
            self._read(begin, stop, inner, ELEMENTS.get(name, ANYWHERE))
            if self.unclear < 0:
                self.unclear = stop
        if inside:
            return
        if name == b"/body":
            self.body_end = begin
        elif name == b"/html":
            self.html_end = begin
        elif name == SWALLOWED:
            self.swallowed = begin

    def _page(self, name: bytes, tag: Tag, *, inside: bool) -> None:
        """``<html>``, ``<base>`` and ``<iframe>``."""
        self.addresses += addresses_of(tag, ELEMENTS[name])
        if name == b"iframe":
            self._frame(tag)
        elif inside:
            return
        elif name == b"base" and not self.base:
            match = tag.attributes.get(b"href")
            if match is not None and match.lastindex is not None and match.lastindex != 1:
                self.base = web_address(self.view, *match.span(match.lastindex), absolute)
        elif name == b"html" and not self.language:
            language = value_of(tag.attributes, b"lang") or value_of(tag.attributes, b"xml:lang")
            declared = _LANGUAGE.match(language)
            self.language = declared[1].lower() if declared else ""

    def _frame(self, tag: Tag) -> None:
        """The page in ``srcdoc``; its quotes stand inside the attribute's."""
        match = tag.attributes.get(b"srcdoc")
        if match is None or match.lastindex == 1:
            return
        if self.depth >= MAX_FRAME_DEPTH:
            self.hidden = True
            return
        text, span, quote = written(self.view, match)
        page = read_html(text, depth=self.depth + 1, resolve=self.resolve)
        self.hidden = self.hidden or page.hidden
        self.addresses += [one.moved(span, quote or b" ") for one in page.addresses]
