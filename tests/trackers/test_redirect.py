"""A redirect that nobody catalogued is known by what it shows; a link that has another one inside is left alone."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtp_gate.trackers.address import proper, split
from smtp_gate.trackers.redirect import embedded, evidence, holds_address

SHOP = "https://shop.example/a?x=1&y=2"
WHO = "8d0f9e3b7c6a5d4e3f2a1b0c"
"""Something that can stand for one person."""


def b64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def b32(text: str) -> str:
    return base64.b32encode(text.encode()).decode().rstrip("=")


def jwt(**claims: object) -> str:
    return ".".join((b64('{"alg":"HS256"}'), b64(json.dumps(claims)), "c2lnbmVk"))


def once(text: str) -> str:
    return quote(text, safe="")


def read(url: str) -> tuple[str | None, tuple[str, ...]]:
    """The address inside, and what speaks for a counted click."""
    place = split(url)
    assert place is not None
    inside = embedded(place[1])
    if inside is None:
        return None, ()
    assert holds_address(place[1])
    return inside.target, evidence(place[0], inside)


BY_PATH = ("redirect", "path", "token")
BY_HOST = ("redirect", "host", "token")


@pytest.mark.parametrize(
    ("url", "found"),
    [
        (f"https://www.acme.example/click?id={WHO}&url={once(SHOP)}", BY_PATH),
        (f"https://www.acme.example/click?id={WHO}&amp;url={once(SHOP)}", BY_PATH),
        (f"https://www.acme.example/click?id={WHO}&url={once(once(SHOP))}", BY_PATH),
        (f"https://www.acme.example/click?id={WHO}&redirectUrl={b64(SHOP)}", BY_PATH),
        (f"https://www.acme.example/click?id={WHO}&x9={b64(SHOP)}", BY_PATH),
        (f"https://www.acme.example/click/{WHO}?{b64(SHOP)}", BY_PATH),
        (f"https://www.acme.example/click/{WHO}?{once(SHOP)}", BY_PATH),
        (f"https://www.acme.example/click?id={WHO}&to={SHOP.encode().hex()}", BY_PATH),
        (f"https://www.acme.example/click?id={WHO}&to={b32(SHOP)}", BY_PATH),
        (f"https://www.acme.example/click?uid=7&url={once(SHOP)}", BY_PATH),
        (f"https://www.acme.example/lt.php?id=4815162342&u={once(SHOP)}", BY_PATH),
        (f"https://www.acme.example/ls/{WHO}/{once(SHOP)}", BY_PATH),
        (f"https://www.acme.example/c/{WHO}/{b64(SHOP)}/9", BY_PATH),
        (f"https://www.acme.example/c/{WHO}/{SHOP}", BY_PATH),
        (f"https://www.acme.example/c/{WHO}/{SHOP.replace('://', ':/')}", BY_PATH),
        (f"https://www.acme.example/c/{b64(json.dumps({'id': 7, 'url': SHOP}))}", BY_PATH),
        (f"https://www.acme.example/c/{b64(json.dumps({'id': 7, 'data': {'href': SHOP}}))}.c2lnbmVk", BY_PATH),
        (f"https://www.acme.example/c?p={b64(json.dumps({'s': 7, 'p': json.dumps({'url': SHOP})}))}", BY_PATH),
        (f"https://www.acme.example/c/{jwt(sub='ann', url=SHOP)}", BY_PATH),
        (f"https://www.acme.example/c?t={jwt(sub='ann', target=SHOP)}", BY_PATH),
        (f"https://click.acme.example/x/{WHO}?u={once(SHOP)}", BY_HOST),
        (f"https://url1234.acme.example/?k={WHO}&u={once(SHOP)}", BY_HOST),
        (f"https://email-links.acme.example/?k={WHO}&u={once(SHOP)}", ()),
        (f"https://acme.example/emailClick?k={WHO}&u={once(SHOP)}", BY_PATH),
    ],
)
def test_the_address_inside_is_read_in_every_form(url: str, found: tuple[str, ...]) -> None:
    assert read(url) == (SHOP, found)


@pytest.mark.parametrize(
    "url",
    [
        f"https://www.acme.example/sharer.php?id={WHO}&u={once(SHOP)}",
        f"https://click.acme.example/share?id={WHO}&url={once(SHOP)}",
        f"https://link.acme.example/intent/post?id={WHO}&url={once(SHOP)}",
        f"https://t.acme.example/translate?id={WHO}&u={once(SHOP)}",
        f"https://go.acme.example/login?sid={WHO}&url={once(SHOP)}",
        f"https://go.acme.example/oauth2/authorize?id={WHO}&redirect={once(SHOP)}",
        f"https://go.acme.example/magic-link?k={WHO}&redirect={once(SHOP)}",
        f"https://web.archive.example/web/20260101000000/click/{SHOP}",
        f"https://www.awin1.com/click?id={WHO}&ued={once(SHOP)}",
        f"https://redirect.viglink.com/?key={WHO}&u={once(SHOP)}",
        f"https://www.acme.example/click?utm_campaign=spring&url={once(SHOP)}",
        f"https://www.acme.example/news/{WHO}?url={once(SHOP)}",
        f"https://images.acme.example/fetch/w_300/{SHOP}",
        f"https://click.acme.example/{b64(SHOP)}",
    ],
)
def test_an_address_inside_is_no_evidence(url: str) -> None:
    assert read(url) == (SHOP, ())


@pytest.mark.parametrize(
    "url",
    [
        f"https://track.acme.example/parcel?id={WHO}&returnUrl={once(SHOP)}",
        f"https://www.acme.example/click?id={WHO}&back={once(SHOP)}",
        f"https://www.acme.example/click?id={WHO}&image={once(SHOP)}",
        f"https://www.acme.example/click?id={WHO}&note={once(SHOP)}",
        f"https://www.acme.example/click?id={WHO}&return={b64(SHOP)}",
        f"https://www.acme.example/click?id={WHO}&url={once('/relative')}",
        f"https://www.acme.example/click?id={WHO}&url={once('ftp://shop.example/')}",
        f"https://www.acme.example/click?id={WHO}&url={once('https://ann:secret@shop.example/')}",
        f"https://www.acme.example/click?id={WHO}&url={once('https:///')}",
        f"https://www.acme.example/click?id={WHO}&url={once(SHOP)}&u=https://other.example/",
        f"https://www.acme.example/c/{b64(json.dumps({'url': SHOP, 'link': 'https://other.example/'}))}",
        f"https://www.acme.example/c/{b64(json.dumps({'returnUrl': SHOP}))}",
        f"https://www.acme.example/c/{b64(json.dumps([SHOP]))}",
        f"https://www.acme.example/c/{b64('{')}",
        f"https://www.acme.example/c/eyJ{'h' * 40}",
        f"https://www.acme.example/c/{b64(SHOP)}*",
        f"https://www.acme.example/c/{SHOP.encode().hex()[:-1]}",
        f"https://www.acme.example/c/{b64('https')}",
        f"https://www.acme.example/c/aHR0c{b64(chr(255) * 9)}",
        "https://www.acme.example/http-status/eyJ",
    ],
)
def test_what_is_no_target_is_not_read(url: str) -> None:
    assert read(url) == (None, ())


def test_the_same_target_twice_is_one() -> None:
    assert read(f"https://www.acme.example/click/{WHO}?url={once(SHOP)}&u={b64(SHOP)}")[0] == SHOP


@given(
    st.lists(
        st.sampled_from(
            [
                *"/?&=.%",
                "amp;",
                "http://",
                "https:/",
                "%3A%2F%2F",
                "aHR0c",
                "eyJ",
                "68747470",
                "NB2HI4",
                "url",
                SHOP,
            ]
        )
        | st.text(max_size=3),
        max_size=12,
    ).map("".join)
)
@settings(max_examples=300)
def test_whatever_stands_in_a_path_what_is_read_is_proper(rest: str) -> None:
    inside = embedded("/" + rest)
    if inside is not None:
        assert holds_address(rest) or "HTTP" in rest.upper()
        assert proper(inside.target) == inside.target
        assert len(inside.beside) <= len(rest)
        evidence("click.acme.example", inside)
