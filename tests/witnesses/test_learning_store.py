"""What both stores of learning promise: counts, bounds, an end, and nothing kept that names anybody."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import pytest

from smtp_gate.errors import StoreUnavailable
from smtp_gate.limits import LEARN_COPIES, LEARN_MEMORY, LEARNT_MEMORY
from smtp_gate.trackers.learnt import Form, Lesson, Tally
from smtp_gate.witnesses.learning_store import LearningStore, Sighting, read_label, write_label
from smtp_gate.witnesses.redis_learning import RedisLearning
from smtp_gate.witnesses.sqlite_learning import SqliteLearning

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable
    from pathlib import Path

    from tests.redis_server import RedisServer

ENOUGH = LEARN_COPIES - 1
SHAPE = "go.acme.example/c/{}"


class Watch:
    """A clock whose hands a test moves."""

    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def mark(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=8).digest()


def sighting(copies: Iterable[tuple[str, str]], shape: str = SHAPE, form: Form = Form.LINK) -> Sighting:
    """Copies as reader and value."""
    copies = list(copies)
    label = write_label("acme.example", form, shape)
    return Sighting(
        hashlib.blake2b(label.encode(), digest_size=12).digest(),
        label,
        frozenset(mark(reader) for reader, _ in copies),
        frozenset(mark(f"{reader} {value}") for reader, value in copies),
        frozenset(mark(value) for _, value in copies),
    )


def own(number: int, begin: int = 0) -> list[tuple[str, str]]:
    """So many readers with values of their own."""
    return [(f"reader{one}@customer.example", f"value{one}") for one in range(begin, begin + number)]


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture(params=["file", "redis"])
async def store(
    request: pytest.FixtureRequest, tmp_path: Path, redis_server: RedisServer, prefix: str, watch: Watch
) -> AsyncIterator[LearningStore]:
    made: LearningStore
    if request.param == "file":
        made = SqliteLearning(tmp_path / "learnt.db", watch)
    else:
        made = RedisLearning(redis_server.url, prefix=prefix, clock=watch)
    yield made
    await made.close()


async def test_readers_values_and_both_together_are_counted(store: LearningStore) -> None:
    copies = [("ann", "1"), ("ann", "2"), ("bob", "1")]
    assert await store.note([sighting(copies), sighting(own(1), "x.example/{}")]) == [
        Tally(2, 3, 2),
        Tally(1, 1, 1),
    ]
    assert await store.note([sighting([("bob", "1"), ("eve", "3")])]) == [Tally(3, 4, 3)]


@pytest.mark.parametrize(("copies", "learnt"), [(ENOUGH - 1, False), (ENOUGH, True)])
async def test_it_is_learnt_from_enough_copies(store: LearningStore, copies: int, *, learnt: bool) -> None:
    await store.note([sighting(own(copies))])
    lesson = Lesson("acme.example", Form.LINK, SHAPE, Tally(copies, copies, copies))
    assert await store.lessons() == ([lesson] if learnt else [])


async def test_nothing_is_learnt_of_what_everybody_gets(store: LearningStore) -> None:
    everybody = [(f"reader{one}", f"page{page}") for one in range(200) for page in range(30)]
    assert await store.note([sighting(everybody)]) == [Tally(200, pytest.approx(6000, rel=0.03), 30)]  # type: ignore[arg-type]
    assert await store.lessons() == []


async def test_what_the_same_reader_gets_again_and_again_is_learnt(store: LearningStore) -> None:
    for _ in range(5):
        await store.note([sighting(own(50))])
    [lesson] = await store.lessons()
    assert lesson.tally == Tally(50, 50, 50)


async def test_what_begins_to_be_the_same_for_all_is_unlearnt(store: LearningStore) -> None:
    await store.note([sighting(own(30))])
    assert len(await store.lessons()) == 1
    await store.note([sighting([(f"reader{one}", "page") for one in range(30)])])
    assert await store.lessons() == []


async def test_what_is_not_seen_any_more_is_forgotten_what_was_learnt_later(
    store: LearningStore, watch: Watch
) -> None:
    await store.note([sighting(own(30)), sighting(own(3), "x.example/{}")])
    watch.now += LEARN_MEMORY - 1
    await store.note([])
    assert await store.note([sighting(own(1, 3), "x.example/{}")]) == [Tally(4, 4, 4)]
    watch.now += LEARN_MEMORY
    await store.note([])
    assert await store.note([sighting(own(1, 4), "x.example/{}")]) == [Tally(1, 1, 1)]
    assert len(await store.lessons()) == 1
    watch.now += LEARNT_MEMORY
    assert await store.lessons() == []


async def test_beyond_the_limit_that_goes_which_would_be_forgotten_first(
    store: LearningStore, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("redis_learning", "sqlite_learning"):
        monkeypatch.setattr(f"smtp_gate.witnesses.{name}.MAX_SKELETONS", 2)
    await store.note([sighting(own(30))])
    for shape in ("x.example/{}", "y.example/{}", "z.example/{}"):
        watch.now += 1
        await store.note([sighting(own(3), shape)])
    assert len(await store.lessons()) == 1, "what was learnt outlives what was not"
    assert await store.note([sighting(own(1, 3), "z.example/{}")]) == [Tally(4, 4, 4)]
    assert await store.note([sighting(own(1, 3), "y.example/{}")]) == [Tally(1, 1, 1)]


async def test_many_values_in_one_round_trip(store: LearningStore) -> None:
    [tally] = await store.note([sighting(own(5000))])
    assert tally == pytest.approx((5000, 5000, 5000), rel=0.03)


async def test_no_reader_no_value_and_no_unlearnt_skeleton_is_kept(
    store: LearningStore, tmp_path: Path, redis_server: RedisServer, prefix: str
) -> None:
    await store.note([sighting(own(30)), sighting(own(3), "secret.acme.example/{}")])
    kept = everything(tmp_path) or everything_in(redis_server, prefix)
    assert b"go.acme.example" in kept
    for told in (b"reader1@", b"value1", mark("value1"), mark("reader1@customer.example"), b"secret"):
        assert told not in kept


def everything(folder: Path) -> bytes:
    """All octets of all files."""
    return b"".join(path.read_bytes() for path in folder.iterdir())


def everything_in(server: RedisServer, prefix: str) -> bytes:
    """All octets of all our keys."""
    names = server.say("KEYS", f"{prefix}:*").split(b"\r\n")
    kept = b""
    for key in (name for name in names if name.startswith(prefix.encode())):
        for command in (("GET", key), ("HGETALL", key), ("ZRANGE", key, "0", "-1")):
            kept += key + server.say(*command)
    return kept


async def test_redis_that_is_down_is_unavailable(redis_server: RedisServer) -> None:
    port = redis_server.port
    store = RedisLearning(f"redis://127.0.0.1:{port + 1 if port < 65_000 else port - 1}/0")
    with pytest.raises(StoreUnavailable, match="connection"):
        await store.note([sighting(own(1))])
    with pytest.raises(StoreUnavailable):
        await store.lessons()
    await store.close()


async def test_what_is_no_entry_of_ours_in_redis_is_passed_over(redis_server: RedisServer, prefix: str) -> None:
    store = RedisLearning(redis_server.url, prefix=prefix)
    label = write_label("acme.example", Form.LINK, SHAPE)
    good = f"30 30 30 99999999999999\n{label}"
    for number, text in enumerate(
        (good, "", "30 30\nx", "1 2 3 x\ny", f"30 30 30 99999999999999\n{label}\nmore", "1 1 1 9\nx")
    ):
        redis_server.say("HSET", f"{prefix}:learn:known", f"id{number}", text)
    assert await store.lessons() == [Lesson("acme.example", Form.LINK, SHAPE, Tally(30, 30, 30))]
    await store.close()


async def test_a_file_that_is_no_database_is_unavailable_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "learnt.db"
    path.write_bytes(b"something else" * 100)
    store = SqliteLearning(path)
    for _ in range(2):
        with pytest.raises(StoreUnavailable):
            await store.note([sighting(own(1))])
    await store.close()
    assert path.read_bytes().startswith(b"something else")


async def test_a_folder_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    store = SqliteLearning(tmp_path / "nowhere" / "learnt.db")
    with pytest.raises(StoreUnavailable):
        await store.note([sighting(own(1))])
    assert await store.lessons() == []
    await store.close()


async def test_nobody_else_can_read_the_file(tmp_path: Path) -> None:
    store = SqliteLearning(tmp_path / "learnt.db")
    await store.note([sighting(own(1))])
    await store.close()
    assert modes(tmp_path) == [0o600]


def modes(folder: Path) -> list[int]:
    """Rights of all files."""
    return [path.stat().st_mode & 0o777 for path in folder.iterdir()]


async def test_two_processes_count_in_one_file(tmp_path: Path) -> None:
    one, other = SqliteLearning(tmp_path / "learnt.db"), SqliteLearning(tmp_path / "learnt.db")
    await one.note([sighting(own(10))])
    assert await other.note([sighting(own(20, 5))]) == [Tally(25, 25, 25)]
    assert len(await one.lessons()) == 1
    await one.close()
    await other.close()


def test_a_label_is_read_as_it_was_written() -> None:
    tally = Tally(1, 2, 3)
    assert read_label(write_label("acme.example", Form.PIXEL, SHAPE), tally) == Lesson(
        "acme.example", Form.PIXEL, SHAPE, tally
    )
    assert read_label("acme.example\nnothing\nx", tally) is None
    assert read_label("", tally) is None
