"""How large an image is drawn and whether it is hidden, as far as its own tag tells; and what a tag does to others.

Style sheets are not applied here: a rule there may show what the tag hides, which is why
:attr:`smtp_gate.model.Look.responsive` is told beside it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from smtp_gate.model import Look

if TYPE_CHECKING:
    from collections.abc import Mapping

_DIMENSION = re.compile(r"[\t\n\f\r ]*(\d{1,9}(?:\.\d{1,9})?)\d*(%?)", re.ASCII)
_LENGTH = re.compile(
    r"([-+]?(?:\d{1,9}(?:\.\d{0,9})?|\.\d{1,9}))\d*\s*(px|pt|pc|in|cm|mm|q|em|rem|ex|ch|)\Z", re.ASCII
)
_PIXELS = {
    "": 1.0,
    "px": 1.0,
    "pt": 4 / 3,
    "pc": 16.0,
    "in": 96.0,
    "cm": 96 / 2.54,
    "mm": 9.6 / 2.54,
    "q": 2.4 / 2.54,
    "em": 16.0,
    "rem": 16.0,
    "ex": 8.0,
    "ch": 8.0,
}
"""Font units count with the size that clients start from."""
_ZERO = re.compile(r"[-+]?0+(?:\.0*)?\s*(?:[a-z]+|%)?\Z")
_COMMENT = re.compile(r"/\*[\s\S]*?(?:\*/|\Z)")
_IMPORTANT = re.compile(r"!\s*important\s*\Z")
_OFF_SCREEN = -500.0
"""CSS pixels; a picture that far out of its place is not meant to be seen."""
_PLACES = frozenset(["left", "right", "top", "bottom", "margin-left", "margin-top"])
_COUNTING = _PLACES | {
    *("width", "max-width", "height", "max-height", "display", "visibility", "opacity"),
    *("clip", "clip-path", "transform", "overflow", "overflow-y", "font-size", "line-height"),
}
_FAINT = 0.02
_INVISIBLE = frozenset(["hidden", "collapse"])
_CUT_AWAY = re.compile(
    r"rect\(\s*[01](?:px)?(?:[\s,]+[01](?:px)?){3}\s*\)|inset\(\s*(?:50|100)%|(?:circle|ellipse)\(\s*0|scale\(\s*0(?:\.0*)?\s*[,)]"
)
"""Values of ``clip``, ``clip-path`` and ``transform`` that leave nothing."""
_CUTS = frozenset(["clip", "clip-path", "transform"])
_TEXT = ("font-size", "line-height")
_POINT = 1.0
"""CSS pixels: what is no larger than that shows nothing but a pixel."""
_GROWING = frozenset([b"table", b"tbody", b"td", b"th", b"tr"])
"""Elements that grow with what they hold, whatever size they are given."""


def look_of(values: Mapping[bytes, str]) -> Look:
    """The look of an image with these attributes.

    Args:
        values: lower-case names and values with references resolved; only ``width``, ``height``, ``style``,
            ``alt``, ``class``, ``id`` and ``hidden`` count.
    """
    style = declarations(values[b"style"]) if b"style" in values else {}
    width = _smallest(values.get(b"width"), style.get("width"), style.get("max-width"))
    height = _smallest(values.get(b"height"), style.get("height"), style.get("max-height"))
    hidden = _hiding(style) if style else []
    if width == 0 or height == 0:
        hidden.append("zero_size")
    if b"hidden" in values:
        hidden.append("hidden_attribute")
    return Look(width, height, tuple(hidden), values.get(b"alt"), b"class" in values or b"id" in values)


def hides_content(name: bytes, values: Mapping[bytes, str]) -> bool | None:
    """Whether an element hides what it holds.

    Args:
        name: of the element, lower case.
        values: its attributes, as for :func:`look_of`.

    Returns:
        True when it does; False when it is a box of no size that grows with what it holds, so that only what has
        no size of its own stays unseen; None for all others.
    """
    style = declarations(values[b"style"]) if b"style" in values else {}
    if b"hidden" in values or _hiding(style):
        return True
    width = _smallest(values.get(b"width"), style.get("width"), style.get("max-width"))
    height = _smallest(values.get(b"height"), style.get("height"), style.get("max-height"))
    narrow, flat = width is not None and width <= _POINT, height is not None and height <= _POINT
    if not narrow and not flat:
        return None
    cut = "hidden" in (style.get("overflow"), style.get("overflow-y"))
    if cut and name not in _GROWING:
        return True
    wordless = any(
        (_length(style.get(text, "")) or 9.0) <= _POINT or _ZERO.match(style.get(text, "")) for text in _TEXT
    )
    return False if (narrow and flat) or (flat and wordless) or cut else None


def _hiding(style: Mapping[str, str]) -> list[str]:
    """Codes of what hides an element, whatever its size."""
    found = []
    if "display" in style and style["display"] == "none":
        found.append("display")
    if "visibility" in style and style["visibility"] in _INVISIBLE:
        found.append("visibility")
    if "opacity" in style and _faint(style["opacity"]):
        found.append("opacity")
    if not _PLACES.isdisjoint(style) and any(
        (_length(style.get(place, "")) or 0.0) <= _OFF_SCREEN for place in _PLACES
    ):
        found.append("off_screen")
    if not _CUTS.isdisjoint(style) and any(_CUT_AWAY.match(style.get(cut, "")) for cut in _CUTS):
        found.append("clip")
    return found


def declarations(style: str) -> dict[str, str]:
    """The declarations that win in a style attribute, of properties that count for the look.

    Of each property the last one wins, important ones first.

    Returns:
        Lower-case property to lower-case value, without ``!important``.
    """
    if not style:
        return {}
    text = style.lower()
    if "/*" in text:
        text = _COMMENT.sub("", text)
    won: dict[str, str] = {}
    important = set()
    for declaration in text.split(";"):
        name, _, value = declaration.partition(":")
        name, bare = name.strip(), value
        if name not in _COUNTING:
            continue
        if "!" in value:
            bare = _IMPORTANT.sub("", value)
            if bare != value:
                important.add(name)
        if bare != value or name not in important:
            won[name] = bare.strip()
    return won


def _attribute(value: str) -> float | None:
    """``width="1px"``: HTML's rule for dimensions, which stops at the first character that is no number."""
    match = _DIMENSION.match(value)
    if match is None:
        return None
    number = float(match[1])
    return number if not match[2] or number == 0 else None


def _length(value: str) -> float | None:
    match = _LENGTH.match(value)
    if match is not None:
        return float(match[1]) * _PIXELS[match[2]]
    return 0.0 if _ZERO.match(value) else None


def _smallest(attribute: str | None, length: str | None, limit: str | None) -> float | None:
    best = _attribute(attribute) if attribute else None
    for text in (length, limit):
        if text:
            number = _length(text)
            if number is not None and number >= 0 and (best is None or number < best):
                best = number
    return best


def _faint(value: str) -> bool:
    number = _length(value.rstrip("%"))
    return number is not None and number <= (_FAINT * 100 if value.endswith("%") else _FAINT)
