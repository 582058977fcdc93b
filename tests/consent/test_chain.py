"""Each event holds on to the one before: whatever is done to the ledger, the first bad row is found and named."""

from __future__ import annotations

import hashlib
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtp_gate.consent import Entry, Ledger
from smtp_gate.consent.chain import FIELDS, LAYOUT, PERSONAL, START, commitment_of, encoded, hash_of
from smtp_gate.consent.notices import OtherWording
from smtp_gate.errors import ConfigError, StoreUnavailable
from smtp_gate.model import Purpose
from tests.consent.hand import REFUSED, Hand

if TYPE_CHECKING:
    from pathlib import Path

    from tests.consent.conftest import Decisions

BOTH_DATABASES = True
ANNA, BERT = b"a" * 16, b"b" * 16
PERF, CLICKS = Purpose.PERFORMANCE, Purpose.CLICKS
TEXT = "We measure whether you open our mails, if you agree.\n"


FORGED = [
    *("controller = 'other'", "purposes = 31", "decision = 'refuse'", "at = at + 1", "recorded = recorded - 1"),
    *("method = 'phone'", "notice = 'v4'", "language = 'de'", "actor = 'me'", "expires = at + 9"),
    *(f"{name} = zeroblob(32)" for name in ("person", "previous", "hash", "notice_sha256")),
]
OTHER_PERSON = (
    "subject = zeroblob(16)",
    "source = 'elsewhere'",
    "reference = 'form 5'",
    "key = NULL",
    "salt = NULL",
)


@pytest.fixture
def full(ledger: Ledger, decisions: Decisions) -> Ledger:
    """Eight events; 3 and 6 name a wording that is kept."""
    ledger.add_notice("acme", "v3", "fr", TEXT)
    for number in range(1, 9):
        fields = {"notice": "v3", "language": "fr"} if number % 3 == 0 else {}
        event = decisions.grant(ANNA if number % 2 else BERT, PERF, reference=f"form {number}", **fields)
        ledger.append_many([Entry(event, key=bytes([number]) * 16)])
    return ledger


def test_a_ledger_that_nobody_touched_is_good(full: Ledger) -> None:
    verdict = full.verify()
    assert (verdict.events, verdict.fault) == (8, None)
    assert (full.head(), verdict.hash) == full.last()


def test_an_empty_ledger_is_good(ledger: Ledger) -> None:
    assert ledger.verify() == (0, START, None)


@pytest.mark.parametrize(
    ("statement", "seq", "kind"),
    [
        *((f"UPDATE event SET {change} WHERE seq = 4", 4, "forged") for change in FORGED),  # noqa: S608 - from above
        *((f"UPDATE event SET {change} WHERE seq = 4", 4, "person") for change in OTHER_PERSON),  # noqa: S608 - from above
        ("DELETE FROM event WHERE seq = 1", 1, "missing"),
        ("DELETE FROM event WHERE seq IN (5, 6)", 5, "missing"),
        ("DELETE FROM event WHERE seq = 8", 8, "tail"),
        ("DELETE FROM event", 1, "tail"),
        ("UPDATE event SET erased = 8 WHERE seq = 4", 4, "erasure"),
        ("UPDATE notice SET text = 'We measure.'", 3, "notice"),
        ("DELETE FROM notice", 3, "notice"),
        ("UPDATE ledger_head SET hash = zeroblob(32)", 8, "head"),
        ("UPDATE ledger_head SET seq = 7", 8, "head"),
    ],
)  # fmt: skip
def test_whatever_is_changed_is_found_and_named(
    full: Ledger, hand: Hand, statement: str, seq: int, kind: str
) -> None:
    hand.meddle(statement)
    fault = full.verify().fault
    assert fault is not None
    assert (fault.seq, fault.kind) == (seq, kind)
    assert str(seq) in fault.text


def test_a_page_that_cannot_be_read_is_named(full: Ledger, tmp_path: Path, database: str) -> None:
    if database != "sqlite":
        pytest.skip("a text that is none cannot be got into PostgreSQL")
    Hand(f"sqlite:///{tmp_path}/consent.db").meddle("UPDATE event SET method = CAST(x'ff' AS TEXT) WHERE seq = 4")
    fault = full.verify().fault
    assert fault is not None
    assert (fault.seq, fault.kind) == (1, "unreadable")


@pytest.mark.parametrize(
    ("statement", "seq"),
    [
        ("UPDATE standing SET mark = 'refuse' WHERE seq = 8", 8),
        ("UPDATE standing SET grants = x'1f00000000' WHERE seq = 7", 7),
        ("UPDATE standing SET seq = 6 WHERE seq = 8", 6),
        ("UPDATE standing SET controller = 'other' WHERE seq = 8", 8),
        ("DELETE FROM standing WHERE seq = 7", 1),
        ("DELETE FROM standing WHERE seq = 8", 2),
    ],
)
def test_what_look_ups_are_told_is_compared_with_the_events(
    full: Ledger, hand: Hand, statement: str, seq: int
) -> None:
    hand.run(statement)
    seen: list[int] = []
    fault = full.verify(progress=seen.append).fault
    assert fault is not None
    assert (fault.seq, fault.kind) == (seq, "standing")
    assert ANNA.hex() not in fault.text
    assert full.rebuild() == 2
    assert full.verify(progress=seen.append).fault is None
    assert seen[-1] == full.head() + full.count()


def rehash(hand: Hand, seq: int, **fields: object) -> None:
    """Somebody who knows the layout: change a row and hash it anew, as if it had been recorded so."""
    row = hand.rows(f"SELECT * FROM event WHERE seq = {seq}")[0] | fields  # noqa: S608 - ours
    row["person"] = commitment_of(row)
    row["hash"] = hash_of(row)
    for name in (*fields, "person", "hash"):
        hand.meddle(f"UPDATE event SET {name} = {_literal(row[name])} WHERE seq = {seq}")  # noqa: S608 - ours


def _literal(value: object) -> str:
    return f"x'{value.hex()}'" if isinstance(value, bytes) else repr(value)


def test_a_row_that_is_hashed_anew_is_found_by_the_next_one(full: Ledger, hand: Hand) -> None:
    rehash(hand, 4, subject=b"c" * 16)
    fault = full.verify().fault
    assert fault is not None
    assert (fault.seq, fault.kind) == (5, "link")


def test_a_ledger_that_is_hashed_anew_to_its_end_is_found_by_what_was_signed(full: Ledger, hand: Hand) -> None:
    _, signed = full.last()
    rehash(hand, 8, purposes=31)
    hand.run("UPDATE ledger_head SET hash = (SELECT hash FROM event WHERE seq = 8)")
    full.rebuild()
    assert full.verify().fault is None
    fault = full.verify({8: signed}).fault
    assert fault is not None
    assert (fault.seq, fault.kind) == (8, "signed")


def test_a_tail_that_is_cut_off_with_the_head_is_found_by_what_was_signed(full: Ledger, hand: Hand) -> None:
    signed = dict([full.last()])
    hand.meddle(
        "DELETE FROM event WHERE seq > 6",
        "UPDATE ledger_head SET seq = 6, hash = (SELECT hash FROM event WHERE seq = 6)",
    )
    full.rebuild()
    assert full.verify().fault is None
    fault = full.verify(signed).fault
    assert fault is not None
    assert (fault.seq, fault.kind) == (7, "tail")


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM event WHERE seq = 4",
        "UPDATE event SET decision = 'refuse' WHERE seq = 4",
        "UPDATE event SET subject = zeroblob(16) WHERE seq = 4",
        "UPDATE event SET salt = NULL, key = NULL, source = '', reference = '', subject = zeroblob(16)",
        "UPDATE event SET erased = 9",
        "DELETE FROM notice",
        "UPDATE notice SET text = 'We measure.'",
    ],
)
def test_the_database_itself_lets_nothing_be_changed(full: Ledger, hand: Hand, statement: str) -> None:
    with pytest.raises(REFUSED, match="stays"):
        hand.run(statement)
    assert full.verify()[::2] == (8, None)


REPLACED = {
    "sqlite": (
        "INSERT OR REPLACE INTO event SELECT * FROM event WHERE seq = 4",
        "UPDATE OR REPLACE event SET seq = 5 WHERE seq = 4",
        "INSERT OR REPLACE INTO notice SELECT * FROM notice",
    ),
    "postgresql": (
        "INSERT INTO event SELECT * FROM event ON CONFLICT (seq) DO UPDATE SET purposes = 31",
        "INSERT INTO notice SELECT * FROM notice ON CONFLICT ON CONSTRAINT notice_pkey DO UPDATE SET text = ''",
        "TRUNCATE event",
        "TRUNCATE notice",
    ),
}


def test_nor_be_replaced_or_emptied_in_the_database_s_own_ways(full: Ledger, hand: Hand, database: str) -> None:
    for statement in REPLACED[database]:
        with pytest.raises(REFUSED, match=r"stays|replaced"):
            hand.run(statement)
    assert full.verify()[::2] == (8, None)


def test_the_first_event_is_hashed_as_the_documentation_says(
    ledger: Ledger, hand: Hand, decisions: Decisions
) -> None:
    ledger.append(decisions.grant(ANNA, PERF, controller="acmé"))
    (row,) = hand.rows("SELECT * FROM event")
    assert row["previous"] == bytes(32)
    person = f'["smtp_gate person 1","{row["salt"].hex()}","{ANNA.hex()}","test","",null]'
    assert row["person"] == hashlib.sha256(person.encode()).digest()
    whole = f'["smtp_gate event 1","{"00" * 32}","{row["person"].hex()}",1,"acmé",1,"grant",{row["at"]},'
    whole += f'{row["recorded"]},"form","",null,"","",null]'
    assert row["hash"] == hashlib.sha256(whole.encode()).digest()


ROW = st.fixed_dictionaries(
    {
        name: st.integers(0, 99)
        if name in ("seq", "purposes", "at", "recorded")
        else st.none() | st.integers(1, 99)
        if name == "expires"
        else st.none() | st.binary(min_size=2, max_size=2)
        if name in ("key", "salt", "notice_sha256")
        else st.binary(min_size=2, max_size=2)
        if name in ("previous", "person", "subject")
        else st.text(alphabet='",\\é', max_size=3)
        for name in (*FIELDS, *PERSONAL)
    }
)


@given(ROW, ROW)
def test_two_different_events_are_never_hashed_alike(one: dict[str, object], other: dict[str, object]) -> None:
    for names in (FIELDS, PERSONAL):
        mine, theirs = [one[name] for name in names], [other[name] for name in names]
        alike = encoded(LAYOUT, mine) == encoded(LAYOUT, theirs)  # type: ignore[arg-type]
        assert alike == (mine == theirs)


@given(st.lists(st.text(alphabet='",\\a', max_size=4), max_size=4), st.data())
def test_what_is_written_says_where_each_field_ends(values: list[str], data: st.DataObject) -> None:
    """The same letters parted elsewhere are other octets."""
    text = "".join(values)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=3)))
    other = [text[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert (encoded(LAYOUT, values) == encoded(LAYOUT, other)) == (values == other)


def test_a_wording_stays_as_it_is(ledger: Ledger) -> None:
    assert ledger.add_notice("acme", "v3", "fr", TEXT)
    assert not ledger.add_notice("acme", "v3", "fr", TEXT)
    with pytest.raises(OtherWording):
        ledger.add_notice("acme", "v3", "fr", TEXT + ".")
    assert ledger.add_notice("acme", "v3", "de", "Nur mit Ihrer Zustimmung.")
    kept = ledger.notices([("acme", "v3", "fr"), ("acme", "v4", "fr"), ("other", "v3", "fr")])
    assert [notice.sha256 for notice in kept.values()] == [hashlib.sha256(TEXT.encode()).digest()]


OLD = """
CREATE TABLE ledger_head (id SMALLINT NOT NULL, seq BIGINT NOT NULL, PRIMARY KEY (id));
CREATE TABLE event (
    seq INTEGER NOT NULL, controller VARCHAR(64) NOT NULL, subject BLOB NOT NULL, purposes SMALLINT NOT NULL,
    decision VARCHAR(8) NOT NULL, at BIGINT NOT NULL, recorded BIGINT NOT NULL, method TEXT NOT NULL,
    source TEXT NOT NULL, reference TEXT NOT NULL, notice TEXT NOT NULL, language TEXT NOT NULL,
    actor TEXT NOT NULL, expires BIGINT, key BLOB, PRIMARY KEY (seq), UNIQUE (key)
);
CREATE INDEX event_subject ON event (subject, controller);
CREATE INDEX event_negative ON event (seq) WHERE decision <> 'grant';
CREATE TABLE standing (controller VARCHAR(64) NOT NULL, subject BLOB NOT NULL, seq BIGINT NOT NULL,
    mark VARCHAR(8) NOT NULL, grants BLOB NOT NULL, PRIMARY KEY (controller, subject)) WITHOUT ROWID;
CREATE TABLE address (subject BLOB NOT NULL, address BLOB NOT NULL, PRIMARY KEY (subject)) WITHOUT ROWID;
INSERT INTO ledger_head VALUES (1, 1203);
"""


def old_ledger(path: Path, seqs: range | list[int]) -> None:
    """A ledger as it was before there was a chain."""
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript(OLD)
        for seq in seqs:
            fields = (
                "acme",
                ANNA,
                1,
                "grant",
                seq,
                seq,
                "form",
                "test",
                f"r{seq}",
                "",
                "",
                "",
                None,
                b"%16d" % seq,
            )
            raw.execute("INSERT INTO event VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", (seq, *fields))
        raw.commit()


def test_a_ledger_without_a_chain_gets_one_when_it_is_opened(tmp_path: Path, decisions: Decisions) -> None:
    old_ledger(tmp_path / "consent.db", range(1, 1204))
    with closing(Ledger(f"sqlite:///{tmp_path}/consent.db")) as ledger:
        ledger.rebuild()  # the list above has none
        assert ledger.verify()[::2] == (1203, None)
        assert ledger.history(ANNA)[-1].event.reference == "r1203"
        assert ledger.known([b"%16d" % 7]) == {b"%16d" % 7}
        assert ledger.append(decisions.grant(ANNA, PERF)) == 1204
    with closing(Ledger(f"sqlite:///{tmp_path}/consent.db")) as ledger:
        assert ledger.verify()[::2] == (1204, None)


def test_a_row_that_was_missing_before_there_was_a_chain_is_named(tmp_path: Path) -> None:
    old_ledger(tmp_path / "consent.db", [seq for seq in range(1, 1204) if seq != 700])
    with closing(Ledger(f"sqlite:///{tmp_path}/consent.db")) as ledger:
        fault = ledger.verify().fault
    assert fault is not None
    assert (fault.seq, fault.kind) == (700, "missing")


def test_a_change_of_layout_that_breaks_off_changes_nothing(tmp_path: Path) -> None:
    old_ledger(tmp_path / "consent.db", range(1, 1204))
    with closing(sqlite3.connect(tmp_path / "consent.db")) as raw:
        raw.execute("UPDATE event SET method = CAST(x'ff' AS TEXT) WHERE seq = 1100")  # cannot be read as text
        raw.commit()
        with pytest.raises(ConfigError, match="not a usable ledger"):
            Ledger(f"sqlite:///{tmp_path}/consent.db")
        assert raw.execute("SELECT count(*) FROM event").fetchone() == (1203,)
        assert raw.execute("SELECT seq FROM ledger_head").fetchone() == (1203,)


def test_the_layout_names_itself() -> None:
    assert encoded(LAYOUT, ['é"', 7, None, b"\x0f"]) == b'["smtp_gate event 1","\xc3\xa9\\"",7,null,"0f"]'


def test_text_that_cannot_be_written_is_no_event(decisions: Decisions) -> None:
    with pytest.raises(ValueError, match="source must be"):
        decisions.grant(ANNA, PERF, source="\udcff")


def test_a_ledger_that_cannot_be_read_is_unavailable(full: Ledger, hand: Hand) -> None:
    hand.run("ALTER TABLE event RENAME TO away")
    with pytest.raises(StoreUnavailable):
        full.verify()
