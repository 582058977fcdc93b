"""Many decisions into the ledger: rows by the batch, each batch a transaction; what does not count is told.

The same row twice is one event, in one source or in two, so an import that broke off is simply run again.
"""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from smtp_gate.consent.event import Entry
    from smtp_gate.consent.ledger import Ledger
    from smtp_gate.consent.mapping import Mapper
    from smtp_gate.consent.raw_rows import RawRow

BATCH = 5000
"""Rows of one transaction: its sync costs some milliseconds, and other writers wait meanwhile."""


class Skipped(NamedTuple):
    """A row that does not count, or a part of which does not.

    Attributes:
        line: of the file, or number of the row, from 1; the first line of a row that has several.
        reason: a sentence without anything of the row in it.
        address: what stood in its address column; not for logs.
        values: all that stood in it; not for logs.
    """

    line: int
    reason: str
    address: str
    values: Mapping[str, object]


class Imported(NamedTuple):
    """What became of a source.

    Attributes:
        read: rows that were read.
        taken: events that are new.
        repeated: events that were there already.
        skipped: rows that do not count, or a part of which does not.
        undated: refusals and withdrawals without a time, which count from now.
    """

    read: int
    taken: int
    repeated: int
    skipped: int
    undated: int


def import_rows(
    rows: Iterable[RawRow],
    mapper: Mapper,
    ledger: Ledger,
    *,
    dry_run: bool = False,
    skipped: Callable[[Skipped], None] = lambda _: None,
    progress: Callable[[Imported], None] = lambda _: None,
) -> Imported:
    """Bring all rows that count into the ledger, never all of them in memory.

    Args:
        rows: of the source.
        mapper: what they mean.
        ledger: where they go.
        dry_run: only tell what would become of them.
        skipped: told each row that does not count.
        progress: told what was done so far, after each batch.

    Raises:
        StoreUnavailable: when the ledger does not take a batch; what was taken before stays, and the same source
            can be imported again.
    """
    done = Imported(0, 0, 0, 0, 0)
    walk = iter(rows)
    while batch := list(islice(walk, BATCH)):
        entries: list[Entry] = []
        missed = undated = 0
        for row in batch:
            mapped = mapper.read(row)
            entries += mapped.entries
            undated += mapped.undated
            if mapped.reason:
                missed += 1
                skipped(Skipped(row.place, mapped.reason, mapper.address(row), row.values))
        known = _dry(ledger, entries) if dry_run else ledger.append_many(entries).repeated
        done = Imported(
            done.read + len(batch),
            done.taken + len(entries) - known,
            done.repeated + known,
            done.skipped + missed,
            done.undated + undated,
        )
        progress(done)
    return done


def _dry(ledger: Ledger, entries: Sequence[Entry]) -> int:
    keys = {entry.key for entry in entries}
    return len(entries) - len(keys) + len(ledger.known(list(keys)))
