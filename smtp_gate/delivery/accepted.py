"""What earlier attempts of a message came to, so that the client's retry sends only what is missing.

This module alone decides what makes two attempts the same: the same peer, queue id, sender, recipient and bytes.
It is a memory that may fail: losing it costs a duplicate, never a mail. Nothing is written for a message that
went well in one go, and as long as nothing was ever written nothing is read either.

Several processes share one folder: outcomes stand in a SQLite file (``synchronous=OFF``: it survives a process,
not a power cut), attempts under way are byte locks on a second file, which the kernel lifts when a process dies.
No address is in either, only keyed hashes.
"""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import sqlite3
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING, NamedTuple, Self

from smtp_gate import limits, replies
from smtp_gate.observe import log, metrics
from smtp_gate.replies import Reply

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from pathlib import Path
    from types import TracebackType

    from smtp_gate.model import Client, Recipient, Sender

_SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF;
CREATE TABLE IF NOT EXISTS outcome (
  seq INTEGER PRIMARY KEY AUTOINCREMENT, key BLOB NOT NULL UNIQUE, at REAL NOT NULL,
  code INTEGER NOT NULL, status TEXT NOT NULL, text TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS outcome_at ON outcome (at);
"""
_NO_QUEUE_ID = frozenset(("", "-", "[UNAVAILABLE]", "[TEMPUNAVAIL]"))
_OWN = frozenset(value for value in vars(replies).values() if isinstance(value, Reply))
_HEAD = 8
"""Octets in front of the lock file; the first tells whether any outcome was ever written."""


class Keys(NamedTuple):
    """One recipient of one attempt.

    Attributes:
        message: with the content: the same bytes for the same recipient again.
        envelope: without it, for a retry at RCPT; empty when the client gave no queue id, since then the next
            mail of the same sender would look the same.
    """

    message: bytes
    envelope: bytes


class AcceptedRecord:
    """The memory of one process, shared with those that use the same folder.

    Make it after the fork; close it at the end.
    """

    def __init__(self, folder: Path | None, secret: bytes, clock: Callable[[], float] = time.time) -> None:
        """Open or create it; a file that cannot be used is reported and the memory is this process's own.

        Args:
            folder: a folder in the runtime directory; None: this process's memory.
            secret: keys the hashes, up to 64 octets; the same in all processes.
            clock: seconds since the epoch, the same in all processes.
        """
        self._secret = secret
        self._clock = clock
        self._running: set[bytes] = set()
        self._locks = -1
        self._written: mmap.mmap | bytearray = bytearray(1)
        try:
            self._db = _open(":memory:") if folder is None else self._share(folder)
        except (OSError, sqlite3.Error) as problem:
            log.accepted_record_lost(kind=type(problem).__name__)
            self._db = _open(":memory:")
        self._mark_if_any()

    def close(self) -> None:
        """Close the files; what runs is no longer claimed."""
        self._db.close()
        if isinstance(self._written, mmap.mmap):
            self._written.close()
            self._written = bytearray(1)
        if self._locks >= 0:
            os.close(self._locks)
            self._locks = -1

    def keys(
        self, client: Client, sender: Sender, recipients: Sequence[Recipient], digest: bytes
    ) -> tuple[Keys, ...]:
        """What names this attempt for each recipient.

        Args:
            client: who sends it; with ``IDENT`` its queue id.
            sender: the MAIL command.
            recipients: in order; the same one twice is two deliveries.
            digest: hash of the content as received.
        """
        ident = _ident(client)
        begun = self._begin(client, ident, sender)
        seen: dict[bytes, int] = {}
        made = []
        for recipient in recipients:
            address = recipient.address
            number = seen[address] = seen.get(address, -1) + 1
            state = begun.copy()
            state.update(_framed(address))
            envelope = state.digest() if ident else b""
            state.update(_framed(digest, b"%d" % number))
            made.append(Keys(state.digest(), envelope))
        return tuple(made)

    def refusal(self, client: Client, sender: Sender, recipient: Recipient) -> Reply | None:
        """The permanent refusal that this recipient got on an earlier attempt; None when there was none."""
        if not self._written[0] or not (ident := _ident(client)):
            return None
        state = self._begin(client, ident, sender)
        state.update(_framed(recipient.address))
        key = state.digest()
        reply = self._read([key]).get(key)
        if reply is not None:
            metrics.suppressed("refused")
        return reply

    def claim(self, keys: Sequence[Keys]) -> Claim:
        """Begin an attempt; see :class:`Claim`."""
        mine = [self._lock(key.message) for key in keys]
        # Locked first, read second: an attempt that ended in between has written its outcome by now.
        known = self._read([key.message for key in keys]) if self._written[0] else {}
        answered = {}
        for number, (key, locked) in enumerate(zip(keys, mine, strict=True)):
            if key.message in known:
                answered[number] = replies.ALREADY_DELIVERED
                metrics.suppressed("accepted")
            elif not locked:
                answered[number] = replies.ATTEMPT_RUNNING
                metrics.suppressed("running")
        return Claim(self, keys, [key.message for key, locked in zip(keys, mine, strict=True) if locked], answered)

    # --- for claims -------------------------------------------------------------------------------------------

    def remember(self, outcomes: Iterable[tuple[bytes, Reply]]) -> None:
        """Write outcomes and forget the oldest; a failure is reported and costs the memory of these."""
        now = self._clock()
        rows = [(key, now, *_plain(reply)) for key, reply in outcomes]
        try:
            self._db.execute("BEGIN IMMEDIATE")
            with self._db:
                self._db.executemany(
                    "INSERT OR REPLACE INTO outcome (key, at, code, status, text) VALUES (?,?,?,?,?)", rows
                )
                self._db.execute("DELETE FROM outcome WHERE at < ?", (now - limits.ACCEPTED_MEMORY,))
                self._db.execute(
                    "DELETE FROM outcome WHERE seq <= (SELECT max(seq) FROM outcome) - ?", (limits.MAX_ACCEPTED,)
                )
            self._written[0] = 1
        except sqlite3.Error as problem:
            log.accepted_record_lost(kind=type(problem).__name__)

    def forget(self, keys: Iterable[bytes]) -> None:
        """Delete outcomes that no retry will ask for."""
        try:
            self._db.executemany("DELETE FROM outcome WHERE key = ?", [(key,) for key in keys])
        except sqlite3.Error as problem:
            log.accepted_record_lost(kind=type(problem).__name__)

    def release(self, messages: Iterable[bytes]) -> None:
        """End attempts."""
        for key in messages:
            self._running.discard(key)
            if self._locks >= 0:
                fcntl.lockf(self._locks, fcntl.LOCK_UN, 1, _place(key))

    # --- inside -----------------------------------------------------------------------------------------------

    def _share(self, folder: Path) -> sqlite3.Connection:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._locks = os.open(folder / "accepted.locks", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if os.fstat(self._locks).st_size < _HEAD:
            os.ftruncate(self._locks, _HEAD)
        self._written = mmap.mmap(self._locks, _HEAD)
        # One process at a time: SQLite answers "locked" at once when two switch a new file to WAL.
        fcntl.lockf(self._locks, fcntl.LOCK_EX, 1, 1)
        try:
            return _open(str(folder / "accepted.db"))
        finally:
            fcntl.lockf(self._locks, fcntl.LOCK_UN, 1, 1)

    def _mark_if_any(self) -> None:
        with suppress(sqlite3.Error):
            if self._db.execute("SELECT 1 FROM outcome LIMIT 1").fetchone():
                self._written[0] = 1

    def _begin(self, client: Client, ident: bytes, sender: Sender) -> hashlib.blake2b:
        told = _framed(client.peer.encode(), ident, sender.address)
        return hashlib.blake2b(told, key=self._secret, digest_size=16)

    def _lock(self, key: bytes) -> bool:
        if key in self._running:
            return False
        if self._locks >= 0:
            try:
                fcntl.lockf(self._locks, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _place(key))
            except OSError:
                return False
        self._running.add(key)
        return True

    def _read(self, keys: Sequence[bytes]) -> dict[bytes, Reply]:
        marks = ",".join("?" * len(keys))
        query = f"SELECT key, code, status, text FROM outcome WHERE at >= ? AND key IN ({marks})"  # noqa: S608 - question marks only
        try:
            with closing(self._db.execute(query, (self._clock() - limits.ACCEPTED_MEMORY, *keys))) as rows:
                return {key: Reply(code, status, text) for key, code, status, text in rows}
        except sqlite3.Error as problem:
            log.accepted_record_lost(kind=type(problem).__name__)
            return {}


class Claim:
    """One attempt's hold on its recipients, as a context manager.

    Attributes:
        answered: index of a recipient -> its reply, for those that need (or may have) no delivery now: accepted
            on an earlier attempt, or being delivered by another attempt at this moment.
    """

    __slots__ = ("_held", "_keys", "_noted", "_record", "answered")

    def __init__(
        self, record: AcceptedRecord, keys: Sequence[Keys], held: list[bytes], answered: dict[int, Reply]
    ) -> None:
        self._record = record
        self._keys = keys
        self._held = held
        self._noted: list[int] = []
        self.answered = answered

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._record.release(self._held)

    def accepted(self, number: int) -> None:
        """Remember at once that a recipient's mail was accepted, before the others are tried."""
        self._noted.append(number)
        self._record.remember([(self._keys[number].message, replies.DELIVERED)])

    def settle(self, outcomes: Sequence[Reply], *, gone: bool) -> None:
        """Remember what a retry must not send again, or repeat to those that were refused for good.

        Args:
            outcomes: one reply for each recipient, in order.
            gone: whether the client has left without the answer.
        """
        record = self._record
        taken = [number for number, reply in enumerate(outcomes) if reply.accepted]
        known = {*self.answered, *self._noted}
        if len(taken) == len(outcomes) and not gone:
            # The client knows. Without a queue id, the same bytes again would be another mail.
            finished = [self._keys[number].message for number in known if not self._keys[number].envelope]
            if finished:
                record.forget(finished)
            return
        if not gone and all(reply.permanent for reply in outcomes):
            return
        news = [(self._keys[number].message, outcomes[number]) for number in taken if number not in known]
        news += [
            (key.envelope, reply)
            for key, reply in zip(self._keys, outcomes, strict=True)
            if reply.permanent and key.envelope
        ]
        if news:
            record.remember(news)


def _open(name: str) -> sqlite3.Connection:
    # No statement waits long: a memory is not worth a stalled event loop.
    database = sqlite3.connect(name, timeout=0.2, isolation_level=None)
    try:
        database.executescript(_SCHEMA)
    except sqlite3.Error:
        database.close()
        raise
    return database


def _framed(*pieces: bytes) -> bytes:
    """Each with its length, so that no two lists of pieces give the same bytes."""
    return b"".join([b"%d:%b" % (len(piece), piece) for piece in pieces])


def _ident(client: Client) -> bytes:
    ident = client.xforward.get("IDENT", "")
    return b"" if ident in _NO_QUEUE_ID else ident.encode()


def _place(key: bytes) -> int:
    """Offset of a key's lock: 56 bits, so that two keys share one about never (and that costs a 451)."""
    return _HEAD + int.from_bytes(key[:7], "big")


def _plain(reply: Reply) -> tuple[int, str, str]:
    """What is kept of a reply: our own text, never the next hop's, which may name an address."""
    if reply in _OWN:
        return reply.code, reply.status, reply.text
    text = replies.ALREADY_DELIVERED.text if reply.accepted else "Refused by the next hop on an earlier attempt"
    return reply.code, reply.status, text
