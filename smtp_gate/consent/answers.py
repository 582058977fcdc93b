"""What was decided in a row: one decision on some purposes, or yes or no for each purpose in its own column."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from smtp_gate.consent.event import Choice, purposes_of
from smtp_gate.consent.fields import reader, text_of
from smtp_gate.model import EVERYTHING, NOTHING, Purpose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from smtp_gate.config.source_map import Map
    from smtp_gate.consent.fields import Values

_ANSWERS = {
    **dict.fromkeys(
        ("1", "true", "yes", "y", "on", "oui", "ja", "si", "sí", "sim", "tak", "grant", "granted"), "grant"
    ),
    **dict.fromkeys(
        ("0", "false", "no", "n", "off", "non", "nein", "nee", "não", "nie", "refuse", "refused"), "refuse"
    ),
    **dict.fromkeys(("withdraw", "withdrawn"), "withdraw"),
    **dict.fromkeys(("", "none", "null"), "none"),
}
"""What a purpose's own column usually says."""
Decided = tuple[Choice, Purpose, str]
"""A decision, on what, and why it does not count; empty when it does."""


def decisions_of(columns: Map) -> Callable[[Values], Iterator[Decided]]:
    """How the decisions of a row are found; what it returns raises ValueError when there is none that is known."""
    if columns.purposes.each:
        return _by_purpose(columns)
    decision = reader(columns.decision, "decision")
    purposes = purposes_of_map(columns)

    def decide(values: Values) -> Iterator[Decided]:
        word = decision(values).lower()
        if word not in Choice.__members__.values():
            raise ValueError("decision must be grant, refuse or withdraw")
        choice = Choice(word)
        try:
            yield choice, purposes(values, choice is Choice.GRANT), ""
        except ValueError as error:
            # What a refusal is about, nobody needs to say for it to count.
            yield (choice, NOTHING, str(error)) if choice is Choice.GRANT else (choice, EVERYTHING, "")

    return decide


def purposes_of_map(columns: Map) -> Callable[[Values, bool], Purpose]:
    """How the purposes of a row are found, given whether it grants them; what it returns raises ValueError."""
    spec = columns.purposes
    if spec.fixed:
        fixed = purposes_of(",".join(spec.fixed))
        return lambda _values, _grant: fixed
    return partial(_column_purposes, spec.column, {key: ",".join(words) for key, words in spec.values.items()})


def _column_purposes(column: str, table: Mapping[str, str], values: Values, grant: bool) -> Purpose:
    text = text_of(values, column, several=True)
    if grant and "all" in text.lower() and not table:
        raise ValueError("purposes of a grant must be named one by one")
    return purposes_of(table.get(text, "") if table else text)


def _by_purpose(columns: Map) -> Callable[[Values], Iterator[Decided]]:
    """One column for each purpose: what was granted, refused and withdrawn of a row."""
    lanes = [(Purpose[name.upper()], column) for name, column in columns.purposes.each.items()]
    table = {key.casefold(): answer for key, answer in columns.purposes.answers.items()} or _ANSWERS

    def decide(values: Values) -> Iterator[Decided]:
        found: dict[str, Purpose] = {}
        wrong = ""
        for purpose, column in lanes:
            answer = table.get(text_of(values, column).casefold())
            if answer is None:
                wrong = f"{column} must be one of the answers that are mapped"
            else:
                found[answer] = found.get(answer, NOTHING) | purpose
        found.pop("none", None)
        if wrong:
            yield Choice.GRANT, NOTHING, wrong
        for answer, purposes in found.items():
            yield Choice(answer), purposes, ""

    return decide
