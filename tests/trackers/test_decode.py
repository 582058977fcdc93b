"""Decoders read what is there, never raise, and never make more than they got."""

from __future__ import annotations

import base64
import json
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtp_gate.limits import MAX_INFLATED
from smtp_gate.trackers.decode import compile_decoder
from smtp_gate.trackers.vendor import Decoder

TARGET = "https://shop.example/ä?b=c"


def decode(start: str, steps: tuple[str, ...], rest: str) -> str | None:
    return compile_decoder(Decoder(start, steps, ()))(rest)


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def deflated(data: bytes) -> str:
    return base64.urlsafe_b64encode(zlib.compress(data)).decode().rstrip("=")


def headed(number: int, value: bytes) -> bytes:
    """A field: its number and length; what is longer than 255 octets has a length of two."""
    width = 1 if len(value) < 256 else 2
    return bytes([0x40 * width + number]) + len(value).to_bytes(width, "little") + value


def fields(*pieces: tuple[int, bytes | None]) -> str:
    """SparkPost's payload: numbers with a value, and numbers that say all they have to say."""
    octets = b"".join(bytes([number]) if value is None else headed(number, value) for number, value in pieces)
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


@pytest.mark.parametrize(
    ("start", "steps", "rest"),
    [
        ("query:u", ("urldecode",), "/c?a=1&u=https%3A%2F%2Fshop.example%2F%C3%A4%3Fb%3Dc&z=2"),
        ("query:u", ("urldecode",), "/c?a=1&amp;u=https%3A%2F%2Fshop.example%2F%C3%A4%3Fb%3Dc"),
        ("query:u", ("base64",), "/c?u=" + b64(TARGET)),
        ("query:u", ("base64",), "/c?u=" + b64(TARGET).rstrip("=").replace("+", "-").replace("/", "_")),
        ("path:/c/([^/]+)/", ("base32",), f"/c/{base64.b32encode(TARGET.encode()).decode().rstrip('=').lower()}/x"),
        ("query:p", ("base64", "json:p", "json:url"), "/?p=" + b64(json.dumps({"p": json.dumps({"url": TARGET})}))),
        (
            "query:p",
            ("urldecode", "param:to"),
            "/?p=a%3D1%26to%3Dhttps%253A%252F%252Fshop.example%252F%25C3%25A4%253Fb%253Dc",
        ),
        ("query:p", ("base64", "json:p", "json:url"), "/?p=" + b64(json.dumps({"p": {"url": TARGET}}))),
        ("query:u", ("hex",), "/c?u=" + TARGET.encode().hex().upper()),
        (
            "path:/c/([^/]+)",
            ("base64", "zlib", "param:l"),
            "/c/" + deflated(b"h=1&l=https://shop.example/%C3%A4%3Fb%3Dc"),
        ),
        ("path:/c/([^/]+)", ("prefix:https://",), "/c/shop.example"),
        (
            "path:/f/([^/]+)",
            ("base64", "sparkpost"),
            "/f/" + fields((6, b"1234"), (63, None), (4, TARGET.encode()), (18, b"ann@acme.example")),
        ),
        ("path:/f/([^/]+)", ("base64", "sparkpost"), "/f/" + fields((6, b"a" * 700), (4, TARGET.encode()))),
        ("path:/c/([^/]+)", ("jwt:url",), f"/c/{b64('{}')}.{b64(json.dumps({'url': TARGET}))}.c2lnbmVk"),
    ],
)
def test_a_target_comes_out(start: str, steps: tuple[str, ...], rest: str) -> None:
    assert decode(start, steps, rest) == (TARGET if "prefix" not in steps[0] else "https://shop.example")


@pytest.mark.parametrize(
    ("start", "steps", "rest"),
    [
        ("query:u", (), "/c?uu=x"),
        ("query:u", (), "/c?u="),
        ("query:u", (), "/u=x"),
        ("query:u", ("base64",), "/c?u=%%%"),
        ("query:u", ("base64",), "/c?u=" + base64.b64encode(b"\xff\xfe\xfd").decode()),
        ("query:u", ("base32",), "/c?u=1"),
        ("query:u", ("json:a",), "/c?u=[1]"),
        ("query:u", ("json:a",), '/c?u={"a":1}'),
        ("query:u", ("json:a",), "/c?u=" + "[" * 5000),
        ("query:u", ("json:a", "urldecode"), "/c?u={}"),
        ("query:u", ("param:a",), "/c?u=b"),
        ("query:u", ("hex",), "/c?u=abc"),
        ("query:u", ("hex",), "/c?u=xy"),
        ("query:u", ("base64", "zlib"), "/c?u=" + b64("no stream")),
        ("query:u", ("base64", "zlib"), "/c?u=" + deflated(b"https://shop.example/" * 9)[:-8]),
        ("query:u", ("base64", "sparkpost"), "/c?u=" + fields((6, b"1234"), (18, b"ann@acme.example"))),
        ("query:u", ("base64", "sparkpost"), "/c?u=" + fields((4, TARGET.encode()))[:-4]),
        ("query:u", ("base64", "sparkpost"), "/c?u=" + base64.b64encode(b"\x44").decode()),
        ("query:u", ("base64", "sparkpost"), "/c?u=" + base64.b64encode(b"\x84\x01a\x44\x01b").decode()),
        ("query:u", ("base64", "sparkpost"), "/c?u=" + base64.b64encode(b"\xc1\x01\x00\x00\x44\x01b").decode()),
        ("query:u", ("jwt:url",), "/c?u=" + b64('{"url": "x"}')),
        ("query:u", ("jwt:url",), "/c?u=a.%%%.c"),
        ("query:u", ("jwt:url",), f"/c?u=a.{b64('{}')}.c"),
    ],
)
def test_what_cannot_be_read_is_nothing(start: str, steps: tuple[str, ...], rest: str) -> None:
    assert decode(start, steps, rest) is None


@pytest.mark.parametrize(("size", "read"), [(MAX_INFLATED, True), (MAX_INFLATED + 1, False)])
def test_what_was_compressed_grows_to_its_limit_only(size: int, *, read: bool) -> None:
    out = decode("query:u", ("base64", "zlib"), "/c?u=" + deflated(b"a" * size))
    assert out == ("a" * size if read else None)


@pytest.mark.parametrize("start", ["", "query:", "path:", "path:[", "path:/a", "path:(a)(b)", "header:x"])
def test_a_start_that_is_none_is_refused_with_the_choices(start: str) -> None:
    with pytest.raises(ValueError, match=r"query:NAME|regular expression"):
        compile_decoder(Decoder(start, (), ()))


@pytest.mark.parametrize("step", ["", "rot13", "json", "json:", "jwt:", "base64:x", "zlib:1", "prefix:"])
def test_a_step_that_is_none_is_refused_with_the_choices(step: str) -> None:
    with pytest.raises(ValueError, match="urldecode, base64"):
        compile_decoder(Decoder("query:u", (step,), ()))


STEPS = st.lists(
    st.sampled_from(["urldecode", "base64", "base32", "hex", "sparkpost", "json:a", "jwt:a", "param:a"]), max_size=4
).map(tuple)


@given(STEPS, st.text(max_size=80))
@settings(max_examples=200)
def test_no_step_raises_or_grows(steps: tuple[str, ...], text: str) -> None:
    out = decode("query:u", steps, "/c?u=" + text)
    assert out is None or len(out.encode()) <= len(text.encode("utf-8", "surrogatepass"))
