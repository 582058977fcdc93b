"""Edits written into base64 text: lines before the first edit stay, the rest is encoded anew.

Every octet shifts the six-bit groups behind it, so nothing behind an edit can keep its characters; what is kept is
the decoded content, and the length of the lines.
"""

from __future__ import annotations

import binascii
from typing import Final

USUAL_LINE: Final = 76
"""Characters of a line: RFC 2045 section 6.8."""
_BLANKS = b" \t\r\n"


def splice(body: bytes, first: int, edited: bytes, line_end: bytes) -> bytes:
    """Write edited content into an encoded body.

    Args:
        body: base64 in lines.
        first: how many octets of the content come before the first edit.
        edited: the whole content as it shall be.
        line_end: of the body.

    Returns:
        The new body; it ends in a line end if the old one did.
    """
    kept, octets, width = _kept(body, first)
    text = binascii.b2a_base64(edited[octets:], newline=False)
    lines = [text[at : at + width] for at in range(0, len(text), width)]
    tail = line_end.join(lines)
    if lines and body.endswith(b"\n"):
        tail += line_end
    return body[:kept] + tail


def _kept(body: bytes, first: int) -> tuple[int, int, int]:
    """The whole lines before an edit: their octets in the body, the content's octets in them, the line length.

    A line counts only if it ends between two groups of four characters.
    """
    kept = octets = at = characters = 0
    lines = body.split()
    width = max(map(len, lines)) if len(lines) > 1 else 0  # the only line tells nothing of the others' length
    while (stop := body.find(b"\n", at)) >= 0:
        characters += len(body[at:stop].translate(None, _BLANKS))
        at = stop + 1
        if characters // 4 * 3 > first:
            break
        if characters % 4 == 0:
            kept, octets = at, characters // 4 * 3
    return kept, octets, width if 0 < width <= USUAL_LINE and width % 4 == 0 else USUAL_LINE
