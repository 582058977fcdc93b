"""Heads of the ledger, signed outside of it, tell a cut tail and an old copy."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from smtp_gate.consent import Ledger
from smtp_gate.consent.heads import NotAHead, OtherLedger, keep_head, read_heads
from smtp_gate.model import Purpose
from smtp_gate.tokens import Keyring

if TYPE_CHECKING:
    from pathlib import Path

    from tests.consent.conftest import Decisions, Hands

BOTH_DATABASES = True
ANNA = b"a" * 16
RING = Keyring({1: b"1" * 64, 2: b"2" * 64}, 2, b"s" * 64)


class Room:
    """A ledger, its file of heads, and a copy of the database as it was before."""

    def __init__(self, ledger: Ledger, decisions: Decisions, clock: Hands, folder: Path) -> None:
        self.ledger = ledger
        self.heads = folder / "heads.jsonl"
        self._decisions = decisions
        self._clock = clock

    def decide(self, times: int = 1) -> None:
        for _ in range(times):
            self.ledger.append(self._decisions.grant(ANNA, Purpose.CLICKS))

    def sign(self, least: float = 0.0, ring: Keyring = RING) -> bool:
        return keep_head(self.heads, self.ledger, ring, self._clock, least) is not None

    def signed(self) -> dict[int, bytes]:
        return {seq: head.hash for seq, head in read_heads(self.heads, RING).items()}


@pytest.fixture
def room(ledger: Ledger, decisions: Decisions, clock: Hands, tmp_path: Path) -> Room:
    return Room(ledger, decisions, clock, tmp_path)


def test_heads_of_a_ledger_that_grows_fit_it(room: Room) -> None:
    for _ in range(3):
        room.decide(2)
        assert room.sign()
    assert list(room.signed()) == [2, 4, 6]
    assert room.ledger.verify(room.signed()).fault is None


def test_what_is_signed_already_is_not_signed_again(room: Room) -> None:
    assert not room.sign()
    room.decide()
    assert room.sign()
    assert not room.sign()
    room.decide()
    assert not room.sign(least=60)
    room._clock.on(seconds=60)
    assert room.sign(least=60)


def test_an_old_copy_in_the_ledger_s_place_is_found(
    room: Room, url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    room.decide(4)
    room.ledger.close()  # it connects again when it needs to
    if url.startswith("sqlite"):
        copy = f"sqlite:///{shutil.copy(tmp_path / 'consent.db', tmp_path / 'old.db')}"
    else:
        copy = request.getfixturevalue("postgres_server").new(url.rpartition("/")[2])
    room.decide(4)
    room.sign()
    with closing(Ledger(copy, room._clock)) as old:
        assert old.verify().fault is None
        fault = old.verify(room.signed()).fault
        assert fault is not None
        assert (fault.seq, fault.kind) == (5, "tail")
        room.ledger = old
        with pytest.raises(OtherLedger, match="event 8 is not in the ledger"):
            room.sign()
        room.decide(5)  # until it is longer than what was signed
        fault = old.verify(room.signed()).fault
        assert fault is not None
        assert (fault.seq, fault.kind) == (8, "signed")
        with pytest.raises(OtherLedger, match="event 8 is not in the ledger"):
            room.sign()


def test_anybody_with_the_public_key_can_check_a_head(room: Room) -> None:
    room.decide()
    room.sign()
    head = json.loads(room.heads.read_text())
    signed = f'["smtp_gate head 1",1,"{head["hash"]}","{head["time"]}",2]'
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(head["public"]))
    public.verify(bytes.fromhex(head["signature"]), signed.encode())


def test_a_key_that_was_rotated_still_vouches(room: Room) -> None:
    room.decide()
    room.sign(ring=Keyring({1: b"1" * 64}, 1, b"s" * 64))
    room.decide()
    room.sign()
    assert [head.key for head in read_heads(room.heads, RING).values()] == [1, 2]


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        ('"events": 1', '"events": 2', "line 1: its signature is not by our key 2"),
        ('"time": "2026', '"time": "2027', "line 1: its signature is not by our key 2"),
        ('"key": 2', '"key": 1', "line 1: its signature is not by our key 1"),
        ('"key": 2', '"key": 3', "line 1 was signed with key 3, which is not in the key file"),
        ('"key": 2', '"key": "2"', "line 1 is no signed head"),
        ('"events"', '"event"', "line 1 is no signed head"),
        ("{", "[", "line 1 is no signed head"),
    ],
)
def test_a_head_that_was_changed_vouches_for_nothing(room: Room, was: str, becomes: str, said: str) -> None:
    room.decide()
    room.sign()
    room.heads.write_text(room.heads.read_text().replace(was, becomes, 1))
    with pytest.raises(NotAHead, match=said):
        read_heads(room.heads, RING)
    with pytest.raises(NotAHead, match=said.replace("line 1", "the last line")):
        room.sign()


def test_two_heads_of_one_event_that_differ_tell_a_ledger_that_was_replaced(
    room: Room, tmp_path: Path, decisions: Decisions, clock: Hands
) -> None:
    room.decide()
    room.sign()
    first = room.heads.read_bytes()
    room.heads.unlink()
    with closing(Ledger(f"sqlite:///{tmp_path}/other.db", clock)) as other:
        twin = Room(other, decisions, clock, tmp_path)
        twin.decide()
        twin.sign()
    room.heads.write_bytes(first + room.heads.read_bytes())
    with pytest.raises(NotAHead, match="line 2: event 1 was signed before, and was another one"):
        room.signed()


def test_a_line_that_a_crash_left_unfinished_is_taken_away(room: Room) -> None:
    room.decide()
    room.sign()
    with room.heads.open("ab") as file:
        file.write(b'{"events": 2, "ha')
    assert list(room.signed()) == [1]
    room.decide()
    assert room.sign()
    assert list(room.signed()) == [1, 2]


def test_a_file_without_a_head_vouches_for_nothing(room: Room) -> None:
    room.heads.touch()
    with pytest.raises(NotAHead, match="no head in it"):
        room.signed()


def test_heads_follow_the_ledger_to_another_place(room: Room, tmp_path: Path) -> None:
    room.decide()
    room.sign()
    shutil.move(room.heads, tmp_path / "moved")
    room.heads = tmp_path / "moved"
    room.decide()
    assert room.sign()
