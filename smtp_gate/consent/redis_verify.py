"""Is the cache what the ledger says? Compared record by record, a batch at a time; nothing is changed.

What differs is looked at once more after a while, since decisions go on and a cache may be a second behind.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from smtp_gate.consent.redis_layout import read_value, write_value
from smtp_gate.errors import StoreUnavailable
from smtp_gate.limits import CATCH_UP_PERIOD, MAX_VERIFY_AGAIN

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smtp_gate.consent.ledger import Ledger
    from smtp_gate.consent.redis_cache import RedisCache
    from smtp_gate.consent.redis_layout import Position
    from smtp_gate.consent.standing import Record

_BATCH = 2000


class Compared(NamedTuple):
    """What came of it, as numbers of people and controllers.

    Attributes:
        records: that were looked at.
        missing: not in the cache: these people are untracked.
        older: the cache has an earlier state.
        newer: the cache has a later state than the ledger, so it is of another ledger, or of one before a restore.
        wrong: the cache says something else about the same event, or something that cannot be read.
        extra: in the cache and not in the ledger.
    """

    records: int
    missing: int = 0
    older: int = 0
    newer: int = 0
    wrong: int = 0
    extra: int = 0

    @property
    def same(self) -> bool:
        """Whether nothing differs."""
        return not any(self[1:])


async def compare(ledger: Ledger, cache: RedisCache, progress: Callable[[int], None] = lambda _: None) -> Compared:
    """Compare all records.

    Args:
        ledger: the authority.
        cache: what is looked at; the epoch that is read.
        progress: told the number of records looked at, again and again.

    Raises:
        StoreUnavailable: ``no_epoch`` when nothing is loaded; ``epoch_moved`` when a reload ended meanwhile.
    """
    live = await cache.live()
    counts = dict.fromkeys(("missing", "older", "newer", "wrong"), 0)
    again: list[Record] = []
    records = 0
    walk = ledger.records()
    while batch := await asyncio.to_thread(next, walk, None):
        for record, difference in await _differences(cache, live, batch):
            if len(again) < MAX_VERIFY_AGAIN:
                again.append(record)
            else:
                counts[difference] += 1
        records += len(batch)
        progress(records)
    if again:
        await asyncio.sleep(2 * CATCH_UP_PERIOD)
    for at in range(0, len(again), _BATCH):
        now = await asyncio.to_thread(_as_they_are, ledger, again[at : at + _BATCH])
        for _, difference in await _differences(cache, live, now):
            counts[difference] += 1
    # In this order: people who come meanwhile make it smaller.
    there = await cache.people(live)
    extra = there - (await asyncio.to_thread(ledger.count) - counts["missing"])
    if await cache.live() != [*live]:
        raise StoreUnavailable("epoch_moved")
    return Compared(records, **counts, extra=max(0, extra))


def _as_they_are(ledger: Ledger, records: Sequence[Record]) -> list[Record]:
    found = []
    for record in records:
        standing = ledger.standing(record.controller, record.subject)
        if standing is not None:
            found.append(record._replace(standing=standing))
    return found


async def _differences(
    cache: RedisCache, live: Sequence[Position], records: Sequence[Record]
) -> list[tuple[Record, str]]:
    values = await cache.values(live, records)
    named = ((record, _difference(record, value)) for record, value in zip(records, values, strict=True))
    return [(record, difference) for record, difference in named if difference]


def _difference(record: Record, value: bytes | None) -> str:
    """What is wrong with a value; empty when nothing is."""
    if value is None:
        return "missing"
    if value == write_value(record.standing):
        return ""
    seq = read_value(value, 0).seq
    if seq < 0 or seq == record.standing.seq:
        return "wrong"
    return "older" if seq < record.standing.seq else "newer"
