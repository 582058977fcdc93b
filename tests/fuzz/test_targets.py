"""The fuzzer's targets in short form: seeds, everything that was found once, and hypothesis' ideas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.targets import FOUND, TARGETS, seeds

if TYPE_CHECKING:
    from pathlib import Path

CUTS = st.tuples(st.integers(0, 10_000), st.integers(0, 10_000), st.binary(max_size=12))


@pytest.mark.parametrize("name", TARGETS)
def test_seeds_break_nothing(name: str) -> None:
    found = seeds(name)
    assert len(found) >= 8
    for data in found:
        TARGETS[name](data)


@pytest.mark.parametrize("path", sorted(FOUND.glob("*.bin")), ids=lambda path: path.name)
def test_what_was_found_once_breaks_nothing_any_more(path: Path) -> None:
    TARGETS[path.name.partition("-")[0]](path.read_bytes())


@pytest.mark.parametrize("name", TARGETS)
@settings(deadline=None)
@given(data=st.data())
def test_seeds_with_a_piece_exchanged_break_nothing(name: str, data: st.DataObject) -> None:
    seed = data.draw(st.sampled_from(seeds(name)))
    start, length, new = data.draw(CUTS)
    start %= len(seed) + 1
    TARGETS[name](seed[:start] + new + seed[start + length % 200 :])


@pytest.mark.parametrize("name", TARGETS)
@settings(deadline=None)
@given(data=st.binary(max_size=300))
def test_any_bytes_break_nothing(name: str, data: bytes) -> None:
    TARGETS[name](data)
