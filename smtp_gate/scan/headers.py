"""Header blocks and structured field values, read from bytes and never written back.

This module alone decides where a header ends (at the first empty line, RFC 5322 section 2.1), which of two equal
fields counts (the first), and what a parameter of RFC 2045 and RFC 2231 means.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote_to_bytes

from smtp_gate.limits import MAX_HEADER_BYTES
from smtp_gate.model import Span

if TYPE_CHECKING:
    from collections.abc import Mapping

_FIELD = re.compile(rb"^([!-9;-~]+)[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)", re.MULTILINE)
_CONTENT_FIELD = re.compile(
    rb"^(content-(?:type|transfer-encoding|disposition|id))[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)",
    re.MULTILINE | re.IGNORECASE,
)
RECEIPT_FIELDS: Final = frozenset(
    [
        "disposition-notification-to",
        "disposition-notification-options",
        "generate-delivery-report",
        "read-receipt-to",
        "return-receipt-requested",
        "return-receipt-to",
        "x-acknowledge-to",
        "x-confirm-reading-to",
        "x-pmrqc",
    ]
)
"""Fields by which a mail asks the reader's program to tell that it was read: RFC 8098 section 2, RFC 2076 section
3.5, and what Eudora, Pegasus and others made up before them."""
_RECEIPT = re.compile(
    b"^(?:" + b"|".join(name.encode() for name in sorted(RECEIPT_FIELDS)) + rb")[ \t]*:[^\n]*(?:\n[ \t][^\n]*)*\n?",
    re.MULTILINE | re.IGNORECASE,
)
_RECEIVED = re.compile(rb"^received[ \t]*:", re.MULTILINE | re.IGNORECASE)
_LINE_ENDS = re.compile(rb"[\r\n]+")
_PARAMETER = re.compile(rb';\s*([^=;\s]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s]*))', re.DOTALL)
_ESCAPED = re.compile(rb"\\(.)", re.DOTALL)
_SECTION = re.compile(rb"^(.+?)\*(?:([0-9]{1,3})(\*)?)?$", re.DOTALL)
_COMMENT_EDGE = re.compile(rb'["()\\]')


def body_start(data: bytes, start: int, end: int) -> int:
    """Offset after the empty line that ends the header of the entity ``data[start:end]``.

    Returns:
        ``end`` when there is no empty line: the entity is all header.
    """
    if data.startswith(b"\r\n", start, end):
        return start + 2
    if data.startswith(b"\n", start, end):
        return start + 1
    crlf = data.find(b"\n\r\n", start, end)
    lf = data.find(b"\n\n", start, end if crlf < 0 else crlf + 1)
    if lf >= 0:
        return lf + 2
    return end if crlf < 0 else crlf + 3


def header_size(raw: bytes) -> int:
    """Octets of the top header, with the empty line that ends it."""
    return body_start(raw, 0, len(raw))


def received_count(raw: bytes) -> int:
    """How many ``Received`` fields the top header has: the hops that a message made (RFC 5321 section 6.3)."""
    return sum(1 for _ in _RECEIVED.finditer(raw, 0, header_size(raw)))


def receipt_fields(raw: bytes) -> tuple[Span, ...]:
    """The fields of the top header that ask for a reading receipt, with their line ends, in order."""
    end = min(header_size(raw), MAX_HEADER_BYTES)
    return tuple(Span(*found.span()) for found in _RECEIPT.finditer(raw, 0, end))


def fields(raw: bytes) -> Mapping[str, tuple[str, ...]]:
    """All fields of the top header by lower-case name, unfolded and trimmed, in order.

    Bytes that are not ASCII become the latin-1 characters of the same numbers. Lines that are no field are passed.
    Of a header that is too big nothing beyond the limit is looked at.
    """
    found: dict[str, list[str]] = {}
    for field in _FIELD.finditer(raw, 0, min(header_size(raw), MAX_HEADER_BYTES)):
        found.setdefault(field[1].decode("ascii").lower(), []).append(_unfold(field[2]).decode("latin-1"))
    return {name: tuple(values) for name, values in found.items()}


def content_fields(data: bytes, start: int, end: int) -> dict[bytes, bytes]:
    """The fields that say what a part is, by lower-case name without ``content-``; of equal ones the first.

    Args:
        data: the message.
        start: where the part's header begins, at the start of a line.
        end: where it ends.
    """
    found: dict[bytes, bytes] = {}
    for field in _CONTENT_FIELD.finditer(data, start, end):
        found.setdefault(field[1][8:].lower(), _unfold(field[2]))
    return found


def token(value: bytes) -> str:
    """What stands before the parameters, in lower case, without comments and quotes; empty when nothing does."""
    words = _uncommented(value).split(b";", 1)[0].split()
    return words[0].strip(b'"').decode("latin-1").lower() if words else ""


def parameters(value: bytes) -> dict[str, bytes]:
    """Parameters of a field value by lower-case name; of equal ones the first.

    Quoted strings, comments, and the continuations and charsets of RFC 2231 are resolved; the declared charset
    of such a value is not looked at, only its bytes are taken.
    """
    if b";" not in value:
        return {}
    found: dict[str, bytes] = {}
    pieces: dict[str, dict[int, bytes]] = {}
    for match in _PARAMETER.finditer(_uncommented(value)):
        name = match[1].lower()
        text = _ESCAPED.sub(rb"\1", match[2]) if match[2] is not None else match[3]
        section = _SECTION.match(name) if b"*" in name else None
        if section is None:
            found.setdefault(name.decode("latin-1"), text)
            continue
        number = int(section[2] or 0)
        if name.endswith(b"*"):
            text = unquote_to_bytes(text.split(b"'", 2)[-1] if number == 0 else text)
        pieces.setdefault(section[1].decode("latin-1"), {}).setdefault(number, text)
    for long_name, sections in pieces.items():
        joined: list[bytes] = []
        while len(joined) in sections:  # RFC 2231 section 3: numbered from 0 without gaps
            joined.append(sections[len(joined)])
        found.setdefault(long_name, b"".join(joined))
    return found


def _unfold(value: bytes) -> bytes:
    return (_LINE_ENDS.sub(b"", value) if b"\n" in value else value).strip()


def _uncommented(value: bytes) -> bytes:
    """A field value with its comments (RFC 5322 section 3.2.2) as blanks; quoted strings are left alone.

    A parenthesis inside a word begins no comment: unquoted boundaries with one are seen in the wild.
    """
    if b"(" not in value:
        return value
    kept = []
    depth = taken = 0
    quoted = False
    skip = -1
    for edge in _COMMENT_EDGE.finditer(value):
        at = edge.start()
        if at == skip:
            continue
        sign = edge[0]
        if sign == b"\\":
            skip = at + 1
        elif depth:
            depth += (sign == b"(") - (sign == b")")
            if not depth:
                taken = at + 1
        elif sign == b'"':
            quoted = not quoted
        elif sign == b"(" and not quoted and (at == 0 or value[at - 1 : at] in b" \t;"):
            kept.append(value[taken:at])
            depth = 1
    if not depth:
        kept.append(value[taken:])
    return b" ".join(kept)
