"""Connections to the next hops: kept, limited, and failed over in the order of the configuration."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from smtp_gate import limits, replies
from smtp_gate.delivery.connection import ConnectError, Connection, connect, tls_context
from smtp_gate.delivery.next_hop import CONSERVATIVE, Capabilities, NextHop
from smtp_gate.delivery.transaction import HopTransaction
from smtp_gate.observe import log, metrics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smtp_gate.model import Sender


class _Hop:
    """What is known of one next hop."""

    def __init__(self, hop: NextHop) -> None:
        self.hop = hop
        self.context = tls_context(hop)
        self.idle: list[Connection] = []
        self.capabilities: Capabilities | None = None
        self.down_until = 0.0
        self.up: bool | None = None


class Pool:
    """All connections of this process to the next hops.

    A transaction uses one connection alone and gives it back. The first next hop that answers is used; one that
    did not answer comes last for :data:`~smtp_gate.limits.HOP_DOWN_MEMORY` seconds.
    """

    def __init__(
        self, next_hops: Sequence[NextHop], hostname: str, *, max_connections: int = limits.HOP_MAX_CONNECTIONS
    ) -> None:
        """Prepare; nothing is connected yet.

        Args:
            next_hops: at least one, the preferred one first.
            hostname: what we call ourselves in EHLO.
            max_connections: used at the same time; a transaction above it waits.

        Raises:
            ConfigError: a CA file cannot be used.
        """
        self._hops = [_Hop(hop) for hop in next_hops]
        self._hostname = hostname
        self._slots = asyncio.Semaphore(max_connections)
        self._sweeper: asyncio.TimerHandle | None = None
        self._closed = False

    def begin(self, sender: Sender, size: int = 0) -> HopTransaction:
        """Start a transaction; nothing is sent before its first recipient.

        Args:
            sender: the MAIL command.
            size: octets of the content as far as known, for the SIZE parameter; 0: not known.
        """
        return HopTransaction(self, sender, size)

    def capabilities(self) -> Capabilities:
        """What every next hop takes that answered so far; the last answer of each counts."""
        known = [state.capabilities for state in self._hops if state.capabilities is not None]
        if not known:
            return CONSERVATIVE
        common = known[0]
        for other in known[1:]:
            common &= other
        return common

    async def probe(self) -> bool:
        """Connect to each next hop once, to learn what it takes and to have a connection ready.

        Returns:
            Whether at least one answered; one that does not is no reason not to start.
        """
        for state in self._hops:
            try:
                self._keep(state, await self._connect(state))
            except ConnectError:
                continue
        return any(state.up for state in self._hops)

    async def close(self) -> None:
        """Say goodbye on the kept connections; one in use is closed when it is given back."""
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for state in self._hops:
            while state.idle:
                state.idle.pop().wire.quit()
        await asyncio.sleep(0)  # let the transports write the goodbyes

    # --- for transactions -------------------------------------------------------------------------------------

    async def take(self, *, fresh: bool = False) -> Connection:
        """A connection for one transaction; give it back with :meth:`give_back` or :meth:`drop`.

        Args:
            fresh: a new one, because a kept one was found dead and the others are of the same age.

        Raises:
            ConnectError: no next hop answered, or no connection became free in time.
        """
        try:
            if self._slots.locked():
                async with asyncio.timeout(limits.HOP_COMMAND_TIMEOUT):
                    await self._slots.acquire()
            else:
                await self._slots.acquire()
        except TimeoutError:
            raise ConnectError("busy", replies.NEXT_HOP_DOWN) from None
        try:
            return await self._find(fresh=fresh)
        except BaseException:
            self._slots.release()
            raise

    def give_back(self, connection: Connection) -> None:
        """Keep it for the next transaction, if it is still good for one."""
        self._slots.release()
        if connection.wire.lost:
            return
        if self._closed or connection.served >= limits.HOP_MAX_MESSAGES:
            connection.wire.quit()
            return
        for state in self._hops:
            if state.hop is connection.hop:
                self._keep(state, connection)

    def drop(self, connection: Connection) -> None:
        """Close it at once: nothing more may be sent or read on it."""
        self._slots.release()
        connection.wire.abort()

    # --- inside -----------------------------------------------------------------------------------------------

    def _keep(self, state: _Hop, connection: Connection) -> None:
        connection.kept = True
        connection.idle_since = connection.loop.time()
        state.idle.append(connection)
        if self._sweeper is None:
            self._sweeper = connection.loop.call_later(limits.HOP_KEEP_IDLE, self._sweep)

    def _sweep(self) -> None:
        """Close what nobody used for a while; the oldest stand first in each list."""
        self._sweeper = None
        loop = asyncio.get_running_loop()
        oldest = loop.time()
        limit = oldest - limits.HOP_KEEP_IDLE
        waiting = False
        for state in self._hops:
            while state.idle and (state.idle[0].idle_since <= limit or state.idle[0].wire.lost):
                state.idle.pop(0).wire.quit()
            if state.idle:
                waiting = True
                oldest = min(oldest, state.idle[0].idle_since)
        if waiting:
            self._sweeper = loop.call_at(oldest + limits.HOP_KEEP_IDLE, self._sweep)

    async def _find(self, *, fresh: bool) -> Connection:
        now = asyncio.get_running_loop().time()
        failed: list[ConnectError] = []
        for state in sorted(self._hops, key=lambda state: state.down_until > now):
            while state.idle and not fresh:
                connection = state.idle.pop()
                if not connection.wire.lost:
                    return connection
            try:
                return await self._connect(state)
            except ConnectError as problem:
                failed.append(problem)
        # Only when all of them say no for good is it no for good.
        raise next((problem for problem in failed if problem.reply.temporary), failed[0])

    async def _connect(self, state: _Hop) -> Connection:
        name = state.hop.name
        try:
            connection = await connect(state.hop, self._hostname, state.context)
        except ConnectError as problem:
            state.down_until = asyncio.get_running_loop().time() + limits.HOP_DOWN_MEMORY
            if state.up is not False:
                state.up = False
                log.hop_down(hop=name, reason=problem.reason, code=problem.reply.code)
            metrics.hop_connection(name, problem.reason)
            raise
        if state.up is not True:
            log.hop_up(hop=name, tls=connection.encrypted)
        state.up = True
        state.down_until = 0.0
        state.capabilities = connection.capabilities
        metrics.hop_connection(name, "connected")
        return connection
