"""The corpus and its list of trackers, as the measurement reads them."""

from __future__ import annotations

import csv
import hashlib
import re
from collections import defaultdict
from html import unescape
from typing import TYPE_CHECKING, NamedTuple

from smtp_gate.observe.markup import web
from tests.corpus import FOLDER, entries, unpacked

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

CUT = 300
"""Characters at which the list cuts an address."""
NOBODY = "person@example.com"
_FIELD = re.compile(rb"(?:From |>?[!-9;-~]+[ \t]*:)")
_HEADER = b"From: Sender <news@acme.example>\r\nSubject: A page\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
_ADDRESS = re.compile(r"[A-Za-z0-9._+-]+@[A-Za-z0-9.-]+[A-Za-z0-9]")
_HALF_REFERENCE = re.compile(r"&[#\w]{0,8}\Z")
_PAGES = frozenset([".html", ".tpl", ".m", ".tsv"])


class Row(NamedTuple):
    """One line of the list.

    Attributes:
        guess: the list's name for the vendor, ``?`` for a small or hidden picture that none of its patterns knows.
        loaded: whether it stands in an image or style, as against a link.
        url: as a client reads it.
        cut: whether only its begin is known.
    """

    guess: str
    loaded: bool
    url: str
    cut: bool

    @property
    def mark(self) -> str:
        """Stands for the address in the table of what was looked at."""
        return mark_of(self.url)

    def is_(self, url: str) -> bool:
        """Whether an address as a parser reads it is the one of this row."""
        return url == self.url or (self.cut and url.startswith(self.url))


def mark_of(url: str) -> str:
    """A short digest that names an address without telling it."""
    return hashlib.sha256(url.encode()).hexdigest()[:16]


class Mail(NamedTuple):
    """One file of the corpus: number in the index, kind, stratum, path, name in the list, its rows."""

    number: int
    kind: str
    stratum: str
    path: Path
    name: str
    rows: tuple[Row, ...]

    def read(self) -> bytes:
        """The file as a mail: a page gets a header in front."""
        raw = self.path.read_bytes()
        if self.path.suffix not in _PAGES or _FIELD.match(raw):
            return raw
        if self.path.suffix == ".m":  # a program's source, whose strings are HTML
            raw = raw.replace(b'\\"', b'"')
        return _HEADER + raw


def mails() -> list[Mail]:
    """The whole corpus, in the order of its index."""
    listed: dict[str, list[Row]] = defaultdict(list)
    with (FOLDER / "TRACKERS.tsv").open(encoding="utf-8", newline="") as table:
        for line in csv.DictReader(table, delimiter="\t", quoting=csv.QUOTE_NONE):
            cut = len(line["url"]) >= CUT
            written = _HALF_REFERENCE.sub("", line["url"]) if cut else line["url"]
            url = unescape(written).strip()
            listed[line["path"]].append(Row(line["vendor_guess"], line["where"] != "href", web(url) or url, cut))
    home = unpacked()
    found = []
    for number, entry in enumerate(entries()):
        name = str(entry.path.relative_to(home))
        found.append(Mail(number, entry.kind, entry.stratum, entry.path, name, tuple(listed.get(name, ()))))
    return found


def recipient_of(to: Sequence[str]) -> str:
    """Whom a mail went to, as its To fields say; somebody else where they name nobody or several."""
    found = {match.lower() for field in to for match in _ADDRESS.findall(field)}
    return found.pop() if len(found) == 1 else NOBODY
