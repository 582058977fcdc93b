"""One message for one set of granted purposes: decided, rendered, and what happens when that fails.

This module alone decides the fall-back: a tracked variant that cannot be written is sent untracked; a tracker
that was found and cannot be taken out is never passed unless policy says so.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from smtp_gate import replies
from smtp_gate.config.translations import footer_wording
from smtp_gate.decision import Action
from smtp_gate.errors import SpliceError
from smtp_gate.gate.quoted import Quotes, Settled, quotes_of
from smtp_gate.gate.quoted import settled as settled_quotes
from smtp_gate.model import NOTHING, OPENINGS
from smtp_gate.policy.decide import INVITED, decide
from smtp_gate.policy.roles import spoken_for
from smtp_gate.render.footer import FooterText, Said
from smtp_gate.render.message import render
from smtp_gate.tokens.kinds import PixelToken
from smtp_gate.tokens.mint import Mint
from smtp_gate.tokens.subject import subject_of

if TYPE_CHECKING:
    from smtp_gate.decision import Decision
    from smtp_gate.gate.ruleset import Ruleset
    from smtp_gate.model import Purpose, Scan
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


def compose(
    ruleset: Ruleset,
    scan: Scan,
    treatment: Treatment,
    granted: Purpose,
    address: bytes,
    *,
    quotes: Quotes | None = None,
    measured: bool = False,
) -> Variant:
    """Decide and render one message for one recipient.

    Args:
        ruleset: what it is judged by.
        scan: the message.
        treatment: the rule it falls under.
        granted: what the recipient agreed to.
        address: the recipient's path, for tokens; not looked at unless something stays.
        quotes: the gate's addresses in the message; whoever has many recipients gives what was opened once.
        measured: whether the day of the last opening may be kept, by :func:`smtp_gate.policy.decide.measurable`.

    Returns:
        The variant; never raises for anything the message holds.
    """
    author = _Author(ruleset, quotes or quotes_of(ruleset, scan), treatment, address)
    settled = author.settle(granted, measured=measured)
    decision = settled.decision
    if decision.refusal is not None:
        return Variant(decision, b"", decision.refusal, "")
    try:
        return Variant(decision, author.write(settled), None, "")
    except SpliceError:
        pass
    fallback = author.settle(NOTHING)
    untracked = fallback.decision
    if untracked.refusal is not None:
        return Variant(untracked, b"", untracked.refusal, "untracked")
    if untracked != decision:
        try:
            return Variant(untracked, author.write(fallback), None, "untracked")
        except SpliceError:
            pass
    if treatment.on_sealed == "pass":
        return Variant(untracked, scan.raw, None, "unedited")
    return Variant(untracked, b"", replies.UNREADABLE, "unedited")


class _Author(NamedTuple):
    """Who writes one message for one recipient."""

    ruleset: Ruleset
    quotes: Quotes
    treatment: Treatment
    address: bytes

    def settle(self, granted: Purpose, *, measured: bool = False) -> Settled:
        """Decide; a footer is left out where the reader's own stands in every body already.

        Where several people read, one of them cannot answer for the others, so nobody is asked.
        """
        ruleset, quotes, treatment, address = self
        decision = decide(quotes.scan, treatment, granted, measured=measured)
        if quotes.scan.asks and INVITED in decision.verdicts and spoken_for(ruleset.policy, address) is not None:
            decision = replace(decision, refusal=decision.refusal or replies.ASKED_MANY)
        if not quotes.tokens or ruleset.keyring is None or decision.refusal is not None:
            return Settled(decision, frozenset(), ())
        subject = subject_of(ruleset.keyring, address)
        settled = settled_quotes(quotes, decision, treatment, granted, subject, measured=measured)
        if settled.decision.footer and all(anchor.part in settled.footed for anchor in quotes.scan.anchors):
            return settled._replace(decision=replace(settled.decision, footer=False))
        return settled

    def write(self, settled: Settled) -> bytes:
        """The message as decided.

        Raises:
            SpliceError: as :func:`smtp_gate.render.message.render`.
        """
        ruleset, scan, decision = self.ruleset, self.quotes.scan, settled.decision
        mint = None
        footer = None
        if ruleset.keyring is not None and ruleset.public_url:
            subject = subject_of(ruleset.keyring, self.address) if decision.personal else None
            mint = Mint(ruleset.keyring, ruleset.public_url, decision.controller, subject, self.address)
            if decision.footer:
                said = _said(ruleset, scan, self.treatment.controller, settled)
                footer = FooterText(said, mint.withdraw(self.address))
        if footer is not None and settled.footed:
            missing = tuple(anchor for anchor in scan.anchors if anchor.part not in settled.footed)
            scan = replace(scan, anchors=missing)
        return render(scan, decision, mint, footer)


def _said(ruleset: Ruleset, scan: Scan, controller: Controller | None, settled: Settled) -> Said:
    """What the footer says of the trackers that stay."""
    kept = [
        (finding.kind in OPENINGS, finding.purposes)
        for finding, verdict in zip(scan.findings, settled.decision.verdicts, strict=True)
        if verdict.action is Action.WRAP
    ]
    kept += [(isinstance(token, PixelToken), token.purposes) for token in settled.tracking]
    purposes = NOTHING
    for _, served in kept:
        purposes |= served
    return Said(
        controller=controller.name if controller else "",
        wording=footer_wording(scan.language, controller.language if controller else ""),
        privacy_url=controller.privacy_url if controller else "",
        pixels=any(opening for opening, _ in kept),
        clicks=not all(opening for opening, _ in kept),
        purposes=purposes,
        own=ruleset.footers.get(controller.id) if controller else None,
    )
