"""Host names in which a person may stand: a label that nobody would say aloud names a mail, a click or a reader.

Such a name is never asked for in DNS (the question alone would tell that the mail is on its way), and counts as
varying where addresses of many mails are compared.
"""

from __future__ import annotations

import re

MAX_WORD = 24
"""Characters of a piece of a label that may still be words run together; a longer one is an identifier."""
MAX_DIGITS = 5
"""Digits that number a shard or a customer (``url12345.``); with six on a million people can be told apart."""
MIN_MIXED = 6
"""Characters from which a change between letters and digits, and back, counts."""

_PIECES = re.compile(r"[_-]+")
_CHANGES = re.compile(r"(?<=[a-z])(?=[0-9])|(?<=[0-9])(?=[a-z])")
_DIGITS = re.compile(rf"[0-9]{{{MAX_DIGITS + 1},}}")
_UNSAYABLE = re.compile(r"[b-df-hj-np-tv-xz]{9,}|^[b-df-hj-np-tv-xz]{7,}$")
"""Consonants in a row, German manages eight; or none but consonants."""
_ADDRESS = re.compile(r"[0-9.]+|\[.*")


def is_personal(label: str) -> bool:
    """Whether one label of a host name looks made for one reader or one mail.

    Args:
        label: lower case, without dots.
    """
    if not label.isascii() or label.startswith("xn--"):
        return True  # what is in it cannot be judged here
    return any(
        len(piece) > MAX_WORD
        or (len(piece) >= MIN_MIXED and len(_CHANGES.findall(piece)) > 1)
        or _DIGITS.search(piece) is not None
        or _UNSAYABLE.search(piece) is not None
        for piece in _PIECES.split(label)
    )


def may_be_asked(host: str) -> bool:
    """Whether asking DNS about a host tells nothing but the host.

    Args:
        host: lower case; an IP address is no name to ask for.
    """
    return "." in host and _ADDRESS.fullmatch(host) is None and not any(map(is_personal, host.split(".")))
