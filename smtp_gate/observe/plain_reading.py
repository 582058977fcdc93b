"""The vendor files read the slow and plain way: every pattern asked about every address, one after the other.

It shares the catalogue's data with the hot path, and neither its index nor its reading of addresses. Only what the
files say for certain counts here: weak patterns, uncatalogued pixels and personal parameters are the catalogue's
own matter.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from smtp_gate.model import NOTHING, Judgement, Kind
from smtp_gate.trackers.functional import must_work

if TYPE_CHECKING:
    from smtp_gate.trackers import Catalogue
    from smtp_gate.trackers.vendor import Pattern, Vendor

_HOSTS_REMEMBERED = 1024
EVIDENCE = "plain_reading"
"""Code of what only this reading found."""


class PlainReading:
    """One catalogue, read plainly.

    Args:
        catalogue: whose vendor files are read.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._vendors = catalogue.vendors
        self._own = catalogue.own
        self._of_host = lru_cache(_HOSTS_REMEMBERED)(self._patterns)

    def loaded(self, url: str) -> Judgement | None:
        """What showing the address would tell; None when the files name nobody."""
        found = self._matches(url)
        if any(what == "content" for what, _, _ in found):
            return None
        for what, vendor, pattern in found:
            if what in ("pixels", "links", "pictures"):
                return Judgement(Kind.PIXEL, vendor.id, None, pattern.purposes, (EVIDENCE,))
        return None

    def clicked(self, url: str, words: str, protected: frozenset[str]) -> Judgement | None:
        """What a click on the address would tell; None when the files name nobody, or it must work."""
        found = self._matches(url)
        if any(what == "functional" for what, _, _ in found) or must_work(url, "", lambda: words, protected):
            return None
        for what, vendor, _ in found:
            if what == "links":
                return Judgement(Kind.LINK, vendor.id, None, NOTHING, (EVIDENCE,))
        return None

    def is_content(self, url: str) -> bool:
        """Whether the files say that an address is the same for everybody."""
        return any(what == "content" for what, _, _ in self._matches(url))

    def _matches(self, url: str) -> list[tuple[str, Vendor, Pattern]]:
        try:
            pieces = urlsplit(url)
            host = (pieces.hostname or "").rstrip(".")
        except ValueError:
            return []
        if not host or (self._own and url.startswith(self._own)):
            return []
        rest = (pieces.path or "/") + (f"?{pieces.query}" if pieces.query else "")
        segments = set(pieces.path.split("/")) if pieces.path.strip("/") else {"/"}
        on_host, anywhere = self._of_host(host)
        return [
            (what, vendor, pattern)
            for what, vendor, pattern in (
                *on_host,
                *(one for one in anywhere if not one[2].marks.isdisjoint(segments)),
            )
            if pattern.path is None or pattern.path.match(rest)
        ]

    def _patterns(self, host: str) -> tuple[list[tuple[str, Vendor, Pattern]], list[tuple[str, Vendor, Pattern]]]:
        """Those that name the host, and those that hold on any."""
        every = [
            (what, vendor, pattern)
            for vendor in self._vendors
            for what in ("pixels", "links", "functional", "content", "pictures")
            for pattern in getattr(vendor, what)
            if not pattern.weak
        ]
        named = [one for one in every if one[2].on_host(host)]
        return named, [one for one in every if one[2].anywhere and one not in named]


@lru_cache(maxsize=4)
def plain_reading(catalogue: Catalogue) -> PlainReading:
    """The reading of a catalogue, made once."""
    return PlainReading(catalogue)
