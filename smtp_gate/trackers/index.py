"""Which rules of the catalogue may speak about an address, found without trying them all.

Rules stand under a host's name, under the shape of a host, and under a path segment. However large the catalogue
grows, an address costs one look at its host, which is remembered, and one at its segments. A remembered host also
spares the address the reading: what stands between the slashes is that host, and nothing else can be meant.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from smtp_gate.model import NOTHING, Kind, Purpose
from smtp_gate.trackers.address import is_usual_host, split
from smtp_gate.trackers.decode import compile_decoder
from smtp_gate.trackers.gateway import GATEWAYS

if TYPE_CHECKING:
    import re
    from collections.abc import Callable, Iterable, Mapping

    from smtp_gate.trackers.vendor import Pattern, Vendor

HOSTS_REMEMBERED = 4096
"""Hosts whose rules are kept at hand; a mail has a dozen, the next mail mostly the same."""
MAX_HOST = 253
"""Characters of a host name (RFC 1035 section 2.3.4, in text form); a longer one is nobody's."""


class Rule(NamedTuple):
    """A pattern, ready to be asked.

    Attributes:
        kind: what an address is that has its shape.
        vendor: who is told.
        path: the shape of path and query; None when the host alone decides.
        purposes: what it serves.
        targets: readers of where it leads, tried in order.
        evidence: the code of what speaks for it.
        weak: whether it takes something else in the mail or about the address to act on it.
    """

    kind: Kind
    vendor: str
    path: re.Pattern[str] | None
    purposes: Purpose
    targets: tuple[Callable[[str], str | None], ...] = ()
    evidence: str = "catalogue"
    weak: bool = False


class Rules(NamedTuple):
    """Rules by what they say, the most specific first, weak ones last.

    Attributes:
        gateways: readers of what stands inside the address of a security service.
        own: the rule of the vendor whose tracking host this is by the company's own word; None mostly.
    """

    pixels: tuple[Rule, ...] = ()
    links: tuple[Rule, ...] = ()
    functional: tuple[Rule, ...] = ()
    content: tuple[Rule, ...] = ()
    gateways: tuple[Callable[[str], str | None], ...] = ()
    own: Rule | None = None


NO_RULES = Rules()


def first(rules: tuple[Rule, ...], rest: str) -> Rule | None:
    """The first rule whose shape path and query have."""
    for rule in rules:
        path = rule.path
        if path is None or path.match(rest) is not None:
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
        names = {host: [Rules(gateways=readers)] for host, readers in GATEWAYS.items()}
        marks: dict[str, list[Rules]] = {}
        shapes: dict[re.Pattern[str], list[Rules]] = {}
        for pattern, rules in (pair for vendor in vendors for pair in _compiled(vendor)):
            for host in pattern.hosts:
                names.setdefault(host, []).append(rules)
            if pattern.host_pattern is not None:
                shapes.setdefault(pattern.host_pattern, []).append(rules)
            for mark in pattern.marks if pattern.anywhere else ():
                marks.setdefault(mark, []).append(rules)
        self._by_name = {host: _joined(found) for host, found in names.items()}
        self._by_shape = [(shape, _joined(found)) for shape, found in shapes.items()]
        self._by_mark = {mark: _joined(found) for mark, found in marks.items()}
        self._unmarked = self._by_mark.keys().isdisjoint
        self._hosts: dict[str, Rules] = {}
        self._marked: dict[tuple[str, ...], Rules] = {}

    def place(self, url: str) -> tuple[Rules, str] | None:
        """Rules that may speak about an address, and its path and query; None when it is no web address.

        The rules are those of its host, then those of its path segments; :data:`NO_RULES` itself when nobody
        has any.
        """
        scheme, _, behind = url.partition("://")
        host, _, rest = behind.partition("/")
        rules = self._hosts.get(host)
        if rules is None or scheme not in _SCHEMES or "\\" in rest or not rest.isprintable():
            read = split(url)
            if read is None:
                return None
            host, rest = read
            rules = self._of_host(host)
        else:
            rest = "/" + (rest.partition("#")[0] if "#" in rest else rest).rstrip(" ")
        segments = rest.partition("?")[0].split("/") if rest[1:2] not in _NO_PATH else _ROOT
        if not self._unmarked(segments):
            by_mark = self._by_mark
            marks = (host, *[piece for piece in segments if piece in by_mark])
            rules = self._marked.get(marks) or self._with(rules, marks)
        return rules, rest

    def _with(self, rules: Rules, marks: tuple[str, ...]) -> Rules:
        """Rules of a host, then those of the marks behind its name."""
        rules = _joined((rules, *(self._by_mark[mark] for mark in marks[1:])))
        if len(self._marked) >= HOSTS_REMEMBERED:
            self._marked.clear()
        self._marked[marks] = rules
        return rules

    def _of_host(self, host: str) -> Rules:
        """Rules of a host; remembered where its name can be read only one way, so that none reads it again."""
        rules = self._hosts.get(host)
        if rules is None:
            rules = self._find(host if len(host) <= MAX_HOST else "")
            if is_usual_host(host) and len(host) <= MAX_HOST:
                if len(self._hosts) >= HOSTS_REMEMBERED:
                    self._hosts.clear()
                self._hosts[host] = rules
        return rules

    def _find(self, host: str) -> Rules:
        found = [self._by_name[key] for key in keys(host) if key in self._by_name]
        found += [rules for shape, rules in self._by_shape if shape.search(host)]
        vendor = self._domains.get(host)
        if vendor:
            own = Rule(Kind.LINK, vendor, None, Purpose.CLICKS, evidence="own_domain")
            return _joined(found)._replace(own=own)
        return _joined(found) if found else NO_RULES


_SCHEMES = ("https", "http")
_NO_PATH = ("", "?")
_ROOT = ("/",)
"""The mark of an empty path."""


def behind(vendor: Vendor) -> Rules:
    """A vendor's rules for a host that leads to it by its name in DNS, whatever hosts they name.

    A rule that its host alone decided says nothing on another one.
    """
    return _joined(rules for pattern, rules in _compiled(vendor) if pattern.path is not None)._replace(
        own=Rule(Kind.LINK, vendor.id, None, Purpose.CLICKS, evidence="cname")
    )


def keys(host: str) -> Iterable[str]:
    """Under which names something may stand that is said of a host, the most specific first."""
    yield "=" + host
    while host:
        yield host
        host = host.partition(".")[2]


def _compiled(vendor: Vendor) -> Iterable[tuple[Pattern, Rules]]:
    """Each pattern of a vendor with its rule, in the field it belongs to."""

    def rule(kind: Kind, pattern: Pattern) -> tuple[Rule]:
        if kind is Kind.FUNCTIONAL:
            return (Rule(kind, vendor.id, pattern.path, NOTHING),)
        targets = tuple(compile_decoder(decoder) for decoder in pattern.targets)
        evidence = "weak" if pattern.weak else "catalogue"
        return (Rule(kind, vendor.id, pattern.path, pattern.purposes, targets, evidence, pattern.weak),)

    yield from ((pattern, Rules(pixels=rule(Kind.PIXEL, pattern))) for pattern in vendor.pixels)
    yield from ((pattern, Rules(links=rule(Kind.LINK, pattern))) for pattern in vendor.links)
    yield from ((pattern, Rules(functional=rule(Kind.FUNCTIONAL, pattern))) for pattern in vendor.functional)
    yield from ((pattern, Rules(content=rule(Kind.PLAIN, pattern))) for pattern in vendor.content)
    yield from ((pattern, Rules(content=rule(Kind.PICTURE, pattern))) for pattern in vendor.pictures)


def _joined(several: Iterable[Rules]) -> Rules:
    several = tuple(several)
    return Rules(
        _each(rules.pixels for rules in several),
        _each(rules.links for rules in several),
        _each(rules.functional for rules in several),
        _each(rules.content for rules in several),
        tuple(reader for rules in several for reader in rules.gateways),
        next((rules.own for rules in several if rules.own is not None), None),
    )


def _each(several: Iterable[tuple[Rule, ...]]) -> tuple[Rule, ...]:
    """All the rules in order, each once: one that stands under a host and a path segment need not fail twice."""
    once = {id(rule): rule for rules in several for rule in rules}.values()
    return tuple(sorted(once, key=_weakness))


def _weakness(rule: Rule) -> bool:
    return rule.weak
