"""What a footer of the user's own must be, and must not.

This module alone decides it: the withdrawal link stands there to be seen and pressed, nothing is loaded, run or
hidden, and the markup closes what it opens, or a mail would lose its own end. Each problem comes with a sign to
look for in the template's source.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from smtp_gate.limits import MAX_FOOTER, MAX_FOOTER_LINE
from smtp_gate.render.own_footer import MARK
from smtp_gate.scan.html import read_html
from smtp_gate.scan.plaintext import footer_place, read_text

if TYPE_CHECKING:
    from collections.abc import Iterator

_SPANS = [
    "a",
    "abbr",
    "b",
    "bdi",
    "bdo",
    "big",
    "br",
    "cite",
    "code",
    "em",
    "font",
    "i",
    "s",
    "small",
    "span",
    "strong",
]
_BLOCKS = [
    "blockquote",
    "center",
    "div",
    "dl",
    "dt",
    "dd",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "ol",
    "ul",
    "li",
]
_TABLES = ["table", "thead", "tbody", "tfoot", "tr", "th", "td"]
ELEMENTS = frozenset([*_SPANS, "sub", "sup", "u", *_BLOCKS, "p", "pre", *_TABLES])
"""What a footer may be made of; none of them loads anything, or reaches beyond itself."""
_EMPTY = frozenset(["br", "hr"])
_LOADING = frozenset(["background", "src", "srcset", "ping", "style"])
_LOADS = re.compile(r"url\s*\(|image|@|expression|behavior|\\|/\*", re.IGNORECASE)
_HIDES = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*hidden|opacity\s*:\s*0?\.?0*(?:[;\s]|$)|font-size\s*:\s*0|mso-hide",
    re.IGNORECASE,
)
_WEB = re.compile(r"(?:https?://|mailto:)[!-~]+")
_NO_TAG = ("holds a < that begins no tag; write &lt;", "<")


def measure(lines: list[str]) -> list[tuple[str, str]]:
    """Whether a footer is too large for a mail."""
    octets = [len(line.encode("ascii", "xmlcharrefreplace")) for line in lines]
    if sum(octets) > MAX_FOOTER:
        return [(f"becomes larger than {MAX_FOOTER} octets", "")]
    if max(octets, default=0) > MAX_FOOTER_LINE:
        longest = lines[octets.index(max(octets))]
        return [(f"becomes a line of more than {MAX_FOOTER_LINE} octets; break it", longest[:20])]
    return []


def look_at_text(text: str) -> Iterator[tuple[str, str]]:
    """What is wrong with the plain text form."""
    view = text.encode()
    if not any(address.url == MARK for address in read_text(view)):
        yield "lacks the withdrawal link: write {{ withdraw_url }} on a line of its own", "withdraw_url"
    if footer_place(view) != len(view):
        yield "holds the line '-- ', behind which mail programs hide a signature; take it out", "--"


def look_at_html(text: str) -> Iterator[tuple[str, str]]:
    """What is wrong with the HTML form."""
    page = _Page()
    page.feed(text)
    page.close()
    if text.rfind("<") > text.rfind(">"):  # Pythons differ in what they tell of a tag that the end cuts off
        page.problems.append(_NO_TAG)
    yield from dict.fromkeys(page.problems)
    if page.open:
        yield f"leaves <{page.open[-1]}> open; close it with </{page.open[-1]}>", f"<{page.open[-1]}"
    if not page.way_out:
        yield (
            'lacks the withdrawal link: write <a href="{{ withdraw_url }}">{{ stop }}</a>, with words that show',
            "withdraw_url",
        )
    if any(address.load for address in read_html(text.encode("ascii", "xmlcharrefreplace")).addresses):
        yield "makes mail programs load something; a footer loads nothing", ""


class _Page(HTMLParser):
    """A footer as it is read: what it must not hold, and whether it has the way out."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=False)
        self.problems: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.way_out = False
        self._leads_out = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element must be harmless, and so must its attributes."""
        if tag not in ELEMENTS:
            self.problems.append((f"holds <{tag}>; a footer is made of {', '.join(sorted(ELEMENTS))}", f"<{tag}"))
        if tag not in _EMPTY:
            self.open.append(tag)
        for name, value in attrs:
            self._attribute(name, value or "")
        if tag == "a":
            self._leads_out = (dict(attrs).get("href") or "") == MARK

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """A browser does not know ``<p/>``: it is open."""
        self.handle_starttag(tag, attrs)

    def _attribute(self, name: str, value: str) -> None:
        if name.startswith("on") or (name in _LOADING and name != "style"):
            self.problems.append((f"has the attribute {name}, which loads or runs something; take it out", name))
        elif name == "style" and _LOADS.search(value):
            self.problems.append(
                ("has a style that may load something; write it without url(), @ and escapes", "style")
            )
        elif name == "hidden" or (name == "style" and _HIDES.search(value)):
            self.problems.append(("hides a part of itself; everybody must see it", name))
        elif name == "href" and not _WEB.fullmatch(value):
            self.problems.append((f"has a link that is no web or mail address: {value!r}", "href"))

    def handle_endtag(self, tag: str) -> None:
        """An end tag ends the element that was opened last."""
        if tag in _EMPTY:
            return
        if not self.open or self.open.pop() != tag:
            self.problems.append((f"has </{tag}> where <{tag}> is not the element that is open", f"</{tag}"))
        if tag == "a":
            self._leads_out = False

    def handle_data(self, data: str) -> None:
        """Words in the withdrawal link are what people press; nothing may look like a tag that goes on."""
        self.way_out = self.way_out or (self._leads_out and bool(data.strip()))
        if "<" in data:
            self.problems.append(_NO_TAG)

    def handle_entityref(self, name: str) -> None:
        """``&eacute;`` is a word, too."""
        self.way_out = self.way_out or (self._leads_out and name != "nbsp")

    def handle_charref(self, name: str) -> None:
        """``&#233;`` is, too."""
        self.handle_entityref(name)

    def handle_comment(self, data: str) -> None:
        """Outlook reads comments."""
        self.problems.append(
            (f"holds the comment {data[:20]!r}, where Outlook may find markup; take it out", "<!--")
        )

    def handle_decl(self, decl: str) -> None:
        """The document is the mail's."""
        self.problems.append((f"holds <!{decl}>; take it out", "<!"))

    def handle_pi(self, data: str) -> None:
        """None is known in HTML."""
        self.problems.append((f"holds <?{data}>; take it out", "<?"))

    def unknown_decl(self, data: str) -> None:
        """``<![CDATA[`` is a comment to browsers."""
        self.problems.append((f"holds <![{data}; take it out", "<!["))
