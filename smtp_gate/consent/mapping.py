"""What a row of another system's list says, as decisions for the ledger; and why it does not count.

A grant counts only with its proof: when, by which means, where, which wording; and what somebody else collected
only with the file that proves it. What says no is always believed, however little comes with it: it ends tracking.
A reason never holds anything of the row, so that it may be logged.
"""

from __future__ import annotations

import hashlib
import re
from datetime import timedelta, timezone
from typing import TYPE_CHECKING, NamedTuple

from smtp_gate.consent.answers import decisions_of
from smtp_gate.consent.attachments import Attachments
from smtp_gate.consent.clock import EPOCH, Clock, micros, utc_now
from smtp_gate.consent.event import Choice, Entry, Event
from smtp_gate.consent.fields import Moment, lenient, reader
from smtp_gate.consent.raw_rows import NotThisFile
from smtp_gate.consent.transition import METHOD, Silence
from smtp_gate.limits import CLOCK_SKEW

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime, tzinfo
    from pathlib import Path

    from smtp_gate.config.source_map import Map
    from smtp_gate.consent.fields import Values
    from smtp_gate.consent.raw_rows import RawRow
    from smtp_gate.model import Purpose

REQUIRED = ("address", "controller", "purposes", "decision", "at", "method", "source", "notice")
"""Columns that a file without a map must have; what may be empty in a row is another question."""
OPTIONAL = ("reference", "language", "expires", "collector", "proof")
_ADDRESS = re.compile(r"[^\s<>\x00-\x1f\x7f@]{1,64}@[^\s<>\x00-\x1f\x7f@]{1,255}")
_HALF = re.compile(r"[\ud800-\udfff]")
_SKEW = timedelta(seconds=CLOCK_SKEW)
_LATEST_ZONE = timezone(timedelta(hours=-12))
"""Where a time of day comes last: a refusal without a zone is not taken for earlier than it was."""
THIRD_PARTY = "third_party"
"""Method of what another one than the controller collected."""
_NO_TIME = "-"


class Mapped(NamedTuple):
    """What a row amounts to.

    Attributes:
        entries: what counts of it.
        reason: why it, or a part of it, does not count; empty when all does.
        undated: whether a refusal or withdrawal had no time that can be used, and counts from now.
    """

    entries: Sequence[Entry]
    reason: str = ""
    undated: bool = False


class Mapper:
    """Reads rows by a map.

    Args:
        columns: which column is what.
        subject: gives the 16 octets that stand for an address.
        controllers: ids that count, with their names.
        folder: what the folder of attached proofs is relative to.
        zone: of times that name none, where the map says nothing else; without it such a grant does not count.
        until: end of what the French transition lets count, see ``transition``; None: nothing.
        actor: recorded as the one who brought the rows in.
        name: of the source; stands for the origin of a refusal that names none.
        clock: what counts as the future.
    """

    def __init__(
        self,
        columns: Map,
        subject: Callable[[bytes], bytes],
        controllers: Mapping[str, str],
        *,
        folder: Path,
        zone: tzinfo | None = None,
        until: datetime | None = None,
        actor: str = "import",
        name: str = "import",
        clock: Clock = utc_now,
    ) -> None:
        self._subject = subject
        self._controllers = controllers
        self._actor = actor
        self._name = name
        self._clock = clock
        self._email = reader(columns.email, "address")
        only = next(iter(controllers)) if len(controllers) == 1 else ""
        self._controller = reader(columns.controller, "controller", only)
        told = columns.transition
        self._silence = Silence(columns, told, zone, until) if told else None
        self._decisions = self._silence.decisions if self._silence else decisions_of(columns)
        self._at = Moment(told.objected_at if told else columns.at, "objected_at" if told else "at", zone)
        self._expires = Moment(columns.expires, "expires", zone)
        self._method = reader(columns.method, "method")
        self._source = reader(columns.source, "source")
        self._reference = reader(columns.reference, "reference")
        self._notice = reader(columns.notice, "notice")
        self._language = reader(columns.language, "language")
        self._collector = reader(columns.collector, "collector")
        self._proof = reader(columns.proof, "proof")
        self._attached = Attachments(folder / columns.proof.folder if columns.proof else folder)

    def address(self, row: RawRow) -> str:
        """What stands in the address column; not for logs."""
        try:
            return self._email(row.values)
        except ValueError:
            return ""

    def read(self, row: RawRow) -> Mapped:
        """The decisions of a row, and why it, or a part of it, does not count."""
        if row.fault:
            return Mapped((), row.fault)
        values = row.values
        try:
            address = self._email(values)
            controller = self._controller(values)
            reason = self._unknown(address, controller)
            decisions = () if reason else tuple(self._decisions(values))
            octets = address.encode()
        except ValueError as error:
            return Mapped((), "the row is not UTF-8" if _broken(values) else str(error))
        entries, undated = [], False
        for decision, purposes, wrong in decisions:
            if wrong:
                reason = wrong
                continue
            try:
                event, dated = self._event(values, controller, self._subject(octets), purposes, decision)
            except ValueError as error:
                reason = "the row is not UTF-8" if _broken(values) else str(error)
            else:
                undated = undated or not dated
                entries.append(Entry(event, octets, key_of(event, dated=dated)))
        return Mapped(entries, reason, undated)

    def _unknown(self, address: str, controller: str) -> str:
        if not is_address(address):
            return "address must be one plain address, local@domain"
        return "" if controller in self._controllers else "controller must be an id of the configuration"

    def _event(
        self, values: Values, controller: str, subject: bytes, purposes: Purpose, decision: Choice
    ) -> tuple[Event, bool]:
        """An event, and whether the row said when."""
        if decision is Choice.GRANT and self._silence is not None:
            return self._silent(values, controller, subject, purposes, self._silence), True
        if decision is Choice.GRANT:
            return self._granted(values, controller, subject, purposes), True
        return self._refused(values, controller, subject, purposes, decision)

    def _granted(self, values: Values, controller: str, subject: bytes, purposes: Purpose) -> Event:
        notice = self._notice(values)
        if not notice:
            raise ValueError("notice must name the wording that was agreed to")
        at = self._at(values)
        if at is None:
            raise ValueError(f"{self._at.label} must be a time such as 2026-04-14T09:30:00+02:00")
        if at > self._clock() + _SKEW:
            raise ValueError(f"{self._at.label} must not be in the future")
        method = self._method(values)
        return Event(
            controller=controller,
            subject=subject,
            purposes=purposes,
            decision=Choice.GRANT,
            at=at,
            method=method,
            source=self._source(values),
            reference=self._proved(values, controller, method),
            notice=notice,
            language=self._language(values),
            actor=self._actor,
            expires=self._expires(values),
        )

    def _silent(
        self, values: Values, controller: str, subject: bytes, purposes: Purpose, silence: Silence
    ) -> Event:
        notice = self._notice(values)
        if not notice:
            raise ValueError("notice must name the wording that was sent")
        collected, informed, until = silence.times(values)
        proved = self._proved(values, controller, "")
        return Event(
            controller=controller,
            subject=subject,
            purposes=purposes,
            decision=Choice.GRANT,
            at=informed,
            method=METHOD,
            source=self._source(values),
            reference="; ".join(piece for piece in (proved, f"collected {collected:%Y-%m-%d}") if piece),
            notice=notice,
            language=self._language(values),
            actor=self._actor,
            expires=until,
        )

    def _refused(
        self, values: Values, controller: str, subject: bytes, purposes: Purpose, decision: Choice
    ) -> tuple[Event, bool]:
        """A refusal or withdrawal, and whether it said when."""
        now = self._clock()
        try:
            at = self._at(values, _LATEST_ZONE)
        except ValueError:
            at = None
        dated = at is not None and EPOCH < at <= now + _SKEW
        event = Event(
            controller=controller,
            subject=subject,
            purposes=purposes,
            decision=decision,
            at=at if at is not None and dated else now,
            method=lenient(self._method, values) or "import",
            source=lenient(self._source, values) or self._name,
            reference=lenient(self._reference, values),
            notice=lenient(self._notice, values),
            language=lenient(self._language, values),
            actor=self._actor,
        )
        return event, dated

    def _proved(self, values: Values, controller: str, method: str) -> str:
        """The reference of a grant, with the proof of a third party."""
        reference = self._reference(values)
        collector = self._collector(values)
        own = (controller.casefold(), self._controllers[controller].casefold())
        named = self._proof(values)
        if not named:
            if method == THIRD_PARTY or (collector and collector.casefold() not in own):
                raise ValueError("proof must name a file that proves it, since another one collected it")
            return reference
        pieces = [reference, f"collected by {collector}" if collector else "", self._attached.vouched(named)]
        return "; ".join(piece for piece in pieces if piece)


def plain_columns(names: Sequence[str]) -> list[str]:
    """The columns of a file that is read without a map, as :data:`~smtp_gate.config.source_map.PLAIN` knows them.

    Raises:
        NotThisFile: when one is missing, or not known.
    """
    found = [name.lower() for name in names]
    missing = [name for name in REQUIRED if name not in found]
    if missing:
        raise NotThisFile(f"the first line must name the columns; missing: {', '.join(missing)}; or give --map")
    if len(set(found)) != len(found):
        raise NotThisFile("the first line names a column twice")
    if not set(found) <= {*REQUIRED, *OPTIONAL}:
        choices = ", ".join((*REQUIRED, *OPTIONAL))
        raise NotThisFile(f"the first line names a column that is not known; known are {choices}; or give --map")
    return found


def is_address(text: str) -> bool:
    """Whether a text is one plain address, without name and brackets."""
    return _ADDRESS.fullmatch(text) is not None


def key_of(event: Event, *, dated: bool = True) -> bytes:
    """The same for the same decision, however often and by whomever it is brought in."""
    fields = [
        event.controller,
        str(int(event.purposes)),
        event.decision,
        str(micros(event.at)) if dated else _NO_TIME,
        event.method,
        event.source,
        event.reference,
        event.notice,
        event.language,
        "" if event.expires is None else str(micros(event.expires)),
    ]
    # No field holds a control character, so the joint is unambiguous.
    return hashlib.sha256(event.subject + "\0".join(fields).encode()).digest()[:16]


def _broken(values: Values) -> bool:
    """Whether octets came in that are not of the file's encoding."""
    return any(isinstance(each, str) and not each.isascii() and _HALF.search(each) for each in values.values())
