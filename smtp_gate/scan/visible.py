"""Web addresses in the visible text of a page, of which mail programs make links though the page does not.

They are rare, so the page is looked at again only where an address stands that no tag holds.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from smtp_gate.model import Address, Carrier, Span
from smtp_gate.scan.made import Made
from smtp_gate.scan.plaintext import ADDRESS, trimmed
from smtp_gate.scan.references import resolved
from smtp_gate.scan.tokens import texts
from smtp_gate.scan.urls import absolute

if TYPE_CHECKING:
    from collections.abc import Iterable

_SCHEME = re.compile(rb"://")
_WORDS_BEFORE = 240
"""Octets of markup before an address that are taken for its words."""


def visible_addresses(view: bytes, found: Iterable[Address]) -> list[Address]:
    """Every ``http`` and ``https`` address that the reader of a page sees, in order.

    Args:
        view: the HTML.
        found: the addresses in its tags and styles.

    Returns:
        Addresses of :attr:`Carrier.TEXT` whose quote is ``&``: references may stand in them.
    """
    if not _may_stand(view, {address.value.start for address in found}):
        return []
    seen = []
    for start, end in texts(view, 0, len(view)):
        if view.find(b"://", start, end) < 0:
            continue
        made = Made()
        resolved(view[start:end], made, start, text=True)
        text = made.text()
        for match in ADDRESS.finditer(text):
            first, last = match.start(), trimmed(text, *match.span())
            url = absolute(text[first:last].decode("ascii"))
            if url:
                value = made.span(first, last)
                words = Span(_begin_of_words(view, value.start), value.start)
                seen.append(Address(Carrier.TEXT, value, value, None, words, b"&", url, None, load=False))
    return seen


def _begin_of_words(view: bytes, start: int) -> int:
    """Where the words in front of ``start`` begin, not within a tag."""
    reach = max(0, start - _WORDS_BEFORE)
    first = view.find(b"<", reach, start)
    return first if first >= 0 else reach


def _may_stand(view: bytes, taken: set[int]) -> bool:
    """Whether an address begins outside the tags, or may; ``taken`` are the places of those that are known."""
    done = 0
    opened = closed = -1
    for scheme in _SCHEME.finditer(view):
        at = scheme.start()
        if at - 5 in taken or at - 4 in taken:
            continue
        opened = max(opened, view.rfind(b"<", done, at))
        closed = max(closed, view.rfind(b">", done, at))
        done = at
        if opened <= closed and view[max(0, at - 5) : at].lower().endswith((b"https", b"http")):
            return True
    return False
