"""Values of this room as rows of the ledger's tables, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypedDict, cast

from smtp_gate.consent.chain import commitment_of, hash_of
from smtp_gate.consent.clock import from_micros, micros
from smtp_gate.consent.event import Choice, Entry, Event, Recorded
from smtp_gate.consent.standing import Grant, Record, Standing, pack_grants, unpack_grants
from smtp_gate.errors import StoreUnavailable
from smtp_gate.model import Purpose

if TYPE_CHECKING:
    import sqlalchemy as sa

    from smtp_gate.consent.chain import Value


class EventRow(TypedDict):
    """A row of the event table; what ``chain`` names of it is hashed."""

    seq: int
    controller: str
    subject: bytes
    purposes: int
    decision: str
    at: int
    recorded: int
    method: str
    source: str
    reference: str
    notice: str
    language: str
    actor: str
    expires: int | None
    key: bytes | None
    notice_sha256: bytes | None
    salt: bytes | None
    person: bytes
    previous: bytes
    hash: bytes
    erased: int | None


def event_row(seq: int, entry: Entry, now: int, notice_sha256: bytes | None = None) -> EventRow:
    """The row of an entry that is recorded now (microseconds since 1970) under a seq; not linked yet."""
    event = entry.event
    return {
        "seq": seq,
        "controller": event.controller,
        "subject": event.subject,
        "purposes": int(event.purposes),
        "decision": event.decision.value,
        "at": micros(event.at),
        "recorded": now,
        "method": event.method,
        "source": event.source,
        "reference": event.reference,
        "notice": event.notice,
        "language": event.language,
        "actor": event.actor,
        "expires": None if event.expires is None else micros(event.expires),
        "key": entry.key or None,
        "notice_sha256": notice_sha256,
        "salt": None,
        "person": b"",
        "previous": b"",
        "hash": b"",
        "erased": None,
    }


def link(row: EventRow, previous: bytes, salt: bytes) -> None:
    """Let a row hold on to the one before it, whose hash is given."""
    row["previous"], row["salt"] = previous, salt
    values = cast("dict[str, Value]", row)
    row["person"] = commitment_of(values)
    row["hash"] = hash_of(values)


def recorded_of(row: sa.Row[tuple[object, ...]]) -> Recorded:
    """The event of a row.

    Raises:
        StoreUnavailable: ``ledger_damaged``, when no such event can have been recorded.
    """
    try:
        event = _event_of(row)
    except ValueError:
        raise StoreUnavailable("ledger_damaged") from None
    return Recorded(row.seq, from_micros(row.recorded), event)


def _event_of(row: sa.Row[tuple[object, ...]]) -> Event:
    return Event(
        controller=row.controller,
        subject=row.subject,
        purposes=Purpose(row.purposes),
        decision=Choice(row.decision),
        at=from_micros(row.at),
        method=row.method,
        source=row.source,
        reference=row.reference,
        notice=row.notice,
        language=row.language,
        actor=row.actor,
        expires=None if row.expires is None else from_micros(row.expires),
    )


def standing_row(controller: str, subject: bytes, standing: Standing) -> dict[str, object]:
    """The row of a person's standing."""
    return {
        "controller": controller,
        "subject": subject,
        "seq": standing.seq,
        "mark": standing.mark.value,
        "grants": pack_grants(standing.grants),
    }


def record_of(row: sa.Row[tuple[object, ...]]) -> Record:
    """The standing of a row.

    Raises:
        StoreUnavailable: ``ledger_damaged``.
    """
    grants = unpack_grants(row.grants)
    if grants is None or row.mark not in Choice.__members__.values():
        raise StoreUnavailable("ledger_damaged")
    found = tuple(Grant(Purpose(bits), until) for bits, until in grants)
    return Record(row.controller, row.subject, Standing(row.seq, Choice(row.mark), found))
