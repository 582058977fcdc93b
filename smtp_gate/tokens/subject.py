"""Who a person is inside the gate: a keyed hash of the address, the same through every rotation of keys.

Case is folded for ASCII only, and nothing else is made equal. Two spellings that fold together by some wider rule
can be two mailboxes, and then one person's consent would count for the other; kept apart, the second spelling is
merely unknown, which means untracked.
"""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smtp_gate.tokens.keyring import Keyring

SUBJECT_SIZE = 16
"""Octets of a subject id: at a billion addresses the chance of any two meeting is below one in 10^20."""


def subject_of(keyring: Keyring, address: bytes) -> bytes:
    """The 16 octets under which consent for an address is kept.

    Args:
        keyring: only its subject key is used.
        address: ``local@domain`` as in the envelope, without angle brackets.
    """
    return hmac.digest(keyring.subject_key, address.lower(), "sha256")[:SUBJECT_SIZE]
