"""The footer of a mail that tracks: who measures what, and the way out.

This module alone decides its wording (GDPR article 7(3): withdrawing is as easy as agreeing; CNIL délibération
2026-042: the link stands in each mail) and its two forms. It loads nothing, sets no background, and its grey has a
contrast of 4.5 on white as on black, so that it reads in dark mode too.
"""

from __future__ import annotations

import textwrap
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from smtp_gate.render.address import in_attribute, in_text

if TYPE_CHECKING:
    from collections.abc import Mapping

_COLUMNS: Final = 72
_GREY = "#767676"
_RULE = "_" * 40
_PLAIN_LETTERS = str.maketrans(
    {"œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "ß": "ss", "ø": "o", "Ø": "O", "«": '"', "»": '"'}
    | {"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u2013": "-", "\u2014": "-", "\u2026": "..."}
    | {"\u00a0": " ", "\u202f": " "}
)
"""What normalisation does not take apart: ligatures, quotes, dashes, fixed blanks."""


@dataclass(frozen=True, slots=True)
class FooterText:
    """What the footer of one mail says.

    Attributes:
        controller: name of who measures, as people know it.
        language: of the mail; French for ``fr``, English for all others.
        withdraw_url: page where tracking is ended.
        privacy_url: the controller's privacy page; empty when there is none.
        pixels: whether the mail counts openings.
        clicks: whether it counts clicks.
    """

    controller: str
    language: str
    withdraw_url: str
    privacy_url: str
    pixels: bool
    clicks: bool


class _Wording(NamedTuple):
    """The sentences of one language."""

    both: str
    pixels: str
    clicks: str
    how: str
    stop: str
    privacy: str


_WORDINGS: Mapping[str, _Wording] = {
    "en": _Wording(
        both="{who} measures whether you open this message and which of its links you use,"
        " as you agreed and for the purposes you chose.",
        pixels="{who} measures whether you open this message, as you agreed and for the purposes you chose.",
        clicks="{who} measures which links of this message you use, as you agreed and for the purposes you chose.",
        how="You can end this whenever you like, also for messages you have already received;"
        " our messages will still reach you.",
        stop="Stop this tracking",
        privacy="Privacy information",
    ),
    "fr": _Wording(
        both="{who} mesure l'ouverture de ce message et l'usage de ses liens,"
        " comme vous l'avez accepté et pour les finalités que vous avez choisies.",
        pixels="{who} mesure l'ouverture de ce message,"
        " comme vous l'avez accepté et pour les finalités que vous avez choisies.",
        clicks="{who} mesure l'usage des liens de ce message,"
        " comme vous l'avez accepté et pour les finalités que vous avez choisies.",
        how="Vous pouvez y mettre fin à tout moment, y compris pour les messages déjà reçus\u00a0;"
        " nos messages continueront de vous parvenir.",
        stop="Arrêter ce suivi",
        privacy="Informations sur vos données",
    ),
}


def html_form(footer: FooterText, line_end: bytes) -> bytes:
    """The footer as HTML: ASCII with character references, so that it fits every charset and encoding."""
    said = _said(footer.controller, footer.language, footer.pixels, footer.clicks)
    links = [_link(footer.withdraw_url, said.wording.stop)]
    if footer.privacy_url:
        links.append(_link(footer.privacy_url, said.wording.privacy))
    lines = [*said.html, (b" &#183;" + line_end).join(links), b"</div>"]
    return line_end.join(lines) + line_end


def text_form(footer: FooterText, line_end: bytes, charset: str) -> bytes:
    """The footer as running text, in a charset; without accents where the charset has none.

    Args:
        footer: what it says.
        line_end: to write.
        charset: of the part; ``"us-ascii"`` also for any that can hold no accent because of its encoding.
    """
    said = _said(footer.controller, footer.language, footer.pixels, footer.clicks)
    lines = [*_fitting(said.text, charset).split(b"\n"), in_text(footer.withdraw_url)]
    if footer.privacy_url:
        lines += [_fitting(said.privacy, charset), in_text(footer.privacy_url)]
    return line_end.join(lines) + line_end


class _Said(NamedTuple):
    """What is the same in all mails of a controller: opening lines of both forms."""

    wording: _Wording
    html: tuple[bytes, ...]
    text: str
    privacy: str


@lru_cache(maxsize=64)
def _said(controller: str, declared: str, pixels: bool, clicks: bool) -> _Said:
    language = "fr" if declared.lower()[:2] == "fr" else "en"
    wording = _WORDINGS[language]
    claim = wording.both
    if not clicks:
        claim = wording.pixels
    elif not pixels:
        claim = wording.clicks
    colon = "\u00a0:" if language == "fr" else ":"
    lines = textwrap.wrap(f"{claim.format(who=' '.join(controller.split()))} {wording.how}", _COLUMNS)
    style = (
        "clear:both;margin:0;padding:16px 8px;font-family:Arial,Helvetica,sans-serif;"
        f"font-size:12px;line-height:18px;color:{_GREY};text-align:center"
    )
    opening = f'<div lang="{language}" dir="auto" style="{style}">'.encode()
    return _Said(
        wording,
        (opening, *(_escaped(line) for line in lines), b"<br>"),
        "\n".join([_RULE, *lines, "", wording.stop + colon]),
        wording.privacy + colon,
    )


def _link(url: str, words: str) -> bytes:
    return (
        b'<a href="%s"' % in_attribute(url, b'"')
        + f' style="color:{_GREY};text-decoration:underline">'.encode()
        + _escaped(words)
        + b"</a>"
    )


def _escaped(text: str) -> bytes:
    for sign, reference in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, reference)
    return text.encode("ascii", "xmlcharrefreplace")


@lru_cache(maxsize=256)
def _fitting(text: str, charset: str) -> bytes:
    """Text in a charset that has ASCII; with plainer letters where it must be, ``?`` where nothing is left."""
    plainer = text.translate(_PLAIN_LETTERS)
    for candidate in (text, plainer):
        try:
            encoded = candidate.encode(charset)
            if encoded.decode(charset) == candidate and "_".encode(charset) == b"_":
                return encoded
        except (UnicodeError, LookupError):
            pass
    decomposed = unicodedata.normalize("NFKD", plainer)
    return "".join(sign for sign in decomposed if not unicodedata.combining(sign)).encode("ascii", "replace")
