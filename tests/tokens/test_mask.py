"""A masked address tells its owner whose it is, and hides how much is hidden."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtp_gate.tokens import masked
from smtp_gate.tokens.mask import MAX_SHOWN_DOMAIN


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        (b"alice@example.com", "a…@example.com"),
        (b"Alice.Lefevre@Example.COM", "a…@example.com"),
        (b"a@example.com", "a…@example.com"),
        ("élodie@exämple.fr".encode(), "é…@exämple.fr"),
        (b'"alice lefevre"@example.com', "…@example.com"),
        (b'"a@b"@example.com', "…@example.com"),
        (b"_x@example.com", "…@example.com"),
        (b"\xff\xfe@example.com", "…@example.com"),
        (b"a@[192.0.2.1]", "a…@[192.0.2.1]"),
        (b"a@" + b"x." * 100 + b"example.com", "a…@…" + ("x." * 100 + "example.com")[-MAX_SHOWN_DOMAIN:]),
        (b"a@" + b"x" * MAX_SHOWN_DOMAIN, "a…@" + "x" * MAX_SHOWN_DOMAIN),
        (b"a@y" + b"x" * MAX_SHOWN_DOMAIN, "a…@…" + "x" * MAX_SHOWN_DOMAIN),
        (b"", ""),
        (b"postmaster", ""),
    ],
)
def test_the_first_letter_and_the_domain_are_shown(address: bytes, shown: str) -> None:
    assert masked(address) == shown


@given(st.text(st.characters(exclude_characters="@", codec="utf-8"), min_size=1, max_size=30))
def test_how_long_a_name_is_cannot_be_seen(local: str) -> None:
    rest = "x" * 40
    one, other = masked(f"a{local}@example.com".encode()), masked(f"a{rest}@example.com".encode())
    assert one == other == masked(b"a@example.com")
