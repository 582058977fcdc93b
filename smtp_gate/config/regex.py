"""Regular expressions that people write into files: taken when no address can make them slow.

Python's engine backtracks. What makes it slow is a repeat inside a repeat, and many open repeats in a row; both are
refused by shape, before the first mail meets them. An address is at most ``MAX_URL`` characters long, which bounds
the rest. Refused too is what Debian 12's Python 3.11.2 matches wrongly: possessive repeats and atomic groups.
"""

from __future__ import annotations

import re

MAX_OPEN_REPEATS = 3
"""``*``, ``+`` and ``{n,}`` in a row; the vendors of the catalogue need three, with fixed text between them."""

_PIECE = re.compile(
    r"\\(?P<escaped>.)|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])|(?P<open>\((?:\?(?:P?[<:=!>]|[a-zA-Z-]+:?))?)"
    r"|(?P<close>\))|(?P<or>\|)|(?P<repeat>[*+]|\{\d*,\})|(?P<times>\?|\{\d*,?(?P<most>\d+)\})|.",
    re.DOTALL,
)


def compile_bounded(text: str) -> re.Pattern[str]:
    """Compile an expression.

    Raises:
        ValueError: when it is no regular expression, or one that can be slow; the text says what and why.
    """
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise ValueError(f"is no regular expression: {error}") from error
    groups: list[list[int]] = [[0, 0]]  # open repeats: the most of any alternative, and of the running one
    inner = 0  # of the piece just read, which a repeat may follow
    repeated = False
    for piece in _PIECE.finditer(text):
        kind = piece.lastgroup
        _check(piece, repeated=repeated)
        repeated = kind in ("repeat", "times")
        if kind == "open":
            groups.append([0, 0])
        elif kind == "or":
            groups[-1] = [max(groups[-1]), 0]
        elif kind == "close":
            inner = max(groups.pop())
            groups[-1][1] += inner
            continue
        elif kind == "repeat":
            if inner:
                raise ValueError("holds a repeat inside a repeat, which some addresses would make endless")
            groups[-1][1] += 1
        elif kind == "times":
            groups[-1][1] += inner * (int(piece["most"] or 1) - 1)
        inner = 0
    if max(groups[0]) > MAX_OPEN_REPEATS:
        raise ValueError(
            f"holds more than {MAX_OPEN_REPEATS} open repeats in a row, which long addresses would make slow;"
            " write {0,99} for *"
        )
    return pattern


def _check(piece: re.Match[str], *, repeated: bool) -> None:
    """Refuse what this machinery does not take; ``repeated`` tells that a repeat stands before the piece."""
    if (piece.lastgroup == "escaped" and piece[0][1] in "123456789") or piece[0] in ("(?P=", "(?>"):
        raise ValueError("holds a back reference or an atomic group, which are not taken here")
    if repeated and piece[0] == "+":
        raise ValueError("holds a possessive repeat, which is not taken here")
