"""Listening sockets, bound before any process starts, so that a port that is taken is told at once."""

from __future__ import annotations

import socket

from smtp_gate import limits
from smtp_gate.errors import GateError

EX_OSERR = 71


class PortTaken(GateError):  # noqa: N818 - a state of the machine
    """An address that cannot be listened on."""

    exit_code = EX_OSERR


def bound(address: str) -> socket.socket:
    """A listening socket.

    Raises:
        PortTaken: when the address cannot be had; says which and what to look at.
    """
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named, or asyncio does not switch Nagle's algorithm off on what is accepted.
    door = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            door.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        door.bind((host, int(port)))
        door.listen(limits.MAX_CONNECTIONS)
    except OSError as problem:
        door.close()
        cure = f"see who holds it with `ss -ltnp 'sport = :{port}'`, or choose another address"
        raise PortTaken(f"{address}: cannot be listened on: {problem.strerror}; {cure}") from None
    door.setblocking(False)  # noqa: FBT003 - the method's only argument
    return door
