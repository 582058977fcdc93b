"""What all connections of one process share: the gate, memory, the deliveries that run, and the end of it all.

A delivery belongs to the house and not to the connection it came by. A client that hangs up in the middle does
not stop it: the next hop may have the mail already, and only a delivery that ran to its end knows (RFC 1047).
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any, Protocol

from smtp_gate import limits
from smtp_gate.replies import SHUTTING_DOWN

if TYPE_CHECKING:
    from collections.abc import Callable

    from smtp_gate.listener.connection import Connection
    from smtp_gate.listener.gate import Gate, Transaction
    from smtp_gate.replies import Reply


class Events(Protocol):
    """Where the listener tells what happened; for log lines and counters."""

    def __call__(self, event: str, *, peer: str, detail: str = "") -> None:
        """Take one event.

        Args:
            event: a code: ``connected``; ``refused``, a command, message or connection; ``client_left``, a message
                whose client did not wait for the answer; ``trouble``, an exception of ours.
            peer: IP address of the mail server that talks to us.
            detail: for ``refused`` the reply's code and status, or ``tls``; for ``client_left`` the code of the
                answer; for ``trouble`` the kind of exception and the line it came from; never a text that may
                hold an address.
        """


def silence(event: str, *, peer: str, detail: str = "") -> None:
    """Tell nobody."""


class Lease:
    """Memory that one message holds."""

    __slots__ = ("_memory", "held")

    def __init__(self, memory: Memory) -> None:
        self._memory = memory
        self.held = 0

    def grow(self, octets: int) -> bool:
        """Hold at least ``octets``; False, and nothing changed, when the budget has not so much left."""
        more = octets - self.held
        if more <= 0:
            return True
        if more > self._memory.left:
            return False
        self._memory.left -= more
        self.held = octets
        return True

    def free(self) -> None:
        """Give everything back."""
        self._memory.left += self.held
        self.held = 0


class Memory:
    """The budget of all messages on their way (:data:`smtp_gate.limits.MEMORY_BUDGET`).

    Attributes:
        left: octets that nobody holds.
    """

    def __init__(self, budget: int) -> None:
        self.left = budget

    def lease(self) -> Lease:
        """A lease that holds nothing yet."""
        return Lease(self)


class House:
    """One process's mail side, whatever number of listeners it has.

    Attributes:
        gate: what mail is handed to; a new one may be put in, and the next MAIL command uses it.
        hostname: what the gate calls itself.
        events: where to tell.
        memory: budget of all messages.
        connections: sessions that are served now.
        draining: whether the process is about to stop.
    """

    def __init__(self, gate: Gate, hostname: str, events: Events = silence) -> None:
        self.gate = gate
        self.hostname = hostname
        self.events = events
        self.memory = Memory(limits.MEMORY_BUDGET)
        self.connections: set[Connection] = set()
        self.draining = False
        self._running: set[asyncio.Task[list[Reply]]] = set()
        # The library's logger writes whole commands, that is addresses, below WARNING.
        logging.getLogger("mail.log").setLevel(logging.WARNING)

    def deliver(
        self, transaction: Transaction, raw: bytes, client_gone: Callable[[], bool], lease: Lease
    ) -> asyncio.Task[list[Reply]]:
        """Start a delivery that nobody's leaving stops; the lease is given back when it is over."""
        task = asyncio.get_running_loop().create_task(_deliver(transaction, raw, client_gone, lease))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def drain(self, patience: float) -> int:
        """Take no more mail, say 421 to whoever waits, and let running deliveries end and be answered.

        Args:
            patience: seconds at most.

        Returns:
            How many deliveries were still running then; their clients will send again.
        """
        self.draining = True
        for connection in list(self.connections):
            connection.dismiss(SHUTTING_DOWN)
        tasks: set[asyncio.Task[Any]] = {task for one in self.connections if (task := one.task) is not None}
        tasks |= self._running
        if tasks:
            await asyncio.wait(tasks, timeout=patience)
        return len(self._running)


async def _deliver(
    transaction: Transaction, raw: bytes, client_gone: Callable[[], bool], lease: Lease
) -> list[Reply]:
    try:
        return await transaction.content(raw, client_gone)
    finally:
        lease.free()
