"""The doors of the web part: pixel, link, ask page, withdrawal.

This module alone decides what a request does. Only a POST to the withdrawal page changes anything; every other
request reads a token, asks the consent store again, and sends the browser somewhere or shows a page. Where it
sends the browser comes out of the authenticated token alone. Doubt means untracked.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.responses import Response
from starlette.routing import Route

from smtp_gate.errors import BadToken, StoreUnavailable
from smtp_gate.model import EVERYTHING, NOTHING, Consent, Purpose
from smtp_gate.policy.decide import live
from smtp_gate.tokens import AskToken, open_ask, open_link, open_pixel, open_withdraw, seal
from smtp_gate.web.api import api_routes
from smtp_gate.web.guard import Guard, WebReport, place_of
from smtp_gate.web.intake import Intake
from smtp_gate.web.location import location
from smtp_gate.web.notice import NOBODY, ControllerNotice
from smtp_gate.web.pages import Pages
from smtp_gate.web.rates import Rates

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from starlette.requests import Request

    from smtp_gate.consent.store import ConsentStore
    from smtp_gate.tokens import Keyring, LinkToken, PixelToken, WithdrawToken
    from smtp_gate.trackers import Catalogue
    from smtp_gate.web.api import Api

GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
"""One transparent pixel: GIF89a, two colours, the first one transparent; 43 octets, the same for everybody."""

DEAD = {"Cache-Control": "public, max-age=31536000, immutable", "Cross-Origin-Resource-Policy": "cross-origin"}
"""A dead pixel: the mail program need not ask again for a year."""
DOUBT = {"Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "cross-origin"}
"""A pixel nobody could be asked about: it comes back once the store answers."""
CERTAIN = frozenset({"granted", "unknown", "refused", "withdrawn", "expired"})
"""Reasons of an answer that the store stands behind."""

NOT_FOUND = 404
WITHDRAWAL_NOTICE = "withdraw-2"
"""Version of the wording that the withdrawal page shows; the ledger keeps it with each withdrawal."""


class Withdrawals(Protocol):
    """The part of the consent register that the web part may use."""

    async def withdraw(
        self,
        controller: str,
        subject: bytes,
        purposes: Purpose,
        *,
        method: str,
        source: str,
        notice: str,
        language: str,
    ) -> object:
        """Record that a person no longer agrees; returns once it is stored for good."""
        ...


def web_app(
    catalogue: Catalogue,
    keyring: Keyring,
    store: ConsentStore,
    register: Withdrawals,
    controllers: Mapping[str, ControllerNotice],
    *,
    log: WebReport,
    proxies: Iterable[str] = (),
    api: Api | None = None,
) -> Starlette:
    """The web part as an ASGI application.

    Args:
        catalogue: names of vendors and targets of links.
        keyring: opens tokens.
        store: asked at every hit.
        register: takes withdrawals.
        controllers: what pages say of each controller, by id.
        log: told what happened.
        proxies: networks of the servers in front, whose X-Forwarded-For is believed.
        api: who may call it; None: there is none.
    """
    rates = Rates(proxies)
    pages = Pages(controllers.values())
    doors = _Doors(
        catalogue=catalogue,
        vendors={vendor.id: vendor.name for vendor in catalogue.vendors},
        keyring=keyring,
        store=store,
        register=register,
        controllers=controllers,
        log=log,
        pages=pages,
        rates=rates,
    )

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
            Route("/p/{token}", doors.pixel, methods=["GET"]),
            Route("/l/{token}", doors.link, methods=["GET"]),
            Route("/a/{token}", doors.ask, methods=["GET", "POST"]),
            Route("/w/{token}", doors.withdrawal, methods=["GET", "POST"]),
            *([api_routes(api, keyring, store, rates)] if api else []),
        ],
        middleware=[Middleware(Guard, log, pages.trouble), Middleware(Intake, rates, pages.busy)],
        exception_handlers={BadToken: bad_token, HTTPException: no_page},
    )
    # Such a redirect would be made of the request's Host field.
    app.router.redirect_slashes = False
    return app


_KINDS = {"p": "pixel", "l": "link", "a": "ask", "w": "withdraw"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Doors:
    """One method a door; each takes a request and gives the whole answer."""

    catalogue: Catalogue
    vendors: Mapping[str, str]
    keyring: Keyring
    store: ConsentStore
    register: Withdrawals
    controllers: Mapping[str, ControllerNotice]
    log: WebReport
    pages: Pages
    rates: Rates

    async def pixel(self, request: Request) -> Response:
        """The vendor's pixel while consent holds, else one that tells nobody anything."""
        token = open_pixel(self.keyring, request.path_params["token"])
        if self.rates.hit(request.path_params["token"]):
            return Response(GIF, 200, DOUBT, "image/gif")
        consent = await self._consent(token)
        there = location(token.url)
        if there and live(token.purposes, consent.granted):
            self.log.hit("pixel", "live")
            return _redirect(there)
        if consent.reason in CERTAIN:
            return Response(GIF, 200, DEAD, "image/gif")
        self.log.hit("pixel", "doubt")
        return Response(GIF, 200, DOUBT, "image/gif")

    async def link(self, request: Request) -> Response:
        """The vendor's link while consent holds, else its target, else the page that asks."""
        token = open_link(self.keyring, request.path_params["token"])
        often = self.rates.hit(request.path_params["token"])
        consent = Consent(NOTHING, "granted") if often else await self._consent(token)
        there = location(token.url)
        if there and live(token.purposes, consent.granted):
            self.log.hit("link", "live")
            return _redirect(there)
        if consent.reason not in CERTAIN:
            self.log.hit("link", "doubt")
        target = self.catalogue.target(token.url)
        clean = location(target) if target else None
        if clean:
            return _redirect(clean)
        asked = AskToken(token.controller, token.vendor, token.url)
        return self._ask(request, asked, f"../a/{seal(self.keyring, asked)}")

    async def ask(self, request: Request) -> Response:
        """Who would count the click, and a button; going on when it was pressed."""
        if request.method == "POST":
            return self._go_on(request)
        token = open_ask(self.keyring, request.path_params["token"])
        self.log.hit("ask", "shown")
        return self._ask(request, token)

    def _go_on(self, request: Request) -> Response:
        there = location(open_ask(self.keyring, request.path_params["token"]).url)
        if there is None:
            raise BadToken
        self.log.hit("ask", "done")
        return _redirect(there, 303)

    async def withdrawal(self, request: Request) -> Response:
        """The page with the one button, which changes nothing; the withdrawal when it was pressed."""
        if request.method == "POST":
            return await self._withdraw(request)
        token = self._withdrawable(request)
        self.log.hit("withdraw", "shown")
        return self.pages.withdraw(_accept(request), self._notice(token.controller))

    async def _withdraw(self, request: Request) -> Response:
        # The button, or a mail program's one click (RFC 8058). What is in the body does not matter: whoever posts
        # here wants out, in whichever encoding. It is done when the register says so.
        token = self._withdrawable(request)
        notice = self._notice(token.controller)
        by_page = "text/html" in request.headers.get("accept", "")
        done = self.pages.withdrawn(_accept(request), notice)
        try:
            await self.register.withdraw(
                token.controller,
                token.subject,
                EVERYTHING,
                method="page" if by_page else "one_click",
                source="withdrawal page",
                notice=WITHDRAWAL_NOTICE,
                language=done.headers["content-language"],
            )
        except Exception as error:  # noqa: BLE001 - whatever kept it from being stored, the person must know
            self.log.trouble(type(error).__name__, place_of(error))
            self.log.hit("withdraw", "not_stored")
            return self.pages.not_stored(_accept(request), notice)
        self.log.hit("withdraw", "done")
        return done

    def _withdrawable(self, request: Request) -> WithdrawToken:
        token = open_withdraw(self.keyring, request.path_params["token"])
        if not token.controller:  # we make none such, and the page could not say whose tracking ends
            raise BadToken
        return token

    async def _consent(self, token: PixelToken | LinkToken) -> Consent:
        try:
            [consent] = await self.store.look_up(token.controller, [token.subject])
        except StoreUnavailable:
            return Consent(NOTHING, "unavailable")
        except Exception as error:  # noqa: BLE001 - a store that fails in a new way is still a store that fails
            self.log.trouble(type(error).__name__, place_of(error))
            return Consent(NOTHING, "doubt")
        return consent

    def _ask(self, request: Request, token: AskToken, action: str = "") -> Response:
        there = location(token.url)
        if there is None:
            raise BadToken
        vendor = self.vendors.get(token.vendor, "")
        notice = self._notice(token.controller)
        return self.pages.ask(_accept(request), notice, vendor, urlsplit(there).hostname or "", action)

    def _notice(self, controller: str) -> ControllerNotice:
        # Links of a controller that is no longer configured go on working, its withdrawals above all.
        return self.controllers.get(controller) or (ControllerNotice(controller) if controller else NOBODY)


def _redirect(there: str, status: int = 302) -> Response:
    headers = {"Location": there, "Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "cross-origin"}
    return Response(status_code=status, headers=headers)


def _accept(request: Request) -> str:
    return request.headers.get("accept-language", "")
