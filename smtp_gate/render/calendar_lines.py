"""Edits in iCalendar and vCard text: no content line becomes longer than 75 octets for what is new.

This module alone decides where a line is folded (RFC 5545 section 3.1): inside the new text and right behind it. A
line that was longer before stays so where no edit makes it longer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from smtp_gate.render.edits import Edit

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_LINE: Final = 75
"""Octets of a content line without its line end."""


def folded(view: bytes, edits: Sequence[Edit], line_end: bytes) -> list[Edit]:
    """The edits with folds in their new text.

    Args:
        view: the text.
        edits: in order, without overlap; new text is ASCII.
        line_end: of the text.
    """
    made = []
    done = column = 0
    for number, edit in enumerate(edits):
        begin = view.rfind(b"\n", done, edit.start) + 1
        column = edit.start - begin if begin else column + edit.start - done
        following = edits[number + 1].start if number + 1 < len(edits) else len(view)
        stop = view.find(b"\n", edit.end, following)
        rest = (following if stop < 0 else stop - view.startswith(b"\r", stop - 1)) - edit.end
        new, column = _lines(edit.new, column, line_end)
        if edit.new and rest and column + rest > MAX_LINE:
            new += line_end + b" "
            column = 1
        made.append(Edit(edit.start, edit.end, new))
        done = edit.end
    return made


def _lines(new: bytes, column: int, line_end: bytes) -> tuple[bytes, int]:
    """New text that begins at ``column``, folded; and the column behind it."""
    pieces = []
    at = 0
    while column + len(new) - at > MAX_LINE:
        cut = at + max(0, MAX_LINE - column)
        pieces += [new[at:cut], line_end + b" "]
        at, column = cut, 1
    pieces.append(new[at:])
    return b"".join(pieces), column + len(new) - at
