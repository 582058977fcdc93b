"""How many different things were seen, without keeping one of them: linear counting on a map of bits.

(K.-Y. Whang, B. T. Vander-Zanden, H. M. Taylor, "A linear-time probabilistic counting algorithm", 1990.) Exact
enough for twenty and for thousands: the standard error is below 1 % up to twice as many things as there are bits.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

BITS = 16_384
"""Bits of a map: 2 KiB."""
FULL = BITS - 64
"""Set bits from which on a map says "at least so many" and takes in no more: some 90,000 things."""


def seen(sketch: bytes, marks: Iterable[bytes]) -> bytes:
    """A sketch with further things in it.

    Args:
        sketch: as this function made it; empty for none.
        marks: hashes, eight octets or more each.
    """
    bits = int.from_bytes(sketch, "little")
    for mark in marks:
        bits |= 1 << (int.from_bytes(mark[:8], "little") % BITS)
    return bits.to_bytes((bits.bit_length() + 7) // 8, "little") if bits.bit_count() <= FULL else sketch


def count(sketch: bytes) -> int:
    """How many different things were seen, about."""
    empty = BITS - int.from_bytes(sketch, "little").bit_count()
    return round(-BITS * math.log(empty / BITS))
