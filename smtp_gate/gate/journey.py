"""One message's journey: checked at the next hop, scanned, looked up, decided, rendered, delivered, answered.

This module alone decides the order of the steps and what is said when one fails. The promise it keeps: a
recipient's 2xx means that the next hop accepted that recipient's mail, now or on an earlier attempt.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

from smtp_gate import limits, replies
from smtp_gate.errors import StoreUnavailable
from smtp_gate.gate.dispatch import Dispatch, Group
from smtp_gate.gate.questions import NONE, note, questions_of
from smtp_gate.gate.quoted import quotes_of
from smtp_gate.gate.reading import read
from smtp_gate.gate.report import Report
from smtp_gate.gate.sample import sheet
from smtp_gate.gate.variant import compose
from smtp_gate.model import NOTHING, UNKNOWN, Consent, Kind
from smtp_gate.policy.decide import measurable
from smtp_gate.policy.roles import spoken_for
from smtp_gate.policy.rules import Treat
from smtp_gate.render.received import received
from smtp_gate.scan.headers import header_size, received_count
from smtp_gate.tokens.subject import subject_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smtp_gate.delivery.accepted import Claim
    from smtp_gate.delivery.transaction import HopTransaction
    from smtp_gate.gate import Gate
    from smtp_gate.gate.quoted import Quotes
    from smtp_gate.gate.ruleset import Ruleset
    from smtp_gate.gate.variant import Variant
    from smtp_gate.model import Client, Purpose, Recipient, Scan, Sender
    from smtp_gate.policy.match import Treatment
    from smtp_gate.replies import Reply

NEEDS_CONSENT = frozenset({Kind.PIXEL, Kind.PICTURE, Kind.LINK, Kind.PERSONAL, Kind.OWN})
"""Findings that somebody may have agreed to; a mail without any is decided without a look-up."""


class Journey:
    """One SMTP or LMTP transaction, from MAIL to the last reply.

    Made by :meth:`smtp_gate.gate.Gate.begin`; used by one session at a time.
    """

    def __init__(self, gate: Gate, client: Client, sender: Sender) -> None:
        self._gate = gate
        self._client = client
        self._sender = sender
        self._questions = NONE
        self._hop: HopTransaction | None = None
        self._recipients: list[Recipient] = []

    async def recipient(self, recipient: Recipient) -> Reply:
        """Ask the next hop about one recipient; its answer is ours.

        Checking here keeps mixed outcomes after the dot rare (RFC 5321 section 4.1.1.4 allows no partial failure
        there). A recipient that was refused for good on an earlier attempt of the same message hears it again
        here, where its refusal concerns nobody else.
        """
        remembered = self._gate.accepted.refusal(self._client, self._sender, recipient)
        if remembered is not None:
            return remembered
        if self._hop is None:
            self._hop = self._gate.pool.begin(self._sender)
        reply = await self._hop.rcpt(recipient)
        if reply.accepted:
            self._recipients.append(recipient)
            return replies.RECIPIENT_OK
        return reply

    async def abandon(self) -> None:
        """Forget the transaction: RSET, a lost client, a new greeting, or its end."""
        hop, self._hop = self._hop, None
        self._recipients = []
        if hop is not None:
            await hop.abort()

    async def content(self, raw: bytes, client_gone: Callable[[], bool]) -> list[Reply]:
        """Deliver the message to every recipient that was taken.

        Args:
            raw: the message with CRLF line ends, not dot-stuffed, without a bare CR or LF.
            client_gone: whether the client has left, so that nothing is begun which it will send again.

        Returns:
            One reply for each taken recipient, in order.
        """
        clock = asyncio.get_running_loop().time
        report = Report(self._client, len(raw))
        report.next_hop = self._hop.hop if self._hop is not None else ""
        answers = [replies.OWN_TROUBLE] * len(self._recipients)
        try:
            answers = await self._deliver(raw, client_gone, clock() + limits.REPLY_DEADLINE, report)
        except Exception as problem:  # noqa: BLE001 - whatever is wrong with us, the mail stays with the client
            report.failed(problem)
        finally:
            await self.abandon()
            report.done(answers)
        return answers

    async def _deliver(
        self, raw: bytes, client_gone: Callable[[], bool], deadline: float, report: Report
    ) -> list[Reply]:
        count = len(self._recipients)
        if header_size(raw) > limits.MAX_HEADER_BYTES:
            return [replies.HEADER_TOO_BIG] * count
        if received_count(raw) > limits.MAX_RECEIVED:
            return [replies.LOOP] * count
        record = self._gate.accepted
        digest = hashlib.sha256(raw).digest()
        keys = record.keys(self._client, self._sender, self._recipients, digest)
        left = self._left(digest, report)
        with record.claim(keys) as claim:
            answers = dict(claim.answered)
            waiting = [number for number in range(count) if number not in answers]
            if waiting:
                groups = await self._groups(raw, waiting, answers, report)
                answers |= await self._send(groups, claim, client_gone, deadline, report, left=left)
                report.step("deliver")
            outcome = [answers[number] for number in range(count)]
            claim.settle(outcome, gone=client_gone())
        if self._questions is not NONE:
            await note(self._gate, self._questions, answers, report)
        return outcome

    async def _groups(
        self, raw: bytes, waiting: Sequence[int], answers: dict[int, Reply], report: Report
    ) -> list[Group]:
        """Who gets the same bytes; recipients that get none are answered in ``answers``."""
        ruleset = self._gate.ruleset
        addresses = [one.address for one in self._recipients]
        found = await read(self._gate, ruleset, raw, self._sender.address, addresses, report=report)
        found, treatment = ruleset.treat(self._sender.address, found)
        quotes = quotes_of(ruleset, found)
        found = quotes.scan
        try:
            consents = await self._consents(ruleset, found, treatment, waiting)
        except StoreUnavailable as problem:
            self._gate.store_said(problem.reason)
            if ruleset.on_failure == "defer":
                report.consent["unavailable"] += len(waiting)
                answers.update(dict.fromkeys(waiting, replies.CONSENT_UNAVAILABLE))
                return []
            consents = [Consent(NOTHING, "unavailable")] * len(waiting)
        report.step("consent")
        groups: list[Group] = []
        shared: dict[tuple[Purpose, bool], Group] = {}
        for number, consent in zip(waiting, consents, strict=True):
            report.consent[consent.reason] += 1
            outcome = consent.granted, treatment.pixels is Treat.MINIMISE and measurable(consent)
            known = shared.get(outcome)
            if known is not None and not quotes.name(ruleset.keyring, self._recipients[number].address):
                known.members.append(number)
                continue
            group = self._group(ruleset, quotes, treatment, outcome, number)
            if not group.variant.decision.personal:
                # Two different consents may still come to the same bytes, as when a mail has links only.
                same = next((other for other in groups if _alike(other.variant, group.variant)), None)
                if same is not None:
                    same.members.append(number)
                    shared[outcome] = same
                    continue
                shared[outcome] = group
            groups.append(group)
        if found.asks:
            self._questions = await questions_of(
                self._gate, ruleset, quotes, groups, self._recipients, report=report
            )
            refused = self._questions.refused
            answers.update(refused)
            groups = [group for group in groups if group.members[0] not in refused]
        for group in groups:
            report.composed(group.variant, found)
            if group.variant.refusal is not None:
                answers.update(dict.fromkeys(group.members, group.variant.refusal))
        report.step("render")
        return [group for group in groups if group.variant.refusal is None]

    def _group(
        self, ruleset: Ruleset, quotes: Quotes, treatment: Treatment, outcome: tuple[Purpose, bool], number: int
    ) -> Group:
        address = self._recipients[number].address

        def composed(granted: Purpose, *, measured: bool = False) -> Variant:
            return compose(ruleset, quotes.scan, treatment, granted, address, quotes=quotes, measured=measured)

        granted, measured = outcome
        return Group(composed(granted, measured=measured), [number], lambda: composed(NOTHING), quotes.scan)

    async def _consents(
        self, ruleset: Ruleset, found: Scan, treatment: Treatment, waiting: Sequence[int]
    ) -> list[Consent]:
        """What each recipient agreed to; nobody is looked up when nothing depends on it."""
        controller, keyring = treatment.controller, ruleset.keyring
        if (
            controller is None
            or keyring is None
            or not any(finding.kind in NEEDS_CONSENT for finding in found.findings)
        ):
            return [UNKNOWN] * len(waiting)
        told = [spoken_for(ruleset.policy, self._recipients[number].address) for number in waiting]
        persons = [number for number, known in zip(waiting, told, strict=True) if known is None]
        if not persons:
            return [known or UNKNOWN for known in told]
        subjects = [subject_of(keyring, self._recipients[number].address) for number in persons]
        consents = await self._gate.store.look_up(controller.id, subjects)
        self._gate.store_said("")
        if len(persons) == len(waiting):
            return consents
        answers = iter(consents)
        return [known or next(answers) for known in told]

    def _left(self, digest: bytes, report: Report) -> Callable[[Scan, Variant], None] | None:
        """Whom to tell of what left: the audit, if the message is in its sample."""
        auditor, catalogue = self._gate.auditor, self._gate.ruleset.catalogue
        if auditor is None or not auditor.takes(digest):
            return None
        return lambda scan, variant: auditor.offer(sheet(report.message_id, scan, variant), catalogue)

    async def _send(
        self,
        groups: list[Group],
        claim: Claim,
        client_gone: Callable[[], bool],
        deadline: float,
        report: Report,
        *,
        left: Callable[[Scan, Variant], None] | None,
    ) -> dict[int, Reply]:
        """Send each group its bytes; the answer of every member."""
        trace = received(self._client, self._gate.hostname, report.message_id, self._gate.now(), None)
        dispatch = Dispatch(
            self._gate.pool, self._sender, self._recipients, trace, deadline, client_gone, report.failed, left
        )
        hop, self._hop = self._hop, None
        if len(groups) == 1 and hop is not None and len(groups[0].members) == len(self._recipients):
            # The common case: the transaction that checked the recipients carries the message.
            return await dispatch.along(hop, groups[0])
        if hop is not None:
            await hop.abort()
        return await dispatch.apart(groups, claim.accepted)


def _alike(one: Variant, other: Variant) -> bool:
    """Whether two variants are the same to whoever gets them, whatever the reasons."""
    return one.refusal == other.refusal and one.content == other.content
