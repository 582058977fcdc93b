"""What is set for one listener: who may come, how it speaks."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from smtp_gate.listener.peers import Peers

if TYPE_CHECKING:
    import ssl


@dataclass(frozen=True, slots=True)
class Front:
    """One listener.

    Attributes:
        lmtp: LMTP (RFC 2033) instead of SMTP: one reply for each recipient after the dot.
        peers: who may connect.
        xforward: who may use XFORWARD; None means all peers.
        tls: makes STARTTLS available.
        require_tls: no mail before STARTTLS.
    """

    lmtp: bool = False
    peers: Peers = field(default_factory=Peers)
    xforward: Peers | None = None
    tls: ssl.SSLContext | None = None
    require_tls: bool = False
