"""Which rules of the catalogue may speak about an address, found without trying them all.

Rules stand under a host's name, under the shape of a host, and under a path segment. However large the catalogue
grows, an address costs one look at its host, which is remembered, and one at its segments.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from smtp_gate.trackers.decode import compile_decoder

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable, Mapping

    from smtp_gate.model import Purpose
    from smtp_gate.trackers.vendor import Pattern, Vendor

HOSTS_REMEMBERED = 4096
"""Hosts whose rules are kept at hand; a mail has a dozen, the next mail mostly the same."""
MAX_HOST = 253
"""Characters of a host name (RFC 1035 section 2.3.4, in text form); a longer one is nobody's."""


class Rule(NamedTuple):
    """A pattern, ready to be asked."""

    vendor: str
    path: re.Pattern[str] | None
    purposes: Purpose
    targets: tuple[Callable[[str], str | None], ...]


class Rules(NamedTuple):
    """Rules by what they say, the most specific first.

    Attributes:
        own: id of the vendor whose tracking host this is by the company's own word; empty mostly.
    """

    pixels: tuple[Rule, ...] = ()
    links: tuple[Rule, ...] = ()
    functional: tuple[Rule, ...] = ()
    content: tuple[Rule, ...] = ()
    own: str = ""


NO_RULES = Rules()


def first(rules: tuple[Rule, ...], rest: str) -> Rule | None:
    """The first rule whose shape path and query have."""
    for rule in rules:
        if rule.path is None or rule.path.match(rest):
            return rule
    return None


class Index:
    """All rules of a catalogue.

    Args:
        vendors: the entries.
        domains: lower-case host -> id of the vendor that tracks there for the company.

    Raises:
        ValueError: a decoder that is none.
    """

    def __init__(self, vendors: Iterable[Vendor], domains: Mapping[str, str]) -> None:
        self._domains = domains
        names: dict[str, list[Rules]] = {}
        marks: dict[str, list[Rules]] = {}
        self._by_shape: list[tuple[re.Pattern[str], Rules]] = []
        for pattern, rules in (pair for vendor in vendors for pair in _compiled(vendor)):
            for host in pattern.hosts:
                names.setdefault(host, []).append(rules)
            if pattern.host_pattern is not None:
                self._by_shape.append((pattern.host_pattern, rules))
            for mark in pattern.marks if pattern.anywhere else ():
                marks.setdefault(mark, []).append(rules)
        self._by_name = {host: _joined(found) for host, found in names.items()}
        self._by_mark = {mark: _joined(found) for mark, found in marks.items()}
        self._unmarked = self._by_mark.keys().isdisjoint
        self._on_host = lru_cache(HOSTS_REMEMBERED)(self._find)
        self._on_path = lru_cache(HOSTS_REMEMBERED)(self._with)

    def rules(self, host: str, rest: str) -> Rules:
        """Rules that may speak about an address: those of its host, then those of its path segments."""
        if len(host) > MAX_HOST:
            host = ""
        segments = rest.partition("?")[0].split("/") if rest[1:2] not in ("", "?") else _ROOT
        if self._unmarked(segments):
            return self._on_host(host)
        return self._on_path(host, tuple(dict.fromkeys(piece for piece in segments if piece in self._by_mark)))

    def _with(self, host: str, marks: tuple[str, ...]) -> Rules:
        return _joined((self._on_host(host), *(self._by_mark[mark] for mark in marks)))

    def _find(self, host: str) -> Rules:
        found = [self._by_name[key] for key in _keys(host) if key in self._by_name]
        found += [rules for shape, rules in self._by_shape if shape.search(host)]
        own = self._domains.get(host, "")
        return _joined(found)._replace(own=own) if found or own else NO_RULES


_ROOT = ("/",)
"""The mark of an empty path."""


def _compiled(vendor: Vendor) -> Iterable[tuple[Pattern, Rules]]:
    """Each pattern of a vendor with its rule, in the field it belongs to."""

    def rule(pattern: Pattern) -> tuple[Rule]:
        targets = tuple(compile_decoder(decoder) for decoder in pattern.targets)
        return (Rule(vendor.id, pattern.path, pattern.purposes, targets),)

    yield from ((pattern, Rules(pixels=rule(pattern))) for pattern in vendor.pixels)
    yield from ((pattern, Rules(links=rule(pattern))) for pattern in vendor.links)
    yield from ((pattern, Rules(functional=rule(pattern))) for pattern in vendor.functional)
    yield from ((pattern, Rules(content=rule(pattern))) for pattern in vendor.content)


def _keys(host: str) -> Iterable[str]:
    """Under which names rules for a host may stand, the most specific first."""
    yield "=" + host
    while host:
        yield host
        host = host.partition(".")[2]


def _joined(several: Iterable[Rules]) -> Rules:
    several = tuple(several)
    return Rules(
        tuple(rule for rules in several for rule in rules.pixels),
        tuple(rule for rules in several for rule in rules.links),
        tuple(rule for rules in several for rule in rules.functional),
        tuple(rule for rules in several for rule in rules.content),
        next((rules.own for rules in several if rules.own), ""),
    )
