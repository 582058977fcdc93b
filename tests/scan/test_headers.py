"""Headers are read as they stand: the first empty line ends them, the first of two equal fields counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtp_gate.scan.headers import (
    body_start,
    content_fields,
    fields,
    header_size,
    parameters,
    receipt_fields,
    received_count,
    token,
)

MAIL = (
    b"Received: from a\r\n by b\r\nreceived : from c\r\nSubject: one\r\n\ttwo\r\nX-Empty:\r\n"
    b"X-Caf\xe9: not a field\r\n"
    b"X-Latin: caf\xe9\r\nno field at all\r\nsubject: three\r\n\r\nReceived: not in the header\r\n"
)


def test_fields_are_unfolded_and_keep_their_order() -> None:
    found = fields(MAIL)
    assert found["subject"] == ("one\ttwo", "three")
    assert found["x-empty"] == ("",)
    assert found["x-latin"] == ("caf\xe9",)
    assert list(found) == ["received", "subject", "x-empty", "x-latin"]


def test_fields_that_ask_for_a_reading_receipt_are_found_with_their_line_ends() -> None:
    mail = (
        b"DISPOSITION-Notification-To : a@b.example,\r\n\tc@d.example\r\nSubject: x\r\nreturn-receipt-to: a\r\n"
        b"X-Return-Receipt-To: b\r\nX-Confirm-Reading-To:\r\n\r\nReturn-Receipt-To: no\r\n"
    )
    assert [mail[slice(*field)] for field in receipt_fields(mail)] == [
        b"DISPOSITION-Notification-To : a@b.example,\r\n\tc@d.example\r\n",
        b"return-receipt-to: a\r\n",
        b"X-Confirm-Reading-To:\r\n",
    ]
    assert receipt_fields(b"Return-Receipt-To: a") == ((0, 20),)


def test_received_fields_of_the_header_alone_are_counted() -> None:
    assert received_count(MAIL) == 2
    assert received_count(MAIL.replace(b"\r\n", b"\n")) == 2


def test_the_header_ends_behind_the_first_empty_line() -> None:
    assert MAIL[header_size(MAIL) :].startswith(b"Received: not")
    lines = MAIL.replace(b"\r\n", b"\n")
    assert lines[header_size(lines) :].startswith(b"Received: not")


@pytest.mark.parametrize(
    ("entity", "size"),
    [(b"", 0), (b"\r\nbody", 2), (b"\nbody", 1), (b"A: b", 4), (b"A: b\r\n", 6), (b"A: b\n\n\r\n\r\n", 6)],
)
def test_headers_of_few_lines(entity: bytes, size: int) -> None:
    assert body_start(entity, 0, len(entity)) == size


def test_a_header_does_not_reach_beyond_its_entity() -> None:
    assert body_start(b"A: b\r\n\r\n", 0, 6) == 6


def test_of_two_content_fields_the_first_counts() -> None:
    part = b"Content-Type: text/html\r\nCONTENT-TYPE: text/plain\r\nContent-Transfer-Encoding : base64\r\n\r\n"
    assert content_fields(part, 0, len(part)) == {b"type": b"text/html", b"transfer-encoding": b"base64"}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b"Text/HTML; charset=x", "text/html"),
        (b"  (odd) text/plain (comment; with) ; a=b", "text/plain"),
        (b"Quoted-Printable ", "quoted-printable"),
        (b'"base64"', "base64"),
        (b"text/html charset=utf-8", "text/html"),
        (b"", ""),
        (b";x=y", ""),
    ],
)
def test_the_token_stands_before_the_parameters(value: bytes, said: str) -> None:
    assert token(value) == said


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b"text/html", {}),
        (b"a/b; Charset=UTF-8", {"charset": b"UTF-8"}),
        (b'a/b; boundary="a b; c=d"', {"boundary": b"a b; c=d"}),
        (b'a/b; boundary="a\\"b\\\\"', {"boundary": b'a"b\\'}),
        (b"a/b; charset=one; charset=two", {"charset": b"one"}),
        (b"a/b; charset=utf-8 (Unicode; x=y)", {"charset": b"utf-8"}),
        (b"a/b (c=d; (e)) ;f=g", {"f": b"g"}),
        (b'a/b; x="(no comment)"', {"x": b"(no comment)"}),
        (b"a/b; boundary=--=_Part(1)", {"boundary": b"--=_Part(1)"}),
        (b"a/b;charset = utf-8;;", {"charset": b"utf-8"}),
        (b"a/b; charset*=us-ascii'en'utf%2D8", {"charset": b"utf-8"}),
        (b'a/b; boundary*0="one-"; boundary*1="two"', {"boundary": b"one-two"}),
        (b"a/b; boundary*1=two; boundary*0*=x'y'on%65; boundary*3=lost", {"boundary": b"onetwo"}),
        (b"a/b; charset=plain; charset*0=other", {"charset": b"plain"}),
        (b'a/b; boundary="not closed', {"boundary": b'"not'}),
    ],
)
def test_parameters(value: bytes, said: dict[str, bytes]) -> None:
    assert parameters(value) == said


@given(
    st.lists(st.sampled_from([b";", b'"', b"(", b")", b"\\", b"=", b"*", b"0", b"'", b"%", b" ", b"a", b"\xff"]))
)
def test_any_value_gives_parameters(pieces: list[bytes]) -> None:
    value = b"".join(pieces)
    assert all(isinstance(text, bytes) for text in parameters(value).values())
    assert token(value) == token(value).lower()


@pytest.mark.timeout(5)
@pytest.mark.parametrize("unit", [b';a="', b';a=\\"', b"(", b"(\\", b"; a ", b"\n ", b";a*0=b", b'"', b"a:", b" :"])
def test_long_hostile_values_take_linear_time(unit: bytes) -> None:
    value = unit * (300_000 // len(unit))
    parameters(value)
    token(value)
    fields(value)
    content_fields(b"Content-Type:" + value, 0, len(value))
