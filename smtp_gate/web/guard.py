"""What holds for every answer: security headers, and that a failure of ours is a plain page and no traceback."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from starlette.datastructures import Headers

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.responses import Response
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    # A year; the host is the gate's own, and nothing on it works without TLS in front.
    "Strict-Transport-Security": "max-age=31536000",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    # The address of a page is a token: nobody who is linked to or redirected to may see it.
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
"""Each stands in every answer, unless the answer has its own."""


_RAW = [(name.lower().encode(), value.encode()) for name, value in HEADERS.items()]
"""As ASGI has them: a pixel's answer should not cost more than what it says."""


class WebReport(Protocol):
    """Whom the web part tells what happened; there is no way to tell it about a person."""

    def hit(self, kind: str, outcome: str) -> None:
        """Count one request.

        Args:
            kind: ``pixel``, ``link``, ``ask``, ``withdraw``.
            outcome: ``live``, ``doubt``, ``shown``, ``done``, ``not_stored``, ``bad_token``; the hits of pixels
                and links that are dead are not told: they must leave nothing behind.
        """
        ...

    def trouble(self, kind: str, place: str) -> None:
        """Something of ours failed.

        Args:
            kind: name of the exception's class.
            place: module and line, never the exception's text.
        """
        ...


class Guard:
    """The outermost layer of the web part.

    Args:
        app: what answers.
        report: told about failures.
        page: makes the answer to a failure from the value of Accept-Language.
    """

    def __init__(self, app: ASGIApp, report: WebReport, page: Callable[[str], Response]) -> None:
        self._app = app
        self._report = report
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        started = False

        async def guarded(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = list(message["headers"])
                there = {name.lower() for name, _ in headers}
                message["headers"] = headers + [pair for pair in _RAW if pair[0] not in there]
            await send(message)

        try:
            await self._app(scope, receive, guarded)
        except Exception as error:  # noqa: BLE001 - whatever it is, the reader gets a page and the log no text
            self._report.trouble(type(error).__name__, place_of(error))
            if not started:
                accept = Headers(scope=scope).get("accept-language", "")
                await self._page(accept)(scope, receive, guarded)


def place_of(error: BaseException) -> str:
    """Module and line where an exception came from."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_globals.get('__name__', '')}:{trace.tb_lineno}" if trace else ""
