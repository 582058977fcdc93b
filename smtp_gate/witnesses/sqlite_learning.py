"""Sightings counted in a file of SQLite beside the ledger, for an installation without Redis.

A file of its own: the ledger syncs each commit to disk, and nothing here is worth that. What is lost in a power cut
is counted again.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from typing import TYPE_CHECKING, TypeVar

from smtp_gate.errors import StoreUnavailable
from smtp_gate.limits import LEARN_MEMORY, LEARN_TIMEOUT, LEARNT_MEMORY, MAX_SKELETONS
from smtp_gate.trackers.learnt import Tally
from smtp_gate.witnesses import sketch
from smtp_gate.witnesses.learning_store import read_label

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from smtp_gate.trackers.learnt import Lesson
    from smtp_gate.witnesses.learning_store import Sighting

_T = TypeVar("_T")
_TABLE = """
CREATE TABLE IF NOT EXISTS skeleton (
    id BLOB PRIMARY KEY, readers BLOB NOT NULL, pairs BLOB NOT NULL, "values" BLOB NOT NULL,
    label TEXT, ends REAL NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS skeleton_ends ON skeleton (ends);
"""
"""``label`` is null until the skeleton is learnt."""
_READ = 'SELECT readers, pairs, "values" FROM skeleton WHERE id = ?'
_WRITE = "INSERT OR REPLACE INTO skeleton VALUES (?, ?, ?, ?, ?, ?)"
_ENDED = "DELETE FROM skeleton WHERE ends <= ?"
_COUNT = "SELECT count(*) FROM skeleton"
_OVER = "DELETE FROM skeleton WHERE id IN (SELECT id FROM skeleton ORDER BY ends LIMIT ?)"
_KNOWN = 'SELECT label, readers, pairs, "values" FROM skeleton WHERE label IS NOT NULL AND ends > ? ORDER BY label'


class SqliteLearning:
    """A :class:`~smtp_gate.witnesses.learning_store.LearningStore` in a file.

    Args:
        path: of the file, made when the first sighting comes.
        clock: seconds since 1970.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self._path = path
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="learning")
        self._connection: sqlite3.Connection | None = None

    async def note(self, sightings: Sequence[Sighting]) -> list[Tally]:
        """As :meth:`LearningStore.note`."""
        return await self._run(lambda: self._note(sightings))

    async def lessons(self) -> list[Lesson]:
        """As :meth:`LearningStore.lessons`."""
        return await self._run(self._lessons)

    async def close(self) -> None:
        """End the thread; one that hangs is not waited for."""
        with suppress(StoreUnavailable):
            await self._run(self._disconnect)
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _run(self, work: Callable[[], _T]) -> _T:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(LEARN_TIMEOUT):
                return await loop.run_in_executor(self._thread, work)
        except TimeoutError:
            raise StoreUnavailable("timeout") from None
        except (sqlite3.Error, OSError):
            await loop.run_in_executor(self._thread, self._disconnect)
            raise StoreUnavailable("learning") from None

    def _note(self, sightings: Sequence[Sighting]) -> list[Tally]:
        connection, now = self._connected(), self._clock()
        told = []
        with connection:  # committed as a whole, or rolled back
            connection.execute("BEGIN IMMEDIATE")
            for one in sightings:
                before = connection.execute(_READ, (one.id,)).fetchone() or (b"", b"", b"")
                marks = (one.readers, one.pairs, one.values)
                after = [sketch.seen(*both) for both in zip(before, marks, strict=True)]
                tally = Tally(*map(sketch.count, after))
                label, life = (one.label, LEARNT_MEMORY) if tally.differs else (None, LEARN_MEMORY)
                connection.execute(_WRITE, (one.id, *after, label, now + life))
                told.append(tally)
            connection.execute(_ENDED, (now,))
            over = connection.execute(_COUNT).fetchone()[0] - MAX_SKELETONS
            if over > 0:
                connection.execute(_OVER, (over,))
        return told

    def _lessons(self) -> list[Lesson]:
        if not self._path.exists():
            return []
        rows = self._connected().execute(_KNOWN, (self._clock(),)).fetchall()
        found = (read_label(label, Tally(*map(sketch.count, sketches))) for label, *sketches in rows)
        return [lesson for lesson in found if lesson is not None]

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            # Made here and not by SQLite, whose files everybody may read.
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            connection = sqlite3.connect(
                self._path, timeout=LEARN_TIMEOUT / 2, isolation_level=None, check_same_thread=False
            )
            try:
                connection.execute("PRAGMA journal_mode = WAL")
                connection.execute("PRAGMA synchronous = OFF")
                connection.executescript(_TABLE)
            except sqlite3.Error:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            with closing(self._connection):
                self._connection = None
