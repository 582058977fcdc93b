"""A page read stretch by stretch; one that was read before is not read again, whatever addresses stand in it now.

The copies of one mailing differ in their links and in a name here and there, and nearly all the rest is the same,
byte for byte. So a page is cut before each tag that holds an address in double quotes. What is found in a stretch
is remembered under its bytes without these addresses, and holds for every stretch with the same bytes: neither a
tag nor a comment can begin or end within such an address, since it has none of the signs for that.

Nothing depends on what is remembered but the time that it takes. This module alone decides what may be: a stretch
is whole, so that no tag, comment, raw text or link goes on beyond it, and nothing in it changes how the rest of the
page is read. A stretch that is not is joined with the next; some pages are read as a whole.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from smtp_gate.limits import MAX_STRETCH, STRETCH_MEMORY, STRETCHES_SEEN
from smtp_gate.model import Address, Carrier, Span
from smtp_gate.scan.attributes import NEW
from smtp_gate.scan.html import HtmlPage, Stretch, read_html, read_stretch
from smtp_gate.scan.urls import absolute, web_address
from smtp_gate.scan.visible import visible_addresses

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smtp_gate.model import Look

_RUN = re.compile(rb"=\"(https?://[0-9A-Za-z][!#-&+-;=?-\[\]-~]*)\"")
"""An address in double quotes without a blank, quote, bracket, star or backslash: no rule of HTML or CSS sees more
in it than characters of a value. It is an address whatever references it holds."""
_FEWEST = 3
"""Addresses below which a page is read at once."""
_MOST_JOINED = 4
"""Stretches that are joined; where a link or comment reaches over more, the rest of the page is one."""
_COST = 700
"""Octets that the spans of one remembered address take."""

_Run = tuple[int, int]
_Key = tuple[bytes, ...]
"""The bytes of a stretch before, between and behind its runs."""
_Offset = tuple[int, int]
"""An offset in a stretch without its runs, and how many runs stand before it."""


class _Kept(NamedTuple):
    """One address of a remembered stretch.

    Attributes:
        url: None when its value is a run, which may differ.
    """

    carrier: Carrier
    element: tuple[int, int, int, int]
    value: tuple[int, int, int, int]
    closing: tuple[int, int, int, int] | None
    quote: bytes
    url: str | None
    look: Look | None
    load: bool


class _Known(NamedTuple):
    """What was found in a stretch.

    Attributes:
        places: its addresses.
        fixed: numbers and texts of the runs that must be the same again.
        body_end: of its last ``</body>``; None when it has none.
        html_end: of its last ``</html>``.
        language: as in :class:`smtp_gate.scan.html.HtmlPage`.
    """

    places: tuple[_Kept, ...]
    fixed: tuple[tuple[int, bytes], ...]
    body_end: _Offset | None
    html_end: _Offset | None
    language: str


_GOES_ON = _Known((), (), None, None, "")
"""What is known of a stretch that something reaches out of."""


class _Memory:
    """Stretches that came more than once; all are forgotten when they take too much room."""

    def __init__(self) -> None:
        self.known: dict[_Key, _Known] = {}
        self._room = STRETCH_MEMORY
        self._seen: set[int] = set()

    def again(self, key: _Key) -> bool:
        """Whether it came before: what comes but once would only drive out the others."""
        mark = hash(key)
        if mark in self._seen:
            return sum(map(len, key)) <= MAX_STRETCH
        if len(self._seen) >= STRETCHES_SEEN:
            self._seen.clear()
        self._seen.add(mark)
        return False

    def keep(self, key: _Key, known: _Known) -> None:
        """Remember one."""
        # whatever else is kept of it was cut out of it
        cost = 2 * sum(map(len, key)) + _COST * (1 + len(known.places))
        if cost > self._room:
            self.known.clear()
            self._room = STRETCH_MEMORY
        self._room -= cost
        self.known[key] = known


_memory = _Memory()


def read_page(view: bytes) -> HtmlPage:
    """What :func:`smtp_gate.scan.html.read_html` says of a page, sooner for one like those before.

    Args:
        view: as there.
    """
    runs = [match.span(1) for match in _RUN.finditer(view)]
    if len(runs) < _FEWEST:
        return read_html(view)
    reading = _Reading(view, runs)
    if not reading.read():
        return read_html(view)
    addresses = reading.addresses
    seen = visible_addresses(view, addresses)
    if seen:
        addresses = sorted([*addresses, *seen], key=lambda one: one.element)
    ends = (reading.body_end, reading.html_end, reading.swallowed)
    footer = next((place for place in ends if place >= 0), len(view))
    return HtmlPage(tuple(addresses), footer, reading.language, hidden=False)


class _Reading:
    """One page while it is read."""

    __slots__ = ("addresses", "body_end", "html_end", "language", "runs", "swallowed", "view")

    def __init__(self, view: bytes, runs: list[_Run]) -> None:
        self.view = view
        self.runs = runs
        self.addresses: list[Address] = []
        self.language = ""
        self.body_end = self.html_end = self.swallowed = -1

    def read(self) -> bool:
        """Read all of it; False when it must be read as a whole."""
        view, runs = self.view, self.runs
        recall = _memory.known.get
        cuts, firsts = self._cuts()
        most = len(cuts) - 1
        place = 0
        while place < most:
            begin, upto = cuts[place], place
            while True:
                upto += 1
                end = cuts[upto]
                within = runs[firsts[place] : firsts[upto]]
                key = _key(view, begin, end, within)
                known = recall(key)
                if known is None or (upto == most if known is _GOES_ON else not _fits(view, within, known)):
                    found = read_stretch(view, begin, end)
                    if not found.alone:
                        return False
                    if known is None:
                        self._keep(key, begin, within, found)
                    if found.whole or upto == most:
                        self._add(found)
                        break
                elif known is not _GOES_ON:
                    self._recall(begin, within, known)
                    break
                if upto - place >= _MOST_JOINED:
                    upto = most - 1
            place = upto
        return True

    def _cuts(self) -> tuple[list[int], list[int]]:
        """Where stretches begin, each with the number of its first run; and the end of the page."""
        cuts, firsts = [0], [0]
        done = 0
        find = self.view.rfind
        for number, (start, end) in enumerate(self.runs):
            cut = find(b"<", done, start)
            if cut > 0:  # else it stands in the tag of the one before
                cuts.append(cut)
                firsts.append(number)
            done = end
        cuts.append(len(self.view))
        firsts.append(len(self.runs))
        return cuts, firsts

    def _keep(self, key: _Key, begin: int, within: Sequence[_Run], found: Stretch) -> None:
        """Remember what can be."""
        if not _memory.again(key):
            return
        known = _known(self.view, begin, within, found) if found.whole else _GOES_ON
        if known is not None:
            _memory.keep(key, known)

    def _add(self, found: Stretch) -> None:
        """What was read just now."""
        self.addresses += found.addresses
        self.language = self.language or found.language
        self.swallowed = found.swallowed
        if found.body_end >= 0:
            self.body_end = found.body_end
        if found.html_end >= 0:
            self.html_end = found.html_end

    def _recall(self, begin: int, within: Sequence[_Run], known: _Known) -> None:
        """What was read some time ago, as it stands here."""
        if len(within) == 1:
            start, end = within[0]
            at = [begin, begin + end - start]
        else:
            at = _shifts(begin, within)
        _place(self.view, at, within, known.places, self.addresses)
        if known.body_end is not None:
            self.body_end = known.body_end[0] + at[known.body_end[1]]
        if known.html_end is not None:
            self.html_end = known.html_end[0] + at[known.html_end[1]]
        self.language = self.language or known.language


def _key(view: bytes, begin: int, end: int, within: Sequence[_Run]) -> _Key:
    if len(within) == 1:
        start, stop = within[0]
        return view[begin:start], view[stop:end]
    pieces = []
    for start, stop in within:
        pieces.append(view[begin:start])
        begin = stop
    return (*pieces, view[begin:end])


def _fits(view: bytes, within: Sequence[_Run], known: _Known) -> bool:
    for number, text in known.fixed:
        start, end = within[number]
        if view[start:end] != text:
            return False
    return True


def _shifts(begin: int, within: Sequence[_Run]) -> list[int]:
    """What to add to an :data:`_Offset`, by its number of runs."""
    at = [begin]
    for start, end in within:
        begin += end - start
        at.append(begin)
    return at


def _place(
    view: bytes, at: Sequence[int], within: Sequence[_Run], places: tuple[_Kept, ...], found: list[Address]
) -> None:
    """Add the addresses of a stretch as they stand in a page."""
    for carrier, element, value, closing, quote, url, look, load in places:
        begin, before, stop, behind = element
        stop += at[behind]
        tag = NEW(Span, (begin + at[before], stop))
        begin, before, end, behind = value
        if url is None:
            span = within[before]
            raw = view[span[0] : span[1]]
            if raw.count(b"&") == raw.count(b"&amp;"):
                text = raw.replace(b"&amp;", b"&").decode("ascii")
            else:
                text = web_address(view, *span, absolute)
            where = NEW(Span, span)
        else:
            text = url
            where = NEW(Span, (begin + at[before], end + at[behind]))
        if closing is None:
            found.append(NEW(Address, (carrier, tag, where, None, None, quote, text, look, load)))
        else:
            begin, before, end, behind = closing
            begin += at[before]
            ending, words = NEW(Span, (begin, end + at[behind])), NEW(Span, (stop, begin))
            found.append(NEW(Address, (carrier, tag, where, ending, words, quote, text, look, load)))


def _known(view: bytes, begin: int, within: Sequence[_Run], found: Stretch) -> _Known | None:
    """What to remember of a stretch; None when it cannot be."""
    numbers = {run: number for number, run in enumerate(within)}
    free = {}
    for one in found.addresses:
        number = numbers.get(one.value)
        # Where the element is the value itself, it is one of a list, whose readers know other references.
        if number is not None and one.quote == b'"' and one.element != one.value:
            free[one.value] = number
    at = _shifts(begin, within)

    def offset(place: int) -> _Offset:
        number = sum(stop <= place for _, stop in within)
        return place - at[number], number

    places = []
    for one in found.addresses:
        number = free.get(one.value)
        start = offset(one.value.start)
        value = (start[0], start[1], *offset(one.value.end))
        places.append(
            _Kept(
                one.carrier,
                (*offset(one.element.start), *offset(one.element.end)),
                value,
                None if one.closing is None else (*offset(one.closing.start), *offset(one.closing.end)),
                one.quote,
                None if number is not None else one.url,
                one.look,
                one.load,
            )
        )
    fixed = [(number, view[slice(*run)]) for run, number in numbers.items() if run not in free]
    known = _Known(
        tuple(places),
        tuple(fixed),
        offset(found.body_end) if found.body_end >= 0 else None,
        offset(found.html_end) if found.html_end >= 0 else None,
        found.language,
    )
    # What this way of keeping it does not know to give back is not kept.
    again: list[Address] = []
    _place(view, at, within, known.places, again)
    return known if again == found.addresses else None
