"""Which other spellings of an address are the same mailbox, as far as that is known."""

from __future__ import annotations

import pytest

from smtp_gate.tokens import plainer_of


@pytest.mark.parametrize(
    ("address", "plainer"),
    [
        (b"anna@example.com", []),
        (b"Anna+News@Example.com", [b"anna@example.com"]),
        (b"anna+a+b@example.com", [b"anna@example.com"]),
        (b"anna.muster@example.com", []),
        (b"anna.muster@gmail.com", [b"annamuster@gmail.com"]),
        (b"anna.muster+x@gmail.com", [b"anna.muster@gmail.com", b"annamuster@gmail.com"]),
        (b"annamuster+x@googlemail.com", [b"annamuster@googlemail.com"]),
        (b"+news@example.com", []),
        (b"+a.b@gmail.com", [b"+ab@gmail.com"]),
        (b"...@gmail.com", []),
        (b"+@example.com", []),
    ],
)
def test_tags_are_left_out_everywhere_and_dots_where_they_are_ignored(address: bytes, plainer: list[bytes]) -> None:
    assert plainer_of(address) == plainer
