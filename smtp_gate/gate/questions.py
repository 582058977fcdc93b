"""Who is asked for consent by a mail, and whether that is too soon after the last time.

Only a mail that asks looks anything up here. Whether somebody was asked is read from the ledger before the mail is
sent, and noted once the next hop took it: a question that never arrived asked nobody. While the ledger does not
say, such a mail waits (451).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from smtp_gate import replies
from smtp_gate.errors import StoreUnavailable
from smtp_gate.gate.quoted import Choices
from smtp_gate.policy.decide import INVITED
from smtp_gate.tokens.subject import subject_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from smtp_gate.gate import Gate
    from smtp_gate.gate.dispatch import Group
    from smtp_gate.gate.quoted import Quotes
    from smtp_gate.gate.report import Report
    from smtp_gate.gate.ruleset import Ruleset
    from smtp_gate.model import Recipient
    from smtp_gate.replies import Reply


class Questions(NamedTuple):
    """What one mail asks.

    Attributes:
        controller: who asks.
        subjects: whom, by place among the transaction's recipients.
        refused: the replies of those who must not be asked now.
    """

    controller: str
    subjects: Mapping[int, bytes]
    refused: Mapping[int, Reply]


NONE = Questions("", {}, {})


async def questions_of(
    gate: Gate,
    ruleset: Ruleset,
    quotes: Quotes,
    groups: Sequence[Group],
    recipients: Sequence[Recipient],
    *,
    report: Report,
) -> Questions:
    """Whom a mail asks, and who is not to be asked; for a mail with :attr:`Scan.asks`.

    Args:
        gate: who was asked when.
        ruleset: what the mail is judged by.
        quotes: the mail, with the addresses of the gate that it came with.
        groups: who gets what; people who are asked are alone in theirs.
        recipients: all of the transaction.
        report: told of people who are asked again.
    """
    keyring = ruleset.keyring
    if keyring is None or gate.asked is None or not ruleset.reask_after:
        return NONE
    # A reply that quotes somebody's link asks nothing, and must reach them; the plain address asks anywhere.
    asking = {
        token.subject
        for token in quotes.tokens.values()
        if isinstance(token, Choices) and token.asks and "in-reply-to" not in quotes.scan.headers
    }
    subjects: dict[int, bytes] = {}
    controller = ""
    for group in groups:
        decision = group.variant.decision
        if group.variant.refusal is not None or not decision.personal:
            continue
        subject = subject_of(keyring, recipients[group.members[0]].address)
        if INVITED in decision.verdicts or subject in asking:
            controller = decision.controller
            subjects[group.members[0]] = subject
    if not subjects:
        return NONE
    try:
        lately = await gate.asked.lately(controller, list(subjects.values()), ruleset.reask_after)
    except StoreUnavailable as problem:
        gate.store_said(problem.reason)
        return Questions(controller, {}, dict.fromkeys(subjects, replies.CONSENT_UNAVAILABLE))
    again = [number for number, subject in subjects.items() if subject in lately]
    report.asked_again(len(again))
    refused = dict.fromkeys(again, replies.ASKED_LATELY) if ruleset.on_reask == "reject" else {}
    return Questions(controller, subjects, refused)


async def note(gate: Gate, questions: Questions, answers: Mapping[int, Reply], report: Report) -> None:
    """Remember whom the mail reached; never raises: the mail is out, and only the operator is left to be told."""
    reached = [subject for number, subject in questions.subjects.items() if answers[number].accepted]
    if not reached or gate.asked is None:
        return
    try:
        await gate.asked.note(questions.controller, reached)
    except StoreUnavailable as problem:
        gate.store_said(problem.reason)
    except Exception as problem:  # noqa: BLE001 - whatever it is, a 451 now would bring the mail a second time
        report.failed(problem)
