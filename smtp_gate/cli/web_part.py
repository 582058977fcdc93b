"""The web part inside one process, of ``serve`` or of ``web``: its application, made anew at each reload."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, NoReturn

from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from smtp_gate.errors import StoreUnavailable
from smtp_gate.observe import log, metrics
from smtp_gate.web.api import Api
from smtp_gate.web.app import web_app
from smtp_gate.web.confirm_mail import Allowance, HopPost
from smtp_gate.web.server import WebServer

if TYPE_CHECKING:
    from starlette.requests import Request

    from smtp_gate.cli.rooms import Loaded
    from smtp_gate.consent import ConsentStore, Register
    from smtp_gate.consent.openings import Openings
    from smtp_gate.delivery.pool import Pool


class WebPart:
    """What answers people and mail programs in this process.

    Args:
        loaded: the configuration.
        store: asked at every hit.
        register: takes decisions in.
        openings: takes the days of last openings in.
        pool: the next hops, for messages in which people confirm; None: none are sent, and pages say so.

    Attributes:
        server: serves it on sockets that are bound already.
    """

    def __init__(
        self,
        loaded: Loaded,
        store: ConsentStore,
        register: Register,
        openings: Openings,
        pool: Pool | None = None,
    ) -> None:
        self._openings = openings
        self._store = store
        self._register = register
        self._post = None if pool is None else HopPost(pool)
        self._allowance = Allowance()
        self.server = WebServer(self._app(loaded))

    async def run(self) -> NoReturn:
        """What goes on beside the answers, until cancelled."""
        await self._openings.run()

    async def close(self) -> None:
        """Write what still waits."""
        with suppress(StoreUnavailable):
            await self._openings.write()

    def take(self, loaded: Loaded) -> None:
        """Answer by a changed configuration from the next request on."""
        self.server.app = self._app(loaded)

    def _app(self, loaded: Loaded) -> Starlette:
        """By the rules in force; a page that is missing where there are no keys."""
        ruleset = loaded.ruleset
        if ruleset.keyring is None:
            return Starlette()
        return web_app(
            ruleset.catalogue,
            ruleset.keyring,
            self._store,
            self._register,
            loaded.notices,
            log=_WebReport(),
            proxies=loaded.settings.web.proxies if loaded.settings.web else (),
            api=Api(loaded.api_keys, self._register) if loaded.api_keys else None,
            days=self._openings,
            public_url=ruleset.public_url,
            post=self._post,
            allowance=self._allowance,
        )


class _WebReport:
    """What the web part tells, as counters and log lines."""

    def hit(self, kind: str, outcome: str) -> None:
        metrics.hit(kind, outcome)

    def trouble(self, kind: str, place: str) -> None:
        log.web_failed(kind=kind, place=place)


def metrics_server() -> WebServer:
    """What shows the numbers of all processes of this gate."""
    return WebServer(Starlette(routes=[Route("/metrics", _metrics)]))


async def _metrics(_: Request) -> Response:
    return Response(metrics.exposition(), media_type=metrics.CONTENT_TYPE)
