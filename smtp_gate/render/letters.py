"""Text brought into a charset: letter by letter the best that it has.

This module alone decides what takes the place of a letter that a charset lacks: the same without its accent, a
plainer sign, else ``?``.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from typing import Final

_PLAINER: Final = str.maketrans(
    {"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d"}
    | {"Đ": "D", "«": '"', "»": '"', "\u201e": '"', "\u201c": '"', "\u201d": '"', "\u2018": "'", "\u2019": "'"}
    | {"\u2010": "-", "\u2011": "-", "\u2013": "-", "\u2014": "-", "\u2026": "...", "\u00a0": " ", "¿": "", "¡": ""}
    | {"\u2068": "", "\u2069": ""}
)
"""What normalisation does not take apart: ligatures, quotes, dashes, fixed blanks, signs of direction."""
_NARROW_BLANK: Final = "\u202f"
_BLANK: Final = "\u00a0"


@lru_cache(maxsize=256)
def fitting(text: str, charset: str) -> bytes:
    """Text in a charset that holds ASCII as itself; in ASCII where the charset is unknown or does not.

    Args:
        text: any.
        charset: as a part declares it; ``"us-ascii"`` also for any that can hold no accent because of its encoding.
    """
    try:
        if "_".encode(charset) == b"_":
            fitted = text if _has(charset, text) else "".join([_fitted(letter, charset) for letter in text])
            encoded = fitted.encode(charset)
            if encoded.decode(charset) == fitted:
                return encoded
    except (UnicodeError, LookupError):
        pass
    return "".join([_fitted(letter, "us-ascii") for letter in text]).encode("ascii", "replace")


def _fitted(letter: str, charset: str) -> str:
    """A letter, or what takes its place."""
    if letter == _NARROW_BLANK and not _has(charset, letter):
        letter = _BLANK
    if _has(charset, letter):
        return letter
    plainer = letter.translate(_PLAINER)
    if plainer != letter:
        return plainer
    bare = "".join(sign for sign in unicodedata.normalize("NFKD", letter) if not unicodedata.combining(sign))
    return bare if _has(charset, bare) else "?"


def _has(charset: str, text: str) -> bool:
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        return False
    return True
