"""Where people lie in Redis and what their values say; nothing odd grants anything."""

from __future__ import annotations

import struct
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtp_gate.consent.event import Choice
from smtp_gate.consent.redis_layout import (
    Position,
    bucket_of,
    buckets_for,
    parse_position,
    places,
    read_value,
    seq_of,
    write_value,
)
from smtp_gate.consent.standing import Grant, Standing, consent_at
from smtp_gate.errors import StoreUnavailable
from smtp_gate.limits import CACHE_BUCKET, CACHE_BUCKET_FULL, MAX_CACHE_BUCKETS
from smtp_gate.model import NOTHING, Consent, Purpose

NOW = 20_000 * 86_400
DOUBT = (Consent(NOTHING, "doubt"), -1)
GRANT = Standing(1, Choice.GRANT, (Grant(Purpose.CLICKS, NOW + 1),))
PLAIN = write_value(Standing(1, Choice.GRANT, ()))
TWO = write_value(Standing(1, Choice.GRANT, (Grant(Purpose.CLICKS, 0), Grant(Purpose.FRAUD, NOW + 1))))

grants = st.dictionaries(st.integers(0, 0xFFFF_FFFF), st.integers(1, 31), max_size=5)
standings = st.builds(
    lambda seq, mark, found: Standing(seq, mark, tuple(Grant(Purpose(bits), end) for end, bits in found.items())),
    st.integers(0, 2**40 - 1),
    st.sampled_from(list(Choice)),
    grants,
)


@given(standings, st.integers(0, 2**33))
def test_a_value_says_what_the_standing_says(standing: Standing, second: int) -> None:
    value = write_value(standing)
    assert read_value(value, second) == (consent_at(standing.mark, standing.grants, second), standing.seq)
    assert seq_of(value) == standing.seq


def test_the_usual_values_are_short() -> None:
    assert len(write_value(Standing(2**40 - 1, Choice.WITHDRAW, ()))) == 6
    assert len(write_value(Standing(7, Choice.GRANT, (Grant(Purpose(31), 0),)))) == 6
    assert len(write_value(GRANT)) == 10
    assert len(TWO) == 16


@given(st.one_of(st.integers(), st.lists(st.binary(), max_size=2), st.text(), st.binary(max_size=5)))
def test_what_is_no_value_is_doubt(octets: object) -> None:
    assert read_value(octets, NOW) == DOUBT


@given(st.binary(max_size=40))
def test_octets_are_a_value_or_doubt_and_there_is_one_value_for_a_standing(octets: bytes) -> None:
    found = read_value(octets, 1)
    assert found == DOUBT or (found.seq == seq_of(octets) and len(octets) in (6, 10, 16, 21, 26, 31))


@pytest.mark.parametrize(
    "octets",
    [
        b"",
        PLAIN[:-1],
        PLAIN + b"\x01",
        PLAIN + bytes([0, 0, 0, 1]),
        write_value(GRANT)[:6] + bytes(4),
        b"\x1f" + PLAIN[1:],
        TWO[:-1],
        TWO[:11],
        TWO[:6],
        bytes([TWO[0] | 1]) + TWO[1:],
        TWO + struct.pack(">BI", 32, 0),
        TWO + struct.pack(">BI", 0, 0),
        TWO + struct.pack(">BI", 1, 0) * 4,
        b"\x21" * 10_000_000,
    ],
    ids=[
        "empty", "cut", "longer", "end_of_nothing", "end_that_is_none", "no_mark", "half", "one_of_many",
        "none_of_many", "both_forms", "unknown_purpose", "no_purpose", "too_many", "huge",
    ],
)  # fmt: skip
def test_a_value_that_is_not_quite_right_is_doubt(octets: bytes) -> None:
    assert read_value(octets, NOW) == DOUBT


def test_no_value_is_unknown() -> None:
    assert read_value(None, NOW) == (Consent(NOTHING, "unknown"), -1)


@pytest.mark.parametrize("parts", [1, 32])
def test_people_and_controllers_lie_apart_and_evenly(parts: int) -> None:
    number = 20_000
    buckets = buckets_for(number, parts)
    filled: Counter[tuple[int, int]] = Counter()
    seen = set()
    for controller in ("acme", "acm"):
        place = places(controller, parts)
        for person in range(number // 2):
            where = place(person.to_bytes(16, "big"))
            assert where == place(person.to_bytes(16, "big"))
            assert 0 <= where.part < parts
            seen.add(where)
            filled[where.part, bucket_of(where.along, buckets)] += 1
    assert len(seen) == number
    assert len(filled) == parts * buckets
    assert max(filled.values()) < 2 * CACHE_BUCKET
    assert {bucket for _, bucket in filled} == set(range(buckets))


def test_there_is_always_a_bucket_and_never_more_than_the_scripts_can_count() -> None:
    assert [buckets_for(people, 1) for people in (0, 1, 128, 129, 10_000_000)] == [1, 1, 1, 2, 78_125]
    assert buckets_for(100_000_000, 32) == 24_415
    assert buckets_for(10**12, 1) == MAX_CACHE_BUCKETS < 2**21 + 1
    assert bucket_of(2**32 - 1, MAX_CACHE_BUCKETS) == MAX_CACHE_BUCKETS - 1 < 10**7
    assert CACHE_BUCKET + 12 * CACHE_BUCKET**0.5 < CACHE_BUCKET_FULL < 512


def test_a_pointer_says_its_position() -> None:
    assert parse_position(b"2 0123456789ab 5 78125") == Position(b"0123456789ab", 5, 78_125)


@pytest.mark.parametrize(
    "pointer", [None, b"", 7, b"1 0123456789ab 5", b"2 0123456789ab 5", b"2 0123 5 1", b"2 0123456789ab -5 1"]
)
def test_what_is_no_pointer_means_that_nothing_is_there(pointer: object) -> None:
    with pytest.raises(StoreUnavailable, match="no_epoch"):
        parse_position(pointer)
