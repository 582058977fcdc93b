"""The ring refuses keys that cannot work, and never shows one."""

from __future__ import annotations

import pytest

from smtp_gate.tokens import Keyring, Use

KEY = bytes(range(64))


@pytest.mark.parametrize(
    ("keys", "newest", "subject", "said"),
    [
        ({}, 1, KEY, "newest"),
        ({1: KEY}, 2, KEY, "newest"),
        ({1: KEY[:63]}, 1, KEY, "64 octets"),
        ({1: KEY}, 1, b"", "64 octets"),
        ({256: KEY}, 256, KEY, "0 to 255"),
        ({-1: KEY}, -1, KEY, "0 to 255"),
    ],
)
def test_unusable_keys_are_refused(keys: dict[int, bytes], newest: int, subject: bytes, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Keyring(keys, newest, subject)


def test_each_use_and_each_key_has_its_own_cipher() -> None:
    ring = Keyring({1: KEY, 2: KEY[::-1]}, 2, KEY)
    boxes = set()
    for number in ring.ids:
        for use in Use:
            cipher = ring.cipher(number, use)
            assert cipher is not None
            boxes.add(cipher.encrypt(b"same", [b"same"]))
    assert len(boxes) == len(ring.ids) * len(Use)


def test_a_ring_shows_no_key() -> None:
    assert repr(Keyring({7: KEY}, 7, KEY)) == "<Keyring of 1, newest 7>"
