"""How several outcomes of one message become the one reply that SMTP has for them.

RFC 5321 section 4.1.1.4 knows no partial success after the dot; LMTP (RFC 2033) does, and needs nothing of this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtp_gate.replies import DELIVERED, OWN_TROUBLE, PARTLY_DELIVERED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smtp_gate.replies import Reply


def fold(outcomes: Sequence[Reply]) -> Reply:
    """One reply for all recipients of a transaction.

    A 250 is said only when it is true for everybody. A 5xx makes the client give up on everybody, so it is said
    only when nobody got the mail and nobody may get it later. All that lies between is a 451: the client tries
    again, and what was accepted is remembered elsewhere.

    Args:
        outcomes: one for each recipient that was taken, in order.

    Returns:
        The common reply, the first refusal of its class, or :data:`PARTLY_DELIVERED`; :data:`OWN_TROUBLE` for no
        outcome at all.
    """
    if not outcomes:
        return OWN_TROUBLE
    first = outcomes[0]
    if all(outcome == first for outcome in outcomes):
        return first
    if any(outcome.accepted for outcome in outcomes):
        return DELIVERED if all(outcome.accepted for outcome in outcomes) else PARTLY_DELIVERED
    return next((outcome for outcome in outcomes if not outcome.permanent), first)
