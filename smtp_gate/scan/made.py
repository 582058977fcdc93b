"""A text that is made of pieces of another, and the way back from its offsets to where they stand there.

References resolved, folded lines joined, comments dropped: what is read then is not what is written, but an edit
must be made in what is written.
"""

from __future__ import annotations

from bisect import bisect_right

from smtp_gate.model import Span


class Made:
    """Pieces are added in the order they stand; then the text is read and its spans are brought back."""

    __slots__ = ("_begins", "_ends", "_length", "_pieces", "_places", "_written")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._begins: list[int] = []
        self._places: list[int] = []
        self._ends: list[int] = []
        self._written: list[bool] = []
        self._length = 0

    def add(self, piece: bytes, place: int, end: int) -> None:
        """One piece more.

        Args:
            piece: what is read.
            place: where it begins in the other text.
            end: where it ends there; as far behind ``place`` as the piece is long if it is read as written.
        """
        self._pieces.append(piece)
        self._begins.append(self._length)
        self._places.append(place)
        self._ends.append(end)
        self._written.append(end - place == len(piece))
        self._length += len(piece)

    def text(self) -> bytes:
        """What is read."""
        return b"".join(self._pieces)

    def span(self, start: int, end: int) -> Span:
        """Where ``text()[start:end]``, which is not empty, stands; what is not read as written is in it whole."""
        return Span(self._back(start, last=False), self._back(end - 1, last=True))

    def _back(self, offset: int, *, last: bool) -> int:
        """Where the character at ``offset`` begins, or ends if it is the ``last``."""
        piece = max(0, bisect_right(self._begins, offset) - 1)
        if self._written[piece]:
            return self._places[piece] + offset - self._begins[piece] + last
        return self._ends[piece] if last else self._places[piece]
