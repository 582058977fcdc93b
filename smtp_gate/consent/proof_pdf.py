"""A proof as a PDF file that can be filed: the parts of ``proof`` set on pages, with the same as JSON inside it.

This module alone decides how it looks. It is PDF/A-3u (ISO 19005-3): every font is in the file, every glyph has its
character, so that text can be searched and copied. The same proof gives the same octets. A character that the font
cannot show, or that shows nothing or reorders what is around it, stands as ``[U+0000]`` with its number: nothing is
left out in silence.
"""

from __future__ import annotations

import hashlib
import html
import json
import logging
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from fpdf import FPDF
from fpdf.enums import DocumentCompliance, WrapMode, XPos, YPos
from fpdf.fonts import TTFFont

if TYPE_CHECKING:
    from smtp_gate.consent.proof import Part, Proof

ATTACHED = "proof.json"
"""Name of the JSON inside the file: all that is hashed, for a program."""
_FONTS = Path(__file__).parent / "fonts"
_FONT = "DejaVu"
_MARGIN = 20.0
"""Millimetres around the text of a page."""
_LABEL = 26.0
"""Millimetres of the column of labels: ``recorded by`` fits."""
_SIZE, _SMALL, _LARGE = 9.0, 7.5, 15.0
_LINE = 4.6
"""Millimetres from line to line: half a line is white, as in a letter."""
_GREY, _BLACK, _PALE = 90, 0, 200
_HEXADECIMAL = frozenset("0123456789abcdef")
_LONG = 32
"""Digits from which on a value is a hash, which is set smaller so that it stays on its line."""
_XMP = """\
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
 xmlns:pdf="http://ns.adobe.com/pdf/1.3/" xmlns:pdfaid="http://www.aiim.org/pdfa/ns/id/">
<pdfaid:part>3</pdfaid:part><pdfaid:conformance>U</pdfaid:conformance>
<xmp:CreateDate>{made}</xmp:CreateDate><xmp:ModifyDate>{made}</xmp:ModifyDate>
<xmp:CreatorTool>{creator}</xmp:CreatorTool><pdf:Producer>{producer}</pdf:Producer>
<dc:title><rdf:Alt><rdf:li xml:lang="x-default">{title}</rdf:li></rdf:Alt></dc:title>
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{subject}</rdf:li></rdf:Alt></dc:description>
<dc:creator><rdf:Seq><rdf:li>{author}</rdf:li></rdf:Seq></dc:creator>
</rdf:Description></rdf:RDF></x:xmpmeta>"""
"""The metadata once more, as ISO 16684-1 and so PDF/A has them; the library's own would hold the time of day."""
_JOINERS = "\u200c\u200d\u200e\u200f"
"""Shown by what they do: Persian, Indic and Hebrew texts are written with them."""


class Pdf(NamedTuple):
    """The file: its octets, and how many pages it has."""

    octets: bytes
    pages: int


def pdf_of(proof: Proof) -> Pdf:
    """Set a proof on A4 pages."""
    attached = json.dumps(proof.plain(), ensure_ascii=False, indent=1).encode()
    paper = _Paper(proof)
    for number, part in enumerate(proof.parts()):
        paper.put(part, head=number == 0)
    paper.end(hashlib.sha256(attached).hexdigest())
    paper.embed_file(
        bytes=attached,
        basename=ATTACHED,
        desc="The same proof with every hashed field, as JSON",
        creation_date=proof.made,
        modification_date=proof.made,
        mime_type="application/json",
        associated_file_relationship="Alternative",
    )
    return Pdf(bytes(paper.output()), paper.pages_count)


class _Paper(FPDF):
    """Pages with the person and a number at their foot."""

    def __init__(self, proof: Proof) -> None:
        super().__init__(format="A4", enforce_compliance=DocumentCompliance.PDFA_3U)
        logging.getLogger("fontTools").setLevel(logging.ERROR)  # it tells of every table that it leaves out
        self.add_font(_FONT, "", _FONTS / "DejaVuSans.ttf")
        self.add_font(_FONT, "B", _FONTS / "DejaVuSans-Bold.ttf")
        self._known = [set(font.cmap) for font in self.fonts.values() if isinstance(font, TTFFont)]
        # No ligatures: what is copied out of the file is what is written here.
        self.set_text_shaping(use_shaping_engine=True, features={"liga": False, "dlig": False})
        self._foot = self._visible(f"Proof of consent of {proof.address}, made {proof.made:%Y-%m-%d %H:%M:%S} UTC")
        self.replaced = False
        self.set_margins(_MARGIN, _MARGIN)
        self.set_auto_page_break(auto=True, margin=_MARGIN + _LINE)
        self._describe(proof)
        self.add_page()

    def _describe(self, proof: Proof) -> None:
        self.set_creation_date(proof.made.replace(microsecond=0))
        self.set_title(f"Proof of consent of {proof.address}")
        self.set_author(proof.by)
        self.set_creator(proof.command)
        self.set_producer("smtp_gate")
        self.set_subject("What a person decided on the tracking of e-mail (GDPR article 7(1))")
        self.set_lang("en")
        words = {name: getattr(self, name) for name in ("title", "author", "creator", "producer", "subject")}
        words["made"] = f"{proof.made:%Y-%m-%dT%H:%M:%S}+00:00"
        self.set_xmp_metadata(_XMP.format_map({name: html.escape(_plain(word)) for name, word in words.items()}))

    def footer(self) -> None:
        """The library asks for it at the end of each page."""
        self.set_xy(_MARGIN, -_MARGIN)
        self.set_font(_FONT, "", _SMALL)
        self.set_text_color(_GREY)
        width = self.w - 2 * _MARGIN - 30
        self.cell(width, _LINE, self._cut(self._foot, width))
        self.cell(30, _LINE, f"page {self.page_no()} of {{nb}}", align="R")
        self.set_text_color(_BLACK)

    def put(self, part: Part, *, head: bool) -> None:
        """One part of the proof."""
        if not head:
            self.ln(_LINE)
        if part.title:
            # A title does not stand alone at the end of a page.
            if self.will_page_break(4 * _LINE):
                self.add_page()
            self.set_font(_FONT, "B", _LARGE if head else _SIZE + 1)
            self._lines(part.title.capitalize() if head else part.title, 2 * _LINE if head else _LINE)
            self.ln(_LINE / 2)
        for name, value in part.fields:
            self._field(name, value)
        if part.note:
            self.set_font(_FONT, "", _SIZE)
            self._lines(part.note, _LINE)
        if part.shown is not None:
            self._shown(part.shown)

    def end(self, attached: str) -> None:
        """What concerns the file itself."""
        note = (
            f"Inside this file is {ATTACHED}, the same proof with every hashed field and salt. Its SHA-256 hash is"
        )
        self.ln(_LINE / 2)
        self.set_font(_FONT, "", _SIZE)
        self._lines(note, _LINE)
        self.set_font_size(_SMALL)
        self._lines(attached, _LINE)
        if self.replaced:
            self.ln(_LINE / 2)
            self.set_font_size(_SIZE)
            self._lines(
                "A character that the font of this document does not have, or that would show nothing, stands as "
                f"its number in Unicode, such as [U+0000]; {ATTACHED} has it as it is.",
                _LINE,
            )

    def _field(self, name: str, value: str) -> None:
        if self.will_page_break(_LINE):
            self.add_page()
        top = self.get_y()
        self.set_font(_FONT, "", _SIZE)
        self.set_text_color(_GREY)
        self.cell(_LABEL, _LINE, name)
        self.set_text_color(_BLACK)
        small = len(value) >= _LONG and _HEXADECIMAL.issuperset(value.rpartition(" ")[2])
        self.set_font(_FONT, "", _SMALL if small else _SIZE)
        self.set_left_margin(_MARGIN + _LABEL)
        self.set_y(top)
        self._lines(value, _LINE)
        self.set_left_margin(_MARGIN)
        self.set_x(_MARGIN)

    def _shown(self, text: str) -> None:
        """A wording: every line of it, set in, with a rule beside it on each page that it fills."""
        self.ln(_LINE / 2)
        self.set_font(_FONT, "", _SIZE)
        self.set_left_margin(_MARGIN + 5)
        for line in text.expandtabs(4).splitlines():
            if self.will_page_break(_LINE):
                self.add_page()
            page, top = self.page, self.get_y()
            self.set_x(self.l_margin)
            if line.strip():
                self._lines(line, _LINE)
            else:
                self.ln(_LINE)
            self._rule(page, top)
        self.set_left_margin(_MARGIN)

    def _rule(self, page: int, top: float) -> None:
        """Beside what was just set, which may have gone over to another page."""
        end_page, end = self.page, self.get_y()
        self.set_draw_color(_PALE)
        self.set_line_width(0.6)
        x = _MARGIN + 2
        for each in range(page, end_page + 1):
            self.page = each
            first = top if each == page else self.t_margin
            last = end if each == end_page else self.h - self.b_margin
            self.line(x, first, x, last)
        self.page = end_page

    def _lines(self, text: str, height: float) -> None:
        """A text over as many lines and pages as it needs; an address without blanks is broken anywhere."""
        # What is written from right to left begins there.
        align = "R" if _strong(text) in ("R", "AL") else "L"
        shown = self._visible(text)
        self.multi_cell(0, height, shown, align=align, wrapmode=WrapMode.WORD, new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _cut(self, text: str, width: float) -> str:
        """As much of a text as a line holds, with dots where more follows."""
        if self.get_string_width(text) <= width:
            return text
        while text and self.get_string_width(f"{text}...") > width:
            text = text[:-1]
        return f"{text}..."

    def _visible(self, text: str) -> str:
        return "".join(each if self._shows(each) else f"[U+{ord(each):04X}]" for each in text)

    def _shows(self, each: str) -> bool:
        if each in _JOINERS:
            return True
        good = unicodedata.category(each)[0] != "C" and all(ord(each) in known for known in self._known)
        if not good:
            self.replaced = True
        return good


def _plain(text: str) -> str:
    """Without what XML cannot hold."""
    return "".join(each for each in text if unicodedata.category(each)[0] != "C")


def _strong(text: str) -> str:
    """The direction of the first character that has one."""
    return next((kind for each in text if (kind := unicodedata.bidirectional(each)) in ("L", "R", "AL")), "")
