"""What the doors of the web part share: keys, register, pages, and the one place where answers are taken in.

This module alone decides what a person's answer on a page may change. Switching off happens at once and asks for
nothing. Switching on happens at once only for an answer to the question that was sent to the person's own address
and that nobody answered yet; any other page may have been forwarded, and then the person confirms from their own
mailbox. What counts as shown is what the page said: its wording goes into the ledger before the answer does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from smtp_gate.consent.event import Choice, Event
from smtp_gate.errors import BadToken, StoreUnavailable
from smtp_gate.limits import CONFIRM_TIME, FORM_TIME
from smtp_gate.model import EVERYTHING, NOTHING, Consent, Purpose
from smtp_gate.tokens import ConfirmToken, FormToken, WithdrawToken, masked, open_form, seal
from smtp_gate.web.confirm_mail import UnwritableAddress
from smtp_gate.web.guard import place_of
from smtp_gate.web.notice import NOBODY, ControllerNotice
from smtp_gate.web.pages import Shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from smtp_gate.consent.event import Recorded
    from smtp_gate.consent.store import ConsentStore
    from smtp_gate.tokens import Keyring
    from smtp_gate.web.confirm_mail import Allowance, ConfirmMail, Post
    from smtp_gate.web.guard import WebReport
    from smtp_gate.web.pages import Pages
    from smtp_gate.web.shown import Wording


class Decisions(Protocol):
    """The part of the consent register that the web part may use; errors as there."""

    async def decide(self, decided: Sequence[Event], address: bytes = b"") -> int:
        """Store what one person decided; returns once it is stored for good."""
        ...

    async def current(self, controller: str, subject: bytes) -> tuple[Consent, int]:
        """Where a person stands by the ledger, and the seq of their last decision; 0 for none."""
        ...

    async def history(self, subject: bytes, controller: str = "") -> list[Recorded]:
        """All that a person decided, oldest first."""
        ...

    async def address(self, subject: bytes) -> bytes | None:
        """The address behind a subject."""
        ...

    async def keep_wording(self, controller: str, version: str, language: str, text: str) -> None:
        """Keep what people are shown."""
        ...


class Person(NamedTuple):
    """Whose page it is.

    Attributes:
        controller: id of the controller.
        subject: the person.
        masked: their address, masked; empty when the page does not know it.
        address: their address, where the page's own token holds it; else empty.
    """

    controller: str
    subject: bytes
    masked: str = ""
    address: bytes = b""


class Stand(NamedTuple):
    """Where a person stands: what is granted, why nothing is, and the seq of the last decision."""

    consent: Consent
    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """Everything that doors share."""

    keyring: Keyring
    public_url: str
    store: ConsentStore
    register: Decisions
    controllers: Mapping[str, ControllerNotice]
    log: WebReport
    pages: Pages
    clock: Callable[[], datetime]
    post: Post | None
    mail: ConfirmMail
    allowance: Allowance

    # --- what is known ----------------------------------------------------------------------------------------
    def notice(self, controller: str) -> ControllerNotice:
        """What pages say of a controller; links of one that is no longer configured go on working."""
        return self.controllers.get(controller) or (ControllerNotice(controller) if controller else NOBODY)

    async def consent(self, controller: str, subject: bytes) -> Consent:
        """What the store says at a hit; never raises."""
        try:
            [consent] = await self.store.look_up(controller, [subject])
        except StoreUnavailable:
            return Consent(NOTHING, "unavailable")
        except Exception as error:  # noqa: BLE001 - a store that fails in a new way is still a store that fails
            self.trouble(error)
            return Consent(NOTHING, "doubt")
        return consent

    async def stand(self, person: Person) -> Stand | None:
        """Where a person stands by the ledger itself; None when it does not say."""
        try:
            return Stand(*await self.register.current(person.controller, person.subject))
        except StoreUnavailable:
            return None

    def trouble(self, error: Exception) -> None:
        """Tell the operator that something of ours failed."""
        self.log.trouble(type(error).__name__, place_of(error))

    # --- what pages show --------------------------------------------------------------------------------------
    def person_token(self, person: Person) -> str:
        """The token of the person's own pages."""
        return seal(self.keyring, WithdrawToken(person.controller, person.subject, person.masked))

    def shown(self, person: Person, stand: Stand | None) -> Shown:
        """What the pages of a person show."""
        granted = NOTHING if stand is None else stand.consent.granted
        return Shown(
            masked=person.masked, granted=granted, known=stand is not None, token=self.person_token(person)
        )

    def sealed(self, person: Person, stand: Stand | None, version: str, language: str) -> str:
        """What goes into a form whose answer may switch something on: which wording, in which language."""
        if stand is None:
            return ""
        until = int(self.clock().timestamp()) + FORM_TIME
        token = FormToken(person.controller, person.subject, EVERYTHING, stand.seq, until, version, language)
        return seal(self.keyring, token)

    def opened(self, person: Person, stand: Stand, text: str) -> FormToken | None:
        """What a form was sealed with; None when it is another's, too old, or the person decided since."""
        try:
            token = open_form(self.keyring, text)
        except BadToken:
            return None
        same = (token.controller, token.subject, token.seq) == (person.controller, person.subject, stand.seq)
        return token if same and self.clock().timestamp() < token.until else None

    # --- what answers change ----------------------------------------------------------------------------------
    async def keep(self, controller: str, wording: Wording) -> None:
        """Put a wording into the ledger.

        Raises:
            StoreUnavailable: when the ledger does not keep it.
        """
        await self.register.keep_wording(controller, wording.version, wording.language, wording.text)

    def event(self, person: Person, choice: Choice, purposes: Purpose, wording: Wording, source: str) -> Event:
        """A decision that a person took on a page, now."""
        return Event(
            controller=person.controller,
            subject=person.subject,
            purposes=purposes,
            decision=choice,
            at=self.clock(),
            method="page",
            source=source,
            notice=wording.version,
            language=wording.language,
            actor="person",
        )

    async def answered(self, person: Person, chosen: Purpose, wording: Wording) -> None:
        """Take in the answer to the question that was sent to the person's own address.

        Raises:
            StoreUnavailable: when it was not stored.
        """
        rest = EVERYTHING & ~chosen
        decided = [
            self.event(person, choice, purposes, wording, "consent page")
            for choice, purposes in ((Choice.REFUSE, rest), (Choice.GRANT, chosen))
            if purposes
        ]
        await self.keep(person.controller, wording)
        await self.register.decide(decided, person.address)

    async def switched_off(self, person: Person, stand: Stand, chosen: Purpose, wording: Wording) -> Stand:
        """Take in what an answer switches off; returns where the person stands then.

        Raises:
            StoreUnavailable: when it was not stored.
        """
        granted = stand.consent.granted
        off = EVERYTHING & ~chosen
        lost = granted & off
        # Who never agreed and says no has refused; who says yes to something leaves the rest as it was.
        if not lost and (chosen or stand.consent.reason in ("refused", "withdrawn")):
            return stand
        choice = Choice.WITHDRAW if lost else Choice.REFUSE
        await self.keep(person.controller, wording)
        event = self.event(person, choice, off, wording, "preferences page")
        seq = await self.register.decide([event], person.address)
        return Stand(Consent(granted & chosen, stand.consent.reason), seq)

    async def ask_to_confirm(self, person: Person, stand: Stand, gained: Purpose, form: FormToken) -> str:
        """Send the message in which a person confirms what shall be switched on.

        Returns:
            What became of it, as :attr:`Shown.mail` names it.

        Raises:
            StoreUnavailable: when the ledger does not say where to.
        """
        notice = self.notice(person.controller)
        address = person.address or await self.register.address(person.subject)
        if self.post is None or not notice.mail_from or not address:
            return "unable"
        now = self.clock()
        if not self.allowance.take(person.controller, person.subject, now):
            return "often"
        until = int(now.timestamp()) + CONFIRM_TIME
        token = ConfirmToken(
            person.controller, person.subject, gained, stand.seq, until, form.notice, form.language
        )
        link = f"{self.public_url}/g/{seal(self.keyring, token)}"
        try:
            letter = self.mail.write(form.language, notice, address, link, now)
        except UnwritableAddress:
            return "unable"
        return "sent" if await self.post.send(*letter) else "failed"

    async def known(self, person: Person) -> Person:
        """The person with their address masked, where the ledger knows it.

        Raises:
            StoreUnavailable: when the ledger does not say.
        """
        if person.masked:
            return person
        address = await self.register.address(person.subject)
        return person._replace(masked=masked(address)) if address else person
