"""The keys that seal tokens and sign heads: which one writes, which ones read, what is derived from them.

A master key is never used as it is. Each use of a token has its own key, derived by
HKDF, so that a token made for one door opens no other. The secret behind the subject ids stands apart from the
ring: it must outlive every rotation, or nobody's consent would be found again.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from cryptography.hazmat.primitives.hashes import SHA512
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

if TYPE_CHECKING:
    from collections.abc import Mapping

MASTER_KEY_SIZE = 64
"""Octets of a master key and of the subject secret: what AES-256-SIV takes (RFC 5297 section 6.1)."""
MAX_KEY_ID = 255
"""A key id is one octet in front of each token."""

_SEED_SIZE = 32
"""Octets of an Ed25519 private key (RFC 8032 section 5.1.5)."""


class Use(StrEnum):
    """What a token is for; a new use gets a new word here, and with it a key of its own."""

    PIXEL = "pixel"
    LINK = "link"
    ASK = "ask"
    WITHDRAW = "withdraw"
    OPENING = "opening"
    CONSENT = "consent"
    FORM = "form"
    CONFIRM = "confirm"


class Keyring:
    """Master keys by id, turned into one cipher a key and use when the ring is made.

    Args:
        keys: 64 octets each, by id 0 to 255. Retired keys stay in here: a withdrawal link has no end.
        newest: id of the key that seals; all of them open.
        subject: 64 octets behind the subject ids; never rotated.

    Raises:
        ValueError: when a key has another length, an id does not fit an octet, or ``newest`` is not in ``keys``.
    """

    __slots__ = ("_ciphers", "_signers", "ids", "newest", "subject_key")

    def __init__(self, keys: Mapping[int, bytes], newest: int, subject: bytes) -> None:
        if newest not in keys:
            raise ValueError("the newest key is not in the ring")
        if any(len(key) != MASTER_KEY_SIZE for key in (*keys.values(), subject)):
            raise ValueError(f"a key of the ring is not {MASTER_KEY_SIZE} octets long")
        if any(not 0 <= number <= MAX_KEY_ID for number in keys):
            raise ValueError(f"a key id is not 0 to {MAX_KEY_ID}")
        self.newest = newest
        self.ids = tuple(sorted(keys))
        self.subject_key = _derive(subject, "subject")
        self._ciphers = {
            (number, use): AESSIV(_derive(key, use.value)) for number, key in keys.items() for use in Use
        }
        self._signers = {
            number: Ed25519PrivateKey.from_private_bytes(_derive(key, "head")[:_SEED_SIZE])
            for number, key in keys.items()
        }

    def cipher(self, number: int, use: Use) -> AESSIV | None:
        """The cipher of one key for one use; None when there is no such key."""
        return self._ciphers.get((number, use))

    def signer(self, number: int) -> Ed25519PrivateKey | None:
        """The key that signs heads of the ledger, derived from one of the ring; None when there is no such key."""
        return self._signers.get(number)

    def __repr__(self) -> str:
        return f"<Keyring of {len(self.ids)}, newest {self.newest}>"


def _derive(key: bytes, purpose: str) -> bytes:
    # The info string is part of the format: another one, and no old token opens any more.
    return HKDF(SHA512(), MASTER_KEY_SIZE, salt=None, info=f"smtp_gate {purpose} 1".encode()).derive(key)
