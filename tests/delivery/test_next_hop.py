"""How a next hop is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtp_gate.delivery.next_hop import Capabilities, NextHop, Tls


@pytest.mark.parametrize(
    ("url", "hop", "name"),
    [
        ("smtp://relay", NextHop("relay", 25, Tls.OPPORTUNISTIC), "relay:25"),
        ("smtp://relay.example.net:2525?tls=required", NextHop("relay.example.net", 2525, Tls.REQUIRED), None),
        ("smtp://127.0.0.1:25?tls=none", NextHop("127.0.0.1", 25, Tls.NONE), "127.0.0.1:25"),
        ("smtp://[::1]:26/?tls=opportunistic&verify=no", NextHop("::1", 26, Tls.OPPORTUNISTIC), "[::1]:26"),
        ("smtps://relay", NextHop("relay", 465, Tls.REQUIRED, implicit=True), "relay:465"),
        ("smtps://relay?tls=opportunistic", NextHop("relay", 465, Tls.OPPORTUNISTIC, implicit=True), None),
        (
            "smtp://relay?tls=required&ca=/etc/relay.pem",
            NextHop("relay", 25, Tls.REQUIRED, ca=Path("/etc/relay.pem")),
            None,
        ),
    ],
)
def test_read(url: str, hop: NextHop, name: str | None) -> None:
    assert NextHop.parse(url) == hop
    assert name in (None, hop.name)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("relay:25", "starts with smtp://"),
        ("http://relay", "starts with smtp://"),
        ("smtp://", "smtp://HOST"),
        ("smtp://relay/path", "smtp://HOST"),
        ("smtp://relay:port", "port is a number"),
        ("smtp://relay:0", "port is a number"),
        ("smtp://relay:99999", "port is a number"),
        ("smtp://relay?tls=maybe", "none, opportunistic, required"),
        ("smtp://relay?tls", "name=value"),
        ("smtp://relay?tls=none&tls=none", "twice"),
        ("smtp://relay?color=red", "'color'"),
        ("smtp://relay?tls=required&verify=no", "verified with tls=required"),
        ("smtp://relay?verify=yes", "verified with tls=required"),
        ("smtp://relay?ca=x.pem", "needs tls=required"),
        ("smtps://relay?tls=none", "contradicts"),
    ],
)
def test_a_mistake_is_named_with_its_cure(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        NextHop.parse(url)


@pytest.mark.parametrize("url", ["smtp://user:secret@relay", "lmtp://user:secret@relay"])
def test_a_password_is_not_repeated(url: str) -> None:
    with pytest.raises(ValueError, match=r"^'[a-z]+://relay'") as caught:
        NextHop.parse(url)
    assert "secret" not in str(caught.value)


def test_what_two_hops_take_is_what_both_take() -> None:
    one = Capabilities(1000, eightbit=True, smtputf8=True, dsn=False, pipelining=True)
    two = Capabilities(2000, eightbit=True, smtputf8=False, dsn=True, pipelining=True)
    assert one & two == Capabilities(1000, eightbit=True, smtputf8=False, dsn=False, pipelining=True)
