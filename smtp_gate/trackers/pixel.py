"""What speaks for a pixel that nobody catalogued: its size, what hides it, its path, its token.

A picture that is the same for everybody tells on nobody, so a token decides wherever looks alone would hit
spacers, thin lines and the logos that a media query swaps. Nothing here is asked when a catalogue pattern has
already answered.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smtp_gate.model import Look

TINY = 3
"""CSS pixels: pixels up to 3x3 are known."""
SLIVER = 10
"""CSS pixels: the longer side of a pixel that is one pixel thin (10x1 is known)."""

_SPACERS = frozenset(
    (
        "spacer",
        "spacing",
        "space",
        "transparent",
        "transp",
        "transparant",
        "trans",
        "blank",
        "clear",
        "cleardot",
        "empty",
        "dot",
        "shim",
        "pixel",
        "1px",
        "1x1",
        "divider",
    )
)
_SPACER_STEMS = _SPACERS | {"s", "px", "p", "t", "x", "c", "line", "hr"}
"""File names that are nothing but one of these."""
_PICTURE = re.compile(r"[^/]*\.(?:png|jpe?g|gif|webp|svg|bmp|avif)", re.IGNORECASE)
_FILE = re.compile(
    r"[^/]*\.(?:png|jpe?g|gif|webp|svg|bmp|avif|css|woff2?|ttf|otf|eot|js|mp4|webm|mp3)", re.IGNORECASE
)
_SEPARATORS = re.compile(r"[._-]+")
_WORD = re.compile(r"[a-z]{3,}", re.IGNORECASE)
_TRACKING = re.compile(
    r"(?<![a-z])(?:e?mail[_-]?)?(?:open(?:ed|s|ing|ings|mail|email)?|track(?:ing|er)?|trk|trace|pixel|beacon|px|wf|oo|eo|"
    r"mark[_-]?read|read[_-]?tracker|imp|impression|count[_-]?open(?:ed)?|oimg|opn|seen|view[_-]?track(?:er)?)(?![a-z])",
    re.IGNORECASE,
)
_SHORT = re.compile(r"/(?:o|q|op|e/o|t/o|e|t|i|p)/")
"""One-letter segments that open counters use; too common to count without a token behind."""
_TOKEN = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?=[A-Za-z_-]{0,63}[0-9])(?=[0-9_-]{0,63}[A-Za-z])[A-Za-z0-9_-]{16,}"  # letters and digits mixed, hex, UUID
    r"|(?=[a-z]{0,31}[A-Z])(?=[A-Z]{0,31}[a-z])[A-Za-z]{24,}"  # base64 that happens to hold no digit
    r"|[0-9]{9,}"
    r")"
)
_SAME_FOR_ALL = re.compile(
    r"[?&](?:v|ver|version|w|h|width|height|q|quality|format|fm|fit|auto|t|ts|_)=[^&]*", re.IGNORECASE
)
_WORDED = re.compile(r"(?:[A-Z]?[a-z]+|[A-Z]+|[0-9]{1,8})(?:[_-]{1,3}(?:[A-Z]?[a-z]+|[A-Z]+|[0-9]{1,8}))*[_-]?")
"""Words and small numbers with dashes between: a slug that people wrote, however long."""


def is_tiny(look: Look) -> bool:
    """Whether both sides are so small that nobody sees the picture."""
    if look.width is None or look.height is None:
        return False
    small, large = sorted((look.width, look.height))
    return large <= TINY or (small <= 1 and large <= SLIVER)


def has_token(rest: str, *, name: bool = True) -> bool:
    """Whether path and query hold something that can stand for one person.

    Args:
        rest: path and query.
        name: whether the file's own name counts too; a digest there mostly names a version of the picture.
    """
    path, _, query = rest.partition("?")
    folder, _, file = path.rpartition("/")
    if any(_is_token(piece) for piece in (folder, file if name else "")):
        return True
    return bool(query) and _SAME_FOR_ALL.sub("", "?" + query).strip("?&=") != ""


def _is_token(text: str) -> bool:
    return any(not _WORDED.fullmatch(match[0]) for match in _TOKEN.finditer(text))


def is_picture(rest: str, look: Look) -> bool:
    """Whether an address has a real file name and shows itself, or may be shown by a media query."""
    if not _is_named(rest, _PICTURE):
        return False
    return (not look.hidden and not is_tiny(look)) or (look.responsive and "?" not in rest)


def is_file(rest: str) -> bool:
    """Whether an address has the real file name of a picture, style sheet, font or film."""
    return _is_named(rest, _FILE)


def is_tracking_path(rest: str) -> bool:
    """Whether the path speaks of opening or tracking and a long token stands in path or query."""
    return _TRACKING.search(rest.partition("?")[0]) is not None and _is_token(rest)


def _is_named(rest: str, ending: re.Pattern[str]) -> bool:
    file = _file(rest)
    return (
        ending.fullmatch(file) is not None
        and _TRACKING.search(file) is None
        and _WORD.search(file.rpartition(".")[0]) is not None
    )


def _is_spacer(file: str) -> bool:
    if not _PICTURE.fullmatch(file):
        return False
    stem = file.rpartition(".")[0].lower()
    return stem in _SPACER_STEMS or not _SPACERS.isdisjoint(_SEPARATORS.split(stem))


def _file(rest: str) -> str:
    return rest.partition("?")[0].rpartition("/")[2]


def evidence(rest: str, look: Look) -> tuple[str, ...]:
    """Codes of what speaks for a pixel: ``tiny``, ``hidden``, ``path``, ``token``; empty for a picture.

    Args:
        rest: path and query of the picture.
        look: how it presents itself.
    """
    file = _file(rest)
    token = has_token(rest, name=not _PICTURE.fullmatch(file))
    seen = (("token",) if token else ()) + (("path",) if _TRACKING.search(rest.partition("?")[0]) else ())
    spacer = _is_spacer(file) and not token
    if look.hidden:
        return () if spacer or is_picture(rest, look) else ("hidden", *seen)
    if is_tiny(look):
        return () if spacer else ("tiny", *seen)
    return _unsized(rest, look, seen, token=token)


def _unsized(rest: str, look: Look, seen: tuple[str, ...], *, token: bool) -> tuple[str, ...]:
    """Of a picture that shows no full size: a line when one side is known, anything when none is."""
    sides = [side for side in (look.width, look.height) if side is not None]
    if len(sides) == 2 or not token or look.alt:  # noqa: PLR2004 - both sides
        return ()
    if sides:
        return ("thin", *seen) if sides[0] <= 1 else ()
    if "path" in seen or _SHORT.search(rest):
        return ("unsized", *seen)
    return ()
