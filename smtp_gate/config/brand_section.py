"""The ``brand`` section of a controller: how its pages look, in files and colours of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict


def _colour(text: str) -> str:
    digits = text.removeprefix("#")
    if not text.startswith("#") or len(digits) not in (3, 6) or not set(digits.lower()) <= set("0123456789abcdef"):
        raise ValueError('is no colour; write "#14604a" or "#fff", in quotes, since # begins a comment')
    return "#" + ("".join(digit * 2 for digit in digits) if len(digits) == 3 else digits).lower()  # noqa: PLR2004


Colour = Annotated[str, AfterValidator(_colour)]
"""``#rrggbb``; three digits stand for six, as in CSS."""


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class Colours(_Model):
    """Colours of the pages; what is left out is ours."""

    accent: Colour | None = None
    """Buttons and signs on light pages."""
    accent_dark: Colour | None = None
    """The same on dark pages."""
    background: Colour | None = None
    """Round the card of light pages."""
    background_dark: Colour | None = None
    """The same of dark pages."""


class BrandSettings(_Model):
    """How a controller's pages look."""

    logo: Path | None = None
    """SVG or PNG file, in place of the name."""
    colours: Colours = Colours()
    """Colours of the pages."""
    templates: Path | None = None
    """A folder of own page templates."""

    def located(self, folder: Path) -> BrandSettings:
        """The same with absolute paths, from the folder of the file they stand in."""
        paths = {"logo": self.logo and folder / self.logo, "templates": self.templates and folder / self.templates}
        return self.model_copy(update=paths)
