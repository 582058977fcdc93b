"""The recipient's own address is found in every form that vendors write it in, and nothing else is."""

from __future__ import annotations

import base64
import hashlib
import json
import string
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtp_gate.limits import MAX_INFLATED, MAX_URL
from smtp_gate.trackers.recipient import Recipients

ALICE = b"alice.martin@acme.example"
MIXED = b"Alice.Martin@Acme.example"
WEB = "https://t.example/"


def url64(octets: bytes) -> str:
    """base64url without padding, as addresses carry it."""
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def url32(octets: bytes) -> str:
    """base32 without padding."""
    return base64.b32encode(octets).decode().rstrip("=")


def in_json(octets: bytes) -> bytes:
    """As one of several members."""
    return json.dumps({"list": 17, "to": octets.decode()}).encode()


FORMS = {
    "clear": (f"{WEB}o/{ALICE.decode()}.gif", "address"),
    "clear behind a sign": (f"{WEB}o/mailto:{ALICE.decode()}", "address"),
    "percent": (f"{WEB}o?who=Alice.Martin%40acme.example&m=1", "address"),
    "percent twice": (f"{WEB}o?who=alice.martin%2540acme.example", "address"),
    "hex": (f"{WEB}o/{ALICE.hex()}", "hex"),
    "HEX": (f"{WEB}o/{ALICE.hex().upper()}", "hex"),
    "base64": (f"{WEB}o/{url64(ALICE)}", "base64"),
    "base64 second place": (f"{WEB}o/{url64(b'1' + ALICE + b'2')}", "base64"),
    "base64 third place": (f"{WEB}o/{url64(b'12' + ALICE)}/x", "base64"),
    "base64 with a slash before": (f"{WEB}id_{url64(ALICE)}", "base64"),
    "base64 of other case": (f"{WEB}o/{url64(MIXED)}", "base64"),
    "JSON in base64": (f"{WEB}o/{url64(in_json(ALICE))}", "base64"),
    "JWT": (f"{WEB}o/{url64(b'{}')}.{url64(in_json(ALICE))}.c2lnbmVk", "base64"),
    "base32": (f"{WEB}o/{url32(ALICE)}", "encoded"),
    "base32 in small letters": (f"{WEB}o/{url32(in_json(ALICE)).lower()}", "encoded"),
    "zlib": (f"{WEB}c/{url64(zlib.compress(in_json(ALICE)))}", "encoded"),
    "base64 in JSON in base64": (f"{WEB}c/{url64(json.dumps({'d': url64(ALICE)}).encode())}", "encoded"),
    "hex in base64": (f"{WEB}c/{url64(ALICE.hex().encode())}", "encoded"),
    "MD5": (f"{WEB}o?h={hashlib.md5(ALICE).hexdigest()}", "md5"),  # noqa: S324 - as vendors do
    "MD5 of other case": (f"{WEB}o?h={hashlib.md5(MIXED).hexdigest()}", "md5"),  # noqa: S324 - as vendors do
    "SHA-1": (f"{WEB}o/{hashlib.sha1(ALICE).hexdigest()}.png", "sha1"),  # noqa: S324 - as vendors do
    "zlib behind another script": (f"{WEB}c/новости{url64(zlib.compress(in_json(ALICE)))}", "encoded"),
    "SHA-256": (f"{WEB}o?h={hashlib.sha256(ALICE).hexdigest().upper()}", "sha256"),
    "SHA-256 in base64": (f"{WEB}o/{url64(hashlib.sha256(ALICE).digest())}", "encoded"),
    "MD5 in base64": (f"{WEB}o/{url64(hashlib.md5(ALICE).digest())}", "encoded"),  # noqa: S324 - as vendors do
    "base64 of MD5 in hex": (f"{WEB}o/{url64(hashlib.md5(ALICE).hexdigest().encode())}", "encoded"),  # noqa: S324
    "two values": (f"{WEB}o?user=alice.martin&host=acme.example", "parts"),
    "in the host": (f"https://{ALICE.hex()}.t.example/o.gif", "hex"),
}


@pytest.mark.parametrize(("url", "form"), FORMS.values(), ids=FORMS)
def test_every_form_is_found(url: str, form: str) -> None:
    people = Recipients([b"bob@example.com", MIXED])
    assert people.personal(["https://acme.example/", url]) == {url: form}


@pytest.mark.parametrize(
    "url",
    [
        "https://acme.example/",
        "https://acme.example/alice.martin",  # her page on her company's site is nobody's counter
        "https://t.example/o/malice.martin@acme.example",
        "https://t.example/o/alice.martin@acme.other.example",
        f"https://t.example/page#{ALICE.decode()}",  # never sent
        f"https://t.example/o/{url64(b'bob@example.com')}",
        f"https://t.example/o/{hashlib.sha256(b'bob@example.com').hexdigest()}",
        "https://shop.example/collections/autumn-2026/blue-shirt-extra-large?utm_campaign=autumn2026",
        "https://t.example/o?user=alice.martin&host=example.com",
        "https://t.example/o/été1234567890abcdefghi/é1234567890éèêëàâäôöùûü",
    ],
)
def test_other_addresses_are_left(url: str) -> None:
    assert Recipients([ALICE]).personal([url]) == {}


@pytest.mark.parametrize("address", [b"", b"postmaster", b"a@b@c", b"@", b"\xff\xfe@example.com", b"%@%"])
def test_odd_paths_hurt_nothing(address: bytes) -> None:
    assert Recipients([address]).personal(["https://shop.example/a?b=c"]) == {}


@pytest.mark.parametrize(("address", "found"), [(b"a@b.c", False), (b"a@b.fr", True)])
def test_very_short_addresses_are_not_looked_for(address: bytes, *, found: bool) -> None:
    assert bool(Recipients([address]).personal([WEB + "?e=" + address.decode()])) is found


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        (f"{WEB}page?e={ALICE.decode()}&utm_source=news", f"{WEB}page?utm_source=news"),
        (f"{WEB}page?utm_source=news&h={hashlib.sha256(ALICE).hexdigest()}", f"{WEB}page?utm_source=news"),
        (f"{WEB}page?a=1&amp;k={url64(in_json(ALICE))}&amp;b=2#top", f"{WEB}page?a=1&amp;b=2#top"),
        (f"{WEB}page?k={url64(ALICE)}&amp;b=2", f"{WEB}page?b=2"),
        (f"{WEB}page?k={url64(ALICE)}#top", f"{WEB}page#top"),
        (f"{WEB}page?u=alice.martin&d=acme.example&n=1", f"{WEB}page?n=1"),
        (f"{WEB}{url64(ALICE)}?n=1", None),
        (f"{WEB}{url64(ALICE)}", None),
    ],
)
def test_parameters_that_hold_the_recipient_go(url: str, clean: str | None) -> None:
    assert Recipients([ALICE]).without(url) == clean


@pytest.mark.parametrize(("size", "found"), [(MAX_URL, True), (MAX_URL + 1, False)])
def test_an_address_is_read_up_to_its_limit(size: int, *, found: bool) -> None:
    url = f"{WEB}?e=".ljust(size - len(ALICE), "x") + "." + ALICE.decode()
    url = url.replace("x.", "/", 1)
    assert len(url) == size
    assert bool(Recipients([ALICE]).personal([url])) is found


@pytest.mark.parametrize(
    ("before", "found"), [(MAX_INFLATED - len(ALICE), True), (MAX_INFLATED - len(ALICE) + 1, False)]
)
def test_what_is_inflated_is_read_up_to_its_limit(before: int, *, found: bool) -> None:
    url = WEB + url64(zlib.compress(b" " * before + ALICE))
    assert bool(Recipients([ALICE]).personal([url])) is found


ADDRESSES = st.builds(
    lambda local, domain: f"{local}@{domain}.example".encode(),
    st.text(string.ascii_letters + string.digits + "+._-", min_size=1, max_size=20),
    st.text(string.ascii_lowercase, min_size=1, max_size=12),
)


@given(ADDRESSES, st.binary(max_size=12), st.binary(max_size=12))
def test_base64_gives_an_address_away_whatever_stands_round_it(
    address: bytes, before: bytes, behind: bytes
) -> None:
    assert Recipients([address]).personal([WEB + url64(before + address + behind)])


@given(ADDRESSES, st.text(max_size=200) | st.text("aé1Ж_-+/=%?", min_size=16, max_size=60))
def test_nothing_makes_it_fail(address: bytes, text: str) -> None:
    people = Recipients([address])
    for url in people.personal([WEB + text, text]):
        people.without(url)
