"""One message read: by the catalogue, then by all who know more than the mail, each heard once.

This module alone decides their order. DNS names a vendor, so it comes first; then what other copies showed, which
finds whole redirects; then who the mail goes to, which also looks through the targets that were found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtp_gate.policy.match import sender_domain
from smtp_gate.scan.aliases import hosts_to_ask, told_by_aliases
from smtp_gate.scan.learnt import told_by_copies
from smtp_gate.scan.message import scan
from smtp_gate.scan.recipients import told_by_recipients

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smtp_gate.gate import Gate
    from smtp_gate.gate.report import Report
    from smtp_gate.gate.ruleset import Ruleset
    from smtp_gate.model import Scan


async def read(
    gate: Gate, ruleset: Ruleset, raw: bytes, sender: bytes, recipients: Sequence[bytes], *, report: Report
) -> Scan:
    """What a message holds.

    Args:
        gate: who else knows something.
        ruleset: what the message is judged by.
        raw: the message.
        sender: path of the MAIL command.
        recipients: paths of everybody this copy is for.
        report: told how long it took.
    """
    found = scan(raw, ruleset.catalogue, own=ruleset.public_url)
    if gate.aliases is not None and found.unjudged:
        report.step("scan")
        chains = await gate.aliases.of(hosts_to_ask(found))
        report.step("names")
        found = told_by_aliases(found, ruleset.catalogue, chains)
    learning = gate.learning
    if learning is not None and learning.mode != "off" and found.unjudged:
        domain = sender_domain(sender, found)
        learning.note(domain, recipients, found.unjudged)
        lessons = learning.lessons(domain) if learning.mode == "act" else None
        if lessons is not None:
            found = told_by_copies(found, ruleset.catalogue, lessons)
    found = told_by_recipients(found, recipients)
    report.step("scan")
    return found
