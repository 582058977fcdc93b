"""What a process learns while mail flows: seen beside the mails' way, counted in the store, known in memory.

This module alone decides when something is counted. A mail only puts what was seen in a queue; hashing and the
round trip happen behind it, many mails at once. A store that does not answer costs what was seen, never a mail, and
what was learnt before still holds.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import deque
from typing import TYPE_CHECKING, Literal, NamedTuple, NoReturn

from smtp_gate.errors import StoreUnavailable
from smtp_gate.limits import (
    LEARN_ENOUGH,
    LEARN_PAUSE,
    LEARN_QUIET,
    LEARN_REFRESH,
    LEARN_RETRY,
    MAX_LEARN_ADDRESSES,
    MAX_LEARN_ALIKE,
    MAX_LEARN_BATCH,
    MAX_LEARN_MAILS,
    MAX_SKELETONS,
)
from smtp_gate.observe import metrics
from smtp_gate.trackers.learnt import Form, Lesson, Lessons, form_of
from smtp_gate.trackers.skeleton import skeleton
from smtp_gate.witnesses.learning_store import ID_SIZE, MARK_SIZE, Sighting, write_label

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from smtp_gate.model import Unjudged
    from smtp_gate.trackers.skeleton import Skeleton
    from smtp_gate.witnesses.learning_store import LearningStore

Mode = Literal["off", "observe", "act"]
_SCHEME = len("https://")


class _Mail(NamedTuple):
    """What one mail showed."""

    domain: str
    recipients: tuple[bytes, ...]
    addresses: Sequence[Unjudged]


class _Skeleton(NamedTuple):
    """A skeleton that this process met: its id, and until when it need not be counted."""

    id: bytes
    quiet: float


class _Marks(NamedTuple):
    """What was seen of one skeleton since the last round trip."""

    readers: set[bytes]
    pairs: set[bytes]
    values: set[bytes]


class Learning:
    """One process's learning.

    Args:
        store: where sightings are counted.
        key: of the hashes that stand for readers and values on their way to the store.
        clock: seconds that only go forward.

    Attributes:
        mode: ``off``, ``observe`` or ``act``; assign another to reload.
    """

    def __init__(
        self, store: LearningStore, key: bytes, mode: Mode = "observe", clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.mode = mode
        self._store = store
        self._key = hashlib.blake2b(key, digest_size=32, person=b"learning").digest()
        self._clock = clock
        self._queue: deque[_Mail] = deque(maxlen=MAX_LEARN_MAILS)
        self._waiting = asyncio.Event()
        self._seen: dict[tuple[str, Form, str], _Marks] = {}
        self._met: dict[tuple[str, Form, str], _Skeleton] = {}
        self._known: dict[tuple[str, Form, str], Lesson] = {}
        self._lessons: Mapping[str, Lessons] = {}

    def lessons(self, domain: str) -> Lessons | None:
        """What was learnt of a sender domain's mail; None when that is nothing.

        Args:
            domain: lower case.
        """
        return self._lessons.get(domain)

    def note(self, domain: str, recipients: Iterable[bytes], addresses: Sequence[Unjudged]) -> None:
        """Remember what one mail showed, to be counted soon.

        Args:
            domain: of its sender, lower case.
            recipients: whom this copy is for.
            addresses: those that nothing else speaks about.
        """
        self._queue.append(_Mail(domain, tuple(recipients), addresses[:MAX_LEARN_ADDRESSES]))
        self._waiting.set()

    async def run(self) -> NoReturn:
        """Count and read again and again, until cancelled."""
        read = float("-inf")
        while True:
            if self._queue:
                await asyncio.sleep(LEARN_PAUSE)
            else:
                self._waiting.clear()
                try:
                    async with asyncio.timeout(LEARN_REFRESH):
                        await self._waiting.wait()
                except TimeoutError:
                    pass
                else:
                    await asyncio.sleep(LEARN_PAUSE)
            if self.mode == "off":
                self._queue.clear()
                continue
            try:
                if self._clock() - read >= LEARN_REFRESH:
                    await self.refresh()
                    read = self._clock()
                await self.settle()
            except Exception as problem:  # noqa: BLE001 - whatever is wrong with learning, mail flows
                metrics.learning_lost(problem.reason if isinstance(problem, StoreUnavailable) else "own_trouble")
                await asyncio.sleep(LEARN_RETRY)
                self._queue.clear()
                self._seen.clear()

    async def settle(self) -> None:
        """Count all that is waiting.

        Raises:
            StoreUnavailable: and what was not counted is lost.
        """
        while self._queue:
            self._digest(self._queue.popleft())
            if len(self._seen) >= MAX_LEARN_BATCH:
                await self._count()
            else:
                await asyncio.sleep(0)  # mails come first
        if self._seen:
            await self._count()

    async def refresh(self) -> None:
        """Read all that was learnt, by whatever process.

        Raises:
            StoreUnavailable: and what was known still is.
        """
        self._known = {(lesson.domain, lesson.form, lesson.shape): lesson for lesson in await self._store.lessons()}
        self._arrange()

    async def close(self) -> None:
        """Give the store back."""
        await self._store.close()

    def _digest(self, mail: _Mail) -> None:
        """Take a mail's addresses apart."""
        now = self._clock()
        reader = b"\n".join(sorted({address.lower() for address in mail.recipients}))
        reader_mark = self._mark(reader)
        known = self._lessons.get(mail.domain)
        told = set()
        done = set()
        for form, halves in _taken_apart(mail.addresses):
            name = (mail.domain, form, halves.shape)
            if known is not None and (mail.domain, form, halves.shape) in self._known:
                acted = known.acts(form, halves.shape)
                told.add((form.value, self.mode if acted else "observe"))
            met = self._met.get(name) or self._meet(name)
            if now < met.quiet or (name, halves.value) in done:
                continue
            done.add((name, halves.value))
            marks = self._seen.get(name)
            if marks is None:
                marks = self._seen[name] = _Marks(set(), set(), set())
            value = halves.value.encode("utf-8", "surrogatepass")
            marks.readers.add(reader_mark)
            marks.pairs.add(self._mark(reader + b"\n\n" + value))
            marks.values.add(self._mark(value))
        for form_name, outcome in told:
            metrics.learnt(form_name, outcome)

    def _meet(self, name: tuple[str, Form, str]) -> _Skeleton:
        """Remember a skeleton's id."""
        label = write_label(*name).encode("utf-8", "surrogatepass")
        if len(self._met) >= MAX_SKELETONS:
            self._met.clear()
        met = self._met[name] = _Skeleton(hashlib.blake2b(label, digest_size=ID_SIZE, key=self._key).digest(), 0.0)
        return met

    def _mark(self, octets: bytes) -> bytes:
        return hashlib.blake2b(octets, digest_size=MARK_SIZE, key=self._key).digest()

    async def _count(self) -> None:
        """One round trip for all that was seen, and what follows from its answer."""
        seen, self._seen = self._seen, {}
        names = list(seen)
        for at in range(0, len(names), MAX_LEARN_BATCH):
            batch = names[at : at + MAX_LEARN_BATCH]
            tallies = await self._store.note(
                [
                    Sighting(
                        self._met[name].id if name in self._met else self._meet(name).id,
                        write_label(*name),
                        *(frozenset(marks) for marks in seen[name]),
                    )
                    for name in batch
                ]
            )
            changed = False
            for name, tally in zip(batch, tallies, strict=True):
                lesson = Lesson(*name, tally) if tally.differs else None
                changed = changed or (lesson is None) == (name in self._known)
                if lesson is not None:
                    self._known[name] = lesson
                else:
                    self._known.pop(name, None)
                if tally.copies >= LEARN_ENOUGH:
                    self._met[name] = self._meet(name)._replace(quiet=self._clock() + LEARN_QUIET)
            if changed:
                self._arrange()

    def _arrange(self) -> None:
        by_domain: dict[str, list[Lesson]] = {}
        for lesson in self._known.values():
            by_domain.setdefault(lesson.domain, []).append(lesson)
        self._lessons = {domain: Lessons(lessons) for domain, lessons in by_domain.items()}


def _taken_apart(addresses: Sequence[Unjudged]) -> Iterator[tuple[Form, Skeleton]]:
    """Form and halves of addresses in which something could vary; generously on hosts that may serve a pixel."""
    alike: dict[tuple[bool, str], int] = {}
    chosen = []
    for _, address in addresses:
        url = address.url
        begin = (address.load, url[: url.find("/", url.find("/", _SCHEME) + 1)])
        alike[begin] = count = alike.get(begin, 0) + 1
        if count <= MAX_LEARN_ALIKE:
            chosen.append((form_of(address), url))
    pixels = {_host(url) for form, url in chosen if form is Form.PIXEL}
    for form, url in chosen:
        loose = form is Form.PIXEL or (form is Form.LINK and bool(pixels) and _host(url) in pixels)
        halves = skeleton(url, loose=loose)
        if halves is not None:
            yield form, halves


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0].lower()
