r"""The content of one message as it arrives after DATA: where it ends, what is wrong with it, what it is.

Only ``CRLF . CRLF`` ends a message (RFC 5321 section 4.1.1.4). A bare CR or LF never does, and a message that has
one is refused after its real end: two mail servers that disagree on where a message ends is how a second message
is smuggled in. Faults never stop the reading before the real end, so the session stays in step; the octets of a
message that is refused already are not kept.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from smtp_gate.limits import MAX_LINE
from smtp_gate.replies import BARE_LINE_ENDS, LINE_TOO_LONG, NUL_OCTET, TOO_BIG

if TYPE_CHECKING:
    from typing import Final

    from smtp_gate.replies import Reply

_LINE_END: Final = b"\r\n"
_DOTTED: Final = b"\r\n."
_END: Final = b"\r\n.\r\n"


class Fault(IntEnum):
    """What is wrong with a message, the gravest first: which one is said does not depend on arrival."""

    REFUSED = 0
    """Over a limit: nothing more is judged or kept."""
    BARE_LINE_END = 1
    NUL = 2
    LONG_LINE = 3


_REPLIES: Final = {
    Fault.BARE_LINE_END: BARE_LINE_ENDS,
    Fault.NUL: NUL_OCTET,
    Fault.LONG_LINE: LINE_TOO_LONG,
}


class Content:
    """Takes octets in any pieces; the result is the same for every way of cutting them.

    Attributes:
        size: octets of the content so far, dots unstuffed; grows also while nothing is kept.
        ended: whether the end was seen.
        rest: octets that came after the end.
        refusal: the reply that the message must get; None when nothing is wrong with it.
    """

    __slots__ = ("_carry", "_fault", "_kept", "_limit", "_open", "_started", "ended", "refusal", "rest", "size")

    def __init__(self, limit: int) -> None:
        """Begin a message of at most ``limit`` octets."""
        self._limit = limit
        self._kept: bytes | bytearray = b""
        # A dot right after 354 ends an empty message, so the content starts as if a line had just ended.
        self._carry = _LINE_END
        self._started = False
        self._open = 0
        self._fault: Fault | None = None
        self.size = 0
        self.ended = False
        self.rest = b""
        self.refusal: Reply | None = None

    def feed(self, octets: bytes) -> None:
        """Take what arrived; after the end, :attr:`rest` has what was too much.

        Costs a few linear passes in C and one copy, whatever the octets are.
        """
        block = self._carry + octets
        dot = block.find(_DOTTED)
        if dot < 0:
            # The usual piece of a mail: no line of it starts with a dot, so there is nothing to end or unstuff.
            held = 2 if block.endswith(_LINE_END) else int(block.endswith(b"\r"))
        else:
            end = block.find(_END, dot)
            if end >= 0:
                self.ended = True
                self.rest = block[end + len(_END) :]
                block = block[: end + len(_LINE_END)]
                held = 0
            else:
                held = _held(block)
        if held:
            self._carry = block[-held:]
            block = block[:-held]
        else:
            self._carry = b""
        if block and self._fault is not Fault.REFUSED:
            stuffed = 0 <= dot < len(block) - len(_LINE_END)
            self._take(block.replace(_DOTTED, _LINE_END) if stuffed else block)

    def refuse(self, reply: Reply) -> None:
        """Read on to the end without keeping anything, then answer ``reply``."""
        self._kept = b""
        self._fault = Fault.REFUSED
        self.refusal = reply

    def message(self) -> bytes:
        """The whole content: CRLF line ends, dots unstuffed; to be asked once, after the end."""
        kept, self._kept = self._kept, b""
        return bytes(kept)

    def _take(self, piece: bytes) -> None:
        """Judge a piece and keep it. No CRLF and no leading dot lies across its edges."""
        if not self._started:
            self._started = True
            piece = piece[len(_LINE_END) :]
        self.size += len(piece)
        if self.size > self._limit:
            self.refuse(TOO_BIG)
            return
        # Whether every CR stands before an LF and every LF behind a CR: octets are the quickest to replace, one by
        # one, and the comparison is nearly free (a quarter of the time of taking the pairs away and looking again).
        if piece.replace(b"\r", b"").replace(b"\n", _LINE_END) != piece:
            self._blame(Fault.BARE_LINE_END)
        if b"\0" in piece:
            self._blame(Fault.NUL)
        if self._too_long(piece):
            self._blame(Fault.LONG_LINE)
        if self._fault is not None:
            return
        if not self._kept:
            # Most mails arrive in one piece, which then is the message, without another copy.
            self._kept = piece
            return
        if isinstance(self._kept, bytes):
            self._kept = bytearray(self._kept)
        self._kept += piece

    def _too_long(self, piece: bytes) -> bool:
        """Whether a line that ends or goes on in this piece is over the limit; looks at few of its octets."""
        start = -self._open
        size = len(piece)
        while size - start > MAX_LINE:
            stop = start + MAX_LINE
            newline = piece.rfind(b"\n", max(start, 0), stop) if stop > 0 else -1
            if newline < 0:
                self._open = size
                return True
            start = newline + 1
        newline = piece.rfind(b"\n", max(start, 0))
        self._open = size - (newline + 1 if newline >= 0 else start)
        return False

    def _blame(self, fault: Fault) -> None:
        if self._fault is None or fault < self._fault:
            self._fault = fault
            self.refusal = _REPLIES[fault]
            self._kept = b""


def _held(block: bytes) -> int:
    """How many octets at the end may be the beginning of the end: they wait for what comes next."""
    return next((size for size in (4, 3, 2, 1) if block.endswith(_END[:size])), 0)
