"""Decoders read what is there, never raise, and never make more than they got."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtp_gate.trackers.decode import compile_decoder
from smtp_gate.trackers.vendor import Decoder

TARGET = "https://shop.example/ä?b=c"


def decode(start: str, steps: tuple[str, ...], rest: str) -> str | None:
    return compile_decoder(Decoder(start, steps, ()))(rest)


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


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
    ],
)
def test_a_target_comes_out(start: str, steps: tuple[str, ...], rest: str) -> None:
    assert decode(start, steps, rest) == TARGET


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
    ],
)
def test_what_cannot_be_read_is_nothing(start: str, steps: tuple[str, ...], rest: str) -> None:
    assert decode(start, steps, rest) is None


@pytest.mark.parametrize("start", ["", "query:", "path:", "path:[", "path:/a", "path:(a)(b)", "header:x"])
def test_a_start_that_is_none_is_refused_with_the_choices(start: str) -> None:
    with pytest.raises(ValueError, match=r"query:NAME|regular expression"):
        compile_decoder(Decoder(start, (), ()))


@pytest.mark.parametrize("step", ["", "rot13", "json", "json:", "base64:x"])
def test_a_step_that_is_none_is_refused_with_the_choices(step: str) -> None:
    with pytest.raises(ValueError, match="urldecode, base64"):
        compile_decoder(Decoder("query:u", (step,), ()))


STEPS = st.lists(st.sampled_from(["urldecode", "base64", "base32", "json:a", "param:a"]), max_size=4).map(tuple)


@given(STEPS, st.text(max_size=80))
@settings(max_examples=200)
def test_no_step_raises_or_grows(steps: tuple[str, ...], text: str) -> None:
    out = decode("query:u", steps, "/c?u=" + text)
    assert out is None or len(out.encode()) <= len(text.encode("utf-8", "surrogatepass"))
