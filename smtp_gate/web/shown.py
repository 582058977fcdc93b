"""What a page said, as plain text: the wording that the ledger keeps with a person's answer.

This module alone decides which words of a page count: all of its main part, in their order, boxes and buttons
marked as such. What differs from person to person is left out before, so that one wording is one text.
"""

from __future__ import annotations

import re
from hashlib import sha256
from html.parser import HTMLParser
from typing import NamedTuple

_LINES = frozenset(
    ["h1", "h2", "h3", "p", "ul", "ol", "li", "form", "fieldset", "legend", "label", "div", "button"]
)
_BLANKS = re.compile(r"[ \t\r\n]+")
DIGITS = 10
"""Hexadecimal digits of a wording's hash in its version: no two wordings of one page meet in a thousand years."""


class Wording(NamedTuple):
    """A wording that people were shown.

    Attributes:
        version: name of the page and the beginning of the text's hash: another text is another version.
        language: two letters.
        text: all of it.
    """

    version: str
    language: str
    text: str


def wording_of(page: str, language: str, markup: str) -> Wording:
    """The wording of a finished page.

    Args:
        page: its name.
        language: it is in.
        markup: the whole document.
    """
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    text = "\n".join(line for line in (_BLANKS.sub(" ", line).strip() for line in reader.lines()) if line) + "\n"
    return Wording(f"{page}-{sha256(text.encode()).hexdigest()[:DIGITS]}", language, text)


class _Reader(HTMLParser):
    """The text of the main part."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._inside = False
        self._pieces: list[str] = []

    def lines(self) -> list[str]:
        """What was read, line by line."""
        return "".join(self._pieces).split("\f")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A block begins a line; boxes, buttons and items are marked."""
        if tag == "main":
            self._inside = True
        if tag in _LINES:
            self._pieces.append("\f")
        if not self._inside:
            return
        if tag == "li":
            self._pieces.append("- ")
        elif tag == "button":
            self._pieces.append("[")
        elif tag == "input" and dict(attrs).get("type") == "checkbox":
            self._pieces.append("[ ] ")

    def handle_endtag(self, tag: str) -> None:
        """A block ends its line."""
        if self._inside and tag == "button":
            self._pieces.append("]")
        if tag in _LINES:
            self._pieces.append("\f")
        if tag == "main":
            self._inside = False

    def handle_data(self, data: str) -> None:
        """Words."""
        if self._inside:
            self._pieces.append(data.replace("\f", " "))
