"""One thing a person decided, as the ledger keeps it for good. Field names are those of the proof."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from smtp_gate.consent.clock import EPOCH
from smtp_gate.model import EVERYTHING, Purpose
from smtp_gate.tokens.subject import SUBJECT_SIZE

if TYPE_CHECKING:
    from datetime import datetime

MAX_FIELD = 1000
"""Characters of a text field: an address of a web page fits, a document does not."""
MAX_CONTROLLER = 64
_CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
"""Control characters, and halves of characters, which cannot be stored."""


class Choice(StrEnum):
    """What was decided."""

    GRANT = "grant"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A decision of one person towards one controller.

    Attributes:
        controller: id of the controller, as the configuration names it.
        subject: 16 octets that stand for the person's address.
        purposes: what was decided on, at least one.
        decision: granted, refused or withdrawn.
        at: when the person decided, with a time zone; not when it was recorded.
        method: by which means: ``form``, ``page``, ``import``, ``command`` ...; never empty.
        source: where it was decided: a page's address, a system, a list; never empty.
        reference: what finds it there: a form's id, a row, a ticket.
        notice: version of the wording that was shown.
        language: two-letter language of that wording.
        actor: who recorded it: ``person``, an operator, a program.
        expires: end of a grant; None for one without end.

    Raises:
        ValueError: when a field does not hold what is said above; the text names the field and no value.
    """

    controller: str
    subject: bytes = field(repr=False)
    purposes: Purpose
    decision: Choice
    at: datetime
    method: str
    source: str
    reference: str = ""
    notice: str = ""
    language: str = ""
    actor: str = ""
    expires: datetime | None = None

    def __post_init__(self) -> None:
        if len(self.subject) != SUBJECT_SIZE:
            raise ValueError(f"subject must be {SUBJECT_SIZE} octets")
        if not 0 < self.purposes <= EVERYTHING:
            raise ValueError("purposes must be some of the known ones")
        if self.at.tzinfo is None or self.at <= EPOCH:
            raise ValueError("at must be a time after 1970 with a time zone")
        if self.expires is not None and (
            self.expires.tzinfo is None or self.expires <= self.at or self.decision is not Choice.GRANT
        ):
            raise ValueError("expires must be a time with a time zone, after at, and only a grant has one")
        if not 0 < len(self.controller) <= MAX_CONTROLLER:
            raise ValueError(f"controller must be 1 to {MAX_CONTROLLER} characters")
        for name in ("controller", "method", "source", "reference", "notice", "language", "actor"):
            value = getattr(self, name)
            if len(value) > MAX_FIELD or _CONTROL.search(value):
                raise ValueError(f"{name} must be at most {MAX_FIELD} characters and have no control characters")
            if not value and name in ("method", "source"):
                raise ValueError(f"{name} must not be empty: a decision counts only with its origin")


class Entry(NamedTuple):
    """An event on its way into the ledger.

    Attributes:
        event: what was decided.
        address: the person's address, kept apart from the event; ``b""`` when it is not known.
        key: 16 octets that are the same when the same decision comes twice; ``b""``: it is always new.
    """

    event: Event
    address: bytes = b""
    key: bytes = b""


class Recorded(NamedTuple):
    """An event as it stands in the ledger.

    Attributes:
        seq: its place, from 1, without a gap, in the order of recording.
        recorded: when it was recorded.
        event: what was decided.
    """

    seq: int
    recorded: datetime
    event: Event


class Chained(NamedTuple):
    """An event with its place in the chain; ``chain`` says what the hashes cover.

    Attributes:
        recorded: the event.
        person: commitment to the personal fields.
        salt: of the commitment.
        key: that a repeated row of an import is known by; None for none.
        previous: hash of the event before it.
        hash: its own.
        notice_sha256: of the wording that was shown, when the ledger had it then.
        fault: a sentence when the event is not what was recorded; else empty.
    """

    recorded: Recorded
    person: bytes
    salt: bytes
    key: bytes | None
    previous: bytes
    hash: bytes
    notice_sha256: bytes | None
    fault: str


@lru_cache(maxsize=256)
def purposes_of(words: str) -> Purpose:
    """Purposes from words such as ``"performance, clicks"``.

    Args:
        words: names in any case, separated by commas, semicolons, bars or white space; ``all`` is every one.

    Raises:
        ValueError: for a word that is no purpose, or none at all; the text names the choices.
    """
    found = Purpose(0)
    for word in re.split(r"[,;|\s]+", words.strip().lower()):
        if word == "all":
            found |= EVERYTHING
        elif word.upper() in Purpose.__members__:
            found |= Purpose[word.upper()]
        else:
            choices = ", ".join(names_of(EVERYTHING))
            raise ValueError(f"purposes must be some of {choices}, or all")
    return found


def names_of(purposes: Purpose) -> tuple[str, ...]:
    """The words of some purposes, in the order of their definition."""
    return tuple(name.lower() for name, purpose in Purpose.__members__.items() if purpose & purposes)
