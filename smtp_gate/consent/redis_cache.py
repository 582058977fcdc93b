"""Writing the Redis cache: guarded, so that an older record never replaces a newer one, and reloaded beside itself.

Every write of a decision goes, in one script, into each epoch that its part has at that moment. So an event that is
committed to the ledger after a reload began is either in what the reload reads, or written into its epoch as well,
and no order of the two brings the older one back. What lies where is decided in ``redis_layout``.

In a Cluster all of this holds part by part: each has its own pointers, is written by scripts of its own, and
changes over by itself. A loader that dies between two of them leaves some parts on the new epoch and the others on
the old one, each of them whole.
"""

from __future__ import annotations

import asyncio
import secrets
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from smtp_gate.consent.redis_layout import (
    EPOCH_SIZE,
    PREFIX,
    PartKeys,
    bucket_of,
    buckets_for,
    parse_position,
    places,
    write_value,
)
from smtp_gate.consent.redis_pool import packed, packed_word, translated
from smtp_gate.consent.redis_scripts import ADVANCE, FLIP, GIVE_UP, LOAD, WRITE
from smtp_gate.consent.redis_servers import open_servers
from smtp_gate.consent.redis_settings import evicts, unwise
from smtp_gate.errors import StoreUnavailable
from smtp_gate.limits import CACHE_BUCKET_FULL, CACHE_LOAD_TIMEOUT, CACHE_WRITE_TIMEOUT, LOADER_LEASE

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence

    from smtp_gate.consent.ledger import Ledger
    from smtp_gate.consent.redis_layout import Place, Position
    from smtp_gate.consent.redis_pool import Server
    from smtp_gate.consent.redis_scripts import Script
    from smtp_gate.consent.redis_servers import Servers
    from smtp_gate.consent.standing import Record

BATCH = 500
"""Records in one script: Redis serves nobody else while it runs, here about 2 ms."""
_CONNECTIONS = 4
_SWEEP = 1000
_LEASE = int(LOADER_LEASE * 1000)


class Progress(NamedTuple):
    """How far the cache has come.

    Attributes:
        applied: every part holds all events up to this seq.
        newest: and one of them up to this.
        epochs: of the parts.
    """

    applied: int
    newest: int
    epochs: tuple[bytes, ...]


class Written(NamedTuple):
    """What a write found.

    Attributes:
        there: whether every part has an epoch.
        crowded: whether a bucket holds so many people that a reload, which makes more buckets, is due.
    """

    there: bool
    crowded: bool


class Reloaded(NamedTuple):
    """What a reload did: records written, keys removed that nobody reads any more, seq it goes up to."""

    records: int
    removed: int
    applied: int


class RedisCache:
    """The writing side of the cache.

    Args:
        url: of Redis, see ``redis_address``.
        prefix: in front of all keys; the same as the store's.

    All methods but :meth:`close` raise StoreUnavailable when Redis does not do what is asked.
    """

    def __init__(self, url: str, *, prefix: str = PREFIX) -> None:
        self._servers: Servers = open_servers(url, _CONNECTIONS)
        self._prefix = prefix
        self._keys = [PartKeys(prefix, tag) for tag in self._servers.tags]
        self._places: dict[str, Callable[[bytes], Place]] = {}
        self._old = tuple(f"{prefix}:{name}".encode() for name in ("r:", "live", "building"))

    async def position(self) -> Progress | None:
        """How far the cache has come; None when a part was never loaded, or is lost.

        Raises:
            StoreUnavailable: also ``eviction``, see ``redis_settings``; then nothing is read from the cache any
                more, and it is loaded anew when the setting is right.
        """
        await self._refuse_eviction()
        positions = await self._positions()
        if None in positions:
            return None
        there = [position for position in positions if position is not None]
        applied = [position.applied for position in there]
        return Progress(min(applied), max(applied), tuple(position.epoch for position in there))

    async def write(self, records: Iterable[Record]) -> Written:
        """Write records into every epoch there is; what is there and newer stays."""
        fullest = await asyncio.gather(
            *(
                self._run(WRITE, part, (keys.live, keys.building), (keys.head,), records=batch)
                for part, share in self._shares(records).items()
                for keys in (self._keys[part],)
                for batch in _batches(
                    [
                        b"%b$8\r\n%b\r\n%b" % (packed_word(place.along), place.field, packed_word(value))
                        for place, value in share
                    ]
                )
            )
        )
        return Written(
            all(number >= 0 for number in fullest), any(number > CACHE_BUCKET_FULL for number in fullest)
        )

    async def advance(self, epochs: Sequence[bytes], seq: int) -> bool:
        """Note that epochs hold all events up to a seq; never goes back.

        Args:
            epochs: of the parts, as :meth:`position` told them.
            seq: of the last event.

        Returns:
            Whether these epochs are the live ones.
        """
        done = await asyncio.gather(
            *(
                self._run(ADVANCE, part, (keys.live,), (epoch, seq))
                for part, (keys, epoch) in enumerate(zip(self._keys, epochs, strict=True))
            )
        )
        return all(done)

    async def reload(self, ledger: Ledger, progress: Callable[[int], None] = lambda _: None) -> Reloaded:
        """Fill a new epoch from the ledger beside the live one, and change over when it has caught up.

        Args:
            ledger: the authority.
            progress: told the number of records written, again and again.

        Raises:
            StoreUnavailable: also ``eviction`` as :meth:`position`, ``reload_running`` when another one is, and
                ``reload_lost`` when it took so long that another one began. What was read before is then read on.
        """
        await self._refuse_eviction()
        epoch = secrets.token_hex(EPOCH_SIZE // 2).encode()
        buckets = buckets_for(await asyncio.to_thread(ledger.count), len(self._keys))
        mark = b"%b %d" % (epoch, buckets)
        try:
            await self._begin(mark)
            written, applied = await self._fill(ledger, mark, buckets, progress)
            await self._change_over(mark, b"2 %b %d %d" % (epoch, applied, buckets))
        except BaseException:
            for part, keys in enumerate(self._keys):
                with suppress(StoreUnavailable):
                    await self._run(GIVE_UP, part, (keys.building,), (mark,))
            raise
        return Reloaded(written, await self.sweep(), applied)

    async def sweep(self) -> int:
        """Remove the keys of epochs that are neither read nor filled, a few at a time.

        Returns:
            How many they were.
        """
        async with translated(), asyncio.timeout(CACHE_WRITE_TIMEOUT):
            await self._servers.ready()
        return sum([await self._sweep_server(server) for server in self._servers.all()])

    async def live(self) -> list[Position]:
        """What the pointers of all parts say; ``no_epoch`` when one is not there."""
        positions = [position for position in await self._positions() if position is not None]
        if len(positions) != len(self._keys):
            raise StoreUnavailable("no_epoch")
        # How far they are changes all the time; the epochs do not.
        return [position._replace(applied=0) for position in positions]

    async def values(self, live: Sequence[Position], records: Sequence[Record]) -> list[bytes | None]:
        """What epochs hold of the people of some records."""
        where = [self._place(record.controller, record.subject) for record in records]
        groups: dict[int, list[int]] = {}
        for number, place in enumerate(where):
            groups.setdefault(place.part, []).append(number)
        found: list[bytes | None] = [None] * len(records)
        for part, group in groups.items():
            head, buckets = self._keys[part].epoch(live[part].epoch), live[part].buckets
            asked = [
                packed(("HGET", b"%b%07d" % (head, bucket_of(where[number].along, buckets)), where[number].field))
                for number in group
            ]
            async with self._asking(CACHE_LOAD_TIMEOUT):
                answers = await self._servers.of(part).look(b"".join(asked), len(asked))
            for number, answer in zip(group, answers, strict=True):
                found[number] = answer
        return found

    async def people(self, live: Sequence[Position]) -> int:
        """How many people epochs hold."""
        number = 0
        for part, position in enumerate(live):
            head = self._keys[part].epoch(position.epoch)
            for at in range(0, position.buckets, _SWEEP):
                buckets = range(at, min(at + _SWEEP, position.buckets))
                async with self._asking(CACHE_LOAD_TIMEOUT):
                    asked = [("HLEN", b"%b%07d" % (head, bucket)) for bucket in buckets]
                    number += sum(await self._servers.of(part).ask(*asked))
        return number

    async def unwise(self) -> list[str]:
        """Names of settings of Redis that should be others, see ``redis_settings``."""
        async with self._asking(CACHE_WRITE_TIMEOUT):
            found = await asyncio.gather(*(unwise(server) for server in self._servers.all()))
        return [*dict.fromkeys(name for names in found for name in names)]

    async def close(self) -> None:
        """Close all connections."""
        await self._servers.close()

    @asynccontextmanager
    async def _asking(self, limit: float) -> AsyncIterator[None]:
        try:
            async with translated(), asyncio.timeout(limit):
                await self._servers.ready()
                yield
        except StoreUnavailable:
            self._servers.failed()
            raise

    async def _run(
        self,
        script: Script,
        part: int,
        keys: Sequence[bytes],
        arguments: Sequence[bytes | int],
        *,
        limit: float = CACHE_WRITE_TIMEOUT,
        records: tuple[bytes, int] = (b"", 0),
    ) -> int:
        async with self._asking(limit):
            return int(await script.run(self._servers.of(part), keys, arguments, *records))

    async def _refuse_eviction(self) -> None:
        async with self._asking(CACHE_WRITE_TIMEOUT):
            if not any(await asyncio.gather(*(evicts(server) for server in self._servers.all()))):
                return
            await asyncio.gather(
                *(self._servers.of(part).ask(("DEL", keys.live)) for part, keys in enumerate(self._keys))
            )
        raise StoreUnavailable("eviction")

    async def _positions(self) -> list[Position | None]:
        async with self._asking(CACHE_WRITE_TIMEOUT):
            answers = await asyncio.gather(
                *(self._servers.of(part).ask(("GET", keys.live)) for part, keys in enumerate(self._keys))
            )
        return [_position(pointer) for (pointer,) in answers]

    async def _begin(self, mark: bytes) -> None:
        """Take every part, in the order of all loaders."""
        for part, keys in enumerate(self._keys):
            async with self._asking(CACHE_WRITE_TIMEOUT):
                words = ("SET", keys.building, mark, "NX", "PX", _LEASE)
                (begun,) = await self._servers.of(part).ask(words)
            if not begun:
                raise StoreUnavailable("reload_running")

    async def _fill(
        self, ledger: Ledger, mark: bytes, buckets: int, progress: Callable[[int], None]
    ) -> tuple[int, int]:
        # Read first: every event after it is replayed below, wherever the walk was when it happened.
        applied = await asyncio.to_thread(ledger.head)
        written = 0
        walk = ledger.records()
        batch = await asyncio.to_thread(next, walk, None)
        while batch:
            # The next ones are read while these are written.
            ahead, _ = await asyncio.gather(asyncio.to_thread(next, walk, None), self._put(mark, buckets, batch))
            written += len(batch)
            progress(written)
            batch = ahead
        while True:
            changed, last = await asyncio.to_thread(ledger.changes, applied)
            if last == applied:
                return written, applied
            await self._put(mark, buckets, changed)
            applied = last

    async def _change_over(self, mark: bytes, pointer: bytes) -> None:
        for part, keys in enumerate(self._keys):
            if not await self._run(FLIP, part, (keys.live, keys.building), (mark, pointer)):
                raise StoreUnavailable("reload_lost")

    async def _put(self, mark: bytes, buckets: int, records: Iterable[Record]) -> None:
        epoch = mark.split(b" ")[0]
        done = await asyncio.gather(
            *(
                self._run(
                    LOAD, part, (keys.building,), (head, mark, _LEASE), limit=CACHE_LOAD_TIMEOUT, records=batch
                )
                for part, share in self._shares(records).items()
                for keys in (self._keys[part],)
                for head in (keys.epoch(epoch),)
                for batch in _batches(
                    [
                        b"$7\r\n%07d\r\n$8\r\n%b\r\n$%d\r\n%b\r\n"
                        % (bucket_of(place.along, buckets), place.field, len(value), value)
                        for place, value in share
                    ]
                )
            )
        )
        if not all(done):
            raise StoreUnavailable("reload_lost")

    def _shares(self, records: Iterable[Record]) -> dict[int, list[tuple[Place, bytes]]]:
        """Records by part: where each lies, and its value."""
        shares: dict[int, list[tuple[Place, bytes]]] = {}
        for controller, subject, standing in records:
            where = self._place(controller, subject)
            shares.setdefault(where.part, []).append((where, write_value(standing)))
        return shares

    def _place(self, controller: str, subject: bytes) -> Place:
        place = self._places.get(controller)
        if place is None:
            place = self._places[controller] = places(controller, len(self._keys))
        return place(subject)

    async def _sweep_server(self, server: Server) -> int:
        removed, cursor = 0, b"0"
        while True:
            async with self._asking(CACHE_LOAD_TIMEOUT):
                ((cursor, keys),) = await server.ask(
                    ("SCAN", cursor, "MATCH", f"{self._prefix}:*", "COUNT", _SWEEP)
                )
                removed += await self._remove_dead(server, keys)
            if cursor == b"0":
                return removed

    async def _remove_dead(self, server: Server, keys: Sequence[bytes]) -> int:
        dead = [key for key in keys if key.startswith(self._old)]
        if dead:  # of the layout with a key a person; each by itself, since in a Cluster they lie anywhere
            await server.ask(*(("UNLINK", key) for key in dead))
        removed = len(dead)
        for part in self._keys:
            found = [key for key in keys if key.startswith(part.head) and key not in (part.live, part.building)]
            if not found:
                continue
            # Asked after the keys were seen: a key of an epoch begun since then would be found in use.
            live, building = await server.ask(("GET", part.live), ("GET", part.building))
            used = {(live or b"").split(b" ")[1:2] and live.split(b" ")[1], (building or b"").split(b" ")[0]}
            dead = [key for key in found if key[len(part.head) :].split(b":", 1)[0] not in used]
            if dead:
                await server.ask(("UNLINK", *dead))
            removed += len(dead)
        return removed


def _position(pointer: object) -> Position | None:
    try:
        return parse_position(pointer)
    except StoreUnavailable:
        return None


_WORDS = 3
"""Of each record: where it lies, its field, its value."""


def _batches(records: Sequence[bytes]) -> Iterator[tuple[bytes, int]]:
    """Arguments of scripts as they go over the wire, of at most ``BATCH`` records each, and how many they are."""
    for at in range(0, len(records), BATCH):
        batch = records[at : at + BATCH]
        yield b"".join(batch), _WORDS * len(batch)
