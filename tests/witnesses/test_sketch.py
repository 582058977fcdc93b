"""How many different things were seen, without keeping one."""

from __future__ import annotations

import hashlib

import pytest

from smtp_gate.limits import LEARN_SHARE
from smtp_gate.witnesses.sketch import BITS, FULL, count, seen


def marks(number: int, begin: int = 0) -> list[bytes]:
    return [hashlib.blake2b(b"%d" % one, digest_size=8).digest() for one in range(begin, begin + number)]


@pytest.mark.parametrize("number", [0, 1, 19, 20, 200, 2000, 2 * BITS])
def test_it_counts_well_enough(number: int) -> None:
    assert count(seen(b"", marks(number))) == pytest.approx(number, rel=0.03, abs=1)


def test_what_was_seen_before_counts_once_in_any_order() -> None:
    sketch = seen(seen(b"", marks(50)), marks(50))
    assert sketch == seen(seen(b"", marks(20, 30)), marks(30))
    assert count(sketch) == 50


def test_a_full_one_stays_and_still_tells_readers_apart() -> None:
    full = seen(b"", marks(5 * BITS))
    assert full == seen(full, marks(BITS, 10 * BITS)) or int.from_bytes(full, "little").bit_count() <= FULL
    more = seen(full, marks(20 * BITS, 10 * BITS))
    assert more == full
    assert count(full) >= 4 * BITS
    assert count(full) > LEARN_SHARE * count(seen(b"", marks(5 * BITS, BITS)))


def test_it_stays_small() -> None:
    assert len(seen(b"", marks(100_000))) <= BITS // 8
