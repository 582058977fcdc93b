"""What of a delivered message the audit is given to read again: its bytes, and what was left in it on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtp_gate.decision import Action
from smtp_gate.model import Kind
from smtp_gate.observe.audit_sheet import Sheet

if TYPE_CHECKING:
    from smtp_gate.gate.variant import Variant
    from smtp_gate.model import Scan

_WHY = {
    Kind.PIXEL: "policy",
    Kind.PICTURE: "policy",
    Kind.LINK: "policy",
    Kind.PERSONAL: "policy",
    Kind.FUNCTIONAL: "functional",
}
"""Why a finding stays that is kept: policy leaves the tracker (sealed mail, allowed pixels, visible pictures,
forwarded messages, opaque links that pass), or the address must work. An address of the gate or one that is no
tracker needs no reason."""


def sheet(message: str, scan: Scan, variant: Variant) -> Sheet:
    """One variant that left.

    Args:
        message: the gate's id of the message.
        scan: what was found in it as it came.
        variant: what was sent.
    """
    everything = variant.fallback == "unedited"
    left = {
        finding.url: _WHY[finding.kind]
        for finding, verdict in zip(scan.findings, variant.decision.verdicts, strict=True)
        if finding.kind in _WHY and (everything or verdict.action is Action.KEEP)
    }
    return Sheet(message, variant.content, left)
