"""Character references (``&amp;``, ``&#38;``): what a piece of HTML says once they are resolved.

The standard has two rules. In an attribute ``?a=1&copy=3`` stays as it is, in text it would become ``?a=1©=3``;
``html.unescape`` of the standard library knows the rule for text alone, drops control characters, and raises
for numbers of more than 4300 digits.
"""

from __future__ import annotations

import re
from html.entities import html5
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smtp_gate.scan.made import Made

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


def resolved(raw: bytes, made: Made, place: int, *, text: bool) -> None:
    """Adds ``raw`` with its references resolved to what is made.

    Args:
        raw: as written.
        made: where it goes.
        place: where it stands.
        text: whether the rule for text counts, and not the one for attributes.
    """
    rule = _in_text if text else _in_attribute
    done = 0
    for match in _REFERENCE.finditer(raw.decode("latin-1")):
        value = rule(match)
        if value != match[0]:
            begin, end = match.span()
            if begin > done:
                made.add(raw[done:begin], place + done, place + begin)
            made.add(value.encode(), place + begin, place + end)
            done = end
    if done < len(raw):
        made.add(raw[done:], place + done, place + len(raw))


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
