"""What a request may bring and how often, before any door looks at it: pages by network, forms by token, bodies.

A body is looked at only where a door reads it: one click of a mail program is taken whatever comes with it.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException

from smtp_gate.limits import MAX_API_BODY, MAX_FORM_BODY, WEB_BODY_TIME

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from smtp_gate.web.rates import Rates

API = "/api/"
UNCOUNTED = ("/p/", "/l/", "/o/", "/w/", API)
"""Doors that answer in their own way at any rate, and the way out, which is always open."""
ANONYMOUS = ("/a/",)
"""Doors whose address is the same for all readers of a mail."""


class Intake:
    """A layer of the web part.

    Args:
        app: what answers.
        rates: what is counted.
        busy: the page for who asks too often, from the value of Accept-Language.
    """

    def __init__(self, app: ASGIApp, rates: Rates, busy: Callable[[str], Response]) -> None:
        self._app = app
        self._rates = rates
        self._busy = busy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "http":
            path = scope["path"]
            if not path.startswith(UNCOUNTED) and self._too_often(scope, path):
                await self._busy(Headers(scope=scope).get("accept-language", ""))(scope, receive, send)
                return
            receive = _bounded(receive, MAX_API_BODY if path.startswith(API) else MAX_FORM_BODY)
        await self._app(scope, receive, send)

    def _too_often(self, scope: Scope, path: str) -> bool:
        if self._rates.page(scope):
            return True
        return scope["method"] == "POST" and not path.startswith(ANONYMOUS) and self._rates.post(path)


def _bounded(receive: Receive, limit: int) -> Receive:
    """The same request, with a body that ends in time and at a size.

    Raises (from what is given back):
        HTTPException: 413 or 408.
    """
    got = 0
    end: float | None = None

    async def bounded() -> Message:
        nonlocal got, end
        if end is None:
            end = asyncio.get_running_loop().time() + WEB_BODY_TIME
        try:
            async with asyncio.timeout_at(end):
                message = await receive()
        except TimeoutError:
            raise HTTPException(408) from None
        got += len(message.get("body", b""))
        if got > limit:
            raise HTTPException(413)
        return message

    return bounded
