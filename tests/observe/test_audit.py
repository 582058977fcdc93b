"""The audit of what left: who is in the sample, that nobody waits, and what becomes of a reader that fails."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from prometheus_client import REGISTRY

from smtp_gate.limits import AUDIT_MAX_SIZE, AUDIT_QUEUE
from smtp_gate.model import Kind
from smtp_gate.observe import audit, log
from smtp_gate.observe.audit import Auditor
from smtp_gate.observe.audit_reader import traces
from smtp_gate.observe.audit_sheet import Sheet
from smtp_gate.trackers import Catalogue
from smtp_gate.trackers.evidence import Suspicion
from tests.gate_room import LINK, PIXEL, PLAIN, TRACKED, catalogue, letter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HANGS = (sys.executable, "-c", "import sys, time; time.sleep(60)")
DIES = (sys.executable, "-c", "pass")


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"{name}_total", labels) or 0.0


def outcome(word: str) -> float:
    return counted("smtp_gate_audited", outcome=word)


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """What the audit tells the log."""
    told: list[dict[str, object]] = []
    monkeypatch.setattr(log, "audit_missed", lambda **said: told.append(said))
    monkeypatch.setattr(log, "audit_failed", lambda **said: told.append(said))
    return told


@pytest.fixture
def auditor() -> Iterator[Callable[..., Auditor]]:
    """Makes auditors that are closed at the end."""
    made: list[Auditor] = []

    def make(*words: object) -> Auditor:
        made.append(Auditor(1.0, *words))  # type: ignore[arg-type] # a command
        return made[-1]

    yield make
    for one in made:
        one.close()


# --- the sample -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("sample", "digest", "taken"),
    [
        (0.0, bytes(32), False),
        (1.0, b"\xff" * 32, True),
        (0.5, b"\x7f" + b"\xff" * 31, True),
        (0.5, b"\x80" + bytes(31), False),
        (0.01, b"\x02" + bytes(31), True),
        (0.01, b"\x03" + bytes(31), False),
    ],
)
def test_the_digest_of_a_message_decides(sample: float, digest: bytes, taken: bool) -> None:
    assert Auditor(sample).takes(digest) is taken


def test_no_process_is_started_before_the_first_mail(auditor: Callable[..., Auditor]) -> None:
    one = auditor()
    assert one.takes(bytes(32))
    assert one._thread is None


# --- what is found --------------------------------------------------------------------------------------------
def test_a_tracker_that_left_is_told_in_codes() -> None:
    found = traces(Sheet("1", TRACKED, {}), catalogue())
    assert [(one.vendor, one.kind, one.carrier, one.why) for one in found] == [
        ("mailchimp", "link", "href", "missed"),
        ("mailchimp", "pixel", "src", "missed"),
    ]


def test_what_policy_left_is_no_miss() -> None:
    found = traces(Sheet("1", TRACKED, {LINK.decode(): "policy"}), catalogue())
    assert [(one.kind, one.why) for one in found] == [("link", "policy"), ("pixel", "missed")]


def test_a_pixel_that_nobody_catalogued_is_found_by_its_look() -> None:
    raw = letter(b'<img src="https://t.shop.example/open/0a1b2c3d4e5f60718293a4b5" width="1" height="1">')
    [one] = traces(Sheet("1", raw, {}), catalogue())
    assert (one.vendor, one.kind) == ("", "pixel")
    assert "tiny" in one.evidence


def test_the_reader_process_reads_and_the_gate_counts(
    auditor: Callable[..., Auditor], lines: list[dict[str, object]]
) -> None:
    one = auditor()
    before = [outcome("clean"), outcome("trackers")]
    pixels = counted("smtp_gate_audit_trackers", vendor="mailchimp", kind="pixel", why="missed")
    one.offer(Sheet("a", PLAIN, {}), catalogue())
    one.offer(Sheet("b", letter(b'<img src="' + PIXEL + b'">' * 2), {}), catalogue())
    one.finish()
    assert [outcome("clean"), outcome("trackers")] == [before[0] + 1, before[1] + 1]
    assert counted("smtp_gate_audit_trackers", vendor="mailchimp", kind="pixel", why="missed") == pixels + 1
    assert lines == [
        {
            "message": "b",
            "vendor": "mailchimp",
            "kind": Kind.PIXEL,
            "carrier": "src",
            "evidence": ("catalogue",),
            "count": 1,
        }
    ]


@pytest.mark.parametrize(
    ("kind", "disposition", "seen"),
    [(b"mixed", b"", 2), (b"mixed", b"Content-Disposition: attachment\r\n", 0), (b"report", b"", 0)],
)
def test_a_forwarded_message_is_read_where_it_is_shown(kind: bytes, disposition: bytes, seen: int) -> None:
    around = (
        b"From: news@acme.example\r\nMIME-Version: 1.0\r\nContent-Type: multipart/" + kind + b"; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: message/rfc822\r\n" + disposition + b"\r\n" + TRACKED + b"\r\n--b--\r\n"
    )
    assert len(traces(Sheet("1", around, {}), catalogue())) == seen


def test_the_reader_suspects_as_much_as_the_gate_does(
    auditor: Callable[..., Auditor], lines: list[dict[str, object]]
) -> None:
    """A threshold that the company set makes no misses of what it lets go."""
    raw = letter(b'<img src="https://t.shop.example/open/0a1b2c3d4e5f60718293a4b5" width="1" height="1">')
    for act, missed in ((50, 1), (100, 0)):
        lines.clear()
        one = auditor()
        one.offer(Sheet("a", raw, {}), Catalogue((), suspicion=Suspicion(act, 25)))
        one.finish()
        assert len(lines) == missed


# --- nobody waits ---------------------------------------------------------------------------------------------
def test_what_does_not_fit_the_queue_is_dropped_and_counted(
    auditor: Callable[..., Auditor], monkeypatch: pytest.MonkeyPatch
) -> None:
    one = auditor()
    monkeypatch.setattr(one, "_run", lambda: None)  # nobody takes anything out
    before = outcome("dropped")
    for _ in range(AUDIT_QUEUE):
        one.offer(Sheet("a", PLAIN, {}), catalogue())
    assert outcome("dropped") == before
    one.offer(Sheet("a", PLAIN, {}), catalogue())
    assert outcome("dropped") == before + 1


@pytest.mark.parametrize(("more", "refused"), [(0, 0), (1, 1)])
def test_a_mail_over_the_limit_is_not_read(
    auditor: Callable[..., Auditor], monkeypatch: pytest.MonkeyPatch, more: int, refused: int
) -> None:
    one = auditor()
    monkeypatch.setattr(one, "_run", lambda: None)
    before = outcome("too_large")
    one.offer(Sheet("a", bytes(AUDIT_MAX_SIZE + more), {}), catalogue())
    assert outcome("too_large") == before + refused
    assert one._queue.qsize() == 1 - refused


@pytest.mark.parametrize(
    ("command", "reason"), [(HANGS, "timeout"), (DIES, "died"), (("/nowhere",), "FileNotFoundError")]
)
def test_a_reader_that_fails_costs_its_one_reading(
    auditor: Callable[..., Auditor],
    lines: list[dict[str, object]],
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[str, ...],
    reason: str,
) -> None:
    monkeypatch.setattr(audit, "AUDIT_TIMEOUT", 0.2 if reason == "timeout" else 30.0)
    one = auditor(command)
    before = outcome("failed")
    one.offer(Sheet("a", PLAIN, {}), catalogue())
    one.finish()
    assert lines == [{"message": "a", "reason": reason}]
    assert outcome("failed") == before + 1
    monkeypatch.undo()
    one._command = audit.READER
    clean = outcome("clean")
    one.offer(Sheet("b", PLAIN, {}), catalogue())
    one.finish()
    assert outcome("clean") == clean + 1


def test_after_the_end_nothing_is_taken(auditor: Callable[..., Auditor]) -> None:
    one = auditor()
    one.close()
    one.offer(Sheet("a", PLAIN, {}), catalogue())
    assert one._queue.empty()
