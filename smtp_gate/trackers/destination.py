"""Where a link leads in the end, read offline through every redirect round it.

This module alone decides what is gone through: sure trackers of the catalogue, the company's own tracking hosts,
what security services put round a link, and redirects that nobody catalogued but that show what they are.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from smtp_gate.limits import MAX_TARGET_REMEMBERED, MAX_UNWRAP_DEPTH, MAX_URL, TARGETS_REMEMBERED
from smtp_gate.model import Kind
from smtp_gate.trackers import functional
from smtp_gate.trackers.address import proper, split
from smtp_gate.trackers.index import NO_RULES, first
from smtp_gate.trackers.redirect import embedded, evidence, holds_address, is_other

if TYPE_CHECKING:
    from collections.abc import Callable

    from smtp_gate.trackers.index import Rule, Rules


class Redirect(NamedTuple):
    """A link that nobody catalogued and that counts clicks all the same.

    Attributes:
        vendor: of the tracker inside it, if there is one; else empty.
        target: what it holds.
        beside: its path and query without the target.
        evidence: codes of what speaks for it.
    """

    vendor: str
    target: str
    beside: str
    evidence: tuple[str, ...]


class Destinations:
    """Knows where links lead.

    Args:
        place: rules that may speak about an address, and its path and query.
        clean: an address without what stands for one person; None when nothing in it does.
    """

    def __init__(
        self, place: Callable[[str], tuple[Rules, str] | None], clean: Callable[[str], str | None]
    ) -> None:
        self._place = place
        self._clean = clean
        self._known_end = lru_cache(TARGETS_REMEMBERED)(self._end)

    def end(self, target: str | None) -> str | None:
        """Where a redirect leads in the end.

        Args:
            target: what the redirect itself holds; None when that cannot be read.

        Returns:
            A proper http(s) address that is no tracker, without personal parameters; None when only a vendor
            knows it, or when it is nested too deep.
        """
        if target is None:
            return None
        return self._known_end(target) if len(target) <= MAX_TARGET_REMEMBERED else self._end(target)

    def _end(self, target: str | None) -> str | None:
        for _ in range(MAX_UNWRAP_DEPTH):
            place = self._place(target) if target is not None and len(target) <= MAX_URL else None
            if target is None or place is None:
                return None
            rules, rest = place
            is_redirect, inner = self.inside(target, rules, rest)
            if not is_redirect:
                return target if functional.by_path(rest) else self._clean(target) or target
            target = inner
        return None

    def inside(self, url: str, rules: Rules, rest: str, *, weak: bool = False) -> tuple[bool, str | None]:
        """Whether an address is a redirect, and the address that it holds, None when only a vendor knows it.

        Args:
            url: the address.
            rules: those that may speak about it.
            rest: its path and query.
            weak: whether weak patterns are believed.
        """
        known = tracker(rules, rest) if rules is not NO_RULES else None
        if known is not None and (weak or not known.weak):
            return (True, held(known, rest)) if known.kind is Kind.LINK else (False, None)
        inner = self.behind_gateways(rules, rest)
        if inner is None:
            redirect = self.redirect(url, rest)
            inner = redirect.target if redirect is not None else None
        return inner is not None, inner

    def behind_gateways(self, rules: Rules, rest: str) -> str | None:
        """What stands inside the address of a security service, or of several.

        Returns:
            None for any other address, and where they are nested too deep.
        """
        inner: str | None = None
        for _ in range(MAX_UNWRAP_DEPTH + 1):
            found = _read(rules.gateways, rest) if rules.gateways else None
            place = self._place(found) if found is not None and len(found) <= MAX_URL else None
            if place is None:
                return inner
            inner = found
            rules, rest = place
        return None

    def redirect(self, url: str, rest: str) -> Redirect | None:
        """What an address is that nobody catalogued, as far as it is a redirect that counts clicks.

        Args:
            url: the address.
            rest: its path and query.
        """
        inside = embedded(rest) if holds_address(rest) else None
        place = split(url) if inside is not None else None
        if inside is None or place is None:
            return None
        host = place[0]
        found = evidence(host, inside)
        vendor = self._vendor(inside.target)
        if not found and (not vendor or is_other(host, inside)):
            return None
        return Redirect(vendor, inside.target, inside.beside, found or ("redirect", "catalogue"))

    def _vendor(self, url: str) -> str:
        """Whose tracker an address is for sure; empty when it is none."""
        place = self._place(url)
        known = tracker(*place) if place is not None and place[0] is not NO_RULES else None
        return known.vendor if known is not None and known.kind is Kind.LINK and not known.weak else ""


def tracker(rules: Rules, rest: str) -> Rule | None:
    """The vendor that a click would tell; on the company's own tracking hosts every link with a path tells.

    Args:
        rules: those that may speak about the address.
        rest: its path and query.
    """
    rule = first(rules.functional, rest) if rules.functional else None
    if rule is None and rules.links:
        rule = first(rules.links, rest)
    own = rules.own
    if own is None or rest == "/" or (rule is not None and not rule.weak):
        return rule
    if rule is not None and rule.vendor == own.vendor:
        return rule._replace(evidence=own.evidence, weak=False)
    return own if first(rules.content, rest) is None else rule


def held(known: Rule, rest: str) -> str | None:
    """The address that a tracker holds: where its pattern reads it, else wherever redirects have one."""
    found = _read(known.targets, rest)
    if found is None and holds_address(rest):
        inside = embedded(rest)
        found = inside.target if inside is not None else None
    return found


def _read(readers: tuple[Callable[[str], str | None], ...], rest: str) -> str | None:
    for reader in readers:
        text = reader(rest)
        found = proper(text) if text else None
        if found is not None:
            return found
    return None
