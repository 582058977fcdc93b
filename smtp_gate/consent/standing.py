"""What a person's events amount to: which purposes are granted until when. Pure.

This module alone decides which of several decisions counts.
The rules, for each purpose by itself:

* A grant counts when it is later than every refusal and withdrawal; at the same moment it does not count.
* "Later" goes by the time of the decision, so that an old list imported today revives nothing.
* A refusal or withdrawal recorded within ``CLOCK_SKEW`` of its own time also beats every grant recorded before
  it, whatever time that one claims: clocks of two machines differ, and where the order is uncertain, no wins.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from smtp_gate.consent.event import Choice
from smtp_gate.limits import CLOCK_SKEW
from smtp_gate.model import NOTHING, Consent, Purpose

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_LANES = len(Purpose.__members__)
_ALL = 1 << _LANES
_LANES_OF = [[lane for lane in range(_LANES) if bits >> lane & 1] for bits in range(_ALL)]
_SKEW = int(CLOCK_SKEW * 1_000_000)

NO_END = 0
"""``Grant.until`` of a consent without end."""
_LAST_SECOND = 0xFFFF_FFFF
"""In the year 2106; a consent that claims to last longer ends then."""

_GRANT = struct.Struct(">BI")


class Step(NamedTuple):
    """What counts of an event; times in microseconds since 1970."""

    seq: int
    purposes: int
    decision: str
    at: int
    recorded: int
    expires: int | None


class Grant(NamedTuple):
    """Purposes that are granted until a second since 1970, :data:`NO_END` for good."""

    purposes: Purpose
    until: int


class Standing(NamedTuple):
    """Where a person stands with a controller.

    Attributes:
        seq: of the last event in it.
        mark: why nothing is granted when nothing is: the last refusal or withdrawal; GRANT when there was none.
        grants: what is granted, one for each end; expired ones may be among them.
    """

    seq: int
    mark: Choice
    grants: tuple[Grant, ...]


class Record(NamedTuple):
    """A standing and whose it is."""

    controller: str
    subject: bytes
    standing: Standing


_GRANTED = [Consent(Purpose(bits), "granted") for bits in range(_ALL)]
EXPIRED = Consent(NOTHING, "expired")
WITHDRAWN = Consent(NOTHING, "withdrawn")
DOUBT = Consent(NOTHING, "doubt")
_NOT_GRANTED = {Choice.GRANT: EXPIRED, Choice.REFUSE: Consent(NOTHING, "refused"), Choice.WITHDRAW: WITHDRAWN}


def fold(steps: Iterable[Step]) -> Standing:
    """The standing after some events.

    Args:
        steps: all events of one person with one controller, in the order of their seq; at least one.
    """
    seq, mark = 0, Choice.GRANT
    yes, no, ends = [0] * _LANES, [0] * _LANES, [NO_END] * _LANES
    for step in steps:
        seq = step.seq
        lanes = _LANES_OF[step.purposes]
        if step.decision == Choice.GRANT:
            end = NO_END if step.expires is None else min(step.expires // 1_000_000, _LAST_SECOND)
            for lane in lanes:
                if step.at > yes[lane]:
                    yes[lane], ends[lane] = step.at, end
                elif step.at == yes[lane]:
                    ends[lane] = _earlier(ends[lane], end)
        else:
            mark = Choice(step.decision)
            live = step.recorded - step.at <= _SKEW
            for lane in lanes:
                no[lane] = max(no[lane], step.at, yes[lane] if live else 0)
    grants: dict[int, Purpose] = {}
    for lane in range(_LANES):
        if yes[lane] > no[lane]:
            grants[ends[lane]] = grants.get(ends[lane], NOTHING) | Purpose(1 << lane)
    return Standing(seq, mark, tuple(Grant(grants[end], end) for end in sorted(grants)))


def consent_at(mark: Choice, grants: Sequence[tuple[int, int]], now: float) -> Consent:
    """What holds at a second since 1970."""
    bits = 0
    for purposes, until in grants:
        if until == NO_END or now < until:
            bits |= purposes
    if bits:
        return _GRANTED[bits]
    return EXPIRED if grants else _NOT_GRANTED[mark]


def pack_grants(grants: Iterable[Grant]) -> bytes:
    """Grants as 5 octets each."""
    return b"".join(_GRANT.pack(*grant) for grant in grants)


def unpack_grants(octets: bytes) -> list[tuple[int, int]] | None:
    """Grants as pairs of bits and end; None when the octets are no grants."""
    if len(octets) % _GRANT.size or len(octets) > _GRANT.size * _LANES:
        return None
    grants = list(_GRANT.iter_unpack(octets))
    for bits, _ in grants:
        if not 0 < bits < _ALL:
            return None
    return grants


def _earlier(one: int, other: int) -> int:
    return max(one, other) if NO_END in (one, other) else min(one, other)
