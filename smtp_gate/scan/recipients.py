"""What follows from knowing who a mail goes to: addresses in it that hold a recipient's own are personal.

This module alone decides what such an address then is: something that is loaded is a pixel, or a picture when it
shows; a link whose query parameters hold the recipient leads to itself without them; a link that holds the
recipient elsewhere is a redirect whose target only its maker knows. Targets of tracked links lose such parameters
too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from smtp_gate.model import PIXEL_PURPOSES, Judgement, Kind, Purpose
from smtp_gate.scan.witness import heard
from smtp_gate.trackers.address import split
from smtp_gate.trackers.functional import by_path
from smtp_gate.trackers.recipient import Recipients

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smtp_gate.model import Address, Finding, Scan


def told_by_recipients(scan: Scan, addresses: Sequence[bytes]) -> Scan:
    """The scan with what the recipients' own addresses say of the addresses in it.

    Args:
        scan: the mail, as catalogue and look see it.
        addresses: paths of everybody the client sends it to.

    Returns:
        The same scan when no address holds one of theirs.
    """
    people = Recipients(addresses)
    urls = [one.address.url for one in scan.unjudged]
    forms = people.personal([*urls, *(finding.target for finding in scan.findings if finding.target)])
    if not forms:
        return scan

    def witness(address: Address) -> Judgement | None:
        form = forms.get(address.url)
        if form is None:
            return None
        evidence = ("recipient", form)
        if address.load:
            return Judgement(Kind.PIXEL, "", None, PIXEL_PURPOSES, evidence)
        clean = people.without(address.url)
        return Judgement(Kind.LINK if clean is None else Kind.PERSONAL, "", clean, Purpose.CLICKS, evidence)

    def unnamed(finding: Finding) -> Finding:
        if finding.target not in forms:
            return finding
        place = split(finding.target)
        clean = None if place is None or by_path(place[1]) else people.without(finding.target)
        return finding if clean is None else finding._replace(target=clean)

    scan = heard(scan, witness)
    return replace(scan, findings=tuple([unnamed(finding) for finding in scan.findings]))
