"""XFORWARD: decoded, printable, known names only."""

from __future__ import annotations

import pytest

from smtp_gate.listener.xforward import read_xforward
from smtp_gate.replies import BAD_ARGUMENT


def test_attributes_add_up_over_commands() -> None:
    first = read_xforward(b"NAME=spike.example ADDR=192.0.2.4 PROTO=ESMTP", {})
    assert first == {"NAME": "spike.example", "ADDR": "192.0.2.4", "PROTO": "ESMTP"}
    assert isinstance(first, dict)
    assert read_xforward(b"ident=4Kq1Xy HELO=a+20b ADDR=IPV6:2001:db8::1", first) == {
        "NAME": "spike.example",
        "ADDR": "IPV6:2001:db8::1",
        "PROTO": "ESMTP",
        "IDENT": "4Kq1Xy",
        "HELO": "a b",
    }


@pytest.mark.parametrize("value", [b"[UNAVAILABLE]", b"[tempunavail]", b"+5BUNAVAILABLE+5D"])
def test_unavailable_takes_an_attribute_away(value: bytes) -> None:
    assert read_xforward(b"NAME=" + value + b" PORT=25", {"NAME": "old", "IDENT": "Q"}) == {
        "IDENT": "Q",
        "PORT": "25",
    }


@pytest.mark.parametrize(
    "argument",
    [
        b"",
        b"IDENT",
        b"IDENT=",
        b"IDENT=a+",
        b"IDENT=a+0",
        b"IDENT=a+0Db",
        b"IDENT=a+00",
        b"IDENT=a+FF",
        b"IDENT=\xff",
        b"LOGIN=root",
        b"\xff=a",
        b"IDENT=" + b"a" * 256,
        b"NAME=good LOGIN=bad",
    ],
)
def test_a_faulty_command_changes_nothing(argument: bytes) -> None:
    known = {"IDENT": "Q"}
    assert read_xforward(argument, known) is BAD_ARGUMENT
    assert known == {"IDENT": "Q"}
