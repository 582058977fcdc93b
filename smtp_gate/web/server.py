"""uvicorn on a socket that is open already, in a loop that is running already, without its log of requests."""

from __future__ import annotations

import socket
from contextlib import contextmanager
from typing import TYPE_CHECKING

import uvicorn

from smtp_gate.limits import MAX_WEB_CONNECTIONS, WEB_DRAIN_TIME, WEB_KEEP_ALIVE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp, Receive, Scope, Send


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave the process's signals to whoever runs it: SMTP is served by the same loop."""
        yield


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
            http="h11",
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
