"""Peers by network, and binds that would make an open relay."""

from __future__ import annotations

import pytest

from smtp_gate.errors import ConfigError
from smtp_gate.listener.peers import Peers, check_binds


@pytest.mark.parametrize(
    ("cidrs", "address", "allowed"),
    [
        (["192.0.2.0/24"], "192.0.2.7", True),
        (["192.0.2.0/24"], "192.0.3.7", False),
        (["192.0.2.7"], "192.0.2.7", True),
        (["192.0.2.0/24"], "::ffff:192.0.2.7", True),
        (["192.0.2.0/24"], "2001:db8::1", False),
        (["2001:db8::/32"], "2001:db8::1", True),
        (["192.0.2.0/24"], "127.0.0.1", False),
        (["192.0.2.0/24"], "", False),
        (["192.0.2.0/24"], "/run/socket", False),
        ([], "127.0.0.1", True),
        ([], "10.1.2.3", True),
        ([], "fe80::1%eth0", True),
        ([], "192.0.2.7", False),
        ([], "8.8.8.8", False),
    ],
)
def test_who_may_connect(cidrs: list[str], address: str, allowed: bool) -> None:
    peers = Peers(cidrs)
    assert [peers.allow(address) for _ in range(2)] == [allowed] * 2


def test_the_memory_of_answers_is_bounded_and_forgetting_changes_none() -> None:
    peers = Peers(["10.1.0.0/16"])
    addresses = [f"10.{net}.{host // 256}.{host % 256}" for net in (1, 2) for host in range(1500)]
    answers = [address.startswith("10.1.") for address in addresses]
    assert [peers.allow(address) for address in addresses] == answers
    assert len(peers._asked) <= 1000
    assert [peers.allow(address) for address in addresses] == answers


@pytest.mark.parametrize(
    ("cidr", "cure"),
    [
        ("10.0.0.1/8", "'10.0.0.1/8' has bits beyond its prefix: write '10.0.0.0/8'"),
        ("mail.example", "'mail.example' is no network: write one such as 10.0.0.0/8 or 192.0.2.7"),
        ("10.0.0.0/33", "'10.0.0.0/33' is no network: write one such as 10.0.0.0/8 or 192.0.2.7"),
    ],
)
def test_an_entry_that_is_no_network_is_named_with_its_cure(cidr: str, cure: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Peers(["127.0.0.1", cidr], place="gate.yaml:4:10")
    assert str(caught.value) == f"gate.yaml:4:10: listen.allow[1]: {cure}"


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "[::1]", "localhost", "10.0.0.5", "192.168.1.1", "fd00::1"])
def test_a_private_bind_needs_no_list(host: str) -> None:
    check_binds([("listen.smtp", host)], [])


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "[::]", "192.0.2.1", "2001:db8::1", "mail.example", ""])
def test_a_public_bind_without_a_list_is_refused(host: str) -> None:
    with pytest.raises(ConfigError) as caught:
        check_binds([("listen.lmtp", "127.0.0.1"), ("listen.smtp", host)], [], place="gate.yaml:3:3")
    assert str(caught.value).startswith(f"gate.yaml:3:3: listen.smtp: {host!r} can be reached from outside")
    assert "name the networks" in str(caught.value)
    check_binds([("listen.smtp", host)], ["192.0.2.0/24"])


@pytest.mark.parametrize("everybody", ["0.0.0.0/0", "::/0", "0.0.0.0/0.0.0.0"])
def test_a_public_bind_that_allows_everybody_is_refused(everybody: str) -> None:
    with pytest.raises(ConfigError, match="which is everybody"):
        check_binds([("listen.smtp", "0.0.0.0")], ["10.0.0.0/8", everybody])
