"""Character references are resolved by the rule of the place they stand in."""

from __future__ import annotations

import html5lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtp_gate.scan.made import Made
from smtp_gate.scan.references import attribute_value, resolved, running_text

PIECES = [
    *(
        "&",
        "&amp;",
        "&amp",
        "&copy",
        "&copy;",
        "&not",
        "&notit;",
        "&notin;",
        "&lt",
        "&frac12",
        "&hellip",
        "&hellip;",
    ),
    *("&#38;", "&#38", "&#x26", "&#X3c;", "&#0;", "&#128;", "&#x9f;", "&#xD800;", "&#x110000;", "&#", "&#x", "&;"),
    *("=", ";", "a", "1", "x", "#", " ", "é", "&fjlig;", "&NotEqualTilde;", "&AMP", "&aMp;"),
]
written = st.lists(st.sampled_from(PIECES), max_size=8).map("".join)


@pytest.mark.parametrize(
    ("raw", "value"),
    [
        (b"http://h/?a=1&copy=3&lt=4", "http://h/?a=1&copy=3&lt=4"),
        (b"http://h/?a=1&amp;copy=3", "http://h/?a=1&copy=3"),
        (b"http://h/?a=1&sect;ion=2", "http://h/?a=1§ion=2"),
        (b"&amp;amp;", "&amp;"),
        (b"&#104;ttp&colon;&sol;&#x2F;h", "http://h"),
        (b"&#0000000000000000000000104;", "h"),
        (b"&#" + b"9" * 5000 + b";", "\ufffd"),
        (b"a\r\nb\rc\0", "a\nb\nc\ufffd"),
        (b"\xe9&amp;", "é&"),
    ],
)
def test_value_of_an_attribute(raw: bytes, value: str) -> None:
    assert attribute_value(raw) == value


@settings(max_examples=300, deadline=None)
@given(written)
def test_attribute_rule_is_that_of_the_standard(raw: str) -> None:
    (element,) = html5lib.parseFragment(f'<a title="{raw}">', namespaceHTMLElements=False)
    assert attribute_value(raw.encode()) == element.get("title")


@settings(max_examples=300, deadline=None)
@given(written)
def test_text_rule_is_that_of_the_standard(raw: str) -> None:
    (element,) = html5lib.parseFragment(f"<a>{raw}</a>", namespaceHTMLElements=False)
    assert running_text(raw.encode()) == (element.text or "")


@settings(max_examples=300, deadline=None)
@given(written, written)
def test_offsets_lead_back_to_what_was_written(before: str, after: str) -> None:
    raw = f"{before} url {after}".encode()
    made = Made()
    resolved(raw, made, 0, text=False)
    value = made.text()
    assert value.decode() == attribute_value(raw)
    place = value.index(b"url")
    assert raw[slice(*made.span(place, place + 3))] == b"url"
    assert made.span(0, len(value)) == (0, len(raw))
    starts = [made.span(at, at + 1).start for at in range(len(value))]
    assert starts == sorted(starts)
