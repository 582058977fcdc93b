"""Whether the ledger is what was recorded: every event is hashed again, in order, and the first bad one is named.

The chain finds what was changed, taken out, put in or reordered between its ends. Its own last end it cannot vouch
for: who cuts off the tail, head and all, or puts an old copy in its place, leaves a chain that is whole. That is
what signed heads outside the database are for, see ``heads``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, cast

import sqlalchemy as sa

from smtp_gate.consent.chain import NOBODY, START, commitment_of, hash_of
from smtp_gate.consent.database import ERRORS, cause_of
from smtp_gate.consent.erasure import Pending, is_erasing
from smtp_gate.consent.event import Chained
from smtp_gate.consent.notices import NoticeKey, sha256_of
from smtp_gate.consent.rows import recorded_of
from smtp_gate.consent.tables import events, head, notices

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from smtp_gate.consent.chain import Value

READ = 2000
"""Rows read at a time; progress is told after each."""


class Fault(NamedTuple):
    """What is wrong first.

    Attributes:
        seq: of the first bad row, or of the one that is missing.
        kind: ``forged``, ``person``, ``link``, ``missing``, ``notice``, ``erasure``, ``tail``, ``head``,
            ``signed``, ``unreadable``, ``standing`` (see ``rebuild``).
        text: a sentence about it, without anything of a person.
    """

    seq: int
    kind: str
    text: str


class Verdict(NamedTuple):
    """What came of looking at the whole ledger.

    Attributes:
        events: rows that were looked at and found good.
        hash: of the last good one.
        fault: None when all is good.
    """

    events: int
    hash: bytes
    fault: Fault | None


def verify_in(
    connection: sa.Connection, signed: Mapping[int, bytes], progress: Callable[[int], None] = lambda _: None
) -> Verdict:
    """Look at all rows, in the transaction that is open, so that what is appended meanwhile does not disturb.

    Args:
        connection: in a reading transaction.
        signed: hashes of events that were signed, by their seq.
        progress: told the number of rows looked at, now and then.
    """
    walk = _Walk(_wordings(connection), signed)
    result = connection.execute(sa.select(events).order_by(events.c.seq).execution_options(yield_per=READ))
    try:
        for part in result.mappings().partitions():
            for row in part:
                fault = walk.fault(cast("Mapping[str, Value]", row))
                if fault is not None:
                    return Verdict(walk.seq, walk.hash, fault)
            progress(walk.seq)
    except ERRORS as error:  # a page of the file, or a text in it, that is damaged
        text = f"event {walk.seq + 1} or one of the next {READ} cannot be read: {cause_of(error)}"
        return Verdict(walk.seq, walk.hash, Fault(walk.seq + 1, "unreadable", text))
    finally:
        result.close()
    last, last_hash = connection.execute(sa.select(head.c.seq, head.c.hash)).one()
    return Verdict(walk.seq, walk.hash, walk.end(last, last_hash))


def person_in(connection: sa.Connection, subject: bytes, controller: str = "") -> list[Chained]:
    """All events of a person with their places in the chain, oldest first; each is looked at, and its link."""
    query = sa.select(events).where(events.c.subject == subject).order_by(events.c.seq)
    if controller:
        query = query.where(events.c.controller == controller)
    found = []
    for row in connection.execute(query).all():
        before = sa.select(events.c.hash).where(events.c.seq == row.seq - 1)
        fault = row_fault(cast("Mapping[str, Value]", row._mapping))  # noqa: SLF001 - public in SQLAlchemy
        text = fault.text if fault else ""
        if not text and row.previous != (connection.execute(before).scalar() or START):
            text = f"event {row.seq} does not hold on to the one before it"
        found.append(
            Chained(
                recorded_of(row), row.person, row.salt, row.key, row.previous, row.hash, row.notice_sha256, text
            )
        )
    return found


def row_fault(row: Mapping[str, Value]) -> Fault | None:
    """What is wrong with one row by itself: its hash, and its commitment when its person was not erased."""
    seq = cast("int", row["seq"])
    if row["hash"] != hash_of(row):
        return Fault(seq, "forged", f"event {seq} is not what was recorded: its hash does not fit its fields")
    if row["erased"] is None:
        if row["person"] != commitment_of(row):
            text = f"event {seq} is not about the person or source that was recorded: its commitment does not fit"
            return Fault(seq, "person", text)
    elif (row["salt"], row["subject"], row["source"], row["reference"], row["key"]) != (None, NOBODY, "", "", None):
        return Fault(
            seq, "erasure", f"event {seq} says that its person was erased, and still holds personal fields"
        )
    return None


class _Walk:
    """The state on the way through the rows."""

    def __init__(self, wordings: dict[NoticeKey, tuple[bytes, bytes]], signed: Mapping[int, bytes]) -> None:
        self.seq = 0
        self.hash = START
        self._wordings = wordings
        self._signed = signed
        self._erased = Pending()

    def fault(self, row: Mapping[str, Value]) -> Fault | None:
        """What is wrong with the next row."""
        seq = cast("int", row["seq"])
        if seq != self.seq + 1:
            missing = self.seq + 1
            return Fault(missing, "missing", f"event {missing} is missing; the next one that is there is {seq}")
        fault = row_fault(row) or self._against_others(seq, row)
        if fault is None:
            self.seq, self.hash = seq, cast("bytes", row["hash"])
        return fault

    def end(self, last: int, last_hash: bytes) -> Fault | None:
        """What is wrong behind the last row; given what the ledger's own head says."""
        if last > self.seq:
            text = f"event {self.seq + 1} is missing: the events end at {self.seq}, the ledger's head says {last}"
            return Fault(self.seq + 1, "tail", text)
        if (last, last_hash) != (self.seq, self.hash):
            return Fault(self.seq, "head", f"the ledger's head, {last}, is not that of its last event, {self.seq}")
        beyond = min((seq for seq in self._signed if seq > self.seq), default=0)
        if beyond:
            text = (
                f"event {self.seq + 1} is missing: the ledger ends at {self.seq}, a head was signed at {beyond}; "
                "its tail was cut off, or an older copy was put in its place"
            )
            return Fault(self.seq + 1, "tail", text)
        left = self._erased.left()
        if left:
            return Fault(left, "erasure", f"event {left} is erased by an event that is not there")
        return None

    def _against_others(self, seq: int, row: Mapping[str, Value]) -> Fault | None:
        """What is wrong with a row that is good by itself."""
        if row["previous"] != self.hash:
            text = f"event {seq} does not hold on to event {self.seq}: something was changed, put in or taken out"
            return Fault(seq, "link", text)
        if self._signed.get(seq, row["hash"]) != row["hash"]:
            text = f"event {seq} is not the one that was signed: the ledger was replaced, or written anew"
            return Fault(seq, "signed", text)
        wording = row["notice_sha256"]
        if wording is not None:
            kept = self._wordings.get(cast("NoticeKey", (row["controller"], row["notice"], row["language"])))
            if kept != (wording, wording):
                text = f"the wording that event {seq} refers to was changed or taken out after it was shown"
                return Fault(seq, "notice", text)
        if row["erased"] is not None:
            self._erased.add(cast("int", row["erased"]), seq)
        elif is_erasing(row) and not self._erased.settle(seq, cast("str", row["reference"])):
            return Fault(seq, "erasure", f"event {seq} does not vouch for the events that name it as their erasure")
        return None


def _wordings(connection: sa.Connection) -> dict[NoticeKey, tuple[bytes, bytes]]:
    """The hash that each wording has and the one it was recorded with."""
    columns = (notices.c.controller, notices.c.version, notices.c.language, notices.c.sha256, notices.c.text)
    return {
        (row.controller, row.version, row.language): (sha256_of(row.text), row.sha256)
        for row in connection.execute(sa.select(*columns))
    }
