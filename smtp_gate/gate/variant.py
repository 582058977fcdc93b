"""One message for one set of granted purposes: decided, rendered, and what happens when that fails.

This module alone decides the fall-back: a tracked variant that cannot be written is sent untracked; a tracker
that was found and cannot be taken out is never passed unless policy says so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from smtp_gate import replies
from smtp_gate.config.translations import footer_wording
from smtp_gate.errors import BadToken, SpliceError
from smtp_gate.model import NOTHING, OPENINGS, Action, Kind
from smtp_gate.policy.decide import decide
from smtp_gate.render.footer import FooterText, Said
from smtp_gate.render.message import render
from smtp_gate.tokens.mint import Mint
from smtp_gate.tokens.seal import open_withdraw
from smtp_gate.tokens.subject import subject_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smtp_gate.gate.ruleset import Ruleset
    from smtp_gate.model import Decision, Finding, Purpose, Scan
    from smtp_gate.policy.match import Treatment
    from smtp_gate.policy.rules import Controller
    from smtp_gate.replies import Reply


class Variant(NamedTuple):
    """What one recipient gets.

    Attributes:
        decision: what was decided; recipients with an equal one share :attr:`content` unless it is personal.
        content: the message as it leaves, without our Received field; the scan's own bytes when untouched.
        refusal: the reply when there is nothing to send; None otherwise.
        fallback: why it is not what consent allowed or policy wanted: ``""``, ``"untracked"`` (the tracked
            form could not be written) or ``"unedited"`` (policy passes what cannot be edited).
    """

    decision: Decision
    content: bytes
    refusal: Reply | None
    fallback: str


def compose(ruleset: Ruleset, scan: Scan, treatment: Treatment, granted: Purpose, address: bytes) -> Variant:
    """Decide and render one message for one recipient.

    Args:
        ruleset: what it is judged by.
        scan: the message.
        treatment: the rule it falls under.
        granted: what the recipient agreed to.
        address: the recipient's path, for tokens; not looked at unless something stays.

    Returns:
        The variant; never raises for anything the message holds.
    """
    decision = decide(scan, treatment, granted)
    if decision.refusal is not None:
        return Variant(decision, b"", decision.refusal, "")
    if decision.footer and scan.footered and _has_footer(ruleset, scan, decision.controller, address):
        decision = replace(decision, footer=False)
    try:
        return Variant(decision, _write(ruleset, scan, treatment, decision, address), None, "")
    except SpliceError:
        pass
    untracked = decide(scan, treatment, NOTHING)
    if untracked.refusal is not None:
        return Variant(untracked, b"", untracked.refusal, "untracked")
    if untracked != decision:
        try:
            return Variant(untracked, _write(ruleset, scan, treatment, untracked, address), None, "untracked")
        except SpliceError:
            pass
    if treatment.on_sealed == "pass":
        return Variant(untracked, scan.raw, None, "unedited")
    return Variant(untracked, b"", replies.UNREADABLE, "unedited")


def _has_footer(ruleset: Ruleset, scan: Scan, controller: str, address: bytes) -> bool:
    """Whether the mail holds this person's own withdrawal link; one in a quoted mail may be somebody else's."""
    if ruleset.keyring is None:
        return False
    door = f"{ruleset.public_url}/w/"
    subject = subject_of(ruleset.keyring, address)
    for finding in scan.findings:
        if finding.kind is Kind.OWN and finding.url.startswith(door):
            try:
                token = open_withdraw(ruleset.keyring, finding.url.removeprefix(door))
            except BadToken:
                continue
            if token.controller == controller and token.subject == subject:
                return True
    return False


def _write(ruleset: Ruleset, scan: Scan, treatment: Treatment, decision: Decision, address: bytes) -> bytes:
    mint = None
    footer = None
    if ruleset.keyring is not None and ruleset.public_url:
        subject = subject_of(ruleset.keyring, address) if decision.personal else None
        mint = Mint(ruleset.keyring, ruleset.public_url, decision.controller, subject)
        if decision.footer:
            kept = [
                finding
                for finding, verdict in zip(scan.findings, decision.verdicts, strict=True)
                if verdict.action is Action.WRAP
            ]
            footer = FooterText(_said(scan, treatment.controller, kept), mint.withdraw())
    return render(scan, decision, mint, footer)


def _said(scan: Scan, controller: Controller | None, kept: Sequence[Finding]) -> Said:
    """What the footer says of the trackers that stay."""
    purposes = NOTHING
    for finding in kept:
        purposes |= finding.purposes
    return Said(
        controller=controller.name if controller else "",
        wording=footer_wording(scan.language, controller.language if controller else ""),
        privacy_url=controller.privacy_url if controller else "",
        pixels=any(finding.kind in OPENINGS for finding in kept),
        clicks=any(finding.kind not in OPENINGS for finding in kept),
        purposes=purposes,
    )
