"""The door behind the link of a message to confirm: looking at it changes nothing, its button switches on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from smtp_gate.consent.event import Choice
from smtp_gate.errors import BadToken
from smtp_gate.tokens import open_confirm
from smtp_gate.web.form import across_sites
from smtp_gate.web.office import Person, Stand
from smtp_gate.web.pages import Shown

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from smtp_gate.tokens import ConfirmToken
    from smtp_gate.web.office import Office


@dataclass(frozen=True, slots=True)
class ConfirmationDoor:
    """``/g/{token}``.

    Attributes:
        office: what doors share.
    """

    office: Office

    async def page(self, request: Request) -> Response:
        """What would be switched on, and one button; done when it was pressed."""
        office = self.office
        token = open_confirm(office.keyring, request.path_params["token"])
        # One that is too old is answered like one that never was: who holds it learns nothing.
        if not token.controller or not token.purposes or office.clock().timestamp() >= token.until:
            raise BadToken
        person = Person(token.controller, token.subject)
        try:
            return await self._answer(request, person, token)
        except Exception as error:  # noqa: BLE001 - whatever kept it from being stored, the person must know
            office.trouble(error)
            office.log.hit("confirm", "not_stored")
            accept = request.headers.get("accept-language", "")
            return office.pages.not_stored(accept, office.notice(person.controller), Shown(again=True))

    async def _answer(self, request: Request, person: Person, token: ConfirmToken) -> Response:
        office = self.office
        accept = request.headers.get("accept-language", "")
        notice = office.notice(person.controller)
        person = await office.known(person)
        stand = Stand(*await office.register.current(person.controller, person.subject))
        if stand.seq != token.seq:
            # Used already, or the person decided since: what they said last holds, and the page says what that is.
            office.log.hit("confirm", "again")
            return office.pages.saved(accept, notice, office.shown(person, stand))
        shown = replace(office.shown(person, stand), asked=token.purposes)
        if request.method != "POST" or across_sites(request):
            office.log.hit("confirm", "shown")
            return office.pages.confirm(accept, notice, shown)
        wording = office.pages.wording("confirm", office.pages.language(accept, notice), notice, shown)
        await office.keep(person.controller, wording)
        event = office.event(person, Choice.GRANT, token.purposes, wording, "confirmation page")
        await office.register.decide([replace(event, reference=f"chosen at {token.notice}")])
        stand = Stand(*await office.register.current(person.controller, person.subject))
        office.log.hit("confirm", "done")
        return office.pages.saved(accept, notice, office.shown(person, stand))
