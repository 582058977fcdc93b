"""Which language a page speaks: what the browser asks for goes before the controller's own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from smtp_gate.config.translations import SOURCE

if TYPE_CHECKING:
    from collections.abc import Container

_MAX_HEADER = 400
_RANGE = re.compile(r"\s*([A-Za-z]{2,3})(?:-[A-Za-z0-9-]{1,30})?\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*)?")


def choose(accept: str, known: Container[str], preferred: str) -> str:
    """The language of a page.

    Args:
        accept: value of Accept-Language (RFC 9110 section 12.5.4); only its first 400 characters count.
        known: the languages there are.
        preferred: the controller's; taken when the browser wants none of those there are.
    """
    best, weight = "", 0.0
    for piece in accept[:_MAX_HEADER].split(","):
        found = _RANGE.fullmatch(piece)
        if found:
            language, quality = found[1].lower(), float(found[2] or 1)
            if language in known and quality > weight:
                best, weight = language, quality
    if best:
        return best
    return preferred if preferred in known else SOURCE
