"""What the page round a picture says of it: whether something it stands in is hidden, and where it stands.

Nearly no picture needs that, so nothing here is done before it is asked for, and then once for a page. Elements are
followed only as far as hiding reaches; an element that is never closed ends with the table cell round it, so that a
slip in the markup hides one cell and not the rest of the mail.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import TYPE_CHECKING

from smtp_gate.model import Look
from smtp_gate.scan.attributes import LOOKS, attributes_of, value_of
from smtp_gate.scan.cascade import MAY_HIDE, Cascade
from smtp_gate.scan.look import hides_content, look_of
from smtp_gate.scan.tokens import MARKUP, START, START_CLOSED

if TYPE_CHECKING:
    from smtp_gate.model import Span
    from smtp_gate.scan.attributes import Attributes

_HINT = re.compile(MAY_HIDE.encode())
_HINT_OF_BOX = re.compile(rb"eight(?:=[\"']?|[ \t]?:[ \t]?)[01](?:px)?[;\"' >!]")
_LOUD_HINT_OF_BOX = re.compile(rb"EIGHT(?:=[\"']?|[ \t]?:[ \t]?)[01](?:PX|px)?[;\"' >!]")
"""Where a height of nothing or one may be given, as nearly everybody writes it; each begins with what the search
skips to."""
_TAG = re.compile(rb"<(?:!--|(/?)([a-zA-Z][^\t\n\f\r />]*))")
_PLACES = 2000
"""Places at which one word is looked for."""
_TAG_BEFORE = 4096
"""Octets before a declaration in which its tag begins."""
_EDGE = 3000
"""Octets of markup without a word that may stand between a picture and the edge of the body."""
_LINK_BEFORE = 600
"""Octets before a picture in which the link round it begins."""
_NOTHING_SEEN = re.compile(
    rb"(?:[\s\xc2\xa0]|&nbsp;|&#160;|<!--(?:[^-]|-(?!->))*-->"
    rb"|</?(?!(?:img|input|video|button|svg|object|iframe|textarea|hr|v:)|a[ >])[a-z][^<>]*>)*",
    re.IGNORECASE,
)
_BODY = re.compile(rb"<[bB][oO][dD][yY](?=[ \t\r\n>])[^>]*>")
_UNKNOWN = Look(None, None, (), None, responsive=False)
_HIDING = (b"style", b"width", b"height", b"hidden")
_VOID = frozenset(
    b"area base body br col embed hr html img input link meta param source style track v:image wbr".split()
)
"""Elements that hold nothing, or all."""
_NEVER_SEEN = frozenset(b"base bgsound link meta param script source style track".split())
"""Elements that show nothing, wherever they stand."""
_CELLS = frozenset([b"td", b"th"])
_ROWS = _CELLS | {b"tr"}
_TABLE_PARTS = _ROWS | {b"tbody", b"thead", b"tfoot"}
_ENDS_PARAGRAPH = frozenset(
    b"address article aside blockquote center div dl fieldset footer form h1 h2 h3 h4 h5 h6 header hr main nav ol "
    b"p pre section table ul".split()
)


class Page:
    """One HTML part.

    Args:
        view: the HTML.
        end: where its body ends.
    """

    __slots__ = ("_boxes", "_comments", "_end", "_hidden", "_rules", "_view")

    def __init__(self, view: bytes, end: int) -> None:
        self._view = view
        self._end = end
        self._hidden: list[tuple[int, int]] | None = None
        self._boxes: list[tuple[int, int]] | None = None
        self._comments: list[tuple[int, int]] | None = None
        self._rules: Cascade | None = None

    def hides(self, offset: int, *, boxes: bool) -> bool:
        """Whether what begins at an offset stands in something hidden.

        Args:
            offset: of a tag.
            boxes: whether a box of no size counts, which grows with what has one.
        """
        if self._hidden is None:
            self._hidden = self._ranges(self._places(), wanted=True)
        if _within(self._hidden, offset) is not None:
            return True
        if not boxes:
            return False
        if self._boxes is None:
            places = [match.start() for match in _HINT_OF_BOX.finditer(self._view)]
            places += [match.start() for match in _LOUD_HINT_OF_BOX.finditer(self._view)]
            self._boxes = self._ranges(sorted(places), wanted=False)
        return _within(self._boxes, offset) is not None

    def rules(self) -> Cascade:
        """The rules of the page's style blocks."""
        if self._rules is None:
            self._rules = Cascade(self._view, self.comment)
        return self._rules

    def comment(self, offset: int) -> tuple[int, int] | None:
        """The comment that an offset stands in."""
        if self._comments is None:
            self._comments = []
            at = self._view.find(b"<!--")
            while at >= 0:
                close = self._view.find(b"-->", at + 2)
                stop = close + 3 if close >= 0 else len(self._view)
                self._comments.append((at, stop))
                at = self._view.find(b"<!--", stop)
        return _within(self._comments, offset)

    def tag(self, offset: int) -> tuple[bytes, Attributes] | None:
        """Name and attributes of the start tag that begins at an offset or holds it."""
        view = self._view
        begin = view.rfind(b"<", max(0, offset - _TAG_BEFORE), offset + 1)
        tag = MARKUP.match(view, begin) if begin >= 0 else None
        if tag is None or tag.lastindex != START_CLOSED or tag.end() <= offset:
            return None
        return tag[START].lower(), attributes_of(view, tag.end(START), tag.end() - 1)

    def look(self, offset: int, known: Look | None) -> Look | None:
        """The look of the element whose tag begins at an offset or holds it, with what style rules add.

        Args:
            offset: of the tag or of something in it.
            known: its look without style rules; None when it is not known.
        """
        tag = self.tag(offset)
        if tag is None:
            return known
        attributes = tag[1]
        text = self.rules().text(_names(*tag))
        if known is not None and not text:
            return known
        values = {key: value_of(attributes, key) for key in attributes if key in LOOKS}
        if text:
            values[b"style"] = text + values.get(b"style", "")
        return look_of(values)

    def edge(self, element: Span) -> bool:
        """Whether nothing that can be seen stands before an element, or nothing behind it, and it is no link."""
        view, start, stop = self._view, element.start, element.end
        before = max(0, start - _LINK_BEFORE)
        if view.rfind(b"<a ", before, start) > view.rfind(b"</a", before, start):
            return False
        end = max(self._end, stop)
        if end - stop <= _EDGE and _NOTHING_SEEN.fullmatch(view, stop, end) is not None:
            return True
        body = _BODY.search(view, 0, start)
        begin = body.end() if body else 0
        return start - begin <= _EDGE and _NOTHING_SEEN.fullmatch(view, begin, start) is not None

    def _places(self) -> list[int]:
        """Where a tag may hide what it holds."""
        view = self._view
        places = [match.start() for match in _HINT.finditer(view)]
        places += _occurrences(view, b" hidden", b" >=")
        for name in self.rules().hiding():
            places += _occurrences(view, name.encode("utf-8", "replace"), b"\"' >\t\r\n")
        return sorted(places)

    def _ranges(self, places: list[int], *, wanted: bool) -> list[tuple[int, int]]:
        """Elements whose tag holds one of the places and that :meth:`_hiding` says this of; none in another."""
        view = self._view
        found = []
        done = 0
        for place in places:
            if place < done:
                continue
            begin = view.rfind(b"<", max(done, place - _TAG_BEFORE), place)
            tag = MARKUP.match(view, begin) if begin >= 0 else None
            if tag is None or tag.lastindex not in (START, START_CLOSED) or tag.end() <= place:
                continue
            done = tag.end()
            name = tag[START].lower()
            if name in _VOID or self._hiding(name, attributes_of(view, tag.end(START), done - 1)) is not wanted:
                continue
            comment = self.comment(begin)
            done = self._end_of(name, done, comment[1] if comment else len(view))
            found.append((begin, done))
        return found

    def _hiding(self, name: bytes, attributes: Attributes) -> bool | None:
        """Whether a tag hides what it holds, as :func:`smtp_gate.scan.look.hides_content` says it."""
        values = {key: value_of(attributes, key) for key in _HIDING if key in attributes}
        found = hides_content(name, values)
        if b"class" not in attributes and b"id" not in attributes:
            return found
        named = _names(name, attributes)
        if not found:
            text = self.rules().text(named)
            if text:
                values[b"style"] = text + values.get(b"style", "")
                found = hides_content(name, values)
        return None if found and self.rules().shows(named) else found

    def _end_of(self, name: bytes, start: int, limit: int) -> int:  # noqa: C901, PLR0912 - one walk, many tags
        """Where the element ends whose start tag ends at ``start``."""
        view = self._view
        inner = name in _TABLE_PARTS  # its own kind of tags is counted by the tables round them
        tables = depth = 0
        at = start
        while (tag := _TAG.search(view, at, limit)) is not None:
            at = tag.end()
            closing, other = tag[1], tag[2]
            if other is None:
                close = view.find(b"-->", at - 2, limit)
                at = close + 3 if close >= 0 else limit
                continue
            other = other.lower()
            if other == b"table":
                if not closing:
                    if name == b"p":
                        return tag.start()
                    tables += 1
                elif tables:
                    tables -= 1
                else:
                    return tag.start()
            elif tables:
                continue
            elif other in _TABLE_PARTS:
                if name == b"table":
                    continue
                if not inner or (closing and other == name) or other not in _CELLS or name in _CELLS:
                    return tag.start()
            elif other == name:
                if name == b"p" or (closing and not depth):
                    return tag.start()
                depth += -1 if closing else 1
            elif (name == b"p" and not closing and other in _ENDS_PARAGRAPH) or other in (b"body", b"html"):
                return tag.start()
        return limit


class Around:
    """One picture or other load of a page, as :mod:`smtp_gate.trackers.pixel` asks about it."""

    __slots__ = ("_element", "_look", "_page")

    def __init__(self, page: Page, element: Span, look: Look | None) -> None:
        self._page = page
        self._element = element
        self._look = look or _UNKNOWN

    def hidden(self, *, boxes: bool) -> bool:
        """Whether something it stands in is hidden; ``boxes`` of no size too, for what has none itself."""
        return self._page.hides(self._element.start, boxes=boxes)

    def styled(self) -> Look:
        """Its look with what the page's style rules add."""
        return self._page.look(self._element.start, self._look) or self._look

    def holder(self) -> Look | None:
        """For a load that is no picture: the look of the element whose tag holds its address; None for none."""
        tag = self._page.tag(self._element.start)
        return None if tag is None or tag[0] in _NEVER_SEEN else self._page.look(self._element.start, None)

    def shown(self) -> bool:
        """Whether a style rule may show what its own style hides."""
        tag = self._page.tag(self._element.start)
        return tag is not None and self._page.rules().shows(_names(*tag))

    def edge(self) -> bool:
        """Whether nothing that can be seen stands before it, or nothing behind it, and it is no link."""
        return self._page.edge(self._element)


def _names(tag: bytes, attributes: Attributes) -> frozenset[str]:
    """What a selector can call an element: its tag, its classes and id with their signs."""
    found = [tag.decode("latin-1")]
    found += ["." + name for name in value_of(attributes, b"class").split()]
    if b"id" in attributes:
        found.append("#" + value_of(attributes, b"id").strip())
    return frozenset(found)


def _within(ranges: list[tuple[int, int]], offset: int) -> tuple[int, int] | None:
    """The one of sorted ranges, none in another, that an offset stands in."""
    place = bisect_right(ranges, (offset, offset))
    if place < len(ranges) and ranges[place][0] == offset:
        return ranges[place]
    return ranges[place - 1] if place and offset < ranges[place - 1][1] else None


def _occurrences(view: bytes, text: bytes, behind: bytes) -> list[int]:
    """Where a text stands, followed by one of these octets; the first of such places."""
    found: list[int] = []
    at = view.find(text)
    while at >= 0 and len(found) < _PLACES:
        if view[at + len(text) : at + len(text) + 1] in behind:
            found.append(at)
        at = view.find(text, at + len(text))
    return found
