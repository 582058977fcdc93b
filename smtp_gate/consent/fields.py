"""How one field of a row is read: from a column or fixed, by a table or as it stands, as text or as a time."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from smtp_gate.consent.event import MAX_FIELD
from smtp_gate.consent.raw_rows import inside

if TYPE_CHECKING:
    from datetime import tzinfo

    from smtp_gate.config.source_map import ColumnSpec, TimeSpec

Values = Mapping[str, object]
"""A row by column; for JSON with objects inside."""
Read = Callable[[Values], str]
"""Gives the text of one field of a row; raises ValueError with the reason when there is none that can be used."""
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Moment:
    """Reads a time."""

    def __init__(self, spec: TimeSpec | None, field: str, zone: tzinfo | None) -> None:
        self.label = label_of(spec, field)
        self._read = reader(spec, field)
        self._formats = spec.format if spec else []
        self._zone = ZoneInfo(spec.zone) if spec and spec.zone else zone

    def __call__(self, values: Values, zone: tzinfo | None = None) -> datetime | None:
        """None for an empty field; ``zone`` is the last resort.

        Raises:
            ValueError: for what is no time, or one without a zone.
        """
        text = self._read(values)
        if not text:
            return None
        for form in self._formats:
            try:
                moment = _moment(text, form)
                zone = moment.tzinfo or self._zone or zone
                if zone is None:
                    break
                return moment.replace(tzinfo=zone).astimezone(UTC)
            except (ValueError, OverflowError, OSError):
                continue
        else:
            shape = "a time such as 2026-04-14T09:30:00+02:00" if self._formats == ["iso"] else "a time as mapped"
            raise ValueError(f"{self.label} must be {shape}")
        raise ValueError(f"{self.label} must have a time zone")


def reader(spec: ColumnSpec | None, field: str, absent: str = "") -> Read:
    """How a field is read."""
    if spec is None:
        return lambda _: absent
    if spec.fixed:
        fixed = spec.fixed
        return lambda _: fixed
    column = spec.column
    if not spec.values:

        def plain(values: Values) -> str:
            value = values.get(column)  # text in nearly all rows, and a million of them come
            return value if isinstance(value, str) else text_of(values, column)

        return plain
    table, label = spec.values, label_of(spec, field)

    def look_up(values: Values) -> str:
        text = text_of(values, column)
        if text not in table:
            raise ValueError(f"{label} must be one of the values that are mapped")
        return table[text]

    return look_up


def text_of(values: Values, column: str, *, several: bool = False) -> str:
    """What stands in a column, as text; for JSON the column is a dotted path. Missing and null are empty.

    Args:
        values: the row.
        column: its name.
        several: whether a list of texts may stand there.

    Raises:
        ValueError: when it is not one value.
    """
    value = values.get(column)
    if isinstance(value, str):
        return value
    if value is None and "." in column:
        value = inside(dict(values), column)
    if several and isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ",".join(value)
    if isinstance(value, dict | list):
        raise ValueError(f"{column} must be one value")  # noqa: TRY004 - the row's fault, told like its others
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.decode("utf-8", "surrogateescape").strip()
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value).strip()


def _moment(text: str, form: str) -> datetime:
    if form == "iso":
        return datetime.fromisoformat(text)
    if form in ("unix", "unix_ms"):
        return datetime.fromtimestamp(float(text) / (1000 if form == "unix_ms" else 1), UTC)
    return datetime.strptime(text, form)  # noqa: DTZ007 - the zone is the caller's


def lenient(read: Read, values: Values) -> str:
    """A field of a refusal: what cannot be used is left out, and the refusal counts."""
    try:
        text = read(values)
        text.encode()
    except ValueError:
        return ""
    return _CONTROL.sub(" ", text)[:MAX_FIELD]


def label_of(spec: ColumnSpec | None, field: str) -> str:
    """What a reason calls a field: as the source does, and as we do."""
    column = spec.column if spec else ""
    return field if column in ("", field) else f"{column} ({field})"
