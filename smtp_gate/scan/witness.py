"""What a further witness says of addresses that the catalogue is silent about, brought into the scan.

A witness is whoever knows more than the one mail: who it goes to, what differed from copy to copy, where a host's
name leads in DNS. Each says only what an address is; that a link which must work stays as it is, and where a
finding stands among the others, is decided here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from smtp_gate.limits import MAX_FINDINGS
from smtp_gate.model import NOTHING, Address, Finding, Judgement, Kind, Scan
from smtp_gate.scan.message import TELLING, protected_addresses, words_of
from smtp_gate.trackers.address import split
from smtp_gate.trackers.functional import must_work
from smtp_gate.trackers.pixel import shows

_OPEN = frozenset([Kind.PLAIN, Kind.SUSPECT])
Witness = Callable[[Address], Judgement | None]
"""Takes an address; what it is in the witness's eyes, or None when the witness has nothing to say."""


def heard(scan: Scan, witness: Witness) -> Scan:
    """The scan with what a witness says of the addresses that nothing spoke about.

    Args:
        scan: the mail.
        witness: asked about each of :attr:`Scan.unjudged`, once.

    Returns:
        The same scan when the witness is silent; else one with more findings, in the order they stand, and fewer
        unjudged addresses. Beyond ``MAX_FINDINGS`` the rest stays unjudged and is told as an obstacle.
    """
    told = {one: said for one in scan.unjudged if (said := witness(one.address)) is not None}
    if not told:
        return scan
    protected = protected_addresses(scan.headers)
    places = {(part, address.value) for part, address in told}
    # Suspects are findings already, and where all addresses were asked for, so are the plain ones.
    known = [one for one in scan.findings if one.kind not in _OPEN or (one.part, one.value) not in places]
    room = max(0, MAX_FINDINGS - len(known))
    new = []
    for (part, address), said in list(told.items())[:room]:
        carrier, element, value, closing, words, quote, url, look, loaded = address
        judgement = said
        if look is None and not loaded:
            view = scan.parts[part].view or b""
            place = split(url)
            reason = must_work(
                url, place[1] if place else "", partial(words_of, view, carrier, value, words), protected
            )
            if reason:
                judgement = Judgement(Kind.FUNCTIONAL, said.vendor, None, NOTHING, (*said.evidence, reason))
        kind, vendor, target, purposes, evidence = judgement
        if kind is Kind.PIXEL and look is not None and shows(look) and not look.hidden:
            kind = Kind.PICTURE  # it can be looked at, so it keeps its place
        new.append(
            Finding(
                part, kind, carrier, element, value, closing, words, quote, url, vendor, target, purposes, evidence
            )
        )
    findings = sorted([*known, *new], key=lambda finding: (finding.part, finding.value))
    obstacles = scan.obstacles
    if len(told) > room and "findings" not in obstacles:
        obstacles = (*obstacles, "findings")
    silent = dict.fromkeys(list(told)[:room])
    return replace(
        scan,
        findings=tuple(findings),
        obstacles=obstacles,
        tools=scan.tools
        | {one.vendor for one in new if one.vendor and one.kind in TELLING and not scan.parts[one.part].forwarded},
        unjudged=tuple(one for one in scan.unjudged if one not in silent),
    )
