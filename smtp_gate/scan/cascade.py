"""What the style blocks of a page say of one element, as far as simple selectors tell.

Only what counts for hiding and size is of interest, and only for the few elements that are asked about: a name is
looked up in the sheets when somebody asks for it. A rule counts for an element when its selector is one compound of
tag, classes and id that the element has; a rule inside ``@media`` and the like holds only sometimes, so it hides
nothing and may show.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from smtp_gate.scan.look import declarations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

_STYLE = ((b"<style", b"</style"), (b"<STYLE", b"</STYLE"))
"""A style block in the two spellings that there are."""
_COMMENT = re.compile(r"/\*[\s\S]*?(?:\*/|\Z)|<!--|-->")
_BLANK = r"[ \t\r\n]*"
MAY_HIDE = (
    # two quick looks that most declarations do not pass
    rf":(?<=[yYwWtTpPhHmM]:)(?={_BLANK}[nNhHcCrRiIeEsS&0.-])"
    rf"(?:(?<=[lL][aA][yY]:){_BLANK}[nN&]"  # display: none
    rf"|(?<=[iI][tT][yY]:){_BLANK}(?:[hHcC]|0?\.0|0(?![.\d]))"  # visibility: hidden, collapse; opacity: 0
    rf"|(?<=[lL][oO][wW]:){_BLANK}[hH]|(?<=[wW]-[yY]:){_BLANK}[hH]"  # overflow: hidden, which cuts a small box
    rf"|(?:(?<=[eE][fF][tT]:)|(?<=[oO][pP]:)){_BLANK}-"  # left and top, margins too
    rf"|(?:(?<=[lL][iI][pP]:)|(?<=[aA][tT][hH]:)|(?<=[oO][rR][mM]:)){_BLANK}[a-zA-Z])"  # clip, clip-path, transform
)
"""Where a declaration may stand that hides: what its property ends with, what its value begins with. It begins with
what the search skips to."""
_MAY_HIDE = re.compile(MAY_HIDE)
_BY_ATTRIBUTE = re.compile(r"\[\s*(class|id)\s*[~*|^$]?=\s*[\"']?([\w-]{1,80})[\"']?\s*\]")
_COMPOUND = re.compile(r"\*?([a-z][a-z0-9]*)?((?:[.#][\w-]{1,80}){0,8})(:[\s\S]*)?", re.IGNORECASE)
_PIECE = re.compile(r"[.#][\w-]+")
_MAX_SHEET = 131_072
"""Characters of style blocks that are read; beyond them rules are not known."""
_MAX_PLACES = 16
"""Places at which one name is looked at."""
_MAX_SELECTORS = 64
"""Selectors of one rule that are read."""
_MAX_NAMES = 500
"""Names that are looked up in one page."""
_MAX_HIDING = 32
"""Rules that hide always, of one page."""
_SHOWING = ("display", "visibility", "opacity", "height", "max-height", "width", "max-width")
_NOT_SHOWN = ("none", "hidden", "collapse", "0", "1px")


class Rule(NamedTuple):
    """One selector with its declarations.

    Attributes:
        subject: the last compound of the selector.
        alone: whether the selector is that compound alone, without a pseudo-class.
        always: whether it holds without any condition.
        text: the declarations.
    """

    subject: frozenset[str]
    alone: bool
    always: bool
    text: str


class Cascade:
    """The style blocks of one page.

    Args:
        view: the HTML.
        comment: tells the comment that an offset stands in; a style block in one is for other clients.
    """

    __slots__ = ("_known", "_sheet")

    def __init__(self, view: bytes, comment: Callable[[int], object]) -> None:
        pieces = []
        for spelling, ending in _STYLE:
            at = view.find(spelling)
            while at >= 0:
                close = view.find(ending, at)
                stop = close if close >= 0 else len(view)
                if comment(at) is None:
                    pieces.append(view[view.find(b">", at) + 1 : stop])
                at = view.find(spelling, stop)
        text = b"\n".join(pieces)[:_MAX_SHEET].decode("utf-8", "replace")
        text = _COMMENT.sub("", text) if "/*" in text or "<!--" in text or "-->" in text else text
        self._sheet = _BY_ATTRIBUTE.sub(_as_name, text) if "[" in text else text
        self._known: dict[str, tuple[Rule, ...]] = {}

    def hiding(self) -> list[str]:
        """Classes and ids, without their sign, of rules that hide always."""
        sheet = self._sheet
        found: dict[str, None] = {}
        last = -1
        for match in _MAY_HIDE.finditer(sheet):
            opening = sheet.rfind("{", 0, match.start())
            if opening == last:
                continue
            last = opening
            for rule in self._rules_of(opening):
                if rule.alone and rule.always:
                    found |= dict.fromkeys(name[1:] for name in sorted(rule.subject) if name[0] in ".#")
            if len(found) >= _MAX_HIDING:
                break
        return list(found)[:_MAX_HIDING]

    def text(self, names: frozenset[str]) -> str:
        """Declarations that always hold for an element.

        Args:
            names: its classes and id with their signs, and its tag.
        """
        if not self._sheet:
            return ""
        return "".join([rule.text + ";" for rule in self._of(names, names) if rule.alone and rule.always])

    def shows(self, names: frozenset[str]) -> bool:
        """Whether a rule for its classes or its id may show such an element, wherever and whenever it holds."""
        if not self._sheet:
            return False
        own = [name for name in names if name[0] in ".#"]
        return any(_shows(rule.text) for rule in self._of(own, names))

    def _of(self, asked: Iterable[str], names: frozenset[str]) -> Iterator[Rule]:
        """Rules for an element of these names, as far as one of the asked ones stands in their subject."""
        for name in sorted(asked):
            rules = self._known.get(name)
            if rules is None and len(self._known) < _MAX_NAMES:
                rules = self._known[name] = tuple(self._search(name))
            yield from (rule for rule in rules or () if rule.subject <= names)

    def _search(self, name: str) -> Iterator[Rule]:
        """Rules whose subject holds a name."""
        sheet = self._sheet
        at = -1
        for _ in range(_MAX_PLACES):
            at = sheet.find(name, at + 1)
            if at < 0:
                return
            opening = sheet.find("{", at)
            if opening < 0 or sheet.find("}", at, opening) >= 0:
                continue
            for rule in self._rules_of(opening):
                if name in rule.subject:
                    yield rule
            at = opening

    def _rules_of(self, opening: int) -> Iterator[Rule]:
        """The rule whose block opens at an offset, once for each of its selectors."""
        sheet = self._sheet
        if opening < 0:
            return
        begin = max(sheet.rfind("{", 0, opening), sheet.rfind("}", 0, opening), sheet.rfind(";", 0, opening)) + 1
        close = sheet.find("}", opening)
        text = sheet[opening + 1 : close if close >= 0 else len(sheet)]
        if "{" in text:
            return
        always = sheet.count("}", 0, opening) == sheet.count("{", 0, opening)
        for selector in sheet[begin:opening].split(",", _MAX_SELECTORS)[:_MAX_SELECTORS]:
            compounds = selector.split()
            match = _COMPOUND.fullmatch(compounds[-1]) if compounds else None
            if match is None:
                continue
            subject = frozenset(_PIECE.findall(match[2])) | ({match[1].lower()} if match[1] else frozenset())
            if subject:
                yield Rule(subject, len(compounds) == 1 and not match[3], always, text)


def _as_name(match: re.Match[str]) -> str:
    """``[class=x]`` says the same as ``.x``, nearly."""
    return ("." if match[1] == "class" else "#") + match[2]


def _shows(text: str) -> bool:
    said = declarations(text)
    return any(name in said and not said[name].startswith(_NOT_SHOWN) for name in _SHOWING)
