"""A withdrawal also silences the plainer spelling of its address; nothing else goes further than its address."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from smtp_gate.consent import Choice, Entry, Ledger
from smtp_gate.consent.reach import NOTE
from smtp_gate.model import EVERYTHING, Purpose
from smtp_gate.tokens import Keyring, reached_by, subject_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.consent.conftest import Decisions, Hands

KEYRING = Keyring({1: bytes(64)}, 1, bytes(64))
subject = partial(subject_of, KEYRING)
TAGGED, PLAIN = b"Anna.Muster+news@Example.com", b"anna.muster@example.com"


@pytest.fixture
def ledger(tmp_path: Path, clock: Hands) -> Iterator[Ledger]:
    made = Ledger(f"sqlite:///{tmp_path}/consent.db", clock, reached=partial(reached_by, KEYRING))
    yield made
    made.close()


def granted(ledger: Ledger, address: bytes) -> bool:
    standing = ledger.standing("acme", subject(address))
    return standing is not None and bool(standing.grants)


def test_a_withdrawal_reaches_the_address_without_its_tag_and_says_why(
    ledger: Ledger, decisions: Decisions
) -> None:
    for address in (TAGGED, PLAIN, b"annamuster@example.com", b"anna.muster+shop@example.com"):
        ledger.append(decisions.grant(subject(address), Purpose.CLICKS), address)
    seq = ledger.append(decisions.withdraw(subject(TAGGED), EVERYTHING, reference="form 7"), TAGGED)
    assert (seq, ledger.head()) == (6, 6)
    assert not granted(ledger, TAGGED)
    assert not granted(ledger, PLAIN)
    assert granted(ledger, b"annamuster@example.com")
    assert granted(ledger, b"anna.muster+shop@example.com")
    event = ledger.history(subject(PLAIN))[-1].event
    assert (event.decision, event.reference) == (Choice.WITHDRAW, f"form 7; {NOTE}")
    assert ledger.history(subject(TAGGED))[-1].event.reference == "form 7"
    assert ledger.verify().fault is None


def test_a_withdrawal_that_brings_no_address_finds_the_one_that_is_kept(
    ledger: Ledger, decisions: Decisions
) -> None:
    ledger.append(decisions.grant(subject(PLAIN), Purpose.CLICKS), PLAIN)
    ledger.append(decisions.grant(subject(TAGGED), Purpose.CLICKS), TAGGED)
    ledger.append(decisions.withdraw(subject(TAGGED), EVERYTHING))
    assert not granted(ledger, PLAIN)


def test_grants_and_refusals_and_plain_withdrawals_go_no_further(ledger: Ledger, decisions: Decisions) -> None:
    ledger.append(decisions.grant(subject(TAGGED), Purpose.CLICKS), TAGGED)
    assert not granted(ledger, PLAIN)
    ledger.append(decisions.grant(subject(PLAIN), Purpose.CLICKS), PLAIN)
    ledger.append(decisions.refuse(subject(TAGGED), EVERYTHING), TAGGED)
    assert granted(ledger, PLAIN)
    ledger.append(decisions.grant(subject(TAGGED), Purpose.CLICKS), TAGGED)
    ledger.append(decisions.withdraw(subject(PLAIN), EVERYTHING), PLAIN)
    assert granted(ledger, TAGGED)


def test_the_same_withdrawal_twice_reaches_once(ledger: Ledger, decisions: Decisions) -> None:
    entry = Entry(decisions.withdraw(subject(TAGGED), EVERYTHING), TAGGED, b"k" * 16)
    assert ledger.append_many([entry])[1:] == (1, 0)
    assert ledger.append_many([entry, entry])[1:] == (0, 2)
    assert ledger.head() == 2


def test_a_long_reference_still_says_why(ledger: Ledger, decisions: Decisions) -> None:
    ledger.append(decisions.withdraw(subject(TAGGED), EVERYTHING, reference="r" * 1000), TAGGED)
    assert ledger.history(subject(PLAIN))[-1].event.reference.endswith(NOTE)
