"""Addresses: byte for byte, or refused."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from smtp_gate.listener.path import is_mailbox, read_path

KEPT = [
    b"b@x.com",
    b'"a b"@x.com',
    b"=?utf-8?q?victim=40evil.com?=@x.com",
    b'"a\\"b"@x.com',
    b'"a,b"@x.com',
    b"u@[127.0.0.1]",
    b"u@[IPv6:2001:db8::1]",
    b'"quoted"@x.com',
    b"u@EXAMPLE.com",
    b"a%b@x.com",
    b"a!b@x.com",
    b"u+tag@x.com",
    b"bounce+64=alice=example.com+0123456789abcdef0123456789abcdef0123456789@mta.example",
    b"u@under_score.example",
    b"u@x",
    b'""@x.com',
    b"a" * 64 + b"@" + b".".join([b"d" * 48] * 5),
]
REFUSED = [
    b"a(c)@x.com",
    b"@r1,@r2:u@x.com",
    b"u@x.com\rDATA",
    b"u@x.com\r\nRCPT TO:<v@x.com",
    b"u@x.com\x00",
    b"u..v@x.com",
    b".u@x.com",
    b"u.@x.com",
    b"u@x.com.",
    b"u@.x.com",
    b"u@x..com",
    b"u@-x.com",
    b"u@x-.com",
    b"us er@x.com",
    b"a@b@x.com",
    b"\xff@x.com",
    b"u\t@x.com",
    b'"a@evil.com>,<b"@x.com',
    b'"unterminated@x.com',
    b'"a"b"@x.com',
    b'"a\\"@x.com',
    b"u@[127.0.0.256]",
    b"u@[1.2.3]",
    b"u@[IPv6:1::2::3]",
    b"u@[tag:what]",
    b"u@",
    b"@x.com",
    b"u",
    b" u@x.com",
    b"u@x.com ",
    b"a" * 65 + b"@" + b"d" * 255,
    b"a@" + b"d" * 256,
    "u\x85@x.com".encode(),
    "u\u2028@x.com".encode(),
    "u@x\u2029.com".encode(),
]


@pytest.mark.parametrize("address", KEPT)
def test_a_mailbox_comes_out_as_it_went_in(address: bytes) -> None:
    path = read_path(b"TO:<" + address + b">", b"TO:")
    assert path is not None
    assert path.address == address


@pytest.mark.parametrize("address", REFUSED)
def test_what_is_no_mailbox_is_refused_and_never_mended(address: bytes) -> None:
    assert not is_mailbox(address)
    assert read_path(b"TO:<" + address + b">", b"TO:") is None
    assert read_path(b"FROM:<" + address + b">", b"FROM:") is None


def test_the_null_path_is_a_sender_only() -> None:
    assert read_path(b"FROM:<>", b"FROM:") == (b"", ())
    assert read_path(b"TO:<>", b"TO:") is None


@pytest.mark.parametrize("name", [b"postmaster", b"Postmaster", b"POSTMASTER"])
def test_a_bare_postmaster_is_a_recipient_only(name: bytes) -> None:
    assert read_path(b"TO:<" + name + b">", b"TO:") == (name, ())
    assert read_path(b"FROM:<" + name + b">", b"FROM:") is None


@pytest.mark.parametrize(
    "argument",
    [
        b"",
        b"TO:",
        b"TO:u@x.com",
        b"TO: u@x.com",
        b"TO:<u@x.com",
        b"TO:u@x.com>",
        b"TO:<u@x.com>junk",
        b"TO:<u@x.com>, <w@y.com>",
        b"TO:<<u@x.com>>",
        b"TO:  <u@x.com>",
        b"TO :<u@x.com>",
        b"FROM:<u@x.com>",
        b"u@x.com",
    ],
)
def test_what_is_no_path_is_refused(argument: bytes) -> None:
    assert read_path(argument, b"TO:") is None


def test_parameters_are_the_words_behind_the_path() -> None:
    assert read_path(b"to: <u@x.com>  NOTIFY=NEVER   ORCPT=rfc822;u@x ", b"TO:") == (
        b"u@x.com",
        (b"NOTIFY=NEVER", b"ORCPT=rfc822;u@x"),
    )
    assert read_path(b"TO:<u@x.com> ", b"TO:") == (b"u@x.com", ())


def test_an_address_beyond_ascii_is_a_mailbox_when_it_is_utf8() -> None:
    assert is_mailbox("ü@bücher.example".encode())
    assert not is_mailbox("ü@bücher.example".encode("latin-1"))


ALPHABET = st.sampled_from([bytes([octet]) for octet in b'ab.@"\\<>[]: ,%-_\r\n\0'] + [b"\xc3\xbc", b"\xff"])


@settings(max_examples=500)
@example(b"a@_")
@given(st.lists(ALPHABET, max_size=14).map(b"".join))
def test_what_is_taken_is_one_address_on_one_line(octets: bytes) -> None:
    path = read_path(b"TO:<" + octets + b">", b"TO:")
    if path is None:
        return
    assert path.address == octets
    assert not set(octets) & set(b"<>\r\n\0")
    local, _, domain = octets.rpartition(b"@")
    assert domain.strip(b"[].-") == domain or domain.startswith(b"[")
    assert not set(domain) & set(b'@"\\, %')
    assert local.startswith(b'"') or b"@" not in local


def test_hostile_addresses_take_linear_time() -> None:
    for evil in (b"a." * 400, b"a-" * 400, b'"' + b"\\a" * 300, b"a@" + b"a-" * 300, b"[" * 900):
        assert not is_mailbox(evil)
        assert not is_mailbox(evil[:319])
