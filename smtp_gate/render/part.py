"""Edits of a part's view brought into the encoded part, and the proof that nothing else changed.

This module alone decides how a part is written back. Whatever was done, the new body is decoded again: unless it
gives exactly the edited view, nothing leaves.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Final

from smtp_gate import transfer
from smtp_gate.errors import SpliceError
from smtp_gate.limits import MAX_LINE_OUT
from smtp_gate.model import CALENDARS, PAGES
from smtp_gate.render import base64_lines, plain_lines, quoted_printable
from smtp_gate.render.calendar_lines import folded
from smtp_gate.render.edits import Edit, apply

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smtp_gate.model import Part

CRLF: Final = b"\r\n"


def line_end(text: bytes, default: bytes = CRLF) -> bytes:
    """The line end that a text uses first."""
    at = text.find(b"\n")
    if at < 0:
        return default
    return CRLF if text[at - 1 : at] == b"\r" else b"\n"


def splice(raw: bytes, part: Part, edits: Sequence[Edit]) -> bytes:
    """The new body of a part.

    Args:
        raw: the message.
        part: one with a view.
        edits: in order, without overlap, in offsets of the view; new text has the line end of the view.

    Raises:
        SpliceError: the edits cannot be written so that all the rest stays: reason ``charset`` (the new text does
            not fit the part's charset), ``encoding`` (8-bit text in a 7-bit part), ``line_length``, ``verify``.
    """
    old = raw[part.body.start : part.body.end]
    view = part.view or b""
    edits = [edit for edit in edits if view[edit.start : edit.end] != edit.new]
    if not edits:
        return old
    if part.media_type in CALENDARS:
        edits = folded(view, edits, line_end(view, line_end(old, line_end(raw))))
    if part.transcoded:
        view, edits = _in_charset(part, old, view, edits)
    # several edits may together change nothing
    return _encoded(raw, part, old, view, edits) if edits else old


def _encoded(raw: bytes, part: Part, old: bytes, content: bytes, edits: Sequence[Edit]) -> bytes:
    """The body with the edits of its content written in its encoding, and read again."""
    body_end = line_end(old, line_end(raw))
    if part.encoding == "quoted-printable":
        edited = apply(content, edits)
        # A body that is not well formed shows by what the new one holds, and is then written with more care.
        with suppress(IndexError):
            new = quoted_printable.splice(old, edits, body_end, flawless=True)
            if _proven(raw, part, old, new, edited):
                return new
        new = quoted_printable.splice(old, edits, body_end)
    elif part.encoding == "base64":
        edited = apply(content, edits)
        new = base64_lines.splice(old, edits[0].start, edited, body_end)
    else:
        if part.encoding == "7bit" and not all(edit.new.isascii() for edit in edits):
            raise SpliceError(part.index, "encoding")
        if part.transcoded:
            new = edited = apply(content, edits)
            if plain_lines.longest(new) > max(MAX_LINE_OUT, plain_lines.longest(old)):
                raise SpliceError(part.index, "line_length")
        else:
            new = edited = plain_lines.splice(part.index, content, edits, body_end, html=part.media_type in PAGES)
    if not _proven(raw, part, old, new, edited):
        raise SpliceError(part.index, "verify")
    return new


def _proven(raw: bytes, part: Part, old: bytes, new: bytes, edited: bytes) -> bool:
    """Whether a new body holds the edited text, and no line that ends a part."""
    return transfer.decode(new, part.encoding) == edited and plain_lines.same_delimiters(raw, old, new)


def _in_charset(part: Part, old: bytes, view: bytes, edits: Sequence[Edit]) -> tuple[bytes, list[Edit]]:
    """A transcoded part's content in its own charset, and the edits in that content.

    Whole lines are exchanged, since shift states (ISO-2022) go from one character to the next but end with the
    line; where lines do not show in the bytes (UTF-16) it is one edit from the first change to the last.
    """
    content = transfer.decode(old, part.encoding)
    edited = apply(view, edits)
    new = None if content is None else transfer.from_utf8(edited, content, part.charset)
    if content is None or new is None or transfer.to_utf8(new, part.charset) != edited:
        raise SpliceError(part.index, "charset")
    written = []
    before, after = content.splitlines(keepends=True), new.splitlines(keepends=True)
    if len(before) == len(after):
        at = 0
        for one, other in zip(before, after, strict=True):
            if one != other:
                written.append(Edit(at, at + len(one), other))
            at += len(one)
    else:
        same = _common(content, new)
        tail = _common(content[same:][::-1], new[same:][::-1])
        written.append(Edit(same, len(content) - tail, new[same : len(new) - tail]))
    return content, written


def _common(one: bytes, other: bytes) -> int:
    """Octets at the start that are the same."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[:middle] == other[:middle]:
            low = middle
        else:
            high = middle - 1
    return low
