"""What tokens say: one value a kind, each with a door of its own. ``seal`` turns them into text and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smtp_gate.model import Purpose


@dataclass(frozen=True, slots=True)
class PixelToken:
    """A remote load of one person's mail.

    Attributes:
        controller: id of the controller whose consent counts.
        subject: 16 octets of :func:`smtp_gate.tokens.subject_of`.
        purposes: what the person must have agreed to, all of them.
        vendor: catalogue id; empty for a tracker nobody catalogued.
        url: the vendor's address.
    """

    controller: str
    subject: bytes
    purposes: Purpose
    vendor: str
    url: str


@dataclass(frozen=True, slots=True)
class LinkToken:
    """A tracked link of one person's mail; the fields are those of :class:`PixelToken`."""

    controller: str
    subject: bytes
    purposes: Purpose
    vendor: str
    url: str


@dataclass(frozen=True, slots=True)
class AskToken:
    """A link whose target only the vendor knows; nobody's, so that all recipients share one mail.

    Attributes:
        controller: id of the controller that sends; empty when the sender belongs to none.
        vendor: catalogue id; empty for a tracker nobody catalogued.
        url: the vendor's address.
    """

    controller: str
    vendor: str
    url: str


@dataclass(frozen=True, slots=True)
class WithdrawToken:
    """The right of one person to stop the tracking of one controller; it has no end.

    Attributes:
        controller: id of the controller.
        subject: 16 octets of :func:`smtp_gate.tokens.subject_of`.
        masked: what pages show of the address, from :func:`smtp_gate.tokens.masked`; empty in old mails.
    """

    controller: str
    subject: bytes
    masked: str = ""


@dataclass(frozen=True, slots=True)
class ConsentToken:
    """The question whether one person agrees to the tracking of one controller, asked at their own address.

    Attributes:
        controller: id of the controller.
        subject: 16 octets of :func:`smtp_gate.tokens.subject_of`.
        address: ``local@domain``; pages show it masked, and the ledger keeps it with the answer.
    """

    controller: str
    subject: bytes
    address: bytes


@dataclass(frozen=True, slots=True)
class FormToken:
    """What stands in a form whose answer may switch something on: what was shown to whom, and until when it counts.

    Attributes:
        controller: id of the controller.
        subject: 16 octets of :func:`smtp_gate.tokens.subject_of`.
        purposes: that the answer is about; the form itself says which of them were chosen.
        seq: place in the ledger of the person's last decision when the page was made, 0 for none: an answer to an
            older state counts no more, so that no token switches anything on twice.
        until: seconds since 1970.
        notice: version of the wording that was shown.
        language: of that wording.
    """

    controller: str
    subject: bytes
    purposes: Purpose
    seq: int
    until: int
    notice: str
    language: str


@dataclass(frozen=True, slots=True)
class ConfirmToken:
    """What a person confirms from their own mailbox; the fields are those of :class:`FormToken`.

    Attributes:
        purposes: that are switched on by it.
        notice: version of the wording at which they were chosen.
    """

    controller: str
    subject: bytes
    purposes: Purpose
    seq: int
    until: int
    notice: str
    language: str


@dataclass(frozen=True, slots=True)
class OpeningToken:
    """The gate's own pixel, from which only the day of a person's last opening is kept; nothing of the mail.

    Attributes:
        controller: id of the controller.
        subject: 16 octets of :func:`smtp_gate.tokens.subject_of`.
    """

    controller: str
    subject: bytes


Token = OpeningToken | PixelToken | LinkToken | AskToken | WithdrawToken | ConsentToken | FormToken | ConfirmToken
