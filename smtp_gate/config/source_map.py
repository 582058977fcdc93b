"""Which column of a source is what, as its users write it; ``docs/consent.md`` explains the keys.

Every field of a decision comes from a column or is the same for all rows; tables say what values mean. Nothing is
guessed: a value that no table knows is told, and its row does not count.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, model_validator

from smtp_gate.model import Purpose


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


def _column(value: Any) -> Any:
    """A text alone is the name of a column."""
    return {"column": value} if isinstance(value, str) else value


def _formats(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _format(text: str) -> str:
    if text not in ("iso", "unix", "unix_ms") and "%" not in text:
        raise ValueError("is no format of a time; write iso, unix, unix_ms or such as '%d/%m/%Y %H:%M'")
    return text


def _purpose(text: str) -> str:
    if text.upper() not in Purpose.__members__:
        raise ValueError(f"is no purpose; choose one of: {', '.join(each.lower() for each in Purpose.__members__)}")
    return text.lower()


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("is no time zone; write UTC or such as Europe/Paris") from None
    return text


PurposeName = Annotated[str, AfterValidator(_purpose)]
Answer = Literal["grant", "refuse", "withdraw", "none"]
"""What a value in a purpose's own column means; ``none``: nothing was decided."""


class ColumnSpec(_Model):
    """Where a field comes from."""

    column: str = ""
    """Its name; for JSON a dotted path such as consent.date."""
    fixed: str = ""
    """The same for every row, in place of a column."""
    values: dict[str, str] = {}
    """What a value of the column means; one that is not in here does not count."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if bool(self.column) == bool(self.fixed):
            raise ValueError("names no column and no fixed value, or both; give column or fixed")
        if self.fixed and self.values:
            raise ValueError("has a table of values for a fixed value; write the value that is meant")
        return self


class TimeSpec(ColumnSpec):
    """Where a time comes from."""

    format: Annotated[list[Annotated[str, AfterValidator(_format)]], BeforeValidator(_formats)] = ["iso"]
    """iso, unix, unix_ms, or as of strptime; several are tried in order."""
    zone: Annotated[str, AfterValidator(_zone)] | None = None
    """Of times that name none, such as Europe/Paris."""


class ProofSpec(ColumnSpec):
    """Where the name of an attached file comes from."""

    folder: Path = Path()
    """Where the files are."""


class PurposesSpec(_Model):
    """Where purposes come from."""

    column: str = ""
    """A column with names of purposes."""
    fixed: Annotated[list[PurposeName], BeforeValidator(_formats)] = []
    """The same for every row."""
    values: dict[str, Annotated[list[PurposeName], BeforeValidator(_formats)]] = {}
    """With ``column``: what a value of it means; one that is not in here does not count."""
    each: dict[PurposeName, str] = {}
    """A column for each purpose, which says yes or no."""
    answers: dict[str, Answer] = {}
    """With ``each``: what a value means; left out: yes and no in the usual spellings, empty is none."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(map(bool, (self.column, self.fixed, self.each))) != 1:
            raise ValueError("names no purposes, or in several ways; give column, fixed or each")
        if (self.values and not self.column) or (self.answers and not self.each):
            raise ValueError("has a table without its column; values goes with column, answers with each")
        return self


Column = Annotated[ColumnSpec, BeforeValidator(_column)]
Time = Annotated[TimeSpec, BeforeValidator(_column)]
Proof = Annotated[ProofSpec, BeforeValidator(_column)]
Purposes = Annotated[PurposesSpec, BeforeValidator(_column)]


class Transition(_Model):
    """People of an older list who were told of the tracking and could say no (CNIL, French transition of 2026)."""

    collected_at: Time
    """When the address was collected."""
    informed_at: Time
    """When they were told."""
    objected_at: Time | None = None
    """When they said no; empty: they did not."""


class Map(_Model):
    """Which column is what. A text is the name of a column."""

    email: Column
    """The person's address."""
    controller: Column | None = None
    """Id of the configuration; left out: the only one."""
    purposes: Purposes
    """What was decided on."""
    decision: Column | None = None
    """grant, refuse or withdraw; not with ``purposes.each``, whose columns say it."""
    at: Time | None = None
    """When the person decided."""
    method: Column | None = None
    """By which means: form, phone, paper ...; third_party when another one collected it."""
    source: Column | None = None
    """Where: a page's address, a system, a list."""
    reference: Column | None = None
    """What finds it there."""
    notice: Column | None = None
    """Version of the wording that was shown."""
    language: Column | None = None
    """Of the wording, two letters."""
    expires: Time | None = None
    """End of a grant."""
    collector: Column | None = None
    """Who asked the person; another one than the controller must attach a proof."""
    proof: Proof | None = None
    """File with the proof of a third party; its hash is kept."""

    transition: Transition | None = None
    """In place of a decision: the French transition of 2026; counts only with consent.transition_until."""

    @model_validator(mode="after")
    def _decided(self) -> Self:
        if sum((bool(self.purposes.each), self.decision is not None, self.transition is not None)) != 1:
            raise ValueError("needs one of decision, purposes.each (columns that say yes or no) and transition")
        return self

    def columns(self) -> list[tuple[tuple[str, ...], str]]:
        """Every column that is named, with the path of the key that names it."""
        found = _named(self, ("map",))
        if self.transition is not None:
            found += _named(self.transition, ("map", "transition"))
        return found + [(("map", "purposes", "each", name), at) for name, at in self.purposes.each.items()]


def _named(model: BaseModel, path: tuple[str, ...]) -> list[tuple[tuple[str, ...], str]]:
    specs = ((name, getattr(model, name)) for name in type(model).model_fields)
    return [((*path, name), column) for name, spec in specs if (column := getattr(spec, "column", ""))]


PLAIN = Map.model_validate(
    {"email": "address", "purposes": "purposes"}
    | {
        name: name
        for name in (
            "controller",
            "decision",
            "at",
            "method",
            "source",
            "reference",
            "notice",
            "language",
            "expires",
            "collector",
            "proof",
        )
    }
)
"""Columns that have our own names."""
