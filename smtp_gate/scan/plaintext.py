"""Running text: where its message ends, and where each web address begins and, harder, where it ends.

An address ends at a blank, a control, a quote, an angle bracket or a character outside ASCII. What a sentence puts
behind it (``.``, ``,``, ``)`` ...) does not belong to it, a closing bracket only where an opening one is in it.
``www.example.com`` without a scheme is none: no tool tracks by one, and a client may or may not link it.

In angle brackets an address may go on in the next lines (RFC 3986 appendix C), however they are quoted with
``>``. Without brackets it does so only in format=flowed text with ``delsp=yes``, where the blank in front of a line
end was put there by the sender's program and goes with it (RFC 3676 section 4.1).
"""

from __future__ import annotations

import re

from smtp_gate.model import Address, Carrier, Span
from smtp_gate.scan.urls import absolute

ADDRESS = re.compile(rb"[hH][tT][tT][pP][sS]?://[!#-;=?-~]+")
_PUNCTUATION = frozenset(b".,;:!?'*`|")
_BRACKETS = {ord(")"): b"(", ord("]"): b"[", ord("}"): b"{"}
_BREAK = rb"[ \t]{0,9}\r?\n(?:[ \t]{0,9}>){0,9}[ \t]{0,9}"
_IN_BRACKETS = re.compile(rb"((?:" + _BREAK + rb"[!#-;=?-~]+){1,20})(?:" + _BREAK + rb")?>")
"""The rest of an address between ``<`` and ``>`` that goes on in other lines."""
_OPENED = re.compile(rb"<(?:[uU][rR][lL]:)?\Z")
_FLOWED = re.compile(rb" \r?\n((?:>{1,9}|)) ?(?!-- \r?\n)[!#-;=?-~]+")
"""A soft line break inside an address, the next line with its quote marks and its stuffed blank."""
_MOST_LINES = 20
_QUOTED = re.compile(rb"(>{0,9})[^\n]*\Z")
_ANY_BREAK = re.compile(_BREAK)
_SIGNATURE = re.compile(rb"-- (?=\r?\n|\Z)")
_LATER_SIGNATURE = re.compile(rb"\n-- (?=\r?\n|\Z)")
"""The line in front of a signature (RFC 3676 section 4.3); never quoted, stuffed or without its blank."""


def footer_place(view: bytes) -> int:
    """Offset at which a footer can be read by everybody: before the first signature, else the end.

    Clients hide what follows a signature's line, grey it out, or leave it out of an answer. Quoted text is no
    such place: whoever hides it shows what follows.
    """
    if _SIGNATURE.match(view):
        return 0
    found = _LATER_SIGNATURE.search(view)
    return found.start() + 1 if found else len(view)


def read_text(view: bytes, *, delsp: bool = False) -> tuple[Address, ...]:
    """Every ``http`` and ``https`` address in ``view``, in order.

    Args:
        view: text in UTF-8 or any other charset that holds ASCII as single octets.
        delsp: whether the part is ``format=flowed; delsp=yes``.

    Returns:
        Addresses whose value spans any line break in it; their url is without.
    """
    found = []
    done = 0
    for match in ADDRESS.finditer(view):
        start, end = match.span()
        if start < done:  # a second scheme inside an address that went on behind a break
            continue
        folded = None
        if view[start - 1 : start] in (b"<", b":") and _OPENED.search(view, max(0, start - 5), start) is not None:
            folded = _IN_BRACKETS.match(view, end)
        if folded is not None:
            end = folded.end(1)
        else:
            end = trimmed(view, start, _flowing(view, start, end) if delsp else end)
        url = absolute(_ANY_BREAK.sub(b"", view[start:end]).decode("ascii"))
        if url:
            done = end
            span = Span(start, end)
            found.append(Address(Carrier.TEXT, span, span, None, None, b"", url, None, load=False))
    return tuple(found)


def _flowing(view: bytes, start: int, end: int) -> int:
    """Where an address ends that goes on behind soft line breaks of lines as deeply quoted as its own."""
    depth: int | None = None
    for _ in range(_MOST_LINES):
        rest = _FLOWED.match(view, end)
        if rest is None:
            break
        if depth is None:
            quoted = _QUOTED.search(view, view.rfind(b"\n", 0, start) + 1, start)
            depth = len(quoted[1]) if quoted else 0
        if len(rest[1]) != depth:
            break
        end = rest.end()
    return end


def trimmed(view: bytes, start: int, end: int) -> int:
    """Where the address ``view[start:end]`` ends once the sentence's own punctuation is taken off."""
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
