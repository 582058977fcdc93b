"""What the API takes and gives: field by field, with the words that its document shows."""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, model_validator

from smtp_gate.consent import Choice
from smtp_gate.consent.event import MAX_FIELD
from smtp_gate.consent.mapping import is_address
from smtp_gate.limits import MAX_API_BATCH

PurposeName = Literal["performance", "profiling", "fraud", "deliverability", "clicks"]
PURPOSES: tuple[PurposeName, ...] = ("performance", "profiling", "fraud", "deliverability", "clicks")

_MOMENT = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?(Z|[+-][0-9]{2}:[0-9]{2})$"
_ADDRESS = r"^[^\s<>\x00-\x20\x7f-\xa0@]{1,64}@[^\s<>\x00-\x20\x7f-\xa0@]{1,255}$"
_LINE = r"^[^\x00-\x1f\x7f]*$"


def _address(text: str) -> str:
    if not is_address(text) or not re.fullmatch(_ADDRESS, text):
        raise ValueError("must be one plain address, local@domain")
    return text


def _moment(text: str) -> str:
    moment_of(text)
    return text


def moment_of(text: str) -> datetime:
    """A time of RFC 3339, in UTC.

    Raises:
        ValueError: when it is none.
    """
    if re.fullmatch(_MOMENT, text, re.ASCII):
        with suppress(ValueError, OverflowError):
            return datetime.fromisoformat(text).astimezone(UTC)
    raise ValueError("must be a time with its zone, such as 2026-04-14T09:30:00+02:00")


def _unique(purposes: list[PurposeName]) -> list[PurposeName]:
    if len(set(purposes)) != len(purposes):
        raise ValueError("must name each purpose once")
    return purposes


Address = Annotated[
    str,
    AfterValidator(_address),
    Field(description="The person's plain address, local@domain.", json_schema_extra={"pattern": _ADDRESS}),
]
Moment = Annotated[
    str, AfterValidator(_moment), Field(json_schema_extra={"format": "date-time", "pattern": _MOMENT})
]
Line = Annotated[str, StringConstraints(max_length=MAX_FIELD, pattern=_LINE)]
Filled = Annotated[str, StringConstraints(min_length=1, max_length=MAX_FIELD, pattern=_LINE)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Decision(_Model):
    """What one person decided, with its origin: a decision without one proves nothing and is refused."""

    # For people and programs that read the document; the validators below decide.
    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"decision": {"const": "grant"}}},
            "then": {
                "required": ["purposes", "notice", "language"],
                "properties": {"notice": {"minLength": 1}, "language": {"minLength": 2}},
            },
            "else": {"properties": {"expires": {"type": "null"}}},
        }
    )

    address: Address
    decision: Annotated[Choice, Field(description="What was decided.")]
    purposes: Annotated[
        list[PurposeName],
        AfterValidator(_unique),
        Field(
            min_length=1,
            max_length=len(PURPOSES),
            description="What it is about, each once. May be left out of refuse and withdraw: everything.",
            json_schema_extra={"uniqueItems": True},
        ),
    ] = list(PURPOSES)
    at: Annotated[Moment, Field(description="When the person decided, with a zone; not in the future.")]
    method: Annotated[Filled, Field(description="By which means: form, phone, paper, cmp ...")]
    source: Annotated[Filled, Field(description="Where: the page's address, a system, a list.")]
    reference: Annotated[Line, Field(description="What finds it there: a submission's id, a ticket, a row.")] = ""
    notice: Annotated[Line, Field(description="Version of the wording that was shown; a grant needs it.")] = ""
    language: Annotated[
        str,
        StringConstraints(pattern=r"^([a-z]{2})?$"),
        Field(description="Two-letter language of that wording; a grant needs it."),
    ] = ""
    expires: Annotated[Moment | None, Field(description="End of a grant.")] = None

    @model_validator(mode="before")
    @classmethod
    def _a_grant_says_for_what(cls, value: Any) -> Any:
        if isinstance(value, dict) and value.get("decision") == Choice.GRANT and "purposes" not in value:
            raise ValueError("purposes must be named one by one in a grant")
        return value

    @model_validator(mode="after")
    def _a_grant_has_its_wording(self) -> Self:
        if self.decision is Choice.GRANT:
            for name in ("notice", "language"):
                if not getattr(self, name):
                    raise ValueError(f"{name} must say which wording was agreed to")
        elif self.expires is not None:
            raise ValueError("expires goes with a grant only")
        return self


class Decisions(_Model):
    """Several decisions: all of them are recorded, or none."""

    consents: Annotated[list[Decision], Field(min_length=1, max_length=MAX_API_BATCH)]


class Whose(_Model):
    """Whom to look up. In a body and not in an address, since addresses of requests end up in logs."""

    address: Address


class Taken(_Model):
    """A decision that stands in the ledger."""

    event: Annotated[int, Field(description="Its number in the ledger.", ge=1)]
    repeated: Annotated[bool, Field(description="Whether it was there before.")]


class TakenAll(_Model):
    """Decisions that stand in the ledger, in the order they came."""

    consents: list[Taken]


class Past(_Model):
    """A decision of the past."""

    event: Annotated[int, Field(description="Its number in the ledger.", ge=1)]
    decision: Choice
    purposes: list[PurposeName]
    at: Annotated[datetime, Field(description="When the person decided.")]
    recorded: Annotated[datetime, Field(description="When it was recorded.")]
    method: str
    source: str
    reference: str
    notice: str
    language: str
    actor: Annotated[str, Field(description="Who recorded it.")]
    expires: datetime | None


class Standing(_Model):
    """Where a person stands."""

    granted: Annotated[list[PurposeName], Field(description="What holds now.")]
    reason: Annotated[
        Literal["granted", "unknown", "refused", "withdrawn", "expired", "doubt"],
        Field(description="Why it is what it is."),
    ]
    history: Annotated[list[Past], Field(description="All decisions, oldest first.")]
