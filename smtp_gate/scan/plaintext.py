"""The web addresses in running text (``text/plain``): where each begins and, harder, where it ends.

An address ends at a blank, a control, a quote, an angle bracket or a character outside ASCII. What a sentence puts
behind it (``.``, ``,``, ``)`` ...) does not belong to it, a closing bracket only where an opening one is in it.
``www.example.com`` without a scheme is none: no tool tracks by one, and a client may or may not link it.
"""

from __future__ import annotations

import re

from smtp_gate.model import Address, Carrier, Span
from smtp_gate.scan.urls import absolute

_ADDRESS = re.compile(rb"[hH][tT][tT][pP][sS]?://[!#-;=?-~]+")
_PUNCTUATION = frozenset(b".,;:!?'*`|")
_BRACKETS = {ord(")"): b"(", ord("]"): b"[", ord("}"): b"{"}
_FOLDED = re.compile(rb"((?: \r?\n[!#-;=?-~]+){1,20})>")
"""The rest of an address between ``<`` and ``>`` that format=flowed (RFC 3676) broke softly."""
_SOFT_BREAK = re.compile(rb" \r?\n")


def read_text(view: bytes, flowed: bool) -> tuple[Address, ...]:
    """Every ``http`` and ``https`` address in ``view``, in order.

    Args:
        view: text in UTF-8 or any other charset that holds ASCII as single octets.
        flowed: whether the part is ``format=flowed``, where an address in angle brackets may go on behind a soft
            line break; its value then spans the break, its url is without it.
    """
    found = []
    done = 0
    for match in _ADDRESS.finditer(view):
        start, end = match.span()
        if start < done:  # a second scheme inside an address that went on behind a break
            continue
        folded = _FOLDED.match(view, end) if flowed and view[start - 1 : start] == b"<" else None
        end = folded.end(1) if folded else _trimmed(view, start, end)
        url = absolute(_SOFT_BREAK.sub(b"", view[start:end]).decode("ascii"))
        if url:
            done = end
            span = Span(start, end)
            found.append(Address(Carrier.TEXT, span, span, None, None, b"", url, None, load=False))
    return tuple(found)


def _trimmed(view: bytes, start: int, end: int) -> int:
    """Where the address ends once the sentence's own punctuation is taken off."""
    spare = {
        closing: view.count(bytes([closing]), start, end) - view.count(opening, start, end)
        for closing, opening in _BRACKETS.items()
    }
    while end > start:
        last = view[end - 1]
        if spare.get(last, 0) > 0:
            spare[last] -= 1
        elif last not in _PUNCTUATION:
            break
        end -= 1
    return end
