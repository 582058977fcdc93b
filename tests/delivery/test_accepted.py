"""The record of earlier attempts: a retry sends only what is missing, and two attempts at once send one copy."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
import structlog

from smtp_gate import limits, replies
from smtp_gate.delivery.accepted import AcceptedRecord
from smtp_gate.model import Client, Recipient, Sender
from smtp_gate.replies import Reply

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from smtp_gate.delivery.accepted import Keys

SECRET = b"k" * 32
QUEUED = Client("192.0.2.1", xforward={"IDENT": "4F9D1"})
PLAIN = Client("192.0.2.1")
SENDER = Sender(b"news@acme.test")
THREE = [Recipient(b"a@x.test"), Recipient(b"b@x.test"), Recipient(b"c@x.test")]
GONE = Reply(550, "5.1.1", "<b@x.test>: no such user")
LATER = Reply(451, "4.2.1", "mailbox busy")
FINE = replies.DELIVERED


class Clock:
    """A wall clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "folder"])
def record(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Iterator[AcceptedRecord]:
    folder = tmp_path / "run" if request.param == "folder" else None
    with closing(AcceptedRecord(folder, SECRET, clock)) as record:
        yield record


def keys(record: AcceptedRecord, client: Client = QUEUED, content: bytes = b"mail") -> tuple[Keys, ...]:
    return record.keys(client, SENDER, THREE, hashlib.sha256(content).digest())


def attempt(
    record: AcceptedRecord,
    *outcomes: Reply,
    client: Client = QUEUED,
    content: bytes = b"mail",
    gone: bool = False,
) -> dict[int, Reply]:
    """One attempt for three recipients; what the record answered before it."""
    with record.claim(keys(record, client, content)) as claim:
        answered = dict(claim.answered)
        claim.settle([answered.get(number, outcome) for number, outcome in enumerate(outcomes)], gone=gone)
    return answered


@pytest.mark.parametrize("client", [QUEUED, PLAIN])
def test_a_retry_sends_only_what_is_missing(record: AcceptedRecord, client: Client) -> None:
    assert attempt(record, FINE, LATER, FINE, client=client) == {}
    again = attempt(record, FINE, FINE, FINE, client=client)
    assert again == {0: replies.ALREADY_DELIVERED, 2: replies.ALREADY_DELIVERED}


def test_a_message_that_went_well_is_not_remembered(record: AcceptedRecord) -> None:
    attempt(record, FINE, FINE, FINE)
    assert attempt(record, FINE, FINE, FINE) == {}


def test_a_client_that_left_before_the_answer_finds_it_at_its_retry(record: AcceptedRecord) -> None:
    attempt(record, FINE, FINE, FINE, gone=True)
    assert set(attempt(record, FINE, FINE, FINE).values()) == {replies.ALREADY_DELIVERED}


def test_with_a_queue_id_the_memory_outlives_the_answer(record: AcceptedRecord) -> None:
    attempt(record, FINE, LATER, FINE)
    attempt(record, FINE, FINE, FINE)
    assert 0 in attempt(record, FINE, FINE, FINE)


def test_without_one_the_same_bytes_after_the_answer_are_a_new_mail(record: AcceptedRecord) -> None:
    attempt(record, FINE, LATER, FINE, client=PLAIN)
    attempt(record, FINE, FINE, FINE, client=PLAIN)
    assert attempt(record, FINE, FINE, FINE, client=PLAIN) == {}


@pytest.mark.parametrize(
    ("client", "content"),
    [
        (Client("192.0.2.1", xforward={"IDENT": "OTHER"}), b"mail"),
        (Client("192.0.2.2", xforward={"IDENT": "4F9D1"}), b"mail"),
        (QUEUED, b"changed"),
        (PLAIN, b"mail"),
    ],
    ids=["queue id", "peer", "content", "no queue id"],
)
def test_anything_different_is_new(record: AcceptedRecord, client: Client, content: bytes) -> None:
    attempt(record, FINE, LATER, LATER)
    assert attempt(record, FINE, FINE, FINE, client=client, content=content) == {}


def test_a_refusal_for_good_is_heard_again_at_rcpt(record: AcceptedRecord) -> None:
    attempt(record, FINE, GONE, LATER)
    told = [record.refusal(QUEUED, SENDER, recipient) for recipient in THREE]
    assert told == [None, Reply(550, "5.1.1", "Refused by the next hop on an earlier attempt"), None]


def test_our_own_refusal_keeps_its_words(record: AcceptedRecord) -> None:
    attempt(record, FINE, replies.OPAQUE_LINK, FINE)
    assert record.refusal(QUEUED, SENDER, THREE[1]) == replies.OPAQUE_LINK


def test_a_refusal_without_queue_id_is_not_remembered(record: AcceptedRecord) -> None:
    attempt(record, FINE, GONE, LATER, client=PLAIN)
    assert record.refusal(PLAIN, SENDER, THREE[1]) is None


def test_a_refusal_of_all_needs_no_memory(record: AcceptedRecord) -> None:
    attempt(record, GONE, GONE, GONE)
    assert record.refusal(QUEUED, SENDER, THREE[0]) is None


def test_the_same_recipient_twice_is_two_deliveries(record: AcceptedRecord) -> None:
    twice = record.keys(QUEUED, SENDER, [THREE[0], THREE[0]], b"digest")
    with record.claim(twice) as claim:
        assert claim.answered == {}
        claim.settle([FINE, LATER], gone=False)
    with record.claim(twice) as claim:
        assert claim.answered == {0: replies.ALREADY_DELIVERED}


def test_two_attempts_at_once_are_one(record: AcceptedRecord) -> None:
    with record.claim(keys(record)) as first:
        assert first.answered == {}
        with record.claim(keys(record)) as second:
            assert set(second.answered.values()) == {replies.ATTEMPT_RUNNING}
        with record.claim(keys(record)) as third:
            assert len(third.answered) == 3, "the end of the second attempt must not free the first one's hold"
    with record.claim(keys(record)) as fourth:
        assert fourth.answered == {}


def test_an_attempt_that_fails_frees_its_hold(record: AcceptedRecord) -> None:
    with pytest.raises(RuntimeError), record.claim(keys(record)):
        raise RuntimeError
    assert attempt(record, FINE, FINE, FINE) == {}


def test_an_acceptance_can_be_remembered_before_the_others_are_tried(record: AcceptedRecord) -> None:
    with record.claim(keys(record)) as claim:
        claim.accepted(1)
        # ... and here the process is killed, before anything is settled
    assert attempt(record, FINE, FINE, FINE) == {1: replies.ALREADY_DELIVERED}


def test_the_memory_ends(record: AcceptedRecord, clock: Clock) -> None:
    attempt(record, FINE, GONE, LATER)
    clock.now += limits.ACCEPTED_MEMORY - 1
    assert 0 in attempt(record, FINE, LATER, LATER)
    clock.now += 2
    assert attempt(record, FINE, FINE, FINE) == {}
    assert record.refusal(QUEUED, SENDER, THREE[1]) is None


def test_the_memory_is_bounded_and_the_oldest_goes_first(
    record: AcceptedRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "MAX_ACCEPTED", 10)
    for number in range(30):
        attempt(record, FINE, LATER, LATER, content=b"%d" % number)
    assert record._db.execute("SELECT count(*) FROM outcome").fetchone() == (10,)
    assert attempt(record, FINE, LATER, LATER, content=b"29") == {0: replies.ALREADY_DELIVERED}
    assert attempt(record, FINE, LATER, LATER, content=b"3") == {}


def test_nothing_is_read_while_nothing_was_written(record: AcceptedRecord) -> None:
    statements: list[str] = []
    record._db.set_trace_callback(statements.append)
    attempt(record, FINE, FINE, FINE)
    assert record.refusal(QUEUED, SENDER, THREE[1]) is None
    assert statements == []


def test_no_address_is_written(tmp_path: Path) -> None:
    with closing(AcceptedRecord(tmp_path, SECRET)) as record:
        attempt(record, FINE, GONE, LATER)
    written = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"earlier attempt" in written
    assert b"x.test" not in written
    assert b"acme" not in written
    assert b"192.0.2" not in written


def test_the_memory_outlives_the_process(tmp_path: Path) -> None:
    with closing(AcceptedRecord(tmp_path, SECRET)) as record:
        attempt(record, FINE, LATER, FINE)
    with closing(AcceptedRecord(tmp_path, SECRET)) as record:
        assert set(attempt(record, FINE, FINE, FINE)) == {0, 2}


OTHER = """
import sys
from pathlib import Path
from smtp_gate.delivery.accepted import AcceptedRecord
from tests.delivery.test_accepted import FINE, LATER, SECRET, attempt, keys
record = AcceptedRecord(Path(sys.argv[1]), SECRET)
if sys.argv[2] == "settle":
    attempt(record, FINE, LATER, LATER)
else:
    record.claim(keys(record))
print("done", flush=True)
sys.stdin.read()
"""


def other(folder: Path, what: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", OTHER, folder, what],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={"PYTHONPATH": "."},
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "done\n"
    return process


def test_processes_share_what_is_remembered(tmp_path: Path) -> None:
    with closing(AcceptedRecord(tmp_path, SECRET)) as record:
        with other(tmp_path, "settle") as process:
            process.communicate()
        assert attempt(record, FINE, FINE, FINE) == {0: replies.ALREADY_DELIVERED}


def test_processes_share_what_is_running_and_a_killed_one_frees_it(tmp_path: Path) -> None:
    with closing(AcceptedRecord(tmp_path, SECRET)) as record, other(tmp_path, "claim") as process:
        assert set(attempt(record, FINE, FINE, FINE).values()) == {replies.ATTEMPT_RUNNING}
        process.kill()
        process.communicate()
        assert attempt(record, FINE, FINE, FINE) == {}


def test_a_file_that_is_no_database_costs_the_memory_only(tmp_path: Path) -> None:
    (tmp_path / "accepted.db").write_bytes(b"this is no database" * 1000)
    with structlog.testing.capture_logs() as lines, closing(AcceptedRecord(tmp_path, SECRET)) as record:
        attempt(record, FINE, LATER, LATER)
        assert 0 in attempt(record, FINE, LATER, LATER)
    assert [line["event"] for line in lines] == ["accepted_record_lost"]


def test_a_failing_disk_costs_the_memory_only(record: AcceptedRecord) -> None:
    attempt(record, FINE, LATER, LATER)
    record._db.execute("DROP TABLE outcome")
    with structlog.testing.capture_logs() as lines:
        assert attempt(record, FINE, LATER, LATER) == {}
        assert record.refusal(QUEUED, SENDER, THREE[0]) is None
    assert {line["event"] for line in lines} == {"accepted_record_lost"}
