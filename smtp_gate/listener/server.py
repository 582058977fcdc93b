"""Listeners on sockets that somebody else has bound, and their common end."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from smtp_gate import limits
from smtp_gate.listener.house import House, silence
from smtp_gate.listener.session import GateSMTP

if TYPE_CHECKING:
    import socket

    from smtp_gate.listener.front import Front
    from smtp_gate.listener.gate import Gate
    from smtp_gate.listener.house import Events

_LAST_REPLY: Final = 5.0
"""Seconds beyond the reply deadline for a delivery that ended on it to be answered."""


class Server:
    """All listeners of one process.

    Attributes:
        house: what they share; its ``gate`` may be replaced while they run.
    """

    def __init__(self, gate: Gate, hostname: str, events: Events = silence) -> None:
        self.house = House(gate, hostname, events)
        self._servers: list[asyncio.Server] = []

    async def listen(self, sock: socket.socket, front: Front) -> None:
        """Serve clients on a bound socket. Several processes may serve the same one."""
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: GateSMTP(self.house, front), sock=sock, backlog=limits.MAX_CONNECTIONS
        )
        self._servers.append(server)

    async def drain(self, patience: float = limits.REPLY_DEADLINE + _LAST_REPLY) -> int:
        """Stop: accept nobody, 421 for whoever waits, running deliveries end and are answered.

        Args:
            patience: seconds at most.

        Returns:
            Deliveries that were still running then; nothing is lost, their clients have got no 250.
        """
        for server in self._servers:
            server.close()
        return await self.house.drain(patience)
