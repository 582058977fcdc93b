"""XFORWARD: what the client's own client was, and the client's queue id (Postfix's XFORWARD_README).

The queue id is what makes a retry recognisable. Attributes hold for one mail transaction: they are forgotten
after the message, at RSET and at a new greeting, as Postfix does.
"""

from __future__ import annotations

import re
from typing import Final

from smtp_gate.replies import BAD_ARGUMENT, Reply

NAMES: Final = ("NAME", "ADDR", "PORT", "PROTO", "HELO", "IDENT", "SOURCE")
"""The attributes that are offered; others are refused."""
MAX_VALUE: Final = 255
"""Octets of one decoded value: what Postfix keeps of one."""

_ESCAPE: Final = re.compile(rb"\+([0-9A-Fa-f]{2})")
_XTEXT: Final = re.compile(rb"(?:[!-*,-~]|\+[0-9A-Fa-f]{2})+")
_UNKNOWN: Final = frozenset(["[UNAVAILABLE]", "[TEMPUNAVAIL]"])


def read_xforward(argument: bytes, known: dict[str, str]) -> dict[str, str] | Reply:
    """Add the attributes of one XFORWARD command to what is known.

    Args:
        argument: ``NAME=value NAME=value ...``, values as xtext (RFC 3461 section 4).
        known: attributes of earlier commands; not changed.

    Returns:
        Old and new attributes, decoded, printable ASCII; ``[UNAVAILABLE]`` takes one away. Or
        :data:`BAD_ARGUMENT`, and then none of the command's attributes counts.
    """
    attributes = dict(known)
    words = argument.split()
    if not words:
        return BAD_ARGUMENT
    for word in words:
        name, _, value = word.partition(b"=")
        key = name.upper().decode("ascii", "replace")
        if key not in NAMES or not _XTEXT.fullmatch(value):
            return BAD_ARGUMENT
        plain = _ESCAPE.sub(lambda found: bytes([int(found[1], 16)]), value)
        text = plain.decode("ascii", "replace")
        if len(plain) > MAX_VALUE or not (plain.isascii() and text.isprintable()):
            return BAD_ARGUMENT
        if text.upper() in _UNKNOWN:
            attributes.pop(key, None)
        else:
            attributes[key] = text
    return attributes
