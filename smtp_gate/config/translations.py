"""The languages people are spoken to in: English in the code, the others in ``smtp_gate/locale/LANGUAGE.po``.

The files are read as they are written, when the process starts: there is no compiled form that could be stale or
missing from an installation. A language is added by adding its file.
"""

from __future__ import annotations

from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from babel import Locale
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from smtp_gate.render.wording import ENGLISH, wording

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smtp_gate.render.wording import Wording

FOLDER = Path(__file__).parent.parent / "locale"
SOURCE = "en"
"""The language that the code is written in, and the last resort."""


@lru_cache(maxsize=1)
def translations() -> Mapping[str, NullTranslations]:
    """The translations of each language, by its two letters."""
    found: dict[str, NullTranslations] = {SOURCE: NullTranslations()}
    for path in sorted(FOLDER.glob("*.po")):
        language = path.stem
        compiled = BytesIO()
        with path.open("rb") as file:
            write_mo(compiled, read_po(file, locale=language))
        compiled.seek(0)
        found[language] = GNUTranslations(compiled)
    return found


@lru_cache(maxsize=1)
def wordings() -> Mapping[str, Wording]:
    """The footer's sentences in each language."""
    return {language: wording(language, words.gettext) for language, words in translations().items()}


def footer_wording(*wanted: str) -> Wording:
    """The footer's sentences in the first of these languages that there is, else in English.

    Args:
        wanted: two letters each, or empty: the mail's language, then the controller's.
    """
    known = wordings()
    return next((known[language] for language in wanted if language in known), ENGLISH)


@lru_cache(maxsize=16)
def direction(language: str) -> str:
    """``ltr`` or ``rtl``: which way a language is written."""
    return Locale(language).text_direction
