"""Decisions from a CSV file into the ledger: which rows count, and why the others do not.

A row counts only with its origin: when, by which means, from where. What is missing or odd is told with the number
of the line and a reason that holds nothing of the row, and the person stays unknown, which means untracked. The
same row twice is one event, in one file or in two, so a broken import is simply run again.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import IO, TYPE_CHECKING, NamedTuple

from smtp_gate.consent.clock import Clock, micros, utc_now
from smtp_gate.consent.event import Choice, Entry, Event, purposes_of
from smtp_gate.limits import CLOCK_SKEW

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence
    from datetime import tzinfo

    from smtp_gate.consent.ledger import Ledger

REQUIRED = ("address", "controller", "purposes", "decision", "at", "method", "source", "notice")
"""Columns that a file must have; ``notice`` may be empty in a row that grants nothing."""
OPTIONAL = ("reference", "language", "expires")
BATCH = 5000
"""Rows of one transaction: its sync costs some milliseconds, and other writers wait meanwhile."""
_DELIMITERS = ",;\t"
_ADDRESS = re.compile(r"[^\s<>\x00-\x1f\x7f@]{1,64}@[^\s<>\x00-\x1f\x7f@]{1,255}")
_SKEW = timedelta(seconds=CLOCK_SKEW)


class Skipped(NamedTuple):
    """A row that does not count.

    Attributes:
        line: of the file, from 1; the first one of a row that has several.
        reason: a sentence without anything of the row in it.
        address: what stood in its address column; not for logs.
    """

    line: int
    reason: str
    address: str


class Imported(NamedTuple):
    """How many rows became events, were there already, do not count."""

    taken: int
    repeated: int
    skipped: int


class NotThisFile(ValueError):  # noqa: N818 - a verdict
    """The file as a whole cannot be read as such a CSV file; the text says why."""


class CsvRows:
    """The rows of a CSV file as entries for the ledger.

    Args:
        file: binary, UTF-8, with or without a byte order mark; separated by comma, semicolon or tab.
        subject: gives the 16 octets that stand for an address.
        controllers: ids that count.
        zone: of times that name none; without it such rows do not count.
        actor: recorded as the one who brought them in.
        clock: what counts as the future.

    Raises:
        NotThisFile: when its first line does not name the columns.
    """

    def __init__(
        self,
        file: IO[bytes],
        subject: Callable[[bytes], bytes],
        controllers: Collection[str],
        *,
        zone: tzinfo | None = None,
        actor: str = "import",
        clock: Clock = utc_now,
    ) -> None:
        text = io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
        header = text.readline()
        delimiter = max(_DELIMITERS, key=header.count)
        self._names = _columns(next(csv.reader([header], delimiter=delimiter), []))
        self._reader = csv.reader(text, delimiter=delimiter)
        self._text = text
        self._subject = subject
        self._controllers = controllers
        self._zone = zone
        self._actor = actor
        self._clock = clock

    def __iter__(self) -> Iterator[Entry | Skipped]:
        while True:
            line = self._reader.line_num + 2  # of the next row; the header was line 1
            try:
                cells = next(self._reader, None)
            except csv.Error:
                yield Skipped(line, "the line cannot be read as CSV", "")
                continue
            if cells is None:
                self._text.detach()
                return
            if not any(cells):
                continue
            row = dict(zip(self._names, (cell.strip() for cell in cells), strict=False))
            if len(cells) != len(self._names):
                yield Skipped(line, "the row has another number of columns than the first line", "")
                continue
            try:
                yield self._entry(row)
            except ValueError as error:
                yield Skipped(line, str(error), row["address"])

    def _entry(self, row: dict[str, str]) -> Entry:
        try:
            address = row["address"].encode()
            "".join(row.values()).encode()
        except UnicodeEncodeError:
            raise ValueError("the row is not UTF-8") from None
        if not is_address(row["address"]):
            raise ValueError("address must be one plain address, local@domain")
        if row["controller"] not in self._controllers:
            raise ValueError("controller must be an id of the configuration")
        if row["decision"].lower() not in Choice.__members__.values():
            raise ValueError("decision must be grant, refuse or withdraw")
        decision = Choice(row["decision"].lower())
        if decision is Choice.GRANT and "all" in row["purposes"].lower():
            raise ValueError("purposes of a grant must be named one by one")
        if decision is Choice.GRANT and not row["notice"]:
            raise ValueError("notice must name the wording that was agreed to")
        at = self._time("at", row["at"])
        if at > self._clock() + _SKEW:
            raise ValueError("at must not be in the future")
        expires = row.get("expires")
        event = Event(
            controller=row["controller"],
            subject=self._subject(address),
            purposes=purposes_of(row["purposes"]),
            decision=decision,
            at=at,
            method=row["method"],
            source=row["source"],
            reference=row.get("reference", ""),
            notice=row["notice"],
            language=row.get("language", ""),
            actor=self._actor,
            expires=self._time("expires", expires) if expires else None,
        )
        return Entry(event, address, key_of(event))

    def _time(self, name: str, text: str) -> datetime:
        try:
            moment = datetime.fromisoformat(text)
            zone = moment.tzinfo or self._zone
            if zone is not None:
                return moment.replace(tzinfo=zone).astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValueError(f"{name} must be a time such as 2026-04-14T09:30:00+02:00") from None
        raise ValueError(f"{name} must have a time zone")


def import_csv(
    rows: CsvRows,
    ledger: Ledger,
    *,
    dry_run: bool = False,
    skipped: Callable[[Skipped], None] = lambda _: None,
    progress: Callable[[int], None] = lambda _: None,
) -> Imported:
    """Bring all rows that count into the ledger, a batch a transaction; never all of them in memory.

    Args:
        rows: of the file.
        ledger: where they go.
        dry_run: only tell what would become of them.
        skipped: told each row that does not count.
        progress: told the number of rows seen, now and then.

    Raises:
        StoreUnavailable: when the ledger does not take a batch; what was taken before stays, and the same file can
            be imported again.
    """
    taken = repeated = missed = 0
    walk = iter(rows)
    while batch := list(islice(walk, BATCH)):
        entries = []
        for row in batch:
            if isinstance(row, Skipped):
                missed += 1
                skipped(row)
            else:
                entries.append(row)
        known = _dry(ledger, entries) if dry_run else ledger.append_many(entries).repeated
        taken += len(entries) - known
        repeated += known
        progress(taken + repeated + missed)
    return Imported(taken, repeated, missed)


def is_address(text: str) -> bool:
    """Whether a text is one plain address, without name and brackets."""
    return _ADDRESS.fullmatch(text) is not None


def _dry(ledger: Ledger, entries: Sequence[Entry]) -> int:
    keys = {entry.key for entry in entries}
    return len(entries) - len(keys) + len(ledger.known(list(keys)))


def _columns(names: Sequence[str]) -> list[str]:
    found = [name.strip().lower() for name in names]
    wrong = [name for name in REQUIRED if name not in found]
    if wrong:
        raise NotThisFile(f"the first line must name the columns; missing: {', '.join(wrong)}")
    if len(set(found)) != len(found):
        raise NotThisFile("the first line names a column twice")
    if not set(found) <= {*REQUIRED, *OPTIONAL}:
        choices = ", ".join((*REQUIRED, *OPTIONAL))
        raise NotThisFile(f"the first line names a column that is not known; known are {choices}")
    return found


def key_of(event: Event) -> bytes:
    """16 octets, the same for the same decision, however often and by whomever it is brought in."""
    fields = [
        event.controller,
        str(int(event.purposes)),
        event.decision,
        str(micros(event.at)),
        event.method,
        event.source,
        event.reference,
        event.notice,
        event.language,
        "" if event.expires is None else str(micros(event.expires)),
    ]
    # No field holds a control character, so the joint is unambiguous.
    return hashlib.sha256(event.subject + "\0".join(fields).encode()).digest()[:16]
