"""The ledger as lines of JSON, for a regulator or another system, and whether such a file is what was recorded.

Names are those of ISO/IEC TS 27560 where it has one; ``docs/consent.md`` lists them. An event comes with what its
hashes are made of, so a file can be checked without the database: each event by itself, and its hold on the one
before it wherever that one is in the file too.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import sqlalchemy as sa

from smtp_gate.consent.chain import START
from smtp_gate.consent.clock import from_micros, micros
from smtp_gate.consent.event import Choice, names_of, purposes_of
from smtp_gate.consent.notices import sha256_of
from smtp_gate.consent.tables import addresses, events, head, notices
from smtp_gate.consent.verify import Fault, Verdict, row_fault
from smtp_gate.model import Purpose

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from smtp_gate.consent.chain import Value

FORMAT = "smtp_gate ledger export 1"
READ = 2000
"""Rows read at a time."""
_STATES = {Choice.GRANT: "given", Choice.REFUSE: "refused", Choice.WITHDRAW: "withdrawn"}
_CHOICES = {state: choice for choice, state in _STATES.items()}
_HEXED = ("previous", "person", "salt", "key", "notice_sha256", "hash")


class Span(NamedTuple):
    """What of the ledger is meant.

    Attributes:
        controller: id of the only controller; empty for all.
        since: the first moment of recording; None for the beginning.
        until: the moment of recording from which on nothing is meant; None for the end.
        addresses: whether people's addresses are told too, beside the keyed hash that stands for them.
    """

    controller: str = ""
    since: datetime | None = None
    until: datetime | None = None
    addresses: bool = True


def export_in(connection: sa.Connection, span: Span, now: datetime) -> Iterator[dict[str, Any]]:
    """The lines of an export, in a reading transaction: what it is, wordings, events, how many they are."""
    last, last_hash = connection.execute(sa.select(head.c.seq, head.c.hash)).one()
    yield {
        "export": FORMAT,
        "made": now.isoformat(),
        "pii_controller": span.controller or None,
        "since": span.since and span.since.isoformat(),
        "until": span.until and span.until.isoformat(),
        "ledger": {"events": last, "hash": last_hash.hex()},
    }
    wordings = sa.select(notices).order_by(notices.c.controller, notices.c.version, notices.c.language)
    if span.controller:
        wordings = wordings.where(notices.c.controller == span.controller)
    for row in connection.execute(wordings):
        yield {"notice": _notice(row)}
    number = 0
    result = connection.execute(_query(span).execution_options(yield_per=READ))
    try:
        for row in result:
            number += 1
            yield {"event": _event(row, addresses=span.addresses), "chain": _chain(row)}
    finally:
        result.close()
    yield {"end": {"events": number}}


def _query(span: Span) -> sa.Select[Any]:
    query = sa.select(events).order_by(events.c.seq)
    if span.addresses:
        query = query.add_columns(addresses.c.address).outerjoin(addresses, addresses.c.subject == events.c.subject)
    if span.controller:
        query = query.where(events.c.controller == span.controller)
    if span.since is not None:
        query = query.where(events.c.recorded >= micros(span.since))
    if span.until is not None:
        query = query.where(events.c.recorded < micros(span.until))
    return query


def _notice(row: sa.Row[Any]) -> dict[str, object]:
    return {
        "pii_controller": row.controller,
        "privacy_notice": row.version,
        "language": row.language,
        "sha256": row.sha256.hex(),
        "recorded": from_micros(row.recorded).isoformat(),
        "text": row.text,
    }


def _event(row: sa.Row[Any], *, addresses: bool) -> dict[str, object]:
    told: dict[str, object] = {
        "record_id": row.seq,
        "pii_principal_id": None if row.erased else row.subject.hex(),
        "pii_controller": row.controller,
        "purposes": list(names_of(Purpose(row.purposes))),
        "event_state": _STATES[Choice(row.decision)],
        "event_time": from_micros(row.at).isoformat(),
        "recorded": from_micros(row.recorded).isoformat(),
        "collection_method": row.method,
        "source": row.source,
        "reference": row.reference,
        "privacy_notice": row.notice,
        "language": row.language,
        "entity_id": row.actor,
        "validity_end": None if row.expires is None else from_micros(row.expires).isoformat(),
        "erased_by": row.erased,
    }
    if addresses:
        told["address"] = None if row.address is None else row.address.decode(errors="replace")
    return told


def _chain(row: sa.Row[Any]) -> dict[str, str | None]:
    values = row._mapping  # noqa: SLF001 - public in SQLAlchemy
    return {name: values[name] and values[name].hex() for name in _HEXED}


class NotAnExport(ValueError):  # noqa: N818 - what it is
    """A file that is no export, by the number of the line and what is wrong with it."""


def verify_export(lines: Iterable[bytes], signed: Mapping[int, bytes]) -> Verdict:
    """Whether the events and wordings of an export are what was recorded, and all of them there.

    Args:
        lines: of the file.
        signed: hashes of events that were signed, by their seq.

    Raises:
        NotAnExport: when it cannot be read as one.
    """
    seen = _Seen(signed)
    number = 0
    for number, line in enumerate(lines, 1):
        try:
            fault = seen.fault(json.loads(line))
        except (ValueError, KeyError, TypeError, AttributeError):
            raise NotAnExport(f"line {number} is not of an export") from None
        if fault is not None:
            return Verdict(seen.events, seen.hash, fault)
    if not seen.ended:
        raise NotAnExport(f"ends after line {number}, before its end: it was cut off")
    return Verdict(seen.events, seen.hash, None)


class _Seen:
    """What was read so far."""

    def __init__(self, signed: Mapping[int, bytes]) -> None:
        self.events = 0
        self.hash = START
        self.ended = False
        self._began = False
        self._seq = 0
        self._signed = signed
        self._wordings: dict[tuple[str, str, str], bytes] = {}

    def fault(self, line: dict[str, Any]) -> Fault | None:
        """What is wrong with the next line."""
        if not self._began:
            if line["export"] != FORMAT:
                raise ValueError
            self._began = True
            return None
        if self.ended:
            raise ValueError
        if "notice" in line:
            return self._notice(line["notice"])
        if "end" in line:
            self.ended = True
            expected = int(line["end"]["events"])
            if expected != self.events:
                text = f"{expected} events were written, {self.events} are there"
                return Fault(self._seq, "missing", text)
            return None
        return self._event(_row(line["event"], line["chain"]))

    def _notice(self, notice: dict[str, str]) -> Fault | None:
        sha256 = bytes.fromhex(notice["sha256"])
        self._wordings[notice["pii_controller"], notice["privacy_notice"], notice["language"]] = sha256
        if sha256_of(notice["text"]) != sha256:
            return Fault(
                self._seq, "notice", f"the wording {notice['privacy_notice']} is not the one that was kept"
            )
        return None

    def _event(self, row: dict[str, Value]) -> Fault | None:
        seq, own = cast("int", row["seq"]), cast("bytes", row["hash"])
        fault = row_fault(row)
        if fault is not None:
            return fault
        if seq <= self._seq:
            return Fault(seq, "link", f"event {seq} stands after event {self._seq}")
        if seq == self._seq + 1 and row["previous"] != self.hash:
            text = f"event {seq} does not hold on to event {self._seq}: something was changed, put in or taken out"
            return Fault(seq, "link", text)
        if self._signed.get(seq, own) != own:
            return Fault(seq, "signed", f"event {seq} is not the one that was signed")
        key = cast("tuple[str, str, str]", (row["controller"], row["notice"], row["language"]))
        if row["notice_sha256"] is not None and self._wordings.get(key) != row["notice_sha256"]:
            return Fault(
                seq, "notice", f"the wording that event {seq} refers to is not in the file as it was shown"
            )
        self.events += 1
        self._seq, self.hash = seq, own
        return None


def _row(event: dict[str, Any], chain: dict[str, str | None]) -> dict[str, Value]:
    """The row that an event was made of, as far as its hashes cover it."""
    octets = {name: None if chain[name] is None else bytes.fromhex(chain[name] or "") for name in _HEXED}
    expires = event["validity_end"]
    return {
        **octets,
        "seq": int(event["record_id"]),
        "subject": bytes(16) if event["pii_principal_id"] is None else bytes.fromhex(event["pii_principal_id"]),
        "controller": event["pii_controller"],
        "purposes": int(purposes_of(",".join(event["purposes"]))),
        "decision": _CHOICES[event["event_state"]].value,
        "at": micros(datetime.fromisoformat(event["event_time"])),
        "recorded": micros(datetime.fromisoformat(event["recorded"])),
        "method": event["collection_method"],
        "source": event["source"],
        "reference": event["reference"],
        "notice": event["privacy_notice"],
        "language": event["language"],
        "actor": event["entity_id"],
        "expires": None if expires is None else micros(datetime.fromisoformat(expires)),
        "erased": event["erased_by"],
    }
