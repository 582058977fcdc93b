"""Who may connect, and whether a bind is safe to open.

A gate that takes mail from everybody is an open relay. So there is no way to start one that listens beyond this
machine and its private networks without saying from whom it takes mail.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING, Final

from smtp_gate.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PRIVATE: Final = (
    "127.0.0.0/8",
    "::1/128",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "fc00::/7",
    "fe80::/10",
)
"""This machine and private networks (RFC 1918, RFC 4193, link-local): who may connect when ``allow`` is empty."""
_REMEMBERED: Final = 1000
"""Addresses whose answer is kept: a gate has few clients, and each mail asks twice."""


class Peers:
    """A set of networks; immutable."""

    def __init__(self, cidrs: Sequence[str] = (), *, place: str = "", key: str = "listen.allow") -> None:
        """Read networks.

        Args:
            cidrs: such as ``10.0.0.0/8``, ``192.0.2.7`` or ``2001:db8::/32``; empty means :data:`PRIVATE`.
            place: file and position, for the error.
            key: dotted key of the list, for the error.

        Raises:
            ConfigError: for an entry that is no network, with the entry and the cure.
        """
        networks = []
        for number, cidr in enumerate(cidrs or PRIVATE):
            try:
                networks.append(ip_network(cidr))
            except ValueError:
                raise ConfigError(place, f"{key}[{number}]", f"{cidr!r} {_cure(cidr)}") from None
        self._networks = tuple(networks)
        self._asked: dict[str, bool] = {}

    def allow(self, address: str) -> bool:
        """Whether a client at this IP address belongs to them; anything that is no IP address does not."""
        answer = self._asked.get(address)
        if answer is None:
            if len(self._asked) >= _REMEMBERED:
                self._asked.clear()
            answer = self._asked[address] = self._holds(address)
        return answer

    def _holds(self, address: str) -> bool:
        try:
            parsed = ip_address(address)
        except ValueError:
            return False
        if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is not None:
            # A socket that listens on :: sees IPv4 clients like this.
            parsed = parsed.ipv4_mapped
        return any(parsed in network for network in self._networks)


def check_binds(binds: Iterable[tuple[str, str]], allow: Sequence[str], *, place: str = "") -> None:
    """Refuse a bind that would take mail from the whole world.

    Args:
        binds: dotted key and host of each listener, such as ``("listen.smtp", "0.0.0.0")``.
        allow: the configured networks.
        place: file and position, for the error.

    Raises:
        ConfigError: for the first bind that reaches beyond this machine and its private networks while ``allow``
            is empty or allows everybody.
    """
    everybody = next((cidr for cidr in allow if _is_everybody(cidr)), None)
    for key, host in binds:
        if _is_private(host):
            continue
        if not allow:
            raise ConfigError(
                place,
                key,
                f"{host!r} can be reached from outside, and listen.allow is empty: name the networks of your mail "
                "servers there, or bind to 127.0.0.1 or a private address",
            )
        if everybody is not None:
            raise ConfigError(
                place,
                key,
                f"{host!r} can be reached from outside, and listen.allow has {everybody!r}, which is everybody: "
                "name the networks of your mail servers instead",
            )


def _is_private(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address: IPv4Address | IPv6Address = ip_address(host.strip("[]"))
    except ValueError:
        return False
    if address.is_unspecified:
        return False
    return any(address in ip_network(cidr) for cidr in PRIVATE)


def _is_everybody(cidr: str) -> bool:
    try:
        return ip_network(cidr, strict=False).prefixlen == 0
    except ValueError:
        return False


def _cure(cidr: str) -> str:
    try:
        return f"has bits beyond its prefix: write {str(ip_network(cidr, strict=False))!r}"
    except ValueError:
        return "is no network: write one such as 10.0.0.0/8 or 192.0.2.7"
