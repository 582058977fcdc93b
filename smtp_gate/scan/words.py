"""The words that a reader sees in a piece of HTML; they tell an unsubscribe link from any other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtp_gate.scan.attributes import attributes_of, value_of
from smtp_gate.scan.references import running_text
from smtp_gate.scan.tokens import (
    COMMENT,
    CONDITION,
    END,
    MARKUP,
    RAW_TEXT,
    START,
    START_CLOSED,
    raw_end,
)

if TYPE_CHECKING:
    from smtp_gate.model import Span

_INLINE = frozenset(
    [
        *(b"a", b"abbr", b"b", b"big", b"code", b"em", b"font", b"i", b"img", b"ins", b"mark", b"s", b"small"),
        *(b"span", b"strong", b"sub", b"sup", b"tt", b"u", b"wbr"),
    ]
)
"""Tags that part no words: ``Un<b>sub</b>scribe`` is one word, ``Hello<br>you`` are two."""
_UNSEEN = dict.fromkeys([0xAD, 0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0x34F])
"""Soft hyphen, zero width characters, grapheme joiner: nobody sees them in a word."""


def visible_words(view: bytes, span: Span) -> str:
    """The text in ``view[span]``, lower case; the alternative texts of its images where there is none."""
    return visible_text(view, span).lower()


def visible_text(view: bytes, span: Span, *, alternatives: bool = True) -> str:
    """The text in ``view[span]``: references resolved, tags and comments dropped, single blanks.

    Args:
        view: the markup.
        span: where to read.
        alternatives: whether the alternative texts of the images stand for text where there is none.
    """
    at, end = span
    if view.find(b"<", at, end) < 0:
        text = running_text(view[at:end])
        return " ".join((text if text.isascii() else text.translate(_UNSEEN)).split())
    pieces: list[str] = []
    pictures: list[str] = []
    while at < end:
        match = MARKUP.search(view, at, end)
        if match is None:
            pieces.append(running_text(view[at:end]))
            break
        pieces.append(running_text(view[at : match.start()]))
        at = match.end()
        name = (match[START] or match[END] or b"").lower()
        if name not in _INLINE and (match[START] or match[END]):
            pieces.append(" ")
        if match.lastindex == START_CLOSED:
            if name in RAW_TEXT:
                at = raw_end(view, name, at, end)
            elif name == b"img":
                pictures.append(value_of(attributes_of(view, match.end(START), at - 1), b"alt"))
        elif match.lastindex in (START, COMMENT, CONDITION):
            break  # the words end within it; or it has very many attributes or dashes, as no link that works
    text = " ".join("".join(pieces).translate(_UNSEEN).split())
    return text if text or not alternatives else " ".join(" ".join(pictures).split())
