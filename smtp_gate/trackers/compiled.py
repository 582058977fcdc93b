"""The catalogue as the hot path asks it: what is this address, where does it lead, which tool made this mail.

This module alone decides the order of the questions: the gate's own addresses; opt-outs and content; patterns of
the most specific host, then paths that name a vendor on any host, then weak patterns; the company's own tracking
hosts; what stands inside the address of a security service; then what merely looks like a tracker.

A weak pattern needs a second witness. What speaks about the address itself is heard here; whether the vendor shows
elsewhere in the mail is known once all of it is read, so until then the judgement is :data:`UNSURE`.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from smtp_gate.limits import MAX_TARGET_REMEMBERED, MAX_URL, PLAIN_REMEMBERED
from smtp_gate.model import NOTHING, PIXEL_PURPOSES, Judgement, Kind, Purpose
from smtp_gate.trackers import functional, pixel
from smtp_gate.trackers.address import behind_proxy, split
from smtp_gate.trackers.destination import Destinations, held, tracker
from smtp_gate.trackers.evidence import Suspicion, score
from smtp_gate.trackers.index import NO_RULES, Index, behind, first, keys
from smtp_gate.trackers.parameters import Parameters

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from smtp_gate.model import Address, Look
    from smtp_gate.trackers.index import Rule, Rules
    from smtp_gate.trackers.pixel import Surroundings
    from smtp_gate.trackers.vendor import HeaderSign, Vendor

UNSURE = ("weak",)
"""Evidence of what only a weak pattern says: acts when its vendor shows in the mail; else ask without weak ones."""

_OWN = Judgement(Kind.OWN, "", None, NOTHING, ())
_CONTENT = Judgement(Kind.PLAIN, "", None, NOTHING, ("content",))
_USUAL = Suspicion()
_NO_DOMAINS: Mapping[str, Sequence[str]] = MappingProxyType({})


class Catalogue:
    """Everything that is known about vendors, compiled once and never changed.

    Args:
        vendors: the entries, each id once.
        domains: vendor id -> the company's own tracking hosts, in any case; every link there is that vendor's.
        own: public URL of this gate; empty when there is none.
        suspicion: from which score on something that nobody catalogued counts as a pixel, or is told.

    Raises:
        ValueError: an id in ``domains`` that is no vendor's, or a decoder that is none.
    """

    def __init__(
        self,
        vendors: Sequence[Vendor],
        domains: Mapping[str, Sequence[str]] = _NO_DOMAINS,
        own: str = "",
        suspicion: Suspicion = _USUAL,
    ) -> None:
        self.vendors = tuple(vendors)
        self.domains = MappingProxyType({vendor: tuple(hosts) for vendor, hosts in domains.items()})
        self.suspicion = suspicion
        self._purposes = {vendor.id: vendor.purposes for vendor in self.vendors}
        owners: dict[str, str] = {}
        for vendor, hosts in domains.items():
            if vendor not in self._purposes:
                raise ValueError(f"{vendor!r} is no vendor of the catalogue")
            owners |= {host.lower().rstrip("."): vendor for host in hosts}
        self._place = Index(self.vendors, owners).place
        self._clean = Parameters(name for vendor in self.vendors for name in vendor.parameters).clean
        self._destinations = Destinations(self._place, self._clean)
        self._own = own.rstrip("/")
        self._plain: set[str | tuple[str, Look]] = set()
        self._behind = {
            vendor.id: behind(vendor) for vendor in self.vendors if vendor.cname_targets or vendor.cname_pattern
        }
        self._by_target = {name: vendor.id for vendor in self.vendors for name in vendor.cname_targets}
        self._by_shape = [
            (vendor.cname_pattern, vendor.id) for vendor in self.vendors if vendor.cname_pattern is not None
        ]
        self._signs: dict[str, list[tuple[str, HeaderSign]]] = {}
        for entry in self.vendors:
            for sign in entry.headers:
                self._signs.setdefault(sign.name, []).append((entry.id, sign))

    @property
    def own(self) -> str:
        """Public URL of this gate, without a slash at the end; empty when it has none."""
        return self._own

    def link(
        self, url: str, words: Callable[[], str], protected: frozenset[str], *, weak: bool = True
    ) -> Judgement | None:
        """What a click on an address would do.

        Args:
            url: as a client would follow it, character references resolved.
            words: visible words of the link, lower case; asked only when they matter.
            protected: addresses that must stay as they are (List-Unsubscribe and its like).
            weak: whether weak patterns are asked; their answer is :data:`UNSURE`.

        Returns:
            None for a plain link; else own, functional, link or personal. A link or a personal one carries where
            it leads in the end, or None when only the vendor knows.
        """
        if url in self._plain:
            return None
        if self._own and url.startswith(self._own) and self._is_own(url):
            return _OWN
        found = self._link(url, words, protected, weak=weak)
        if found is None and weak:  # nobody's words or list could have made it anything else
            self._remember(url)
        return found

    def _link(
        self, url: str, words: Callable[[], str], protected: frozenset[str], *, weak: bool
    ) -> Judgement | None:
        place = self._place(url[:MAX_URL])
        if place is None:
            return None
        rules, rest = place
        known = tracker(rules, rest) if rules is not NO_RULES else None
        if known is None or (known.weak and not weak):
            return self._uncatalogued(url, rules, rest, words, protected)
        if known.kind is Kind.FUNCTIONAL:
            return Judgement(Kind.FUNCTIONAL, known.vendor, None, NOTHING, (known.evidence,))
        # A vendor's own path says nothing that its pattern has not said; on the company's host it is all there is.
        reason = functional.must_work(url, rest if known is rules.own else "", words, protected)
        if reason:
            return Judgement(Kind.FUNCTIONAL, known.vendor, None, NOTHING, (known.evidence, reason))
        long = len(url) > MAX_URL  # what was cut cannot be read
        end = None if long else self._destinations.end(held(known, rest))
        evidence = (known.evidence, "long") if long else (known.evidence,)
        return Judgement(Kind.LINK, known.vendor, end, known.purposes, evidence)

    def image(
        self, url: str, look: Look, around: Surroundings | None = None, *, weak: bool = True
    ) -> Judgement | None:
        """What showing an ``<img>`` would tell, and whom; None for a picture that is the same for everybody.

        Args:
            url: as a client would load it.
            look: how the picture presents itself.
            around: what the page round it says; None when there is none.
            weak: whether weak patterns are asked; their answer is :data:`UNSURE` unless it looks like a pixel.
        """
        mark = url, look
        if mark in self._plain:
            return None
        if self._own and url.startswith(self._own) and self._is_own(url):
            return _OWN
        place = self._place(behind_proxy(url)[:MAX_URL])
        if place is None:
            return None
        rules, rest = place
        known: Judgement | None = None
        if rules is not NO_RULES:
            known = self._loaded(rules, rest)
            if rules.own is not None and (known is None or known.evidence == UNSURE):
                known = _CONTENT if pixel.is_picture(rest, look) else self._on_own_host(rules.own)
            if known is _CONTENT:
                self._remember(mark)
                return None
            if known is not None:
                known = _as_it_shows(known, rest, look, around)
                if known.evidence != UNSURE:
                    return known
        evidence = pixel.evidence(url, rest, look, around)
        if known is None and not evidence and pixel.is_innocent(url, rest, look):
            self._remember(mark)
        return self._second(known if weak else None, evidence)

    def load(self, url: str, around: Surroundings | None = None, *, weak: bool = True) -> Judgement | None:
        """What any other remote load would tell: style sheets, backgrounds, VML, posters; None for nothing.

        Args:
            url: as a client would load it.
            around: what the page round it says; None when there is none.
            weak: whether weak patterns are asked, as for an image.
        """
        if self._own and url.startswith(self._own) and self._is_own(url):
            return _OWN
        place = self._place(url[:MAX_URL])
        if place is None:
            return None
        rules, rest = place
        known: Judgement | None = None
        if rules is not NO_RULES:
            known = self._loaded(rules, rest)
            if rules.own is not None and (known is None or known.evidence == UNSURE):
                known = _CONTENT if pixel.is_file(rest) else self._on_own_host(rules.own)
            if known is not None and known.evidence != UNSURE:
                return None if known is _CONTENT else known
        return self._second(known if weak else None, pixel.load_evidence(rest, around))

    def owner(self, name: str) -> str:
        """Id of the vendor that customers' tracking hosts belong to which are an alias of a name; empty for nobody.

        Args:
            name: what a CNAME record says, in any case.
        """
        name = name.lower().rstrip(".")
        found = next((self._by_target[key] for key in keys(name) if key in self._by_target), "")
        return found or next((vendor for shape, vendor in self._by_shape if shape.search(name)), "")

    def behind(self, vendor: str, address: Address) -> Judgement | None:
        """What an address is on a host that leads to a vendor; None for content, and for a link to the host itself.

        Args:
            vendor: as :meth:`owner` says it.
            address: one that nothing else speaks about.
        """
        url, look = address.url, address.look
        place = split((behind_proxy(url) if address.load else url)[:MAX_URL])
        rules = self._behind.get(vendor)
        if place is None or rules is None or rules.own is None:
            return None
        rest = place[1]
        found: Judgement | None
        if address.load:
            found = self._loaded(rules, rest)
            if found is None or found.evidence == UNSURE:
                content = pixel.is_picture(rest, look) if look is not None else pixel.is_file(rest)
                found = _CONTENT if content else self._on_own_host(rules.own)
            if found is _CONTENT:
                return None
        else:
            rule = tracker(rules, rest)
            if rule is None:
                return None
            evidence = (rule.evidence,)
            if rule.kind is Kind.FUNCTIONAL:
                found = Judgement(Kind.FUNCTIONAL, vendor, None, NOTHING, evidence)
            else:
                target = self._destinations.end(held(rule, rest)) if len(url) <= MAX_URL else None
                found = Judgement(Kind.LINK, vendor, target, rule.purposes, evidence)
        return found._replace(evidence=tuple(dict.fromkeys((*found.evidence, "cname"))))

    def target(self, url: str) -> str | None:
        """Where a tracked link leads in the end, read offline; without personal parameters.

        Args:
            url: a link of a vendor, a link round a link, or a redirect that shows what it is.

        Returns:
            A proper http(s) address that is itself no tracker; None when only the vendor knows it, when it is
            nested too deep, or when ``url`` is no tracker.
        """
        place = self._place(url) if len(url) <= MAX_URL else None
        if place is None:
            return None
        rules, rest = place
        return self._destinations.end(self._destinations.inside(url, rules, rest, weak=True)[1])

    def tools(self, headers: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
        """Ids of the vendors that show in a mail's header fields.

        Args:
            headers: lower-case name -> values, unfolded.
        """
        return frozenset(
            vendor
            for name in self._signs.keys() & headers.keys()
            for vendor, sign in self._signs[name]
            if sign.value is None or any(sign.value.search(value[:MAX_URL]) for value in headers[name])
        )

    def _remember(self, plain: str | tuple[str, Look]) -> None:
        """Know from now on that a link or picture is plain, whatever stands round it."""
        if len(plain if isinstance(plain, str) else plain[0]) <= MAX_TARGET_REMEMBERED:
            if len(self._plain) >= PLAIN_REMEMBERED:
                self._plain.clear()
            self._plain.add(plain)

    def _is_own(self, url: str) -> bool:
        """Whether what begins like the gate's addresses is one: another port is another place."""
        return url[len(self._own) :][:1] in ("", "/", "?", "#")

    def _uncatalogued(
        self, url: str, rules: Rules, rest: str, words: Callable[[], str], protected: frozenset[str]
    ) -> Judgement | None:
        """What no pattern knows: what stands inside another address, or personal parameters."""
        if len(url) > MAX_URL:  # what was cut cannot be read
            return self._personal(url, rest, words, protected)
        inner = self._destinations.behind_gateways(rules, rest) if rules.gateways else None
        if inner is not None:
            return self._behind_gateway(url, inner, words, protected)
        found = self._destinations.redirect(url, rest)
        if found is None:
            return self._personal(url, rest, words, protected)
        reason = functional.must_work(url, found.beside, words, protected)
        if reason:
            return Judgement(Kind.FUNCTIONAL, found.vendor, None, NOTHING, (*found.evidence, reason))
        end = self._destinations.end(found.target)
        return Judgement(Kind.LINK, found.vendor, end, Purpose.CLICKS, found.evidence)

    def _behind_gateway(
        self, url: str, inner: str, words: Callable[[], str], protected: frozenset[str]
    ) -> Judgement | None:
        """An address of a security service is nobody's tracker; a tracker or a person's name inside it counts.

        Then all of it becomes where that leads.
        """
        judged = self.link(inner, words, protected, weak=False)
        if judged is None or judged.kind is Kind.OWN:
            return None
        evidence = (*judged.evidence, "gateway")
        if url in protected:
            return Judgement(Kind.FUNCTIONAL, judged.vendor, None, NOTHING, (*evidence, "protected"))
        return judged._replace(evidence=evidence)

    def _personal(
        self, url: str, rest: str, words: Callable[[], str], protected: frozenset[str]
    ) -> Judgement | None:
        cleaned = self._clean(url)
        if cleaned is None:
            return None
        reason = functional.must_work(url, rest, words, protected)
        if reason:
            return Judgement(Kind.FUNCTIONAL, "", None, NOTHING, ("parameters", reason))
        return Judgement(Kind.PERSONAL, "", cleaned, Purpose.CLICKS, ("parameters",))

    def _loaded(self, rules: Rules, rest: str) -> Judgement | None:
        """What the catalogue knows of something that is loaded."""
        rule = first(rules.content, rest) if rules.content else None
        if rule is not None and rule.kind is Kind.PICTURE:
            return Judgement(Kind.PICTURE, rule.vendor, None, rule.purposes, (rule.evidence, "content"))
        if rule is not None:
            return _CONTENT
        rule = first(rules.pixels, rest)
        if rule is not None:
            return Judgement(Kind.PIXEL, rule.vendor, None, rule.purposes, (rule.evidence,))
        rule = first(rules.links, rest)
        if rule is not None:  # a redirect that is loaded, not clicked, tells of an opening
            evidence = UNSURE if rule.weak else (rule.evidence, "redirect")
            return Judgement(Kind.PIXEL, rule.vendor, None, self._purposes[rule.vendor], evidence)
        return None

    def _second(self, known: Judgement | None, evidence: tuple[str, ...]) -> Judgement | None:
        """What a weak pattern and the look of a load say together.

        Args:
            known: what the pattern says; None when there is none.
            evidence: codes of the look.
        """
        if known is not None:
            codes = UNSURE + evidence
            return known._replace(evidence=codes) if score(codes) >= self.suspicion.act else known
        weight = score(evidence) if evidence else 0
        if weight >= self.suspicion.act:
            return Judgement(Kind.PIXEL, "", None, PIXEL_PURPOSES, evidence)
        return (
            Judgement(Kind.SUSPECT, "", None, NOTHING, evidence)
            if evidence and weight >= self.suspicion.note
            else None
        )

    def _on_own_host(self, own: Rule) -> Judgement:
        """Whatever a company's own tracking host serves is a pixel, unless it plainly is content."""
        return Judgement(Kind.PIXEL, own.vendor, None, self._purposes[own.vendor], (own.evidence,))


def _as_it_shows(known: Judgement, rest: str, look: Look, around: Surroundings | None) -> Judgement:
    """A pixel that shows is a picture, which keeps its place; a picture that nobody sees is a pixel."""
    hidden = pixel.is_unseen(look) or (around is not None and around.hidden(boxes=not pixel.shows(look)))
    if known.kind is Kind.PIXEL:
        return known if hidden or not pixel.shows(look) else known._replace(kind=Kind.PICTURE)
    if not hidden or pixel.is_picture(rest, look):
        return known
    return known._replace(kind=Kind.PIXEL, evidence=(*known.evidence, "hidden"))
