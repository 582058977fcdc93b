"""Colours of the pages: which are ours, and what can be read on what (WCAG 2.1)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

SHEET = " ".join((Path(__file__).parent / "templates" / "style.css").read_text(encoding="utf-8").split())
"""Our style sheet, as it stands in pages."""
_SCHEMES = re.findall(r":root \{([^}]*--page[^}]*)\}", SHEET)
LIGHT, DARK = (dict(re.findall(r"--([\w-]+): (#\w+)", block)) for block in _SCHEMES)
"""Our colours by name, of light pages and of dark ones."""


class Scheme(NamedTuple):
    """A controller's own colours of light or of dark pages, ``#rrggbb``; empty: ours."""

    page: str = ""
    accent: str = ""


OURS = Scheme()


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours, ``#rgb`` or ``#rrggbb`` (WCAG 2.1, definition of contrast ratio)."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def ink_on(colour: str) -> str:
    """Black or white, whichever is read better on a colour; one of them always has 4.5 to 1."""
    return max("#000000", "#ffffff", key=lambda ink: contrast(ink, colour))


def _luminance(colour: str) -> float:
    digits = colour.removeprefix("#")
    digits = digits if len(digits) > 3 else "".join(digit * 2 for digit in digits)  # noqa: PLR2004 - #rgb
    red, green, blue = (_linear(int(digits[at : at + 2], 16) / 255) for at in (0, 2, 4))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    # The definition of relative luminance in WCAG 2.1, with its numbers.
    return part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4  # noqa: PLR2004
