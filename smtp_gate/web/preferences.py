"""The doors where a person chooses purpose by purpose: the preferences page, and the page that asks for consent.

Both show the same boxes and the same three buttons. What differs is whose word it is: the question was sent to the
person's own address, so its first answer counts at once; the link to the preferences stands in every mail and may
have been forwarded, so what it switches on is confirmed from the person's own mailbox.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from smtp_gate.errors import BadToken
from smtp_gate.tokens import masked, open_consent
from smtp_gate.web.form import across_sites, chosen, one, read_form, stops_one
from smtp_gate.web.office import Person, Stand
from smtp_gate.web.pages import Shown
from smtp_gate.web.withdrawal import person_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request
    from starlette.responses import Response

    from smtp_gate.web.office import Office
    from smtp_gate.web.shown import Wording

OPEN_QUESTION = frozenset({"unknown", "expired"})
"""Where nobody has answered yet, or the answer has ended."""


@dataclass(frozen=True, slots=True)
class PreferencesDoor:
    """``/s/{token}``, with the token of the withdrawal page, and ``/c/{token}``.

    Attributes:
        office: what doors share.
    """

    office: Office

    async def preferences(self, request: Request) -> Response:
        """The boxes as they are; what was chosen, when a button was pressed."""
        person = person_of(self.office, request)
        if request.method == "POST":
            return await self._stored(request, person)
        stand = await self.office.stand(person)
        self.office.log.hit("preferences", "shown")
        return self._page("preferences", request, person, stand)

    async def consent(self, request: Request) -> Response:
        """The question with nothing ticked; the preferences once it was answered."""
        token = open_consent(self.office.keyring, request.path_params["token"])
        if not token.controller:
            raise BadToken
        person = Person(token.controller, token.subject, masked(token.address), token.address)
        if request.method == "POST":
            return await self._stored(request, person)
        stand = await self.office.stand(person)
        self.office.log.hit("consent", "shown")
        return self._page(_page_for(person, stand), request, person, stand)

    def _page(
        self, page: str, request: Request, person: Person, stand: Stand | None, *, again: bool = False
    ) -> Response:
        office = self.office
        accept = _accept(request)
        notice = office.notice(person.controller)
        wording = self._wording(page, office.pages.language(accept, notice), person)
        sealed = office.sealed(person, stand, wording.version, wording.language)
        shown = replace(office.shown(person, stand), seal=sealed, again=again)
        if page == "consent":
            return office.pages.consent(accept, notice, shown)
        return office.pages.preferences(accept, notice, shown)

    def _wording(self, page: str, language: str, person: Person) -> Wording:
        # Boxes are no words: what is ticked makes no other wording.
        notice = self.office.notice(person.controller)
        return self.office.pages.wording(page, language, notice, self.office.shown(person, None))

    async def _stored(self, request: Request, person: Person) -> Response:
        """What was chosen is in the ledger, or the page says that it is not."""
        office = self.office
        kind = "consent" if person.address else "preferences"
        form = await read_form(request)
        try:
            outcome, answer = await self._take(request, person, form)
        except Exception as error:  # noqa: BLE001 - whatever kept it from being stored, the person must know
            office.trouble(error)
            office.log.hit(kind, "not_stored")
            return office.pages.not_stored(_accept(request), office.notice(person.controller), Shown(again=True))
        office.log.hit(kind, outcome)
        return answer

    async def _take(
        self, request: Request, person: Person, form: Mapping[str, Sequence[str]]
    ) -> tuple[str, Response]:
        """Take in an answer; raises when it could not be stored. Gives what happened, and the page."""
        office = self.office
        stand = Stand(*await office.register.current(person.controller, person.subject))
        page = _page_for(person, stand)
        wanted = chosen(form, stand.consent.granted)
        if wanted is None:
            return "again", self._page(page, request, person, stand, again=True)
        sealed = None if across_sites(request) else office.opened(person, stand, one(form, "form"))
        language = office.pages.language(_accept(request), office.notice(person.controller))
        if page == "consent":
            wording = self._wording(page, sealed.language if sealed else language, person)
            # What is recorded is what was shown: a form of another wording counts for a refusal only.
            if wanted and (sealed is None or sealed.notice != wording.version):
                return "again", self._page(page, request, person, stand, again=True)
            await office.answered(person, wanted, wording)
            return "done", await self._saved(request, person)
        if stops_one(form):
            shown = office.shown(person, stand)
            wording = office.pages.wording("withdraw", language, office.notice(person.controller), shown)
        else:
            wording = self._wording(page, language, person)
        stand = await office.switched_off(person, stand, wanted, wording)
        gained = wanted & ~stand.consent.granted
        if not gained:
            return "done", await self._saved(request, person)
        if sealed is None:
            return "again", self._page(page, request, person, stand, again=True)
        became = await office.ask_to_confirm(person, stand, gained, sealed)
        return f"mail_{became}", await self._saved(request, person, became)

    async def _saved(self, request: Request, person: Person, mail: str = "") -> Response:
        """What holds now, by the ledger."""
        office = self.office
        person = await office.known(person)
        stand = Stand(*await office.register.current(person.controller, person.subject))
        shown = replace(office.shown(person, stand), mail=mail)
        notice = office.notice(person.controller)
        if not (shown.granted or mail):
            return office.pages.withdrawn(_accept(request), notice, shown)
        return office.pages.saved(_accept(request), notice, shown)


def _accept(request: Request) -> str:
    return request.headers.get("accept-language", "")


def _page_for(person: Person, stand: Stand | None) -> str:
    asked = person.address and (stand is None or stand.consent.reason in OPEN_QUESTION)
    return "consent" if asked else "preferences"
