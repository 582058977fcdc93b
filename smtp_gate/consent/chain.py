"""What is hashed of an event, octet by octet, and how each event holds on to the one before it. Pure.

A record is written as a JSON array in the canonical form of RFC 8785: no blanks, nothing escaped that need not be,
UTF-8; octets are text in lower-case hexadecimal digits, what is not there is null. Which fields, in which order, is
said by :data:`PERSONAL` and :data:`FIELDS`; the first item names the layout, so another layout is another name. All
hashes are SHA-256.

* The *commitment* to a person covers the personal fields and a salt that only the ledger has. When they are erased,
  salt and fields go, the commitment stays, and nobody can tell what it was made of.
* The *hash* of an event covers the hash of the event before it, that commitment, and all other fields.
"""

from __future__ import annotations

import json
from hashlib import sha256
from operator import itemgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

START = bytes(32)
"""What the first event holds on to."""
SALT_SIZE = 16
"""Octets: as many as the subject has, so that guessing the salt is no easier than guessing the person."""
NOBODY = bytes(16)
"""The subject of an event whose person was erased."""

PERSONAL_LAYOUT = "smtp_gate person 1"
PERSONAL = ("salt", "subject", "source", "reference", "key")
"""Fields that can lead to a person, in the order of the commitment."""
LAYOUT = "smtp_gate event 1"
FIELDS = (
    "previous",
    "person",
    "seq",
    "controller",
    "purposes",
    "decision",
    "at",
    "recorded",
    "method",
    "notice",
    "notice_sha256",
    "language",
    "actor",
    "expires",
)
"""All that is hashed of an event, in this order."""

Value = bytes | str | int | None


_person = itemgetter(*PERSONAL)
_event = itemgetter(*FIELDS)
_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False, default=bytes.hex).encode


def encoded(layout: str, values: Iterable[Value]) -> bytes:
    """A record as it is hashed; no two different lists of the same kinds give the same octets.

    Raises:
        UnicodeEncodeError: for a text with half a character in it.
    """
    return _json([layout, *values]).encode()


def commitment_of(row: Mapping[str, Value]) -> bytes:
    """The commitment to the personal fields of a row."""
    return sha256(encoded(PERSONAL_LAYOUT, _person(row))).digest()


def hash_of(row: Mapping[str, Value]) -> bytes:
    """The hash of a row that has its ``previous`` and ``person``."""
    return sha256(encoded(LAYOUT, _event(row))).digest()
