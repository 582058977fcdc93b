"""The footer of a mail that tracks: who measures what, what for, and the way out.

This module alone decides its two forms (GDPR article 7(3): withdrawing is as easy as agreeing; CNIL délibération
2026-042: the link stands in each mail). It loads nothing, sets no background, and its grey has a contrast of 4.5 on
white as on black, so that it reads in dark mode too. What is the same in all mails of a controller is made once.
"""

from __future__ import annotations

import textwrap
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Final, NamedTuple

from smtp_gate.render.address import in_attribute, in_text
from smtp_gate.render.letters import fitting
from smtp_gate.render.own_footer import MARK

if TYPE_CHECKING:
    from smtp_gate.model import Purpose
    from smtp_gate.render.own_footer import OwnFooter
    from smtp_gate.render.wording import Wording

_COLUMNS: Final = 72
_GREY = "#767676"
_RULE = "_" * 40
_RIGHT_TO_LEFT = frozenset({"R", "AL"})
_NAME_BEGINS, _NAME_ENDS = "\ue000", "\ue001"
"""Stand round the controller's name until the text is wrapped and escaped."""
_ISOLATE, _ISOLATED = "\u2068", "\u2069"
"""First strong isolate and its end (Unicode Standard Annex 9): a name does not turn the sentence round it."""
_STYLE = (
    "clear:both;margin:0;padding:16px 8px;font-family:Arial,Helvetica,sans-serif;"
    f"font-size:12px;line-height:18px;color:{_GREY};text-align:center"
)


class Said(NamedTuple):
    """What the footer says, the same in many mails.

    Attributes:
        controller: name of who measures, as people know it.
        wording: the sentences, in the language of the mail.
        privacy_url: the controller's privacy page; empty when there is none.
        pixels: whether the mail counts openings.
        clicks: whether it counts clicks.
        purposes: what for, of all that it counts.
        own: the controller's own templates; None for our words.
    """

    controller: str
    wording: Wording
    privacy_url: str
    pixels: bool
    clicks: bool
    purposes: Purpose
    own: OwnFooter | None = None

    def claim(self, controller: str) -> str:
        """The sentence that says who measures what."""
        return self.wording.claim(pixels=self.pixels, clicks=self.clicks) % {"controller": controller}

    def aims(self) -> str:
        """The sentence that says what for; empty when the claim says it all."""
        aims = self.wording.aims(self.purposes)
        pattern = self.wording.purposes if aims[1:] else self.wording.purpose
        return pattern % {"purposes": ", ".join(aims)} if aims else ""


class FooterText(NamedTuple):
    """The footer of one mail.

    Attributes:
        said: what it says.
        withdraw_url: page where tracking is ended; the reader's own.
    """

    said: Said
    withdraw_url: str


def html_form(footer: FooterText, line_end: bytes) -> bytes:
    """The footer as HTML: ASCII with character references, so that it fits every charset and encoding."""
    return in_attribute(footer.withdraw_url, b'"').join(_html(footer.said, line_end))


def text_form(footer: FooterText, line_end: bytes, charset: str) -> bytes:
    """The footer as running text, in a charset; without accents where the charset has none.

    Args:
        footer: what it says.
        line_end: to write.
        charset: of the part; ``"us-ascii"`` also for any that can hold no accent because of its encoding.
    """
    return in_text(footer.withdraw_url).join(_text(footer.said, line_end, charset))


@lru_cache(maxsize=512)
def _html(said: Said, line_end: bytes) -> tuple[bytes, ...]:
    """What stands round the withdrawal address."""
    own = said.own.html(said) if said.own else None
    if own is not None:
        return _parts("\n".join(own).encode("ascii", "xmlcharrefreplace"), line_end)
    wording = said.wording
    lines = [f'<div lang="{wording.language}" dir="auto" style="{_STYLE}">'.encode()]
    for line in _wrapped(said):
        # A direction of its own isolates the name, as <bdi> does that some clients do not know.
        named = _escaped(line).replace(b"&#57344;", b'<span dir="auto">').replace(b"&#57345;", b"</span>")
        lines.append(named)
    before, after = _link(wording.stop)
    lines.append(b"<br>" + line_end + before)
    rest = [after]
    if said.privacy_url:
        before, after = _link(wording.privacy)
        rest = [rest[0] + b" &#183;", before + in_attribute(said.privacy_url, b'"') + after]
    return line_end.join(lines), line_end.join([*rest, b"</div>", b""])


@lru_cache(maxsize=512)
def _text(said: Said, line_end: bytes, charset: str) -> tuple[bytes, ...]:
    """What stands round the withdrawal address."""
    own = said.own.text(said) if said.own else None
    if own is not None:
        return _parts(fitting("\n".join(own), charset), line_end)
    wording = said.wording
    isolated = any(unicodedata.bidirectional(letter) in _RIGHT_TO_LEFT for letter in said.controller)
    opening, closing = (_ISOLATE, _ISOLATED) if isolated else ("", "")
    lines = [line.replace(_NAME_BEGINS, opening).replace(_NAME_ENDS, closing) for line in _wrapped(said)]
    head = "\n".join([_RULE, *lines, "", wording.label % {"words": wording.stop}, ""])
    tail = b""
    if said.privacy_url:
        label = fitting(wording.label % {"words": wording.privacy}, charset)
        tail = line_end + label + line_end + in_text(said.privacy_url)
    return fitting(head, charset).replace(b"\n", line_end), tail + line_end


def _parts(rendered: bytes, line_end: bytes) -> tuple[bytes, ...]:
    return tuple((rendered + b"\n").replace(b"\n", line_end).split(MARK.encode()))


def _wrapped(said: Said) -> list[str]:
    """The sentences in lines, with the controller's name between its two signs."""
    name = " ".join(said.controller.replace(_NAME_BEGINS, "").replace(_NAME_ENDS, "").split())
    sentences = (said.claim(f"{_NAME_BEGINS}{name}{_NAME_ENDS}"), said.aims(), said.wording.end)
    return textwrap.wrap(" ".join(filter(None, sentences)), _COLUMNS, break_on_hyphens=False)


def _link(words: str) -> tuple[bytes, bytes]:
    """A link, round its address."""
    style = f'" style="color:{_GREY};text-decoration:underline">'
    return b'<a href="', style.encode() + _escaped(words) + b"</a>"


def _escaped(text: str) -> bytes:
    for sign, reference in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(sign, reference)
    return text.encode("ascii", "xmlcharrefreplace")
