"""The ledger keeps every event, in order, from several processes at once, and its standings follow from them."""

from __future__ import annotations

import subprocess
import sys
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from smtp_gate.consent import Choice, Entry, Event, Ledger
from smtp_gate.errors import ConfigError, StoreUnavailable
from smtp_gate.limits import CLOCK_SKEW
from smtp_gate.model import EVERYTHING, Purpose
from tests.consent.hand import Hand

if TYPE_CHECKING:
    from tests.consent.conftest import Decisions, Hands

BOTH_DATABASES = True
ANNA, BERT = b"a" * 16, b"b" * 16
PERF, CLICKS = Purpose.PERFORMANCE, Purpose.CLICKS


def test_what_was_recorded_is_read_back_whole_and_in_order(ledger: Ledger, decisions: Decisions) -> None:
    first = decisions.grant(
        ANNA,
        PERF | CLICKS,
        method="form",
        source="https://acme.example/newsletter",
        reference="form 7",
        notice="v3",
        language="fr",
        actor="person",
        expires=decisions.grant(ANNA, PERF).at + timedelta(days=183),
    )
    second = decisions.withdraw(ANNA, CLICKS)
    assert ledger.head() == 0
    assert [ledger.append(first), ledger.append(decisions.refuse(BERT, PERF)), ledger.append(second)] == [1, 2, 3]
    assert [(each.seq, each.event) for each in ledger.history(ANNA)] == [(1, first), (3, second)]
    assert ledger.history(ANNA)[0].recorded == second.at
    assert ledger.history(b"c" * 16) == []
    assert ledger.head() == 3


def test_controllers_are_apart(ledger: Ledger, decisions: Decisions) -> None:
    ledger.append(decisions.grant(ANNA, PERF))
    ledger.append(decisions.refuse(ANNA, PERF, controller="other"))
    assert [each.event.controller for each in ledger.history(ANNA)] == ["acme", "other"]
    assert [each.event.decision for each in ledger.history(ANNA, "other")] == [Choice.REFUSE]
    acme, other = ledger.standing("acme", ANNA), ledger.standing("other", ANNA)
    assert acme is not None
    assert other is not None
    assert acme.grants == ((PERF, 0),)
    assert other.grants == ()
    assert ledger.standing("third", ANNA) is None


def test_an_event_of_the_future_is_not_taken(ledger: Ledger, decisions: Decisions, clock: Hands) -> None:
    """It would beat every withdrawal until its day comes."""
    ledger.append(decisions.grant(ANNA, PERF, at=clock() + timedelta(seconds=CLOCK_SKEW)))
    clock.on(seconds=-10)
    with pytest.raises(ValueError, match="future"):
        ledger.append(decisions.grant(ANNA, PERF, at=clock() + timedelta(seconds=CLOCK_SKEW + 2)))
    assert ledger.head() == 1


def test_a_key_counts_once(ledger: Ledger, decisions: Decisions) -> None:
    entries = [Entry(decisions.grant(ANNA, PERF), key=bytes([key]) * 16) for key in (1, 2, 1)]
    assert ledger.append_many(entries) == (2, 2, 1)
    assert ledger.append_many(entries) == (2, 0, 3)
    assert ledger.known([bytes([1]) * 16, bytes([9]) * 16]) == {bytes([1]) * 16}
    assert ledger.append_many([Entry(decisions.grant(ANNA, PERF))] * 2) == (4, 2, 0)


def test_many_are_taken_whole_or_not_at_all(ledger: Ledger, decisions: Decisions, hand: Hand) -> None:
    hand.break_inserts("address")
    with pytest.raises(StoreUnavailable) as caught:
        ledger.append_many([Entry(decisions.grant(ANNA, PERF), b"anna@example.com")])
    assert "secret" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert (ledger.head(), ledger.history(ANNA), ledger.standing("acme", ANNA)) == (0, [], None)


def test_addresses_stand_apart_and_the_first_spelling_stays(ledger: Ledger, decisions: Decisions) -> None:
    ledger.append(decisions.grant(ANNA, PERF), b"Anna@example.com")
    ledger.append(decisions.grant(ANNA, PERF), b"anna@example.com")
    ledger.append(decisions.grant(BERT, PERF))
    assert ledger.address(ANNA) == b"Anna@example.com"
    assert ledger.address(BERT) is None


person = st.sampled_from([ANNA, BERT, b"c" * 16])
choices = st.tuples(
    st.sampled_from(list(Choice)), person, st.integers(1, 31), st.integers(0, 9), st.sampled_from(["acme", "b"])
)


@given(st.lists(st.lists(choices, max_size=4), max_size=4))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_standings_are_the_same_when_made_again_from_the_events(
    ledger: Ledger, clock: Hands, batches: list[list[tuple[Choice, bytes, int, int, str]]]
) -> None:
    for batch in batches:
        ledger.append_many(
            [
                Entry(
                    Event(
                        controller=controller,
                        subject=subject,
                        purposes=Purpose(bits),
                        decision=decision,
                        at=clock() - timedelta(days=age),
                        method="form",
                        source="test",
                    )
                )
                for decision, subject, bits, age, controller in batch
            ]
        )
    before = [record for batch in ledger.records(2) for record in batch]
    assert ledger.rebuild() == len(before) == ledger.count()
    assert [record for batch in ledger.records() for record in batch] == before


def test_changes_are_the_standings_of_all_people_in_newer_events(ledger: Ledger, decisions: Decisions) -> None:
    for subject in (ANNA, BERT, ANNA):
        ledger.append(decisions.grant(subject, PERF))
    ledger.append(decisions.withdraw(ANNA, PERF, controller="other"))
    found, last = ledger.changes(1)
    assert {(each.controller, each.subject, each.standing.seq) for each in found} == {
        ("acme", ANNA, 3),
        ("acme", BERT, 2),
        ("other", ANNA, 4),
    }
    assert last == 4
    assert ledger.changes(4) == ([], 4)
    found, last = ledger.changes(0, limit=1)
    assert [(each.subject, each.standing.seq) for each in found] == [(ANNA, 3)]
    assert last == 1


def test_negatives_are_the_newest_and_come_with_the_head(ledger: Ledger, decisions: Decisions) -> None:
    for decide in (decisions.withdraw, decisions.grant, decisions.refuse, decisions.withdraw, decisions.grant):
        ledger.append(decide(ANNA, EVERYTHING))
    assert ledger.negatives(0, 10) == ([(1, "acme", ANNA), (3, "acme", ANNA), (4, "acme", ANNA)], 5)
    assert ledger.negatives(0, 2) == ([(3, "acme", ANNA), (4, "acme", ANNA)], 5)
    assert ledger.negatives(3, 10) == ([(4, "acme", ANNA)], 5)
    assert ledger.negatives(5, 10) == ([], 5)


WRITER = """
import sys
from datetime import UTC, datetime
from smtp_gate.consent import Choice, Event, Ledger
from smtp_gate.model import Purpose

ledger = Ledger(sys.argv[1])
mine = int(sys.argv[2])
for number in range(int(sys.argv[3])):
    subject = bytes([mine, number % 50]) * 8
    event = Event(
        controller="acme", subject=subject, purposes=Purpose.CLICKS, decision=Choice.GRANT,
        at=datetime.now(UTC), method="form", source="test", reference=f"{mine} {number}",
    )
    seq = ledger.append(event)
    if number % 20 == 0:
        assert ledger.history(subject)[-1].seq == seq
        assert ledger.standing("acme", subject).seq == seq
print(seq)
"""


def test_four_processes_write_and_read_at_once_and_nothing_is_lost(url: str) -> None:
    writers = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", WRITER, url, str(number), "100"], stdout=subprocess.PIPE
        )
        for number in range(4)
    ]
    ends = [int(writer.communicate(timeout=90)[0]) for writer in writers]
    assert [writer.returncode for writer in writers] == [0] * 4
    ledger = Ledger(url)
    assert ledger.head() == max(ends) == 400
    rows = Hand(url).rows("SELECT seq, reference FROM event ORDER BY seq")
    assert [row["seq"] for row in rows] == list(range(1, 401))
    assert {row["reference"] for row in rows} == {f"{a} {b}" for a in range(4) for b in range(100)}
    before = [record for batch in ledger.records() for record in batch]
    assert len(before) == ledger.rebuild() == 200
    assert ledger.verify()[::2] == (400, None)
    assert [record for batch in ledger.records() for record in batch] == before
    ledger.close()


def test_a_success_that_was_told_outlives_the_process(url: str) -> None:
    endless = WRITER.replace("range(int(sys.argv[3]))", "range(10**9)").replace(
        "seq = ledger.append(event)", "print(ledger.append(event), flush=True); continue"
    )
    writer = subprocess.Popen([sys.executable, "-c", endless, url, "0"], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    told = [int(writer.stdout.readline()) for _ in range(20)]
    writer.kill()
    rest = writer.communicate()[0]
    told += [int(line) for line in rest.split(b"\n")[:-1]]
    ledger = Ledger(url)
    assert ledger.head() >= max(told)
    assert ledger.rebuild() == min(50, ledger.head())
    ledger.close()


def test_many_may_make_the_same_ledger_at_once(empty: str) -> None:
    code = "import sys; from smtp_gate.consent import Ledger; input(); print(Ledger(sys.argv[1]).head())"
    starters = [
        subprocess.Popen([sys.executable, "-c", code, empty], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    for starter in starters:
        assert starter.stdin is not None
        starter.stdin.write(b"\n")
        starter.stdin.flush()
    assert [starter.communicate()[0] for starter in starters] == [b"0\n"] * 4


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("", "not a database address"),
        ("consent.db", "not a database address"),
        ("sqlite://", "must be a file of SQLite"),
        ("sqlite:///:memory:", "must be a file of SQLite"),
        ("mysql://user:secret@db/consent", "must be a file of SQLite"),
        ("postgresql://user:secret@db/consent?secret", "is no address of PostgreSQL"),
        ("sqlite:////nowhere/at/all/consent.db", "cannot be opened for writing: No such file"),
        ("sqlite:////proc", "cannot be opened for writing"),
    ],
)
def test_an_address_that_cannot_be_a_ledger_is_refused(address: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        Ledger(address)
    assert "secret" not in str(caught.value)


def test_a_database_that_fails_is_unavailable_and_says_no_more(
    ledger: Ledger, decisions: Decisions, hand: Hand
) -> None:
    hand.run("DROP TABLE standing", "DROP TABLE event")
    for ask in (
        lambda: ledger.append(decisions.grant(ANNA, PERF)),
        lambda: ledger.history(ANNA),
        lambda: ledger.standing("acme", ANNA),
        lambda: next(ledger.records()),
        lambda: ledger.changes(0),
        ledger.rebuild,
        ledger.count,
    ):
        with pytest.raises(StoreUnavailable, match="ledger"):
            ask()
