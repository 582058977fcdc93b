"""Addresses in two halves: what all copies share, and what differs from reader to reader."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtp_gate.limits import MAX_URL
from smtp_gate.trackers.skeleton import MAX_SHAPE, MIN_DIGITS, MIN_MIXED, is_tracking_host, skeleton


@pytest.mark.parametrize(
    ("url", "shape", "value"),
    [
        (
            "https://go.acme.example/c/Xk3jd9QpTz?u=https%3A%2F%2Fshop.example%2F",
            "go.acme.example/c/{}?u=@",
            "Xk3jd9QpTz",
        ),
        ("https://shop.example/orders/12345", "shop.example/orders/{#}", "12345"),
        ("https://shop.example/parcel/JD014600006281230704", "shop.example/parcel/{#}", "JD014600006281230704"),
        ("https://cdn.shop.example/img/8f3a9bd7c1.PNG?v=3", "cdn.shop.example/img/{}.png", "8f3a9bd7c1"),
        ("https://acme.example/landing?utm_source=x&uid=83fj29d", "acme.example/landing?uid={}", "83fj29d"),
        ("https://acme.example/?e=ann%40acme.example", "acme.example/?e={}", "ann%40acme.example"),
        ("https://acme.example/?AbC123token", "acme.example/?{}", "AbC123token"),
        ("https://a1b2c3d4.trk.acme.example/x", "{}.trk.acme.example/x", "a1b2c3d4"),
        ("HTTPS://Shop.Example:443/o/9f3c1a.gif#top", "shop.example/o/{}.gif", "9f3c1a"),
        ("https://shop.example/a1b2c/x/d3e4f", "shop.example/{}/x/{}", "a1b2c\nd3e4f"),
    ],
)
def test_what_can_vary_is_taken_out(url: str, shape: str, value: str) -> None:
    assert skeleton(url) == (shape, value)


@pytest.mark.parametrize(
    "url",
    [
        "https://www.acme.example/",
        "https://www.acme.example",
        "https://www.acme.example/about-us/team.html",
        "https://www.acme.example/blog/2024/11/24/a-chair-with-4-legs?utm_campaign=autumn&page=2",
        "https://www.acme.example/c",
        "mailto:ann@acme.example",
        "#top",
        "",
    ],
)
def test_words_and_small_numbers_are_the_same_for_everybody(url: str) -> None:
    assert skeleton(url) is None


@pytest.mark.parametrize("url", ["https://acme.example/c/abcdefgh", "https://go.acme.example/abcdefgh"])
def test_behind_a_redirects_word_and_on_a_redirects_host_words_are_values_too(url: str) -> None:
    halves = skeleton(url)
    assert halves is not None
    assert halves.value == "abcdefgh"


def test_where_asked_the_last_piece_is_a_value_whatever_it_looks_like() -> None:
    assert skeleton("https://acme.example/abcdefgh") is None
    assert skeleton("https://acme.example/abcdefgh", loose=True) == ("acme.example/{}", "abcdefgh")


@pytest.mark.parametrize(
    ("host", "tracking"),
    [
        ("go.acme.example", True),
        ("url1234.acme.example", True),
        ("www.acme.example", False),
        ("shop.acme.example", False),
        ("t.example", False),
    ],
)
def test_first_labels_that_tools_propose(host: str, *, tracking: bool) -> None:
    assert is_tracking_host(host) is tracking


@pytest.mark.parametrize(
    ("piece", "varies"),
    [
        ("1" * (MIN_DIGITS - 1), False),
        ("1" * MIN_DIGITS, True),
        ("7a" + "b" * (MIN_MIXED - 3), False),
        ("7a" + "b" * (MIN_MIXED - 2), True),
        ("bcdfg", False),
        ("bcdfgh", True),
    ],
)
def test_from_so_many_characters_on_a_piece_is_a_value(piece: str, *, varies: bool) -> None:
    assert (skeleton(f"https://acme.example/page/{piece}") is not None) is varies


def test_what_is_too_long_has_no_skeleton_and_what_is_beyond_an_address_is_not_looked_at() -> None:
    head = "https://acme.example/"
    fits = MAX_SHAPE - len("acme.example/") - len("/{#}")
    assert skeleton(head + "a" * fits + "/12345") is not None
    assert skeleton(head + "a" * (fits + 1) + "/12345") is None
    assert skeleton((head + "about?").ljust(MAX_URL, "&") + "uid=12345") is None


@given(st.text(max_size=80), st.text(alphabet="abcdef0123456789/?&=%.@{}#\n", max_size=80))
def test_any_text_has_a_skeleton_or_none(odd: str, rest: str) -> None:
    for url in (odd, "https://acme.example/" + rest, "https://" + odd + "/" + rest):
        for loose in (False, True):
            halves = skeleton(url, loose=loose)
            assert halves is None or len(halves.shape) <= MAX_SHAPE


@given(st.from_regex(r"[a-zA-Z0-9_]{1,20}", fullmatch=True), st.sampled_from(["c", "click", "o", "r"]))
def test_two_values_in_one_place_have_one_shape(token: str, word: str) -> None:
    first, second = (
        skeleton(f"https://go.acme.example/{word}/x9{token}"),
        skeleton(f"https://go.acme.example/{word}/y8b"),
    )
    assert first is not None
    assert second is not None
    assert first.shape == second.shape
