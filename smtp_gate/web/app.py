"""The doors of the web part: which address leads to which, and what any of them answers when something is wrong.

Only a POST changes anything; every other request reads a token, asks the consent store again, and sends the browser
somewhere or shows a page. A door stands in a file of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Route

from smtp_gate.consent.clock import utc_now
from smtp_gate.errors import BadToken
from smtp_gate.web.api import api_routes
from smtp_gate.web.confirm_mail import Allowance, ConfirmMail
from smtp_gate.web.confirmation import ConfirmationDoor
from smtp_gate.web.guard import Guard, WebReport
from smtp_gate.web.intake import Intake
from smtp_gate.web.logo import LogoDoor
from smtp_gate.web.office import Decisions, Office
from smtp_gate.web.opening import OpeningDoor
from smtp_gate.web.pages import Pages
from smtp_gate.web.preferences import PreferencesDoor
from smtp_gate.web.rates import Rates
from smtp_gate.web.tracked import TrackedDoors
from smtp_gate.web.withdrawal import WithdrawalDoor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime

    from starlette.requests import Request
    from starlette.responses import Response

    from smtp_gate.consent.store import ConsentStore
    from smtp_gate.tokens import Keyring
    from smtp_gate.trackers import Catalogue
    from smtp_gate.web.api import Api
    from smtp_gate.web.confirm_mail import Post
    from smtp_gate.web.notice import ControllerNotice
    from smtp_gate.web.opening import Days

NOT_FOUND = 404


def web_app(
    catalogue: Catalogue,
    keyring: Keyring,
    store: ConsentStore,
    register: Decisions,
    controllers: Mapping[str, ControllerNotice],
    *,
    log: WebReport,
    proxies: Iterable[str] = (),
    api: Api | None = None,
    days: Days | None = None,
    public_url: str = "",
    post: Post | None = None,
    allowance: Allowance | None = None,
    clock: Callable[[], datetime] = utc_now,
) -> Starlette:
    """The web part as an ASGI application.

    Args:
        catalogue: names of vendors and targets of links.
        keyring: opens tokens.
        store: asked at every hit.
        register: takes decisions in.
        controllers: what pages say of each controller, by id.
        log: told what happened.
        proxies: networks of the servers in front, whose X-Forwarded-For is believed.
        api: who may call it; None: there is none.
        days: where days of last openings go; None: none are kept.
        public_url: where the world reaches it, for links in mails.
        post: takes messages away in which people confirm; None: none can be sent, and pages say so.
        allowance: who got how many of them today; one for the life of the process.
        clock: the time of decisions.
    """
    rates = Rates(proxies)
    pages = Pages(controllers.values())
    office = Office(
        keyring=keyring,
        public_url=public_url.rstrip("/"),
        store=store,
        register=register,
        controllers=controllers,
        log=log,
        pages=pages,
        clock=clock,
        post=post,
        mail=ConfirmMail(pages.languages),
        allowance=allowance or Allowance(),
    )
    tracked = TrackedDoors(office, catalogue, {vendor.id: vendor.name for vendor in catalogue.vendors}, rates)
    choices = PreferencesDoor(office)

    async def no_page(request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 404
        if status == NOT_FOUND and rates.stranger(request.scope):
            return pages.busy(_accept(request))
        answer = pages.missing(_accept(request), status)
        if isinstance(error, HTTPException) and error.headers:
            # Starlette writes the methods in the order of a set, another one in each process.
            answer.headers["Allow"] = ", ".join(sorted(error.headers["Allow"].split(", ")))
        return answer

    async def bad_token(request: Request, _: Exception) -> Response:
        log.hit(_KINDS.get(request.url.path.rsplit("/", 2)[-2], ""), "bad_token")
        if rates.stranger(request.scope):
            return pages.busy(_accept(request))
        return pages.missing(_accept(request))

    app = Starlette(
        routes=[
            Route("/p/{token}", tracked.pixel, methods=["GET"]),
            Route("/o/{token}", OpeningDoor(office, days).pixel, methods=["GET"]),
            Route("/l/{token}", tracked.link, methods=["GET"]),
            Route("/a/{token}", tracked.ask, methods=["GET", "POST"]),
            Route("/w/{token}", WithdrawalDoor(office).page, methods=["GET", "POST"]),
            Route("/s/{token}", choices.preferences, methods=["GET", "POST"]),
            Route("/c/{token}", choices.consent, methods=["GET", "POST"]),
            Route("/b/{name}", LogoDoor(controllers.values()).logo, methods=["GET"]),
            Route("/g/{token}", ConfirmationDoor(office).page, methods=["GET", "POST"]),
            *([api_routes(api, keyring, store, rates)] if api else []),
        ],
        middleware=[Middleware(Guard, log, pages.trouble), Middleware(Intake, rates, pages.busy)],
        exception_handlers={BadToken: bad_token, HTTPException: no_page},
    )
    # Such a redirect would be made of the request's Host field.
    app.router.redirect_slashes = False
    return app


_KINDS = {
    "p": "pixel",
    "o": "opening",
    "l": "link",
    "a": "ask",
    "w": "withdraw",
    "s": "preferences",
    "c": "consent",
    "g": "confirm",
}


def _accept(request: Request) -> str:
    return request.headers.get("accept-language", "")
