"""Which server holds which part of the cache: one server, the master that Sentinels name, or a Cluster's nodes.

A wrong answer to that question is never dangerous: an old master that still answers, or a node that lost what it
acknowledged, is behind the ledger, and ``recent`` sees to that. So nothing here waits for certainty: what is known
is used, and when it fails, it is asked again, in the background, for the next look-up.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from redis.asyncio.connection import SSLConnection
from redis.asyncio.sentinel import (
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)
from redis.crc import key_slot
from redis.exceptions import RedisError

from smtp_gate.consent.breaker import Breaker
from smtp_gate.consent.redis_address import Host, parse_address, unhurried
from smtp_gate.consent.redis_pool import Server
from smtp_gate.errors import StoreUnavailable
from smtp_gate.limits import CLUSTER_LOOK, SENTINEL_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smtp_gate.consent.redis_address import Address

CLUSTER_PARTS = 32
"""Parts of the cache in a Cluster: so many masters can share the work, evenly down to a few per cent for three."""
_SLOTS = 16_384


class Servers(Protocol):
    """Where the parts of the cache are."""

    @property
    def tags(self) -> tuple[str, ...]:
        """Of the parts, as they stand between braces in their keys."""
        ...

    async def ready(self) -> None:
        """Learn where the parts are, unless that is known.

        Raises:
            StoreUnavailable: when nobody tells.
        """
        ...

    def of(self, part: int) -> Server:
        """The server of a part, as far as is known after :meth:`ready`.

        Raises:
            StoreUnavailable: ``no_server`` when nobody serves it.
        """
        ...

    def all(self) -> Sequence[Server]:
        """Every server that holds parts."""
        ...

    def failed(self) -> None:
        """Something failed in a way that another place could explain: learn it anew."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


class One:
    """A server of its own, or the master that Sentinels name each time that a connection is made."""

    tags: tuple[str, ...] = ("0",)

    def __init__(self, address: Address, connections: int, monotonic: Callable[[], float]) -> None:
        self._sentinel: Sentinel | None = None
        if address.kind == "sentinel":
            told = {**unhurried(), "socket_timeout": SENTINEL_TIMEOUT, "socket_connect_timeout": SENTINEL_TIMEOUT}
            self._sentinel = Sentinel(  # type: ignore[no-untyped-call]
                address.hosts, sentinel_kwargs={**told, **address.sentinel}
            )
            kind = SentinelManagedSSLConnection if address.make is SSLConnection else SentinelManagedConnection
            # Only for making connections, which ask it where the master is.
            self._pool = SentinelConnectionPool(  # type: ignore[no-untyped-call]
                address.service, self._sentinel, connection_class=kind, **address.options
            )
            self._server = Server(self._pool.make_connection, connections, Breaker(monotonic))
        else:
            self._server = Server(lambda: address.make(**address.options), connections, Breaker(monotonic))

    async def ready(self) -> None:
        """As :meth:`Servers.ready`: the connections know."""

    def of(self, part: int) -> Server:  # noqa: ARG002 - there is one
        """As :meth:`Servers.of`."""
        return self._server

    def all(self) -> Sequence[Server]:
        """As :meth:`Servers.all`."""
        return (self._server,)

    def failed(self) -> None:
        """As :meth:`Servers.failed`: a connection that failed is closed, and the next one asks."""

    async def close(self) -> None:
        """As :meth:`Servers.close`."""
        await self._server.close()
        if self._sentinel is not None:
            await self._sentinel.aclose()


class Cluster:
    """The nodes of a Cluster, learnt from any of them."""

    def __init__(self, address: Address, connections: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.tags = CLUSTER_TAGS
        self._address = address
        self._connections = connections
        self._monotonic = monotonic
        self._servers: dict[Host, Server] = {}
        self._owners: list[Server | None] = []
        self._learning: asyncio.Task[None] | None = None
        self._looked = float("-inf")

    async def ready(self) -> None:
        """As :meth:`Servers.ready`."""
        if not self._owners:
            await asyncio.shield(self._learn())
            if not self._owners:
                raise StoreUnavailable("connection")

    def of(self, part: int) -> Server:
        """As :meth:`Servers.of`."""
        owner = self._owners[part]
        if owner is None:
            self.failed()
            raise StoreUnavailable("no_server")
        return owner

    def all(self) -> Sequence[Server]:
        """As :meth:`Servers.all`."""
        return list({id(owner): owner for owner in self._owners if owner is not None}.values())

    def failed(self) -> None:
        """As :meth:`Servers.failed`, once in ``CLUSTER_LOOK``."""
        if time.monotonic() - self._looked >= CLUSTER_LOOK:
            self._learn()

    async def close(self) -> None:
        """As :meth:`Servers.close`."""
        if self._learning is not None:
            self._learning.cancel()
            with suppress(asyncio.CancelledError):
                await self._learning
        for server in self._servers.values():
            await server.close()

    def _learn(self) -> asyncio.Task[None]:
        if self._learning is None or self._learning.done():
            self._looked = time.monotonic()
            self._learning = asyncio.ensure_future(self._ask_around())
        return self._learning

    async def _ask_around(self) -> None:
        """Ask all nodes at once; who answers first with a map is believed."""
        known = [*dict.fromkeys([*self._servers, *self._address.hosts])]
        asked = [asyncio.ensure_future(self._map_of(host)) for host in known]
        try:
            for answer in asyncio.as_completed(asked):
                with suppress(RedisError, OSError, TimeoutError, ValueError, TypeError, IndexError):
                    await self._take(await answer)
                    return
        finally:
            for each in asked:
                each.cancel()
            await asyncio.gather(*asked, return_exceptions=True)

    async def _map_of(self, host: Host) -> list[Host | None]:
        """Who serves each part, as one node knows."""
        connection = self._address.make(**self._address.options, host=host.name, port=host.port)
        try:
            async with asyncio.timeout(CLUSTER_LOOK):
                await connection.send_command("CLUSTER", "SLOTS")
                ranges = await connection.read_response()
        finally:
            await connection.disconnect(nowait=True)
        owners: list[Host | None] = []
        for slot in _SLOTS_OF_PARTS:
            master = next((each[2] for each in ranges if each[0] <= slot <= each[1]), None)
            # Without a name it is the node that was asked.
            owners.append(Host((master[0] or b"").decode() or host.name, int(master[1])) if master else None)
        if not any(owners):
            raise ValueError("a node that knows no Cluster")
        return owners

    async def _take(self, owners: list[Host | None]) -> None:
        gone = [self._servers.pop(host) for host in [*self._servers] if host not in owners]
        for host in {*owners} - {None}:
            if host is not None and host not in self._servers:
                self._servers[host] = self._server(host)
        self._owners = [None if host is None else self._servers[host] for host in owners]
        for server in gone:
            await server.close()

    def _server(self, host: Host) -> Server:
        return Server(
            lambda: self._address.make(**self._address.options, host=host.name, port=host.port),
            self._connections,
            Breaker(self._monotonic),
        )


def open_servers(url: str, connections: int, monotonic: Callable[[], float] = time.monotonic) -> Servers:
    """The servers of an address; nothing is connected yet.

    Args:
        url: as in ``redis_address``.
        connections: to each server, at most.
        monotonic: for the breakers.

    Raises:
        ConfigError: when it is no such address.
    """
    address = parse_address(url)
    if address.kind == "cluster":
        return Cluster(address, connections, monotonic)
    return One(address, connections, monotonic)


def _tags(parts: int) -> tuple[str, ...]:
    """For each part a tag whose slot lies in that part's share of all slots, so that masters get equally many."""
    found: dict[int, str] = {}
    number = 0
    while len(found) < parts:
        tag = f"{number:x}"
        found.setdefault(key_slot(tag.encode()) * parts // _SLOTS, tag)
        number += 1
    return tuple(found[part] for part in range(parts))


CLUSTER_TAGS = _tags(CLUSTER_PARTS)
_SLOTS_OF_PARTS = tuple(key_slot(tag.encode()) for tag in CLUSTER_TAGS)
