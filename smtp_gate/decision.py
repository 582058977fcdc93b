"""What is decided about one mail for one person: its class, what becomes of each finding, footer and refusal."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smtp_gate.replies import Reply


class MailClass(StrEnum):
    """What a mail is for; decides together with consent (docs/policy.md has the matrix)."""

    AUTHENTICATION = "authentication"
    TRANSACTIONAL = "transactional"
    NEWSLETTER = "newsletter"
    SOFT_OPT_IN = "soft_opt_in"
    PROSPECTING = "prospecting"
    ONE_TO_ONE = "one_to_one"
    CONSENT_REQUEST = "consent_request"
    UNKNOWN = "unknown"


class Action(StrEnum):
    """What becomes of a finding."""

    STRIP = "strip"
    """The element goes, or its address where taking the element would break the layout."""
    UNWRAP = "unwrap"
    """The link becomes its target."""
    CLEAN = "clean"
    """Personal parameters go."""
    WRAP = "wrap"
    """It stays behind an address of the gate that asks again at every hit."""
    MINIMISE = "minimise"
    """The gate's own pixel takes its place, from which only the day of the last opening is kept."""
    ASK = "ask"
    """An opaque link leads to a page of the gate, which goes on only at a button."""
    TEXT = "text"
    """The words stay, the link goes."""
    INVITE = "invite"
    """The plain address of the question becomes the recipient's own."""
    KEEP = "keep"
    """Not touched."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one finding, and the code of the reason why (docs/policy.md lists them)."""

    action: Action
    reason: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of one mail for one recipient; recipients with equal decisions share bytes.

    Attributes:
        mail_class: of the rule that matched.
        rule: its name; ``"default"`` when none matched.
        controller: id of the controller whose consent counted; empty when the sender belongs to none.
        verdicts: one for each finding of the scan, in the same order.
        footer: whether the withdrawal footer is added.
        personal: whether the bytes hold a token of the recipient, so that nobody else may get them.
        refusal: the reply that ends the mail for this recipient, when policy refuses it; else None.
        silent: whether the fields that ask for a reading receipt go.
    """

    mail_class: MailClass
    rule: str
    controller: str
    verdicts: tuple[Verdict, ...]
    footer: bool
    personal: bool
    refusal: Reply | None
    silent: bool = False
