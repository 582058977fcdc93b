"""A sample of what leaves is read again by the second opinion, off the hot path; what it finds is counted and told.

This module alone decides which messages are in the sample, and that nobody ever waits for an audit: the queue is
bounded, what does not fit is dropped and counted, and a reader that hangs or dies costs its one reading.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from contextlib import suppress
from multiprocessing import Pipe
from queue import Empty, Full, Queue
from typing import TYPE_CHECKING, NamedTuple

from smtp_gate.limits import AUDIT_MAX_SIZE, AUDIT_QUEUE, AUDIT_TIMEOUT
from smtp_gate.observe import log, metrics
from smtp_gate.observe.audit_sheet import MISSED, Files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.connection import Connection

    from smtp_gate.observe.audit_sheet import Sheet, Trace
    from smtp_gate.trackers import Catalogue

READER = (sys.executable, "-m", "smtp_gate.observe.audit_reader")
UNCATALOGUED = "uncatalogued"
_DIGEST_OCTETS = 8
_GRACE = 5.0
"""Seconds that the thread is given to end."""


class _Lost(Exception):  # noqa: N818 - a state of the reader
    """The reader gave no answer; says why, as a code."""


class _Task(NamedTuple):
    sheet: Sheet
    catalogue: Catalogue


class Auditor:
    """Takes what left and has it read again, one mail at a time.

    Thread and reader process start with the first mail that is taken, so that a gate without a sample has neither.

    Args:
        sample: share of the messages, 0 to 1.
        reader: command of the reader process; the number of its connection is added.

    Attributes:
        sample: assign to change it.
    """

    def __init__(self, sample: float, reader: Sequence[str] = READER) -> None:
        self.sample = sample
        self._command = tuple(reader)
        self._queue: Queue[_Task] = Queue(AUDIT_QUEUE)
        self._thread: threading.Thread | None = None
        self._closing = threading.Event()
        self._reader: _Reader | None = None

    def takes(self, digest: bytes) -> bool:
        """Whether a message is in the sample.

        Its own digest decides, so that a retry of it is read as the message was, or not at all, and no chance is
        needed.

        Args:
            digest: SHA-256 of the message as it came.
        """
        return int.from_bytes(digest[:_DIGEST_OCTETS]) < self.sample * (1 << 8 * _DIGEST_OCTETS)

    def offer(self, sheet: Sheet, catalogue: Catalogue) -> None:
        """Have a mail read when there is time; never waits."""
        if self._closing.is_set():
            return
        if len(sheet.content) > AUDIT_MAX_SIZE:
            metrics.audited("too_large")
            return
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="audit", daemon=True)
            self._thread.start()
        try:
            self._queue.put_nowait(_Task(sheet, catalogue))
        except Full:
            metrics.audited("dropped")

    def close(self) -> None:
        """End; what is still queued is not read."""
        self._closing.set()
        if self._reader is not None:
            self._reader.stop()
        if self._thread is not None:
            self._thread.join(_GRACE)

    def _run(self) -> None:
        while not self._closing.is_set():
            with suppress(Empty):
                task = self._queue.get(timeout=0.2)
                self._read(task)
                self._queue.task_done()

    def finish(self) -> None:
        """Wait until all that was taken is read; for tests and tools, never for a running gate."""
        self._queue.join()

    def _read(self, task: _Task) -> None:
        try:
            if self._reader is None:
                self._reader = _Reader(self._command)
            found = self._reader.ask(task)
        except (_Lost, OSError) as problem:
            reason = str(problem) if isinstance(problem, _Lost) else type(problem).__name__
            if self._reader is not None:
                self._reader.stop()
                self._reader = None
            if not self._closing.is_set():
                metrics.audited("failed")
                log.audit_failed(message=task.sheet.message, reason=reason)
            return
        if isinstance(found, str):
            metrics.audited("failed")
            log.audit_failed(message=task.sheet.message, reason=found)
            return
        missed = [trace for trace in found if trace.why == MISSED]
        metrics.audited("trackers" if missed else "clean")
        for trace in found:
            metrics.audit_tracker(trace.vendor or UNCATALOGUED, trace.kind, trace.why)
        for trace, count in Counter(missed).items():
            log.audit_missed(
                message=task.sheet.message,
                vendor=trace.vendor or UNCATALOGUED,
                kind=trace.kind,
                carrier=trace.carrier,
                evidence=trace.evidence,
                count=count,
            )


class _Reader:
    """One reader process and the connection to it."""

    def __init__(self, command: Sequence[str]) -> None:
        ours, theirs = Pipe()
        self._connection: Connection[object, list[Trace] | str] = ours
        self._knows: Catalogue | None = None
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [*command, str(theirs.fileno())], pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL
            )
        finally:
            theirs.close()

    def ask(self, task: _Task) -> list[Trace] | str:
        """What the reader finds; the name of a class when it stumbled.

        Raises:
            _Lost: no answer in time, or none any more.
        """
        late = threading.Event()
        # Not only the answer may fail to come: a reader that does not read stops us from writing.
        timer = threading.Timer(AUDIT_TIMEOUT, self._too_late, (late,))
        timer.start()
        try:
            if self._knows is not task.catalogue:
                catalogue = task.catalogue
                self._connection.send(
                    Files(catalogue.vendors, dict(catalogue.domains), catalogue.own, catalogue.suspicion)
                )
                self._knows = catalogue
            self._connection.send(task.sheet)
            return self._connection.recv()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            raise _Lost("timeout" if late.is_set() else "died") from None
        finally:
            timer.cancel()

    def _too_late(self, late: threading.Event) -> None:
        late.set()
        self._process.kill()

    def stop(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.wait()
        with suppress(OSError):
            self._connection.close()
