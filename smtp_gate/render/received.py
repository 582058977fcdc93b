"""Our trace line (RFC 5321 section 4.4)."""

from __future__ import annotations

import ipaddress
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smtp_gate.model import Client

_NAME = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,253}[A-Za-z0-9_])?\.?\Z|\[[0-9A-Za-z:.]{2,60}\]\Z")
_WORD = re.compile(r"[!-~]{1,200}\Z")
_DATE = re.compile(r"[ -:=-~]{1,60}\Z")
_PATH = re.compile(rb"[!-;=?-~]{1,320}\Z")


def received(client: Client, hostname: str, message_id: str, when: str, recipient: bytes | None = None) -> bytes:
    """One folded ``Received`` field with CRLF.

    Args:
        client: who handed the message to us; a greeting that is no host name or address literal is not repeated.
        hostname: our name.
        message_id: ours, for the log.
        when: date and time as RFC 5322 section 3.3 writes them.
        recipient: path for the ``for`` clause, only ever for a message to one recipient: it would tell one blind
            copy of another (RFC 5321 section 7.2). Left out when it is not printable ASCII.

    Raises:
        ValueError: ``hostname``, ``message_id``, ``when`` or the client's protocol would break the line.
    """
    if not (
        _NAME.match(hostname) and _WORD.match(message_id) and _WORD.match(client.protocol) and _DATE.match(when)
    ):
        raise ValueError("a Received field is made of printable ASCII only")
    helo = client.helo if _NAME.match(client.helo) else "unknown"
    lines = [
        f"Received: from {helo}{_literal(client.peer)}",
        f"\tby {hostname} with {client.protocol} id {message_id}",
    ]
    if recipient is not None and _PATH.match(recipient):
        lines.append(f"\tfor <{recipient.decode('ascii')}>")
    return ("\r\n".join(lines) + f";\r\n\t{when}\r\n").encode("ascii")


def _literal(peer: str) -> str:
    """The client's address as RFC 5321 section 4.1.3 writes it; nothing for what is none (a socket)."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return ""
    family = "IPv6:" if isinstance(address, ipaddress.IPv6Address) else ""
    return f" ([{family}{address.compressed}])"
