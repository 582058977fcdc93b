"""What one file of the catalogue says about one vendor, as values; nothing here judges anything.

``docs/catalogue.md`` tells how such a file is written; ``smtp_gate.config.catalogue`` reads and checks it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from smtp_gate.model import NOTHING, Purpose

if TYPE_CHECKING:
    import re


class Confidence(StrEnum):
    """How well a fact is known."""

    REAL_MAIL = "real_mail"
    """Seen in mail that somebody got."""
    VENDOR = "vendor"
    """Read in the vendor's own code or documentation."""
    LIST = "list"
    """Only in block lists or other people's code."""
    GUESS = "guess"
    """Concluded from what the vendor's other addresses look like; nobody saw it."""


@dataclass(frozen=True, slots=True)
class Fact:
    """Where a statement comes from.

    Attributes:
        confidence: how well it is known.
        source: where it was read, in words.
        checked: the day it was read, ``YYYY-MM-DD``.
    """

    confidence: Confidence
    source: str
    checked: str


@dataclass(frozen=True, slots=True)
class Decoder:
    """How the target of a redirect is read from its address.

    Attributes:
        start: ``query:NAME``, the raw value of a query parameter, or ``path:REGEX``, group 1 of a regex that
            is matched at the start of path and query.
        steps: names of :mod:`smtp_gate.trackers.decode`, applied one after the other.
        examples: pairs of address and expected target.
    """

    start: str
    steps: tuple[str, ...]
    examples: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """One shape of address.

    Attributes:
        name: what it is, in a few words.
        hosts: ``x.com`` is that host and all below it, ``=x.com`` that host only; lower case.
        host_pattern: more hosts, searched in the lower-case host; None when there are none.
        path: matched at the start of path and query; None when the host alone decides.
        anywhere: whether the path alone names the vendor, so that it holds on customers' own hosts too.
        marks: one of these path segments must be there before an ``anywhere`` path is tried; ``/`` stands for
            an empty path. They keep plain addresses cheap however large the catalogue is.
        purposes: what it serves; empty for functional and content addresses.
        fact: where that is known from.
        examples: addresses that it must match.
        targets: decoders that are tried in order; none for an opaque redirect.
        weak: whether others have addresses of this shape too, or nobody saw one: it takes something else in the
            mail or about the address to act on it.
    """

    name: str
    hosts: tuple[str, ...]
    host_pattern: re.Pattern[str] | None
    path: re.Pattern[str] | None
    anywhere: bool
    marks: frozenset[str]
    purposes: Purpose
    fact: Fact
    examples: tuple[str, ...]
    targets: tuple[Decoder, ...] = ()
    weak: bool = False

    def on_host(self, host: str) -> bool:
        """Whether the lower-case host is one of those the pattern names."""
        if self.host_pattern is not None and self.host_pattern.search(host):
            return True
        return any(host == name[1:] if name[0] == "=" else f".{host}".endswith(f".{name}") for name in self.hosts)


@dataclass(frozen=True, slots=True)
class HeaderSign:
    """A header field that shows that the vendor made the mail.

    Attributes:
        name: of the field, lower case.
        value: searched in its value; None when the name says enough.
        fact: where that is known from.
    """

    name: str
    value: re.Pattern[str] | None
    fact: Fact


@dataclass(frozen=True, slots=True)
class Vendor:
    """One vendor.

    Attributes:
        id: short name, as policy rules and logs write it.
        name: as people write it.
        country: ISO 3166 code of where the vendor sits; empty when not known.
        own_purposes: whether the vendor also uses what it learns for itself (a joint controller, GDPR article
            26); None when not known.
        pixels: addresses that count who opens.
        links: redirects that count who clicks.
        functional: personal addresses that must work: opt-out, preferences, web view.
        content: pictures and files on tracking hosts that are the same for everybody.
        pictures: pictures to look at that only a tracking host serves, under addresses that are or may be one
            person's.
        headers: header fields that show the vendor.
        parameters: lower-case names of query parameters whose value stands for one person.
        cname_targets: what customers' own tracking hosts are aliases of, written as :attr:`Pattern.hosts`; whatever
            leads there is a tracking host and nothing else.
        cname_pattern: more of them, searched in the lower-case name; None when there are none.
    """

    id: str
    name: str
    country: str = ""
    own_purposes: bool | None = None
    pixels: tuple[Pattern, ...] = ()
    links: tuple[Pattern, ...] = ()
    functional: tuple[Pattern, ...] = ()
    content: tuple[Pattern, ...] = ()
    pictures: tuple[Pattern, ...] = ()
    headers: tuple[HeaderSign, ...] = ()
    parameters: tuple[str, ...] = ()
    cname_targets: tuple[str, ...] = ()
    cname_pattern: re.Pattern[str] | None = None

    @property
    def purposes(self) -> Purpose:
        """Everything its pixels serve; performance when it has none on record."""
        served = NOTHING
        for pixel in self.pixels:
            served |= pixel.purposes
        return served or Purpose.PERFORMANCE
