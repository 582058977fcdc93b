"""A controller's own look: logo, colours and page templates, read and checked before any page is shown.

This module alone decides what a logo and colours must be. Colours have the contrast of WCAG 2.1 level AA: 4.5 to 1
for words (1.4.3), 3 to 1 for buttons and signs (1.4.11); what stands on a button is black or white, whichever is
read better. ``brand_look`` decides about templates.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from lxml import etree

from smtp_gate.errors import ConfigError, ConfigFileError
from smtp_gate.limits import MAX_LOGO, MAX_PAGE_TEMPLATE
from smtp_gate.web.colour import DARK, LIGHT, OURS, Scheme, contrast

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from smtp_gate.config.brand_section import BrandSettings, Colours
    from smtp_gate.config.settings import Settings

WORDS, SIGNS = 4.5, 3.0
"""Contrast that words and signs need: WCAG 2.1, 1.4.3 and 1.4.11."""
_PNG = b"\x89PNG\r\n\x1a\n"
_SVG = "{http://www.w3.org/2000/svg}"
_NAME_DIGITS = 24


class Logo(NamedTuple):
    """A picture that the gate serves itself.

    Attributes:
        name: of its address; made of its hash, so that another picture has another address.
        media_type: ``image/svg+xml`` or ``image/png``.
        octets: the file.
    """

    name: str
    media_type: str
    octets: bytes


@dataclass(frozen=True, slots=True)
class Brand:
    """How a controller's pages look; what is not its own is ours.

    Attributes:
        logo: in place of the name.
        light: colours of light pages.
        dark: colours of dark pages.
        templates: name of a file and its source, as pairs.
    """

    logo: Logo | None = None
    light: Scheme = OURS
    dark: Scheme = OURS
    templates: tuple[tuple[str, str], ...] = ()


def load_brands(settings: Settings) -> dict[str, Brand]:
    """The look of each controller that has its own, by controller id; templates are not looked at yet.

    Raises:
        ConfigFileError: for files that cannot be read or are none, and colours that cannot be told apart.
    """
    brands = {}
    errors: list[ConfigError] = []
    for name, controller in settings.controllers.items():
        if controller.brand is not None:
            key = f"controllers.{name}.brand"
            faults: list[ConfigError] = []
            brands[name] = _brand(controller.brand, key, settings.place(("controllers", name, "brand")), faults)
            errors += faults
    if errors:
        raise ConfigFileError(tuple(errors))
    return brands


def _brand(wanted: BrandSettings, key: str, place: str, faults: list[ConfigError]) -> Brand:
    logo = None
    templates: list[tuple[str, str]] = []
    if wanted.logo is not None:
        try:
            logo = _logo(wanted.logo)
        except ValueError as error:
            faults.append(ConfigError(str(wanted.logo), f"{key}.logo", str(error)))
    if wanted.templates is not None:
        try:
            templates = [(path.name, _source(path)) for path in _files(wanted.templates)]
        except ValueError as error:
            faults.append(ConfigError(str(wanted.templates), f"{key}.templates", str(error)))
    for colour, problem in unreadable(wanted.colours):
        faults.append(ConfigError(place, f"{key}.colours.{colour}", problem))
    colours = wanted.colours
    return Brand(
        logo,
        Scheme(colours.background or "", colours.accent or ""),
        Scheme(colours.background_dark or "", colours.accent_dark or ""),
        tuple(templates),
    )


def unreadable(colours: Colours) -> list[tuple[str, str]]:
    """Each key whose colour cannot be told from what it stands on, and why."""
    return [
        *_faults(LIGHT, "", colours.background, colours.accent),
        *_faults(DARK, "_dark", colours.background_dark, colours.accent_dark),
    ]


def _faults(
    ours: Mapping[str, str], suffix: str, page: str | None, accent: str | None
) -> Iterator[tuple[str, str]]:
    pairs = []
    if page:
        pairs += [("background", page, ours[ink], WORDS, "the words on it") for ink in ("ink", "soft")]
    if accent:
        pairs.append(("accent", accent, ours["card"], SIGNS, "the card"))
    if accent:
        pairs.append(("accent", accent, page or ours["page"], SIGNS, "the page"))
    elif page:
        pairs.append(("background", page, ours["act"], SIGNS, "the signs on it"))
    for key, one, other, least, what in pairs:
        found = contrast(one, other)
        if found < least:
            way = "darker" if (key == "accent") is not bool(suffix) else "lighter"
            told = f"{one!r} has a contrast of {found:.2f} to 1 with {what} ({other}); WCAG AA needs {least:g}"
            yield f"{key}{suffix}", f"{told}: take a {way} one"
            return


def _logo(path: Path) -> Logo:
    octets = _read(path, MAX_LOGO)
    if octets.startswith(_PNG):
        kind, media_type = "png", "image/png"
    else:
        _look_at_svg(octets)
        kind, media_type = "svg", "image/svg+xml"
    return Logo(f"{sha256(octets).hexdigest()[:_NAME_DIGITS]}.{kind}", media_type, octets)


def _look_at_svg(octets: bytes) -> None:
    """An SVG that draws, and neither runs nor loads anything."""
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    try:
        root = etree.fromstring(octets, parser)
    except etree.XMLSyntaxError:
        raise ValueError("is neither a PNG nor an SVG file") from None
    if root.tag != f"{_SVG}svg":
        raise ValueError("is no SVG file: its outermost element is not svg")
    for node in root.iter(etree.Element):
        name = str(node.tag).removeprefix(_SVG).lower()
        if name in ("script", "foreignobject", "iframe"):
            raise ValueError(f"holds <{name}>; save it as a plain drawing")
        for attribute, value in node.attrib.items():
            word = str(attribute).rpartition("}")[2].lower()
            if word.startswith("on"):
                raise ValueError(f"holds the script {word}; save it as a plain drawing")
            if word in ("href", "src") and not re.match(r"#|data:image/(png|jpeg)", str(value)):
                raise ValueError("loads something from elsewhere; save it with everything inside")


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if path.suffix == ".html")
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None


def _source(path: Path) -> str:
    try:
        return _read(path, MAX_PAGE_TEMPLATE).decode()
    except UnicodeDecodeError:
        raise ValueError(f"{path.name} is not UTF-8 text") from None
    except ValueError as error:
        raise ValueError(f"{path.name} {error}") from None


def _read(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            octets = file.read(limit + 1)
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    if len(octets) > limit:
        raise ValueError(f"is larger than {limit} octets")
    return octets
