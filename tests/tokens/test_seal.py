"""A token says what it was made of, through the one door it was made for, and nothing else at all."""

from __future__ import annotations

import string
from base64 import urlsafe_b64encode
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtp_gate.errors import BadToken
from smtp_gate.limits import MAX_TOKEN, MAX_WRAPPED_URL
from smtp_gate.model import Purpose
from smtp_gate.tokens import (
    AskToken,
    ConfirmToken,
    ConsentToken,
    FormToken,
    Keyring,
    LinkToken,
    OpeningToken,
    PixelToken,
    Use,
    WithdrawToken,
    open_ask,
    open_confirm,
    open_consent,
    open_form,
    open_link,
    open_opening,
    open_pixel,
    open_withdraw,
    seal,
)

if TYPE_CHECKING:
    from collections.abc import Callable

Token = OpeningToken | PixelToken | LinkToken | AskToken | WithdrawToken | ConsentToken | FormToken | ConfirmToken
OPENERS: dict[type, Callable[[Keyring, str], Token]] = {
    PixelToken: open_pixel,
    LinkToken: open_link,
    AskToken: open_ask,
    WithdrawToken: open_withdraw,
    OpeningToken: open_opening,
    ConsentToken: open_consent,
    FormToken: open_form,
    ConfirmToken: open_confirm,
}
RING = Keyring({1: b"a" * 64, 2: b"b" * 64}, 2, b"s" * 64)
OLDER = Keyring({1: b"a" * 64}, 1, b"s" * 64)
FOREIGN = Keyring({1: b"x" * 64, 2: b"y" * 64}, 2, b"s" * 64)

any_text = st.text(st.characters(), max_size=60)
surrogates = st.text(st.characters(categories=["Cs", "Lu"]), max_size=5)
subjects = st.binary(min_size=16, max_size=16)
purposes = st.integers(0, 31).map(Purpose)
texts = any_text | surrogates
times = st.integers(0, 2**63)
TOKENS: st.SearchStrategy[Token] = st.one_of(
    st.builds(PixelToken, texts, subjects, purposes, texts, texts),
    st.builds(LinkToken, texts, subjects, purposes, texts, texts),
    st.builds(AskToken, texts, texts, texts),
    st.builds(WithdrawToken, texts, subjects, texts),
    st.builds(OpeningToken, texts, subjects),
    st.builds(ConsentToken, texts, subjects, st.binary(max_size=60)),
    st.builds(FormToken, texts, subjects, purposes, times, times, texts, texts),
    st.builds(ConfirmToken, texts, subjects, purposes, times, times, texts, texts),
)
PIXEL = PixelToken("acme", b"0123456789abcdef", Purpose.PERFORMANCE, "hubspot", "https://t.example/o/1?é=\n")
EXAMPLES: list[Token] = [
    PIXEL,
    LinkToken("acme", b"0123456789abcdef", Purpose.CLICKS, "hubspot", "https://t.example/c/1"),
    AskToken("acme", "outreach", "https://t.example/c/2"),
    WithdrawToken("acme", b"0123456789abcdef"),
    WithdrawToken("acme", b"0123456789abcdef", "a…@example.com"),
    OpeningToken("acme", b"0123456789abcdef"),
    ConsentToken("acme", b"0123456789abcdef", b"alice@example.com"),
    FormToken("acme", b"0123456789abcdef", Purpose(31), 7, 1_900_000_000, "consent-1", "fr"),
    ConfirmToken("acme", b"0123456789abcdef", Purpose.CLICKS, 7, 1_900_000_000, "confirm-1", "fr"),
]


def opened(ring: Keyring, kind: type, text: str) -> Token | None:
    """The token, or None when it is refused; any other exception is the test's failure."""
    try:
        return OPENERS[kind](ring, text)
    except BadToken:
        return None


@settings(max_examples=150)
@given(TOKENS)
def test_a_token_opens_to_what_was_sealed_and_is_the_same_each_time(token: Token) -> None:
    text = seal(RING, token)
    assert seal(RING, token) == text
    assert set(text) <= set(string.ascii_letters + string.digits + "-_")
    if len(text) <= MAX_TOKEN:
        assert opened(RING, type(token), text) == token


@settings(max_examples=60)
@given(TOKENS, st.sampled_from(list(OPENERS)))
def test_a_token_opens_no_other_door(token: Token, door: type) -> None:
    assert (opened(RING, door, seal(RING, token)) is not None) == (door is type(token))


@pytest.mark.parametrize("token", EXAMPLES, ids=lambda token: type(token).__name__)
def test_every_flipped_bit_and_every_cut_is_refused(token: Token) -> None:
    text = seal(RING, token)
    for place, sign in enumerate(text):
        for bit in range(8):
            damaged = text[:place] + chr(ord(sign) ^ 1 << bit) + text[place + 1 :]
            assert opened(RING, type(token), damaged) is None
        assert opened(RING, type(token), text[:place]) is None
        assert opened(RING, type(token), text[place + 1 :]) is None
        assert opened(RING, type(token), text[:place] + "." + text[place:]) is None


@given(st.text(st.characters(), max_size=80) | st.text(string.ascii_letters + string.digits + "-_=", max_size=80))
@settings(max_examples=150)
def test_any_other_text_is_refused_and_nothing_else_happens(text: str) -> None:
    for door in OPENERS:
        assert opened(RING, door, text) is None


@pytest.mark.parametrize(
    "text", ["", "A", "AAAA", "é" * 40, "A" * 100_000, "\0" * 40, "Ag" + "A" * 300, "\ud800" * 40]
)
def test_odd_texts_are_refused(text: str) -> None:
    for door in OPENERS:
        assert opened(RING, door, text) is None


def test_padding_is_another_spelling_and_refused() -> None:
    text = seal(RING, AskToken("a", "b", "c"))
    for tail in ("=", "==", "===", "\n", " "):
        assert opened(RING, AskToken, text + tail) is None


def test_the_newest_key_seals_and_a_retired_one_still_opens() -> None:
    for token in EXAMPLES:
        old = seal(OLDER, token)
        assert opened(RING, type(token), old) == token
        assert opened(OLDER, type(token), seal(RING, token)) is None
        assert seal(RING, token) != old


def test_another_ring_with_the_same_ids_opens_nothing() -> None:
    for token in EXAMPLES:
        assert opened(FOREIGN, type(token), seal(RING, token)) is None


def test_the_longest_address_that_is_wrapped_fits_a_token() -> None:
    token = PixelToken("c" * 64, bytes(16), Purpose(31), "v" * 64, "u" * MAX_WRAPPED_URL)
    assert len(seal(RING, token)) <= MAX_TOKEN
    assert opened(RING, PixelToken, seal(RING, token)) == token


def test_a_box_that_opens_to_no_token_is_refused() -> None:
    """A payload sealed by us in some other form must not become an exception of the reader."""
    for number in RING.ids:
        for kind, use in zip(OPENERS, Use, strict=True):
            for payload in (
                b"",
                b"\xff",
                b"\x00" * 17,
                b"\x05ab",
                b"\x01\xff\x01\xff",
                b"\x00" * 16 + b"\xff\xff",
                bytes(16),
            ):
                cipher = RING.cipher(number, use)
                assert cipher is not None
                box = bytes([number]) + (cipher.encrypt(payload, [use.encode()]) if payload else b"")
                text = urlsafe_b64encode(box).rstrip(b"=").decode()
                got = opened(RING, kind, text)
                assert got is None or seal(RING, got)


def test_a_refusal_tells_nothing() -> None:
    with pytest.raises(BadToken) as caught:
        open_pixel(RING, seal(FOREIGN, PIXEL))
    assert str(caught.value) == ""
    assert caught.value.__cause__ is None


def test_values_that_do_not_fit_are_an_error_of_the_caller() -> None:
    for token in (
        AskToken("c" * 256, "", ""),
        AskToken("", "v" * 256, ""),
        WithdrawToken("c", b"short"),
        WithdrawToken("c" * 256, b"0123456789abcdef", "a…@example.com"),
        ConsentToken("c", b"short", b""),
        ConsentToken("c" * 256, b"0123456789abcdef", b""),
    ):
        with pytest.raises(ValueError, match="octets"):
            seal(RING, token)


def test_withdrawals_of_the_first_mails_open_for_ever() -> None:
    """As they were sealed when pages did not show the address yet."""
    old = "AQ87QkVEix53bP4BXdori_UYsb8_FMNeoZvh6R2MVBLKPlsGNw"
    assert open_withdraw(RING, old) == WithdrawToken("acme", b"0123456789abcdef", "")
    assert open_withdraw(Keyring({1: b"a" * 64, 3: b"c" * 64}, 3, b"s" * 64), old).masked == ""
