"""Links that hide their target but show it: their visible words are themselves one web address.

This module alone decides when words are an address that a link may be led to. It is the reader's own reading: who
clicks ``www.acme.example/news`` expects to get there. Words that only hold an address among others, that were cut
short, or that name a file or a mailbox are none.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from smtp_gate.limits import MAX_URL
from smtp_gate.model import Carrier, Kind
from smtp_gate.scan.words import visible_text
from smtp_gate.trackers.address import proper, split
from smtp_gate.trackers.functional import by_path

if TYPE_CHECKING:
    from smtp_gate.model import Finding, Scan
    from smtp_gate.trackers import Catalogue

_WEB = re.compile(r"(https?://)([^/?#]+)(.*)", re.IGNORECASE | re.DOTALL)
_BARE = re.compile(
    r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}(?:[a-z]{2,24}|xn--[a-z0-9-]{2,59})(?=[/?#]|$)", re.IGNORECASE
)
_FILES = """
    pdf doc docx xls xlsx ppt pptx odt ods txt csv zip rar gz mov avi png jpg jpeg gif svg webp htm html php asp
    aspx js ts py rb sh rs go cs cpp java md json xml yml yaml ics eml exe msi apk dll
"""
_FILE = frozenset(_FILES.split())
"""Endings of files, some of them top-level domains too: ``guide.md`` is a file to whoever reads it."""
_CUT = ("...", "…")
"""Words that end in these, or hold the latter, are not the whole address."""
_EVIDENCE = "shown"


def led_to_what_they_show(scan: Scan, catalogue: Catalogue) -> Scan:
    """The scan in which opaque links that show an address have it as their target.

    Args:
        scan: the mail.
        catalogue: says whether the address shown is itself a tracker; then its target counts, if it has one.

    Returns:
        The same scan when no link shows one.
    """
    findings = list(scan.findings)
    changed = False
    for place, finding in enumerate(findings):
        if finding.kind is Kind.LINK and finding.target is None and finding.carrier is Carrier.ANCHOR:
            target = _target(scan, finding, catalogue)
            if target is not None:
                findings[place] = finding._replace(target=target, evidence=(*finding.evidence, _EVIDENCE))
                changed = True
    return replace(scan, findings=tuple(findings)) if changed else scan


def shown_address(text: str) -> str | None:
    """The one web address that a text is; None when it is anything else.

    Args:
        text: visible words as they are written. Without a scheme it counts as https.
    """
    if len(text) > MAX_URL or "@" in text or _CUT[1] in text or text.endswith(_CUT[0]) or len(text.split()) != 1:
        return None
    web = _WEB.fullmatch(text)
    if web is not None:
        return proper(web[1].lower() + web[2].lower() + web[3])
    bare = _BARE.match(text)
    if bare is None:
        return None
    host, rest = bare[0].lower(), text[bare.end() :]
    if not rest and not host.startswith("www.") and host.rpartition(".")[2] in _FILE:
        return None
    return proper(f"https://{host}{rest}")


def _target(scan: Scan, finding: Finding, catalogue: Catalogue) -> str | None:
    view = scan.parts[finding.part].view
    if view is None or finding.words is None:
        return None
    shown = shown_address(visible_text(view, finding.words, alternatives=False))
    place = split(shown) if shown is not None else None
    if shown is None or place is None or by_path(place[1]):  # such an address needs what only the real one has
        return None
    judged = catalogue.link(shown, str, frozenset())
    if judged is None:
        return shown
    return judged.target if judged.kind in (Kind.LINK, Kind.PERSONAL) else None
