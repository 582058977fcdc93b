"""The French transition of 2026: people of older lists who were told of the tracking and did not say no.

The CNIL let senders go on with addresses collected before 14 April 2026 (the day its recommendation on tracking
pixels, délibération 2026-042, was published) if the people were told clearly by 14 July 2026 and could object with
ease. It is no consent; it was written for pixels, so it never covers links; and how long it lasts is not said
anywhere. So it counts only until a day that the configuration names, and by itself it does not count at all.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from smtp_gate.consent.answers import purposes_of_map
from smtp_gate.consent.event import Choice, Event
from smtp_gate.consent.fields import Moment, reader
from smtp_gate.model import EVERYTHING, NOTHING, PIXEL_PURPOSES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, tzinfo

    from smtp_gate.config.source_map import Map, Transition
    from smtp_gate.consent.answers import Decided
    from smtp_gate.consent.fields import Values

METHOD = "french_transition"
"""Of an event that stands for silence after a notice, and for no consent."""
_PARIS = ZoneInfo("Europe/Paris")
COLLECTED_BEFORE = datetime(2026, 4, 14, tzinfo=_PARIS)
"""An address collected from here on needed consent first."""
INFORMED_BEFORE = datetime(2026, 7, 15, tzinfo=_PARIS)
"""The last notice that counts was sent on the day before."""


def end_of(day: date | None) -> datetime | None:
    """The end of the last day on which the transition counts; None: it does not."""
    return None if day is None else datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=_PARIS)


class Silence:
    """Reads a row of somebody who was told.

    Args:
        columns: the map.
        spec: its part on the transition.
        zone: of times that name none.
        until: end of what counts; None: nothing counts.
    """

    def __init__(self, columns: Map, spec: Transition, zone: tzinfo | None, until: datetime | None) -> None:
        self._collected = Moment(spec.collected_at, "collected_at", zone)
        self._informed = Moment(spec.informed_at, "informed_at", zone)
        self._objected = reader(spec.objected_at, "objected_at")
        self._purposes = purposes_of_map(columns)
        self._until = until

    def decisions(self, values: Values) -> Iterator[Decided]:
        """An objection counts whatever else is there; silence only after a notice in time."""
        if self._objected(values):
            yield Choice.REFUSE, EVERYTHING, ""
            return
        purposes = self._purposes(values, True) & PIXEL_PURPOSES  # noqa: FBT003 - as of a grant
        collected, informed = self._collected(values), self._informed(values)
        if collected is None or collected >= COLLECTED_BEFORE:
            yield Choice.GRANT, NOTHING, "collected_at is not before 14 April 2026: this person had to be asked"
        elif informed is None or informed >= INFORMED_BEFORE:
            yield Choice.GRANT, NOTHING, "informed_at is not by 14 July 2026: this person has to be asked"
        elif not purposes:
            yield Choice.GRANT, NOTHING, "purposes of the transition are those of pixels, never clicks"
        elif self._until is None:
            yield Choice.GRANT, NOTHING, "told and silent counts only with consent.transition_until configured"
        else:
            yield Choice.GRANT, purposes, ""

    def times(self, values: Values) -> tuple[datetime, datetime, datetime]:
        """Of a row that counts: when the address was collected, when the person was told, until when it counts."""
        collected, informed = self._collected(values), self._informed(values)
        assert collected is not None  # noqa: S101 - decisions looked
        assert informed is not None  # noqa: S101
        assert self._until is not None  # noqa: S101
        return collected, informed, self._until


def words(event: Event) -> str:
    """What a proof says of such an event; empty for any other."""
    if event.method != METHOD or event.decision is not Choice.GRANT:
        return ""
    return "was told and did not object; no consent, but the French transition of 2026"
