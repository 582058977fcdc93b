"""Character references (``&amp;``, ``&#38;``): what a piece of HTML says once they are resolved.

The standard has two rules. In an attribute ``?a=1&copy=3`` stays as it is, in text it would become ``?a=1©=3``;
``html.unescape`` of the standard library knows the rule for text alone, drops control characters, and raises
for numbers of more than 4300 digits.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from html.entities import html5
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_REFERENCE = re.compile(r"&(?:#(?:[xX]([0-9a-fA-F]+)|([0-9]+));?|([a-zA-Z][a-zA-Z0-9]*)(;?))")
_LONGEST_BARE = max(len(name) for name in html5 if not name.endswith(";"))
_MAX_DIGITS = 7
_WINDOWS = {
    number: bytes([number]).decode("cp1252")
    for number in range(0x80, 0xA0)
    if number not in {0x81, 0x8D, 0x8F, 0x90, 0x9D}
}
"""Numbers of C1 controls mean the characters that Windows has there."""
_LAST_CODE_POINT = 0x10FFFF
_REPLACEMENT = "\ufffd"


def decoded(raw: bytes) -> str:
    """Bytes of a part as text: UTF-8, and where that fails ISO 8859-1; addresses are ASCII in either."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def attribute_value(raw: bytes) -> str:
    """An attribute's value as a browser reads it, from the bytes between its quotes."""
    text = decoded(raw)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if "\0" in text:
        text = text.replace("\0", _REPLACEMENT)
    return _REFERENCE.sub(_in_attribute, text) if "&" in text else text


def running_text(raw: bytes) -> str:
    """Text between tags as a browser shows it."""
    text = decoded(raw)
    return _REFERENCE.sub(_in_text, text) if "&" in text else text


def unfolded(raw: bytes) -> tuple[bytes, Callable[[int], int]]:
    """An attribute's value with references resolved, and the way from its offsets back to those of ``raw``.

    Returns:
        The bytes, and a function from an offset in them to one in ``raw``; an offset inside what one reference
        became goes to the begin of that reference.
    """
    if b"&" not in raw:
        return raw, int
    pieces = []
    begins = []
    places = []
    literal = []
    length = done = 0

    def add(piece: bytes, place: int, *, as_written: bool) -> None:
        nonlocal length
        pieces.append(piece)
        begins.append(length)
        places.append(place)
        literal.append(as_written)
        length += len(piece)

    for match in _REFERENCE.finditer(raw.decode("latin-1")):
        value = _in_attribute(match)
        if value != match[0]:
            add(raw[done : match.start()], done, as_written=True)
            add(value.encode(), match.start(), as_written=False)
            done = match.end()
    add(raw[done:], done, as_written=True)

    def back(offset: int) -> int:
        piece = bisect_right(begins, offset) - 1
        return places[piece] + (offset - begins[piece] if literal[piece] else 0)

    return b"".join(pieces), back


def _in_attribute(match: re.Match[str]) -> str:
    name = match[3]
    if name is None:
        return _number(match)
    if match[4]:
        # without the whole name in the table, what follows a shorter one is a letter, digit or ";": of these
        # only ";" lets the shorter one count, and every name that may lack its ";" stands in the table with it
        return html5.get(name + ";", match[0])
    following = match.string[match.end() : match.end() + 1]
    return html5.get(name, match[0]) if following != "=" else match[0]


def _in_text(match: re.Match[str]) -> str:
    name = match[3]
    if name is None:
        return _number(match)
    whole = html5.get(name + ";") if match[4] else None
    if whole is not None:
        return whole
    for length in range(min(len(name), _LONGEST_BARE), 1, -1):
        value = html5.get(name[:length])
        if value is not None:
            return value + match[0][1 + length :]
    return match[0]


def _number(match: re.Match[str]) -> str:
    digits = (match[1] or match[2]).lstrip("0") or "0"
    if len(digits) > _MAX_DIGITS:  # also keeps int() from its quadratic time and its limit of 4300 digits
        return _REPLACEMENT
    number = int(digits, 16 if match[1] else 10)
    if number == 0 or number > _LAST_CODE_POINT or 0xD800 <= number <= 0xDFFF:  # noqa: PLR2004 - surrogates
        return _REPLACEMENT
    return _WINDOWS.get(number) or chr(number)
