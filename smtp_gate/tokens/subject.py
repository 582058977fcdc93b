"""Who a person is inside the gate: a keyed hash of the address, the same through every rotation of keys.

Case is folded for ASCII only, and nothing else is made equal. Two spellings that fold together by some wider rule
can be two mailboxes, and then one person's consent would count for the other; kept apart, the second spelling is
merely unknown, which means untracked. Only a withdrawal goes further, since it can do no harm: see
:func:`reached_by`.
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


_TAG = b"+"
"""Between a mailbox and what its owner adds: by far the most common separator of RFC 5233."""
_DOTLESS = (b"gmail.com", b"googlemail.com")
"""Domains that are known to ignore dots before the at sign; elsewhere a dot makes another mailbox."""


def plainer_of(address: bytes) -> list[bytes]:
    """Other spellings of the same mailbox: without its tag, and without dots where those are ignored.

    Args:
        address: ``local@domain``.
    """
    local, at, domain = address.lower().rpartition(b"@")
    found = []
    untagged = local.partition(_TAG)[0]
    if untagged and untagged != local:
        found.append(untagged + at + domain)
    undotted = (untagged or local).replace(b".", b"")
    if domain in _DOTLESS and undotted and undotted + at + domain not in (address.lower(), *found):
        found.append(undotted + at + domain)
    return found


def reached_by(keyring: Keyring, address: bytes) -> list[bytes]:
    """Subject ids that a withdrawal of an address also silences. A grant never goes further than its address."""
    return [subject_of(keyring, plainer) for plainer in plainer_of(address)]
