"""Which language a page speaks, and its words.

Words stand in ``words/LANGUAGE.toml``, one file a language, the same keys in each; a language is added by adding a
file. What the browser asks for goes before the controller's own language.
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FALLBACK = "en"
_FOLDER = Path(__file__).parent / "words"
_MAX_HEADER = 400
_RANGE = re.compile(r"\s*([A-Za-z]{2,3})(?:-[A-Za-z0-9-]{1,30})?\s*(?:;\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*)?")

Words = dict[str, dict[str, Any]]
"""Page -> key -> text, or a list of texts."""


def load_words() -> dict[str, Words]:
    """The words of every language that has a file, by its two letters."""
    return {file.stem: tomllib.loads(file.read_text(encoding="utf-8")) for file in sorted(_FOLDER.glob("*.toml"))}


def choose(accept: str, known: Mapping[str, object] | Sequence[str], preferred: str) -> str:
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
    return preferred if preferred in known else FALLBACK
