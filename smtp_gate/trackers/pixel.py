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
_PHOTO = re.compile(r"[^/]*\.(?:jpe?g|webp)", re.IGNORECASE)
"""Opening counters answer with GIF or PNG."""
_FILE = re.compile(
    r"[^/]*\.(?:png|jpe?g|gif|webp|svg|bmp|avif|css|woff2?|ttf|otf|eot|js|mp4|webm|mp3)", re.IGNORECASE
)
_SEPARATORS = re.compile(r"[._-]+")
_WORD = re.compile(r"[a-z]{3,}", re.IGNORECASE)
_TRACKING = re.compile(
    r"(?<![a-z0-9])(?:e?mail[_-]?)?(?:open(?:ed|s|ing|ings|mail|email)?|track(?:ing|er)?|trk|trace|pixel|beacon|px|wf|oo|eo|"
    r"mark[_-]?read|read[_-]?tracker|imp|impression|count[_-]?open(?:ed)?|oimg|opn|seen|view[_-]?track(?:er)?)(?![a-z])",
    re.IGNORECASE,
)
_SHORT = re.compile(r"/(?:o|q|op|e/o|t/o|e|t|i|p)/")
"""One-letter segments that open counters use; too common to count without a token behind."""
_RUN = re.compile(r"[A-Za-z0-9_-]{16,}")
_NUMBER = re.compile(r"(?<![A-Za-z0-9])[0-9]{9,}(?![A-Za-z])")
_MIXED = re.compile(r"[A-Za-z_-]*[0-9][0-9_-]*[A-Za-z]|[0-9_-]*[A-Za-z][A-Za-z_-]*[0-9]")
"""Letters and digits in one run: hex, UUID, base64, base32."""
LETTERS_ONLY = 24
"""Characters from which mixed case alone counts: base64 seldom does without a digit that long."""
_SAME_FOR_ALL = re.compile(
    r"[?&](?:v|ver|version|w|h|width|height|q|quality|format|fm|fit|auto|t|ts|_)=[^&]*", re.IGNORECASE
)
_WORDED = re.compile(r"(?:[A-Z]?[a-z]+|[A-Z]+|[0-9]{1,8})(?:[_-]{1,3}(?:[A-Z]?[a-z]+|[A-Z]+|[0-9]{1,8}))*[_-]?")
"""Words and small numbers with dashes between: a slug that people wrote, however long."""


def is_tiny(look: Look) -> bool:
    """Whether both sides are so small that nobody sees the picture."""
    return look.width is not None and look.height is not None and max(look.width, look.height) <= TINY


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
    return any(_is_random(run) for run in _RUN.findall(text)) or _NUMBER.search(text) is not None


def _is_random(run: str) -> bool:
    if _WORDED.fullmatch(run):
        return False
    return _MIXED.match(run) is not None or (len(run) >= LETTERS_ONLY and not run.islower() and not run.isupper())


def is_picture(rest: str, look: Look) -> bool:
    """Whether an address has a real file name and shows itself, or may be shown by a media query.

    What such a query shows has a class or id, or a size that a pixel does not need.
    """
    if not look.hidden and not is_tiny(look):
        return _is_named(rest, _PICTURE)
    sized = min(look.width or 0, look.height or 0) > SLIVER
    if "?" in rest or not (look.responsive or sized):
        return False
    file = _file(rest)
    return _is_named(rest, _PICTURE) or (_PHOTO.fullmatch(file) is not None and not _is_token(file))


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
    """Codes of what speaks for a pixel: ``tiny``, ``thin``, ``unsized``, ``hidden``, ``path``, ``token``.

    Args:
        rest: path and query of the picture.
        look: how it presents itself.

    Returns:
        Empty for a picture.
    """
    if not look.hidden and _shows(look):
        return ()
    file = _file(rest)
    token = has_token(rest, name=not _PICTURE.fullmatch(file))
    seen = (("token",) if token else ()) + (("path",) if _TRACKING.search(rest.partition("?")[0]) else ())
    if look.hidden or is_tiny(look):
        layout = (_is_spacer(file) and not token) or is_picture(rest, look)
        return () if layout else ("hidden" if look.hidden else "tiny", *seen)
    if not token or look.alt:
        return ()
    if look.width is not None or look.height is not None:
        return ("thin", *seen)
    return ("unsized", *seen) if "path" in seen or _SHORT.search(rest) else ()


def _shows(look: Look) -> bool:
    """Whether a size is known that a pixel does not have."""
    width, height = look.width, look.height
    if width is None or height is None:
        side = height if width is None else width
        return side is not None and side > 1
    return (width > TINY and height > TINY) or width > SLIVER or height > SLIVER
