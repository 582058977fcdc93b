"""Edits in text that is not encoded (7bit, 8bit): no line may become too long for SMTP.

This module alone decides where such a line is broken: at white space inside the edited tag, where a line break
means nothing; in running text beside the address.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from smtp_gate.errors import SpliceError
from smtp_gate.limits import MAX_LINE_OUT
from smtp_gate.render.edits import Edit, apply

if TYPE_CHECKING:
    from collections.abc import Sequence

_IN_FRONT = re.compile(
    rb"[ \t](?=(?:[^\s=<>\"']{1,60}\s{0,9}=\s{0,9}[\"']?|url\(\s{0,9}(?:[\"']|&quot;|&#39;)?)?\Z)", re.IGNORECASE
)
_BEHIND = re.compile(rb"[\"']?([ \t])")
_REACH = 90
"""Octets in front of a value in which its attribute's name begins."""
_DASHED = re.compile(rb"\n(--[^\r\n]*)")


def splice(part: int, view: bytes, edits: Sequence[Edit], line_end: bytes, *, html: bool) -> bytes:
    """The text with its edits; no line becomes longer than 998 octets, or than the longest one was.

    Args:
        part: index of the part, for the error.
        view: the text.
        edits: in order, without overlap.
        line_end: of the text.
        html: whether a line may be broken wherever a tag has a blank.

    Raises:
        SpliceError: reason ``line_length``: a line would become too long, and cannot be broken.
    """
    edited = apply(view, edits)
    if longest(edited) <= MAX_LINE_OUT:
        return edited
    limit = max(MAX_LINE_OUT, longest(view))
    if longest(edited) > limit:
        edited = _broken(edited, _blanks(view, edits), line_end, keep=not html)
        if longest(edited) > limit:
            raise SpliceError(part, "line_length")
    return edited


def breaks_beside(view: bytes, start: int, end: int) -> list[int]:
    """Offsets of the blanks beside a value that may become line ends when something longer takes its place.

    Args:
        view: the text.
        start: of the value.
        end: of the value.
    """
    front = _IN_FRONT.search(view, max(0, start - _REACH), start)
    behind = _BEHIND.match(view, end)
    return [match.start(group) for match, group in ((front, 0), (behind, 1)) if match is not None]


def longest(text: bytes) -> int:
    """Octets of the longest line, without its CR LF."""
    if len(text) <= MAX_LINE_OUT:
        return len(text)
    return max(len(line) - line.endswith(b"\r") for line in text.split(b"\n"))


def _blanks(view: bytes, edits: Sequence[Edit]) -> list[int]:
    """Offsets, in the edited text, of blanks beside what is new."""
    found: list[int] = []
    moved = done = 0
    for number, edit in enumerate(edits):
        following = edits[number + 1].start if number + 1 < len(edits) else len(view)
        front = _IN_FRONT.search(view, max(done, edit.start - _REACH), edit.start)
        if edit.new and front is not None and front.start() + moved not in found[-1:]:
            found.append(front.start() + moved)
        moved += len(edit.new) - (edit.end - edit.start)
        done = edit.end
        behind = _BEHIND.match(view, done, following)
        if edit.new and behind is not None:
            found.append(behind.start(1) + moved)
    return found


def _broken(text: bytes, blanks: Sequence[int], line_end: bytes, *, keep: bool) -> bytes:
    """A text with its long lines broken at some of these blanks, each as late as it can be.

    Args:
        text: what has lines that are too long.
        blanks: offsets of the blanks, ascending.
        line_end: to write.
        keep: whether the blank stays in front of the line end; in running text nothing may be lost.
    """
    pieces = []
    done = 0
    begin = 0
    for number, blank in enumerate(blanks):
        begin = max(begin, text.rfind(b"\n", begin, blank) + 1)
        following = blanks[number + 1] if number + 1 < len(blanks) else len(text)
        stop = text.find(b"\n", blank, following)
        following = following if stop < 0 else stop
        if following - begin > MAX_LINE_OUT:
            pieces += [text[done : blank + keep], line_end]
            done = begin = blank + 1
    pieces.append(text[done:])
    return b"".join(pieces)


def same_delimiters(raw: bytes, old: bytes, new: bytes) -> bool:
    """Whether an edited body has no line that a multipart around it would take for its delimiter.

    Args:
        raw: the whole message; every delimiter stands in it as a line.
        old: the body before.
        new: the body as it shall be.
    """
    dashed = _DASHED.findall(b"\n" + new if new.startswith(b"--") else new)
    if not dashed:
        return True
    lines = set(dashed).difference(_DASHED.findall(b"\n" + old))
    if not lines:
        return True
    known = {line.rstrip() for line in _DASHED.findall(raw)}
    known |= {line.removesuffix(b"--") for line in known}
    return known.isdisjoint(line.rstrip() for line in lines)
