"""uvicorn on a socket that is open already, in a loop that is running already, without its log of requests."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from smtp_gate.limits import MAX_WEB_CONNECTIONS, MAX_WEB_HEAD, WEB_DRAIN_TIME, WEB_HEAD_TIME, WEB_KEEP_ALIVE

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

    from starlette.types import ASGIApp, Receive, Scope, Send


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the process's signals to whoever runs it: SMTP is served by the same loop."""
        yield


class _Connection(H11Protocol):
    """One connection; closed when a request's head does not come in time, which uvicorn alone would wait for."""

    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as the library's own
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Octets came: the wait ends with a whole head, and begins with the first octet of the next one."""
        before: object = self.cycle
        super().data_received(data)
        if self.cycle is not before:
            self._end_wait()
        elif self._late is None and not self._answering():
            self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is waited for any more."""
        self._end_wait()
        super().connection_lost(exc)

    def _answering(self) -> bool:
        return bool(self.cycle) and not self.cycle.response_complete

    def _wait(self) -> None:
        self._late = self.loop.call_later(WEB_HEAD_TIME, self._give_up)

    def _end_wait(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None

    def _give_up(self) -> None:
        self._late = None
        if not self._answering():
            self.transport.close()


class WebServer:
    """Serves an application until it is told to stop.

    Attributes:
        app: what answers; set another one, and requests from then on go there (a changed configuration).
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        # Addresses of requests are tokens and those of clients are people's: neither is logged, and a proxy's word
        # about the client is not even read.
        self._config = uvicorn.Config(
            self._answer,
            access_log=False,
            log_config=None,
            lifespan="off",
            loop="none",
            http=_Connection,
            h11_max_incomplete_event_size=MAX_WEB_HEAD,
            ws="none",
            interface="asgi3",
            proxy_headers=False,
            server_header=False,
            limit_concurrency=MAX_WEB_CONNECTIONS,
            timeout_keep_alive=WEB_KEEP_ALIVE,
            timeout_graceful_shutdown=WEB_DRAIN_TIME,
        )
        self._servers: list[_Server] = []
        self._stopped = False

    async def serve(self, sock: socket.socket) -> None:
        """Answer on a listening socket; returns when :meth:`stop` was called and running requests are done.

        The socket is closed then. Call it once for each socket, at the same time.
        """
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            # asyncio does this only for sockets whose protocol number was given, and a page would come 40 ms late.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server = _Server(self._config)
        server.should_exit = self._stopped
        self._servers.append(server)
        await server.serve(sockets=[sock])

    def stop(self) -> None:
        """Take no more requests; those that run are finished."""
        self._stopped = True
        for server in self._servers:
            server.should_exit = True

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)
