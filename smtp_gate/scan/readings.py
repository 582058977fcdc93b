"""Markup that a browser may read in more than one way, and what each of them sees.

Inside SVG and MathML, and in the odd places that ``<select>`` and ``<frameset>`` make, ``<style>``, ``<title>``
and their like do not turn what follows into text (HTML standard, section 13.2.6.5), and ``<![CDATA[`` is a
section that ends at ``]]>``. Where such a place ends depends on the tree that a browser builds, by rules that
clients keep more or less. So none is guessed: from the first such tag on every way to read the rest is
followed, and what any of them sees counts. Two readings that come to the same tag are one from there on, so
that a page costs little more than its length.
"""

from __future__ import annotations

import re

from smtp_gate.limits import MAX_READINGS
from smtp_gate.scan.made import Made
from smtp_gate.scan.references import resolved
from smtp_gate.scan.tokens import RAW_TEXT, SWALLOWED, tokens

UNCLEAR = frozenset([b"svg", b"math", b"select", b"frameset"])
"""Tags behind which there is more than one way to read."""
_ROOM_OF_SMALL_PAGES = 1_000_000
"""Octets that are always granted, whatever ``MAX_READINGS`` says: a hundredth of a second for pages like a jumble
of hundreds of unfinished frames and styles, which real spam is made of."""
_SECTION = re.compile(rb"<!\[CDATA\[")
_IN_STYLE = re.compile(rb"<!\[CDATA\[|<!--|<[/a-zA-Z][^>]*>?|<")


def all_readings(view: bytes, start: int, end: int) -> tuple[list[tuple[bytes, int, int, int, int]], bool]:
    """The tokens of every reading of ``view[start:end]``.

    Returns:
        Tokens as :func:`smtp_gate.scan.tokens.tokens` yields them, each once, in the order they stand; and whether
        these are all.
    """
    seen: dict[int, tuple[bytes, int, int, int, int]] = {}
    waiting = _behind_sections(view, start, end)
    waiting.append(start)
    begun = set()
    room = max(MAX_READINGS * (end - start), _ROOM_OF_SMALL_PAGES)
    while waiting and room >= 0:
        at = reached = waiting.pop()
        if at in begun:
            continue
        begun.add(at)
        for token in tokens(view, at, end):
            name, begin, stop, _, content = token
            if begin in seen:
                reached = max(stop, content)
                break
            if name == SWALLOWED:
                continue
            seen[begin] = token
            if name in RAW_TEXT:
                waiting.append(stop)
        else:
            reached = end
        room -= reached - at
    return [seen[begin] for begin in sorted(seen)], not waiting


def _behind_sections(view: bytes, start: int, end: int) -> list[int]:
    places: list[int] = []
    close = start
    for section in _SECTION.finditer(view, start, end):
        if close < section.end():
            close = view.find(b"]]>", section.end(), end)
            if close < 0:
                break
            places.append(close + 3)
    return places


def style_text(view: bytes, start: int, end: int) -> Made:
    """The style that SVG's ``<style>`` holds between its tags, where comments, sections and references count."""
    made = Made()
    at = start
    while at < end:
        match = _IN_STYLE.search(view, at, end)
        if match is None:
            break
        resolved(view[at : match.start()], made, at, text=True)
        at = match.end()
        if match[0] == b"<":
            made.add(b"<", at - 1, at)
            continue
        mark = {b"<!--": b"-->", b"<![CDATA[": b"]]>"}.get(match[0])
        if mark is None:
            continue
        close = view.find(mark, at, end)
        close = end if close < 0 else close
        if mark == b"]]>" and close > at:
            made.add(view[at:close], at, close)
        at = min(end, close + len(mark))
    if at < end:
        resolved(view[at:end], made, at, text=True)
    return made
