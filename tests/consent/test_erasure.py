"""A person can be taken out of the ledger: nothing leads to them any more, and the chain still holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from smtp_gate.consent import Choice, Entry, Ledger
from smtp_gate.model import EVERYTHING, Purpose
from tests.consent.hand import REFUSED, Hand

if TYPE_CHECKING:
    from pathlib import Path

    from tests.consent.conftest import Decisions

BOTH_DATABASES = True
ANNA, BERT = b"anna" * 4, b"bert" * 4
PERF = Purpose.PERFORMANCE
GONE = "salt = NULL, key = NULL, subject = zeroblob(16), source = '', reference = ''"


@pytest.fixture
def known(ledger: Ledger, decisions: Decisions) -> Ledger:
    """Anna with two controllers, and Bert between."""
    for number, (subject, name, controller) in enumerate(
        [(ANNA, b"anna", "acme"), (BERT, b"bert", "acme"), (ANNA, b"anna", "other"), (ANNA, b"anna", "acme")], 1
    ):
        event = decisions.grant(
            subject,
            PERF,
            controller=controller,
            source=f"https://acme.example/{name.decode()}-source",
            reference=f"{name.decode()}-ticket",
        )
        ledger.append_many([Entry(event, name + b"@reader.example", b"%16d" % number)])
    return ledger


def test_nothing_of_the_person_is_left_in_any_table(known: Ledger, hand: Hand) -> None:
    assert known.erase(ANNA, actor="root") == {5: 2, 6: 1}
    for table in ("event", "address", "notice", "ledger_head"):
        said = repr(hand.rows(f"SELECT * FROM {table}"))  # noqa: S608 - ours
        for word in ("anna@reader", "anna-source", "anna-ticket"):
            assert word not in said
        assert ("bert@reader" in said) == (table == "address")
    assert known.address(ANNA) is None
    assert known.address(BERT) == b"bert@reader.example"
    assert known.verify()[::2] == (6, None)


def test_nor_in_the_files_of_sqlite(known: Ledger, tmp_path: Path, database: str) -> None:
    if database != "sqlite":
        pytest.skip("PostgreSQL keeps old rows until VACUUM; docs/consent.md says so")
    known.close()  # connections from now on are those of an SQLite that writes nothing over by itself
    engine = known._database._reading
    sa.event.listen(engine, "connect", lambda raw, _: raw.execute("PRAGMA secure_delete = OFF"))
    known.erase(ANNA, actor="root")
    files = b"".join(path.read_bytes() for path in tmp_path.glob("consent.db*"))
    for word in (b"anna@reader", b"anna-source", b"anna-ticket"):
        assert word not in files
    assert b"bert@reader" in files


def test_what_is_left_under_the_keyed_hash_says_no_and_that_it_was_an_erasure(known: Ledger) -> None:
    known.erase(ANNA, actor="root")
    left = [each.event for each in known.history(ANNA)]
    assert [(event.decision, event.method, event.purposes) for event in left] == [
        (Choice.WITHDRAW, "erasure", EVERYTHING)
    ] * 2
    assert {event.controller for event in left} == {"acme", "other"}
    for controller in ("acme", "other"):
        standing = known.standing(controller, ANNA)
        assert standing is not None
        assert (standing.mark, standing.grants) == (Choice.WITHDRAW, ())
    before = [record for batch in known.records() for record in batch]
    known.rebuild()
    assert [record for batch in known.records() for record in batch] == before


def test_an_old_list_that_is_brought_in_again_revives_nothing(known: Ledger, decisions: Decisions) -> None:
    old = decisions.grant(ANNA, PERF)
    decisions.grant(BERT, PERF)
    known.erase(ANNA)
    known.append(old)
    standing = known.standing("acme", ANNA)
    assert standing is not None
    assert standing.grants == ()


def test_only_one_controller_s_events_can_be_meant(known: Ledger) -> None:
    assert known.erase(ANNA, "acme") == {5: 2}
    assert [each.seq for each in known.history(ANNA)] == [3, 5]
    assert known.address(ANNA) == b"anna@reader.example"
    assert known.erase(ANNA) == {6: 1}
    assert known.address(ANNA) is None
    assert known.erase(ANNA) == {}
    assert known.verify().fault is None


def test_who_comes_back_and_goes_again_is_taken_out_again(known: Ledger, decisions: Decisions) -> None:
    known.erase(ANNA)
    known.append(decisions.grant(ANNA, PERF), b"anna@reader.example")
    assert known.erase(ANNA) == {8: 1}
    assert known.verify()[::2] == (8, None)


@pytest.mark.parametrize(
    ("statements", "seq"),
    [
        (["UPDATE event SET erased = 6 WHERE seq = 1"], 5),
        (["UPDATE event SET erased = NULL WHERE seq = 1"], 1),
        (["UPDATE event SET erased = 9 WHERE seq = 1"], 5),
        (["UPDATE event SET source = 'x' WHERE seq = 1"], 1),
        (
            [f"UPDATE event SET erased = 5, {GONE} WHERE seq = 2"],  # noqa: S608 - ours
            5,
        ),
    ],
)
def test_nobody_is_taken_out_in_secret(known: Ledger, hand: Hand, statements: list[str], seq: int) -> None:
    known.erase(ANNA)
    hand.meddle(*statements)
    fault = known.verify().fault
    assert fault is not None
    assert fault.seq == seq


def test_an_event_that_no_later_one_vouches_for_is_named(known: Ledger, hand: Hand) -> None:
    hand.meddle(
        f"UPDATE event SET erased = 9, {GONE} WHERE seq = 2",  # noqa: S608 - ours
    )
    fault = known.verify().fault
    assert fault is not None
    assert (fault.seq, fault.kind) == (2, "erasure")


def test_the_triggers_let_an_erasure_through_and_nothing_beside_it(known: Ledger, hand: Hand) -> None:
    known.erase(BERT)
    with pytest.raises(REFUSED, match="stays"):
        hand.run("UPDATE event SET source = 'back' WHERE erased IS NOT NULL")


def test_a_method_that_is_called_erasure_by_somebody_is_no_erasure(known: Ledger, decisions: Decisions) -> None:
    known.append(decisions.withdraw(BERT, EVERYTHING, method="erasure", source="desk"))
    assert known.verify().fault is None
    assert known.erase(BERT) == {6: 2}
