"""How people lie in Redis: which key, which field, which octets. Pure; the only place that knows.

A key a person would cost some 150 octets; here about 128 people share a hash that Redis keeps as one packed string
(a listpack), which brings it to 25. Controller and subject are hashed together, and the hash says everything:

* its first 32 bits choose the bucket, a hash of the epoch: ``PREFIX:{PART}:EPOCH:BUCKET``;
* the next 64 bits are the field in it, and the value says where this person stands;
* the last octets choose the part. A part is a cache of its own, with its own pointers, in one slot of a Cluster, so
  that every script about it is atomic; a single server has one part.

**The odds.** Two people are one only if bucket, field and part are the same. At 100 million people there are
781,250 buckets (all parts together): 2^83.6 places. That any two of all these people meet has a chance of 3 in
10^10; that somebody unknown is taken for one of them, 7 in 10^18 at each question.

Two pointers a part: ``PREFIX:{PART}:live``, ``2 EPOCH SEQ BUCKETS``, says what is read and up to which event it
holds everything; ``PREFIX:{PART}:building``, ``EPOCH BUCKETS``, is the epoch that a running reload fills, and ends
by itself when the loader dies. The number of buckets belongs to the epoch, so it grows at the next reload.

**A value**, integers big-endian: one octet (5 bits of purposes, 2 of the mark, the highest bit 0), 5 octets of seq
(a trillion events), and 4 octets of the end if the purposes end. Purposes that end at different times: the highest
bit is 1, the purposes are 0, and 5 octets a grant follow the seq.
"""

from __future__ import annotations

import hashlib
import re
import struct
from typing import TYPE_CHECKING, NamedTuple

from smtp_gate.consent.event import Choice
from smtp_gate.consent.standing import DOUBT, NO_END, consent_at, pack_grants, unpack_grants
from smtp_gate.errors import StoreUnavailable
from smtp_gate.limits import CACHE_BUCKET, MAX_CACHE_BUCKETS
from smtp_gate.model import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from smtp_gate.consent.standing import Standing
    from smtp_gate.model import Consent

PREFIX = "smtp_gate"
"""In front of all our keys."""
EPOCH_SIZE = 12
"""Hexadecimal digits of an epoch."""
BUCKET_DIGITS = 7
"""Digits of a bucket's number in its key."""

_LIVE = re.compile(rb"2 ([0-9a-f]{12}) (\d{1,18}) (\d{1,7})")
_PLACE = struct.Struct(">I8sI")
_PLAIN = struct.Struct(">B5s")
_ENDING = struct.Struct(">B5sI")
_SEQ_SIZE = 5
_MANY = 0x80
_PURPOSES = 0x1F
_MARK_AT = 5
_MARKS = {Choice.GRANT: 1, Choice.REFUSE: 2, Choice.WITHDRAW: 3}
_CHOICES = (None, Choice.GRANT, Choice.REFUSE, Choice.WITHDRAW)


class Place(NamedTuple):
    """Where a person lies: in which part, how far along its buckets (32 bits), under which field."""

    part: int
    along: int
    field: bytes


class Position(NamedTuple):
    """What a live pointer says: epoch, the seq up to which it holds every event, how many buckets it has."""

    epoch: bytes
    applied: int
    buckets: int


class Value(NamedTuple):
    """What a value says now, and the seq of its last event (-1: it says nothing)."""

    consent: Consent
    seq: int


_NOTHING_HERE = Value(UNKNOWN, -1)
_UNREADABLE = Value(DOUBT, -1)


def places(controller: str, parts: int) -> Callable[[bytes], Place]:
    """What tells the place of a subject in the cache of a controller.

    Args:
        controller: its id.
        parts: how many parts there are.
    """
    begun = hashlib.blake2b(controller.encode(), digest_size=_PLACE.size, person=b"smtp_gate place")

    def place(subject: bytes) -> Place:
        mixed = begun.copy()
        mixed.update(subject)
        along, field, rest = _PLACE.unpack(mixed.digest())
        return Place(rest % parts, along, field)

    return place


def buckets_for(people: int, parts: int) -> int:
    """Buckets of each part for so many people in all of them."""
    return min(max(1, -(-people // (parts * CACHE_BUCKET))), MAX_CACHE_BUCKETS)


def bucket_of(along: int, buckets: int) -> int:
    """Which of the buckets; the scripts compute the same (``redis_scripts``)."""
    return along * buckets >> 32


class PartKeys:
    """The keys of one part.

    Attributes:
        live: key of the live pointer.
        building: key of the building pointer.
        head: in front of epoch, colon and bucket.
    """

    def __init__(self, prefix: str, tag: str) -> None:
        name = f"{prefix}:{{{tag}}}:".encode()
        self.live = name + b"live"
        self.building = name + b"building"
        self.head = name

    def epoch(self, epoch: bytes) -> bytes:
        """What is in front of a bucket."""
        return b"%b%b:" % (self.head, epoch)


def parse_position(pointer: object) -> Position:
    """What a live pointer says.

    Raises:
        StoreUnavailable: ``no_epoch``: nothing was ever loaded, or all is lost, or another layout or program.
    """
    found = _LIVE.fullmatch(pointer) if isinstance(pointer, bytes) else None
    if not found:
        raise StoreUnavailable("no_epoch")
    return Position(found[1], int(found[2]), int(found[3]))


def write_value(standing: Standing) -> bytes:
    """A standing as the cache keeps it."""
    seq, mark, grants = standing
    number = seq.to_bytes(_SEQ_SIZE, "big")
    top = _MARKS[mark] << _MARK_AT
    if not grants:
        return _PLAIN.pack(top, number)
    if len(grants) == 1:
        ((purposes, until),) = grants
        top |= int(purposes)  # a number: what flags take to be put together is half of all
        if until == NO_END:
            return _PLAIN.pack(top, number)
        return _ENDING.pack(top, number, until)
    return _PLAIN.pack(top | _MANY, number) + pack_grants(grants)


def read_value(octets: object, now: float) -> Value:
    """What a value says of its person; whatever is odd is doubt.

    Args:
        octets: the value; None when there is none.
        now: seconds since 1970.
    """
    if octets is None:
        return _NOTHING_HERE
    if not isinstance(octets, bytes) or len(octets) < _PLAIN.size:
        return _UNREADABLE
    mark = _CHOICES[octets[0] >> _MARK_AT & 3]
    grants = _grants_in(octets)
    if mark is None or grants is None:
        return _UNREADABLE
    return Value(consent_at(mark, grants, now), seq_of(octets))


def seq_of(octets: bytes) -> int:
    """The seq in a value that is long enough to hold one."""
    return int.from_bytes(octets[1 : 1 + _SEQ_SIZE], "big")


def _grants_in(octets: bytes) -> list[tuple[int, int]] | None:
    purposes = octets[0] & _PURPOSES
    if octets[0] & _MANY:
        grants = unpack_grants(octets[_PLAIN.size :])
        return grants if grants and len(grants) > 1 and not purposes else None
    if len(octets) == _PLAIN.size:
        return [(purposes, NO_END)] if purposes else []
    until = int.from_bytes(octets[_PLAIN.size :], "big")
    return [(purposes, until)] if len(octets) == _ENDING.size and purposes and until != NO_END else None
