"""What follows from knowing which addresses differ from copy to copy: those that are built like trackers are some.

This module alone decides that a target which such a redirect names is trusted only when it is no tracker itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtp_gate.model import Kind
from smtp_gate.scan.witness import heard

if TYPE_CHECKING:
    from smtp_gate.model import Address, Judgement, Scan
    from smtp_gate.trackers import Catalogue
    from smtp_gate.trackers.learnt import Lessons


def told_by_copies(scan: Scan, catalogue: Catalogue, lessons: Lessons) -> Scan:
    """The scan with what was learnt from other copies.

    Args:
        scan: the mail, as catalogue and look see it.
        catalogue: judges the targets of redirects.
        lessons: of the sender's domain.

    Returns:
        The same scan when nothing in it was learnt.
    """

    def witness(address: Address) -> Judgement | None:
        judgement = lessons.judge(address)
        if judgement is None or judgement.target is None:
            return judgement
        behind = catalogue.link(judgement.target, str, frozenset())
        if behind is None or behind.kind is Kind.FUNCTIONAL:
            return judgement
        return judgement._replace(target=behind.target)

    return heard(scan, witness)
