"""Folding: a 250 only when it is true for all, a 5xx only when all is lost."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtp_gate.listener.fold import fold
from smtp_gate.replies import ALREADY_DELIVERED, DELIVERED, OK, OWN_TROUBLE, PARTLY_DELIVERED, Reply

LATER = Reply(452, "4.2.2", "Mailbox full")
LATER_TOO = Reply(451, "4.3.0", "Greylisted")
NEVER = Reply(550, "5.1.1", "No such user")
NEVER_TOO = Reply(554, "5.7.1", "Policy")


@pytest.mark.parametrize(
    ("outcomes", "reply"),
    [
        ([DELIVERED], DELIVERED),
        ([OK, OK], OK),
        ([DELIVERED, ALREADY_DELIVERED], DELIVERED),
        ([DELIVERED, LATER], PARTLY_DELIVERED),
        ([DELIVERED, NEVER], PARTLY_DELIVERED),
        ([DELIVERED, NEVER, LATER], PARTLY_DELIVERED),
        ([LATER, LATER_TOO], LATER),
        ([NEVER, LATER, LATER_TOO], LATER),
        ([NEVER, NEVER_TOO], NEVER),
        ([NEVER], NEVER),
        ([], OWN_TROUBLE),
    ],
)
def test_the_matrix(outcomes: list[Reply], reply: Reply) -> None:
    assert fold(outcomes) == reply


@given(st.lists(st.sampled_from([DELIVERED, ALREADY_DELIVERED, LATER, LATER_TOO, NEVER, NEVER_TOO]), min_size=1))
def test_no_recipient_is_lost_and_none_is_bounced_in_error(outcomes: list[Reply]) -> None:
    reply = fold(outcomes)
    assert reply.accepted == all(outcome.accepted for outcome in outcomes)
    assert reply.permanent == all(outcome.permanent for outcome in outcomes)
