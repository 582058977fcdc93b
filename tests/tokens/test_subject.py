"""An address is the same person in every spelling of its ASCII case, and through every rotation of keys."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from smtp_gate.tokens import SUBJECT_SIZE, Keyring, subject_of

RING = Keyring({1: b"a" * 64}, 1, b"s" * 64)
ROTATED = Keyring({1: b"a" * 64, 2: b"b" * 64}, 2, b"s" * 64)
OTHER = Keyring({1: b"a" * 64}, 1, b"t" * 64)


@given(st.binary(max_size=80))
def test_a_subject_outlives_rotation_and_ignores_case(address: bytes) -> None:
    subject = subject_of(RING, address)
    assert len(subject) == SUBJECT_SIZE
    assert subject_of(ROTATED, address.upper()) == subject
    assert subject_of(OTHER, address) != subject


def test_people_whose_addresses_merely_look_alike_stay_apart() -> None:
    spellings = ["strasse@a.example", "straße@a.example", "kim@a.example", "\u212aim@a.example", "é@a.example"]
    spellings += ["e\u0301@a.example", "strasse@a.example.", " strasse@a.example"]
    assert len({subject_of(RING, spelling.encode()) for spelling in spellings}) == len(spellings)


def test_a_subject_stays_what_it_is() -> None:
    """Every stored consent hangs on this value; if it changes, everybody is unknown."""
    assert subject_of(RING, b"Alice@Example.com").hex() == "93d7eae9a98ceee27d6a2f234655744a"
