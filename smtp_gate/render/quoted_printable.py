"""Edits written into quoted-printable text, which is never decoded and encoded anew.

This module alone decides where a soft line break goes. Every encoded line that no edit touches keeps its bytes; on
a touched one the old characters stay as they were encoded, and only what is new is encoded here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from smtp_gate.limits import MAX_QP_LINE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smtp_gate.render.edits import Edit

_BROKEN = re.compile(rb"=(?![0-9A-Fa-f]{2}|\r?\n)")
_TOKEN = re.compile(rb"=[ \t]+\r?\n|=\n|=\r[^\n]*\n?|==|=[0-9A-Fa-f]{2}|=\Z")
_SOFT_BREAK = re.compile(rb"=[ \t]*\r?\n")
_PRINTABLE = bytes(range(0x20, 0x7F))
_NOT_LITERAL = re.compile(rb"[^ -<>-~]")
_EQUALS = 0x3D
_LF = 0x0A
_CR = 0x0D
_ESCAPE = 3
"""Octets of ``=XX``."""
_FULL = MAX_QP_LINE - 1
"""Octets of a line before its soft break's ``=``."""


def splice(body: bytes, edits: Sequence[Edit], line_end: bytes, *, flawless: bool = False) -> bytes:
    """Write edits into an encoded body.

    Args:
        body: quoted-printable, not necessarily well formed.
        edits: in order, without overlap, in offsets of the decoded text.
        line_end: of the body; a line end in new text is written as one.
        flawless: whether the body is taken for well formed, which nearly all are and which spares a search; whoever
            says so checks what comes back.

    Returns:
        The new body. What is written has lines of at most 76 characters and no white space at a line's end; an
        old line that was longer stays so, where no edit breaks it.

    Raises:
        IndexError: a body is not well formed that was said to be.
    """
    places = locate(body, [offset for edit in edits for offset in (edit.start, edit.end)], flawless=flawless)
    out = bytearray()
    done = 0
    for number, edit in enumerate(edits):
        begin, end = places[2 * number], places[2 * number + 1]
        if edit.start < edit.end:
            begin = _behind_soft_breaks(body, begin)
        out += body[done:begin]
        _write(out, edit.new, line_end)
        done = end
        following = places[2 * number + 2] if number + 1 < len(edits) else len(body)
        done = _join(out, body, done, following, line_end)
    out += body[done:]
    return bytes(out)


def locate(body: bytes, offsets: Sequence[int], *, flawless: bool = False) -> list[int]:
    """Where characters of the decoded text stand in the encoded body: before any soft break in front of them.

    Args:
        body: quoted-printable.
        offsets: in the decoded text, ascending, not beyond its end.
        flawless: as for :func:`splice`.

    Raises:
        IndexError: as for :func:`splice`.
    """
    if not flawless and _BROKEN.search(body) is not None:
        return _locate_broken(body, offsets)
    # Each "=XX" holds two characters more than it stands for, "=" CRLF three, "=" LF two. So the distance on the
    # decoded side is had by counting, and the gap to the wanted place closes quickly.
    count = body.count
    places = []
    at = decoded = 0
    for offset in offsets:
        while decoded < offset:
            ahead = at + offset - decoded
            if body[ahead - 1] == _EQUALS:
                ahead -= 1
            elif body[ahead - 2] == _EQUALS and body[ahead - 1] != _LF:
                ahead -= 2
            if ahead > at:
                decoded += ahead - at - 2 * count(b"=", at, ahead) - count(b"=\r\n", at, ahead)
                at = ahead
            elif body[at + 1] == _LF:
                at += 2
            else:
                decoded += body[at + 1] != _CR
                at += _ESCAPE
        places.append(at)
    return places


def _locate_broken(body: bytes, offsets: Sequence[int]) -> list[int]:
    """The same for a body with an ``=`` that begins nothing: token by token, as ``binascii`` reads them."""
    places = []
    tokens = _TOKEN.finditer(body)
    token = next(tokens, None)
    at = decoded = 0
    for offset in offsets:
        while decoded < offset:
            if token is not None and token.start() == at:
                decoded += token[0] == b"==" or (len(token[0]) == _ESCAPE and token[0][1] not in b" \t\r")
                at = token.end()
                token = next(tokens, None)
                continue
            step = offset - decoded
            if token is not None:
                step = min(step, token.start() - at)
            at += step
            decoded += step
        places.append(at)
    return places


def _behind_soft_breaks(body: bytes, at: int) -> int:
    while (found := _SOFT_BREAK.match(body, at)) is not None:
        at = found.end()
    return at


def _column(out: bytearray) -> int:
    return len(out) - out.rfind(b"\n") - 1


def _write(out: bytearray, new: bytes, line_end: bytes) -> None:
    """Append new text, encoded; leaves room for a soft break behind it."""
    if not new:
        return
    for number, line in enumerate(new.split(line_end)):
        if number:
            _guard_end(out, line_end)
            out += line_end
        _write_line(out, line, line_end)


def _write_line(out: bytearray, line: bytes, line_end: bytes) -> None:
    if not line.translate(None, _PRINTABLE):
        text = line.replace(b"=", b"=3D")
    else:
        text = _NOT_LITERAL.sub(lambda sign: b"=%02X" % sign[0][0], line)
    column = _column(out)
    if text and column == MAX_QP_LINE:
        # the old line is full to the last place: one character of it must come along, to make room for the "="
        size = _ESCAPE if out[-_ESCAPE] == _EQUALS else 1
        text = bytes(out[-size:]) + text
        del out[-size:]
        column -= size
    at = 0
    while column + len(text) - at > _FULL:
        cut = at + max(0, _FULL - column)
        if cut > at and text[cut - 1] == _EQUALS:
            cut -= 1
        elif cut > at + 1 and text[cut - 2] == _EQUALS:
            cut -= 2
        out += text[at:cut] + b"=" + line_end
        at = cut
        column = 0
    out += text[at:]


def _guard_end(out: bytearray, line_end: bytes) -> None:
    """White space at the end of a line must be encoded (RFC 2045 section 6.7 (3)): a transport may take it off."""
    if out.endswith((b" ", b"\t")):
        last = b"=%02X" % out[-1]
        del out[-1:]
        if _column(out) + _ESCAPE > MAX_QP_LINE:
            out += b"=" + line_end
        out += last


def _join(out: bytearray, body: bytes, at: int, following: int, line_end: bytes) -> int:
    """Let the old line go on behind an edit, on a line of its own where it would not fit.

    Args:
        out: what is written so far.
        body: the old body.
        at: where it goes on.
        following: where the next edit begins, or the body ends.
        line_end: of the body.

    Returns:
        Where it goes on in fact: a soft break that would stand alone on its line is passed over.
    """
    column = _column(out)
    if column == 0:
        found = _SOFT_BREAK.match(body, at)
        return found.end() if found is not None and found.end() <= following else at
    stop = body.find(b"\n", at, following)
    ends = stop >= 0 or following == len(body)
    stop = following if stop < 0 else stop
    if stop > at and body[stop - 1] == _CR:
        stop -= 1
    if ends and stop == at:
        _guard_end(out, line_end)
    elif column + stop - at > (MAX_QP_LINE if ends else _FULL):
        out += b"=" + line_end
    return at
