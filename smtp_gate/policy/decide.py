"""What becomes of each finding for one person, and the one question that is asked again at every hit.

The matrix of classes and consent is in docs/policy.md. What matters most stands in :func:`live` alone: a tracker is
alive only while the person agrees to all that it is for.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from smtp_gate import replies
from smtp_gate.decision import Action, Decision, MailClass, Verdict
from smtp_gate.limits import MAX_ASKED_URL, MAX_WRAPPED_URL
from smtp_gate.model import OPENINGS, Carrier, Kind, Purpose
from smtp_gate.policy.match import fits
from smtp_gate.policy.rules import (
    Forwarded,
    OnOpaqueLink,
    OnSealed,
    OnUnreadable,
    OnVisibleTrackedImage,
    ReadReceipts,
    Treat,
)

if TYPE_CHECKING:
    from smtp_gate.model import Consent, Finding, Scan
    from smtp_gate.policy.match import Treatment
    from smtp_gate.replies import Reply

INVITED = Verdict(Action.INVITE, "question")
WHATEVER_CONSENT = {
    Kind.FUNCTIONAL: Verdict(Action.KEEP, "functional"),
    Kind.SUSPECT: Verdict(Action.KEEP, "suspected"),
    Kind.OWN: Verdict(Action.KEEP, "own"),
    Kind.PLAIN: Verdict(Action.KEEP, "no_tracker"),
    Kind.QUESTION: INVITED,
}
ALLOWED = Verdict(Action.KEEP, "allowed_pixel")
FORWARDED = Verdict(Action.KEEP, "forwarded")
SEALED = Verdict(Action.KEEP, "sealed")
PASSED = Verdict(Action.KEEP, "opaque_passed")
SHOWN = Verdict(Action.KEEP, "picture_passed")
AGREED = Verdict(Action.WRAP, "consent")
MINIMISED = Verdict(Action.MINIMISE, "minimised")
MEASURED = frozenset({MailClass.TRANSACTIONAL, MailClass.NEWSLETTER})
"""Classes of mail that somebody asked for: in no others may the day of the last opening be kept without consent."""
OPAQUE = {OnOpaqueLink.ASK: Action.ASK, OnOpaqueLink.TEXT: Action.TEXT, OnOpaqueLink.REJECT: Action.TEXT}

_FOLDED = frozenset({"quoted-printable", "base64"})
"""Encodings in which an address may be longer than a line."""
_HOST = re.compile(r"(https?://)([a-zA-Z0-9.:*_-]+)([/?#].*|)", re.IGNORECASE | re.DOTALL)
_DOTS = re.compile(r"[/\\](?:\.|%2e){1,2}(?:[/\\]|\Z)", re.IGNORECASE)
"""A path segment that a browser takes out together with the one before it."""


def live(purposes: Purpose, granted: Purpose) -> bool:
    """Whether a tracker may do what it is for: the person agreed to every purpose of it.

    A tracker without any purpose is alive for nobody: what it is for is not known.
    """
    # As plain numbers: a flag's own "&" makes a new flag, and this is asked for each tracker of each mail.
    return purposes != 0 and int.__and__(purposes, granted) == purposes


def measurable(consent: Consent) -> bool:
    """Whether the day of a person's last opening may be kept, from which is seen whom to stop writing to.

    That needs no consent (CNIL, délibération 2026-042), but whoever objected is left alone: a person who refused or
    withdrew, and one who agreed to other things and not to this. Doubt means no.
    """
    if consent.granted:
        return live(Purpose.DELIVERABILITY, consent.granted)
    return consent.reason in ("unknown", "expired")


def decide(scan: Scan, treatment: Treatment, granted: Purpose, *, measured: bool = False) -> Decision:
    """What becomes of one mail for one person.

    Args:
        scan: the mail.
        treatment: the rule it falls under.
        granted: what the person agreed to, for the treatment's controller.
        measured: whether the day of the last opening may be kept, by :func:`measurable`.

    Returns:
        The decision; its refusal is set only by ``on_opaque_link``, ``on_sealed`` and ``on_unreadable``.
    """
    barrier = barred(scan, treatment)
    folded = {part.index for part in scan.parts if part.encoding in _FOLDED}
    left = _left(scan, treatment)
    verdicts = tuple(
        [
            FORWARDED
            if finding.part in left
            else judge(finding, treatment, granted, barrier, folded=finding.part in folded)
            for finding in scan.findings
        ]
    )
    sealed = frozenset(part.index for part in scan.parts if part.sealed)
    refusal = _refusal(scan, treatment, verdicts, sealed)
    if sealed:
        verdicts = tuple(
            SEALED if finding.part in sealed and verdict.action is not Action.KEEP else verdict
            for finding, verdict in zip(scan.findings, verdicts, strict=True)
        )
    wraps = AGREED in verdicts
    minimised = measured and treatment.pixels is Treat.MINIMISE and not scan.sealed
    if minimised:
        verdicts = _minimised(scan, treatment, verdicts, left)
        minimised = MINIMISED in verdicts
    invites = scan.asks and INVITED in verdicts
    if invites and refusal is None and treatment.controller is None:
        refusal = replies.NOBODY_ASKS
    return Decision(
        mail_class=treatment.mail_class,
        rule=treatment.rule,
        controller=treatment.controller.id if treatment.controller else "",
        verdicts=verdicts,
        footer=wraps,
        personal=wraps or minimised or invites,
        refusal=refusal,
        silent=treatment.read_receipts is ReadReceipts.STRIP and bool(scan.receipts),
    )


def _minimised(
    scan: Scan, treatment: Treatment, verdicts: tuple[Verdict, ...], left: frozenset[int]
) -> tuple[Verdict, ...]:
    """The first pixel that goes makes room for the gate's own; a mail in which another stays has none."""
    if treatment.mail_class not in MEASURED or treatment.controller is None or not treatment.can_keep:
        return verdicts
    place = None
    for number, (finding, verdict) in enumerate(zip(scan.findings, verdicts, strict=True)):
        if finding.kind in OPENINGS and verdict == AGREED:
            return verdicts
        if (
            place is None
            and finding.kind is Kind.PIXEL
            and finding.carrier is Carrier.IMAGE
            and verdict.action is Action.STRIP
            and finding.part not in left
        ):
            place = number
    return verdicts if place is None else (*verdicts[:place], MINIMISED, *verdicts[place + 1 :])


def _left(scan: Scan, treatment: Treatment) -> frozenset[int]:
    """Parts whose trackers stay because policy leaves forwarded messages as they came."""
    if treatment.forwarded is Forwarded.REWRITE:
        return frozenset()
    return frozenset(part.index for part in scan.parts if part.forwarded)


def judge(
    finding: Finding, treatment: Treatment, granted: Purpose, barrier: str, *, folded: bool = True
) -> Verdict:
    """What becomes of one finding.

    Args:
        finding: the finding.
        treatment: the rule its mail falls under.
        granted: what the person agreed to.
        barrier: why nothing in this mail can be kept (a reason code), or empty.
        folded: whether its part's encoding breaks lines, so that an address may be longer than one.
    """
    left = WHATEVER_CONSENT.get(finding.kind)
    if left is not None:
        return left
    if finding.kind in OPENINGS:
        if treatment.mail_class is MailClass.AUTHENTICATION and _allowed(finding.url, treatment.allow_pixels):
            return ALLOWED
        way = treatment.on_visible_tracked_image if finding.kind is Kind.PICTURE else OnVisibleTrackedImage.WRAP
        if way is OnVisibleTrackedImage.KEEP:
            return SHOWN
        rule = Treat.STRIP if way is OnVisibleTrackedImage.STRIP else treatment.pixels
        reason = _why_not(finding, rule, granted, barrier)
        return AGREED if not reason else _verdict(Action.STRIP, reason)
    reason = _why_not(finding, treatment.clicks, granted, barrier)
    if not reason:
        return AGREED
    return _without(finding, treatment, reason, MAX_ASKED_URL if folded else MAX_WRAPPED_URL)


def _without(finding: Finding, treatment: Treatment, reason: str, limit: int) -> Verdict:
    """How a link goes on without its tracker; ``limit`` is of an address that can be asked about."""
    if finding.target is not None:
        return _verdict(Action.CLEAN if finding.kind is Kind.PERSONAL else Action.UNWRAP, reason)
    if treatment.on_opaque_link is OnOpaqueLink.PASS:
        return PASSED
    if treatment.on_opaque_link is OnOpaqueLink.ASK and _longer(finding.url, limit):
        return _verdict(Action.TEXT, "too_long")
    return _verdict(OPAQUE[treatment.on_opaque_link], reason)


def barred(scan: Scan, treatment: Treatment) -> str:
    """What holds for the mail as a whole: why nothing in it can be kept."""
    if treatment.mail_class is MailClass.CONSENT_REQUEST:
        return "consent_request"
    if treatment.controller is None:
        return "no_controller"
    if not treatment.can_keep:
        return "no_web"
    if scan.sealed or not scan.anchors:
        return "no_footer"
    return ""


def _why_not(finding: Finding, rule: Treat, granted: Purpose, barrier: str) -> str:
    """Why a finding cannot stay; empty when it can."""
    if not live(finding.purposes, granted):
        return "no_consent"
    if barrier:
        return barrier
    if rule is Treat.STRIP:
        return "rule_strips"
    return "too_long" if _longer(finding.url, MAX_WRAPPED_URL) else ""


def _longer(url: str, limit: int) -> bool:
    """Whether an address has more octets than that."""
    return len(url) > limit or (not url.isascii() and len(url.encode("utf-8", "surrogatepass")) > limit)


def _refusal(
    scan: Scan, treatment: Treatment, verdicts: tuple[Verdict, ...], sealed: frozenset[int]
) -> Reply | None:
    if scan.obstacles and treatment.on_unreadable is OnUnreadable.REJECT:
        return replies.UNREADABLE
    if scan.sealed and treatment.on_sealed is OnSealed.REJECT:
        return replies.UNREADABLE
    if sealed and treatment.on_sealed is OnSealed.PASS_IF_UNTRACKED:
        for finding, verdict in zip(scan.findings, verdicts, strict=True):
            if finding.part in sealed and verdict.action is not Action.KEEP:
                return replies.SEALED_TRACKER
    if treatment.on_opaque_link is OnOpaqueLink.REJECT:
        for finding, verdict in zip(scan.findings, verdicts, strict=True):
            if verdict.action is Action.TEXT and finding.part not in sealed:
                return replies.OPAQUE_LINK
    return None


def _allowed(url: str, globs: tuple[str, ...]) -> bool:
    """Whether an address is on the list; a star in a path never reaches into the host, nor the other way round."""
    there = _HOST.fullmatch(url)
    if there is None or _DOTS.search(there[3].partition("?")[0]):
        return False
    for glob in globs:
        wanted = _HOST.fullmatch(glob)
        if (
            wanted is not None
            and wanted[1].lower() == there[1].lower()
            and fits(wanted[2], there[2])
            and fits(wanted[3] or "/", there[3] or "/")
        ):
            return True
    return False


@lru_cache(maxsize=256)
def _verdict(action: Action, reason: str) -> Verdict:
    return Verdict(action, reason)
