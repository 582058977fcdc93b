"""The doors of pixels and links: the decision is asked again at every hit, and nothing is ever changed.

Where a browser is sent comes out of the authenticated token alone. Doubt means untracked.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from starlette.responses import Response

from smtp_gate.errors import BadToken
from smtp_gate.policy.decide import live
from smtp_gate.tokens import AskToken, open_ask, open_link, open_pixel, seal
from smtp_gate.web.location import location
from smtp_gate.web.office import Person
from smtp_gate.web.pages import PLAIN, Shown

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request

    from smtp_gate.tokens import LinkToken
    from smtp_gate.trackers import Catalogue
    from smtp_gate.web.office import Office
    from smtp_gate.web.rates import Rates

GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
"""One transparent pixel: GIF89a, two colours, the first one transparent; 43 octets, the same for everybody."""

DEAD = {"Cache-Control": "public, max-age=31536000, immutable", "Cross-Origin-Resource-Policy": "cross-origin"}
"""A dead pixel: the mail program need not ask again for a year."""
DOUBT = {"Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "cross-origin"}
"""A pixel nobody could be asked about: it comes back once the store answers."""
CERTAIN = frozenset({"granted", "unknown", "refused", "withdrawn", "expired"})
"""Reasons of an answer that the store stands behind."""


@dataclass(frozen=True, slots=True)
class TrackedDoors:
    """Pixel, link, and the page that asks before an opaque link is followed.

    Attributes:
        office: what doors share.
        catalogue: names of vendors and targets of links.
        vendors: names by id.
        rates: how often one pixel or link is asked for.
    """

    office: Office
    catalogue: Catalogue
    vendors: Mapping[str, str]
    rates: Rates

    async def pixel(self, request: Request) -> Response:
        """The vendor's pixel while consent holds, else one that tells nobody anything."""
        token = open_pixel(self.office.keyring, request.path_params["token"])
        consent = await self.office.consent(token.controller, token.subject)
        there = location(token.url)
        if there and live(token.purposes, consent.granted):
            # Counted here only: of what is dead nothing is noted, not even for a minute.
            if self.rates.hit(request.path_params["token"]):
                return Response(GIF, 200, DOUBT, "image/gif")
            self.office.log.hit("pixel", "live")
            return redirect(there)
        if consent.reason in CERTAIN:
            return Response(GIF, 200, DEAD, "image/gif")
        self.office.log.hit("pixel", "doubt")
        return Response(GIF, 200, DOUBT, "image/gif")

    async def link(self, request: Request) -> Response:
        """The vendor's link while consent holds, else its target, else the page that asks."""
        token = open_link(self.office.keyring, request.path_params["token"])
        consent = await self.office.consent(token.controller, token.subject)
        there = location(token.url)
        # Counted when alive only, as above.
        if there and live(token.purposes, consent.granted) and not self.rates.hit(request.path_params["token"]):
            self.office.log.hit("link", "live")
            return redirect(there)
        if consent.reason not in CERTAIN:
            self.office.log.hit("link", "doubt")
        target = self.catalogue.target(token.url)
        clean = location(target) if target else None
        if clean:
            return redirect(clean)
        asked = AskToken(token.controller, token.vendor, token.url)
        shown = await self._agreeing(request, token)
        return self._ask(request, asked, replace(shown, action=f"../a/{seal(self.office.keyring, asked)}"))

    async def ask(self, request: Request) -> Response:
        """Who would count the click, and a button; going on when it was pressed."""
        if request.method == "POST":
            return self._go_on(request)
        token = open_ask(self.office.keyring, request.path_params["token"])
        self.office.log.hit("ask", "shown")
        return self._ask(request, token, PLAIN)

    def _go_on(self, request: Request) -> Response:
        there = location(open_ask(self.office.keyring, request.path_params["token"]).url)
        if there is None:
            raise BadToken
        self.office.log.hit("ask", "done")
        return redirect(there, 303)

    async def _agreeing(self, request: Request, token: LinkToken) -> Shown:
        """A second button for the person whose link it is; a link may be forwarded, so it asks to confirm."""
        person = Person(token.controller, token.subject)
        stand = await self.office.stand(person) if token.controller else None
        if stand is None:
            return PLAIN
        language = self.office.pages.language(_accept(request), self.office.notice(token.controller))
        sealed = self.office.sealed(person, stand, "ask", language)
        return Shown(agree=self.office.person_token(person), seal=sealed)

    def _ask(self, request: Request, token: AskToken, shown: Shown) -> Response:
        there = location(token.url)
        if there is None:
            raise BadToken
        vendor = self.vendors.get(token.vendor, "")
        shown = replace(shown, vendor=vendor, host=urlsplit(there).hostname or "")
        return self.office.pages.ask(_accept(request), self.office.notice(token.controller), shown)


def redirect(there: str, status: int = 302) -> Response:
    """On to an address; kept by nobody."""
    headers = {"Location": there, "Cache-Control": "no-store", "Cross-Origin-Resource-Policy": "cross-origin"}
    return Response(status_code=status, headers=headers)


def _accept(request: Request) -> str:
    return request.headers.get("accept-language", "")
