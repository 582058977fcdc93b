"""Our trace line is one folded field of printable ASCII, whatever a client calls itself."""

from __future__ import annotations

import email

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtp_gate.model import Client
from smtp_gate.render.received import received

WHEN = "Tue, 24 Nov 2026 10:00:00 +0000"


def test_a_received_field() -> None:
    client = Client("192.0.2.1", "mx.acme.example", "ESMTPS")
    assert received(client, "gate.acme.example", "0af3", WHEN, b"alice@example.com") == (
        b"Received: from mx.acme.example ([192.0.2.1])\r\n"
        b"\tby gate.acme.example with ESMTPS id 0af3\r\n"
        b"\tfor <alice@example.com>;\r\n"
        b"\tTue, 24 Nov 2026 10:00:00 +0000\r\n"
    )


@pytest.mark.parametrize(
    ("peer", "helo", "said"),
    [
        ("2001:db8::1", "[IPv6:2001:db8::1]", b"from [IPv6:2001:db8::1] ([IPv6:2001:db8::1])\r\n"),
        ("192.0.2.1", "evil\r\nX: y", b"from unknown ([192.0.2.1])\r\n"),
        ("192.0.2.1", "évil", b"from unknown ([192.0.2.1])\r\n"),
        ("192.0.2.1", "", b"from unknown ([192.0.2.1])\r\n"),
        ("/run/gate.sock", "host", b"from host\r\n"),
    ],
)
def test_what_a_client_says_is_repeated_only_if_it_is_a_name(peer: str, helo: str, said: bytes) -> None:
    assert received(Client(peer, helo), "gate.example", "1", WHEN).startswith(b"Received: " + said)


@pytest.mark.parametrize(
    "recipient", [b"caf\xc3\xa9@example.com", b'"a b"@example.com', b"a>b@example.com", b"x\r\n"]
)
def test_a_recipient_that_is_not_printable_is_left_out(recipient: bytes) -> None:
    assert b"for" not in received(Client("192.0.2.1"), "gate.example", "1", WHEN, recipient)


@pytest.mark.parametrize(
    ("hostname", "message_id", "when"),
    [("gate\r\n", "1", WHEN), ("gate", "1 2", WHEN), ("gate", "1", "now;\n"), ("", "1", WHEN), ("gate", "é", WHEN)],
)
def test_our_own_words_are_checked(hostname: str, message_id: str, when: str) -> None:
    with pytest.raises(ValueError, match="printable"):
        received(Client("192.0.2.1"), hostname, message_id, when)


@given(st.text(max_size=300), st.text(max_size=60), st.binary(max_size=80))
def test_it_is_always_one_field(helo: str, peer: str, recipient: bytes) -> None:
    line = received(Client(peer, helo), "gate.example", "1", WHEN, recipient)
    assert line.isascii()
    assert max(map(len, line.split(b"\r\n"))) <= 998
    message = email.message_from_bytes(line + b"\r\nbody")
    assert message.keys() == ["Received"]
    assert message.defects == []
