"""The door of the withdrawal page: one button that stops everything, asking for nothing, for ever."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from smtp_gate.consent.event import Choice, Event
from smtp_gate.errors import BadToken
from smtp_gate.model import EVERYTHING
from smtp_gate.tokens import open_withdraw
from smtp_gate.web.office import Person, Stand

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from smtp_gate.web.office import Office


def person_of(office: Office, request: Request) -> Person:
    """Whose page it is.

    Raises:
        BadToken: for a token that is none, or of no controller: we make none such, and the page could not say
            whose tracking ends.
    """
    token = open_withdraw(office.keyring, request.path_params["token"])
    if not token.controller:
        raise BadToken
    return Person(token.controller, token.subject, token.masked)


@dataclass(frozen=True, slots=True)
class WithdrawalDoor:
    """``/w/{token}``.

    Attributes:
        office: what doors share.
    """

    office: Office

    async def page(self, request: Request) -> Response:
        """The page, which changes nothing; the withdrawal when its button was pressed."""
        if request.method == "POST":
            return await self._withdraw(request)
        person = person_of(self.office, request)
        stand = await self.office.stand(person)
        self.office.log.hit("withdraw", "shown")
        shown = self.office.shown(person, stand)
        return self.office.pages.withdraw(_accept(request), self.office.notice(person.controller), shown)

    async def _withdraw(self, request: Request) -> Response:
        # The button, or a mail program's one click (RFC 8058). What is in the body does not matter: whoever posts
        # here wants out, in whichever encoding. It is done when the register says so.
        office = self.office
        person = person_of(office, request)
        notice = office.notice(person.controller)
        accept = _accept(request)
        try:
            await self._record(person, by_page="text/html" in request.headers.get("accept", ""), accept=accept)
        except Exception as error:  # noqa: BLE001 - whatever kept it from being stored, the person must know
            office.trouble(error)
            office.log.hit("withdraw", "not_stored")
            return office.pages.not_stored(accept, notice)
        office.log.hit("withdraw", "done")
        return office.pages.withdrawn(accept, notice, office.shown(person, None))

    async def _record(self, person: Person, *, by_page: bool, accept: str) -> None:
        office = self.office
        history = await office.register.history(person.subject, person.controller)
        last = history[-1].event if history else None
        stand = Stand(*await office.register.current(person.controller, person.subject))
        pressed = last is not None and (last.decision, last.purposes) == (Choice.WITHDRAW, EVERYTHING)
        # The last one may be an old one that was imported late, and a younger yes still hold.
        if pressed and stand.consent.reason == "withdrawn":
            return  # pressed again: it is in the ledger already
        notice = office.notice(person.controller)
        shown = office.shown(person, stand)
        wording = office.pages.wording("withdraw", office.pages.language(accept, notice), notice, shown)
        if by_page:
            await office.keep(person.controller, wording)
            event = office.event(person, Choice.WITHDRAW, EVERYTHING, wording, "withdrawal page")
        else:  # a mail program pressed it, and showed words of its own
            event = Event(
                controller=person.controller,
                subject=person.subject,
                purposes=EVERYTHING,
                decision=Choice.WITHDRAW,
                at=office.clock(),
                method="one_click",
                source="withdrawal page",
                actor="person",
            )
        await office.register.decide([event])


def _accept(request: Request) -> str:
    return request.headers.get("accept-language", "")
