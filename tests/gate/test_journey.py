"""What becomes of a message at the next hop, and what its client hears."""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any

import pytest

from smtp_gate import limits, replies
from smtp_gate.gate import journey as journey_module
from smtp_gate.gate import reading as reading_module
from smtp_gate.gate.variant import compose
from smtp_gate.model import Purpose, Sender
from tests.gate_room import LINK_ONLY, PLAIN, SENDER, TRACKED, TRACKER_HOSTS, Room, body_of, letter
from tests.next_hop import close, late

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from smtp_gate.gate.ruleset import Ruleset
    from smtp_gate.gate.variant import Variant

ALICE, BOB, CAROL = b"alice@example.com", b"bob@example.com", b"carol@example.com"
ALL = Purpose.PERFORMANCE | Purpose.CLICKS


@pytest.fixture
async def room() -> AsyncIterator[Room]:
    async with Room() as room:
        yield room


async def test_one_recipient_gets_the_mail_byte_for_byte_behind_one_received_field(room: Room) -> None:
    sent = await room.send(PLAIN, BOB)
    assert sent.codes == [250]
    [message] = room.hop.messages
    assert body_of(message) == PLAIN
    assert message.content is not None
    assert message.content.startswith(b"Received: from mta.acme.example ([192.0.2.7])\r\n\tby gate.acme.example ")
    assert BOB not in message.content, "a blind copy's address is in the trace"
    assert message.sender == SENDER.address


async def test_a_mail_without_trackers_asks_nobody_about_consent(room: Room) -> None:
    await room.send(PLAIN, ALICE, BOB)
    await room.send(letter(b'<a href="https://shop.example/">Shop</a>'), ALICE)
    assert room.store.asked == []
    await room.send(TRACKED, ALICE, BOB)
    assert room.store.asked == [2], "all recipients are one look-up"


async def test_recipients_with_the_same_outcome_share_one_transaction_that_took_their_rcpt(room: Room) -> None:
    sent = await room.send(TRACKED, ALICE, BOB, CAROL)
    assert sent.codes == [250, 250, 250]
    [message] = room.hop.messages
    assert message.recipients == [ALICE, BOB, CAROL]
    assert len(room.hop.transactions) == 1, "checking the recipients was a transaction of its own"


async def test_different_consents_that_come_to_the_same_bytes_share_one_transaction(room: Room) -> None:
    room.agrees(ALICE, Purpose.PERFORMANCE)  # counts for pixels only, and the mail has none
    room.agrees(BOB, Purpose.PROFILING)
    sent = await room.send(LINK_ONLY, ALICE, BOB, CAROL)
    assert sent.codes == [250, 250, 250]
    assert len(room.hop.messages) == 1


async def test_the_same_bytes_for_different_reasons_share_one_transaction() -> None:
    rules = "policy: {rules: [{name: all, class: consent_request}]}"
    async with Room(rules) as room:
        room.agrees(ALICE, ALL)
        await room.send(TRACKED, ALICE, BOB)
        [message] = room.hop.messages
        assert message.recipients == [ALICE, BOB]


@pytest.mark.parametrize("reply", [b"450 4.2.1 Busy", b"550 5.1.1 No such user", b"451 4.7.1 Grey\r\n"])
async def test_a_refusal_at_rcpt_is_passed_on_and_the_others_get_their_mail(room: Room, reply: bytes) -> None:
    room.hop.when("RCPT", reply, to=BOB)
    sent = await room.send(TRACKED, ALICE, BOB)
    assert [answer.code for answer in sent.rcpts] == [250, int(reply[:3])]
    assert sent.rcpts[1].status == reply[4:9].decode()
    assert sent.codes == [250]
    assert room.hop.messages[0].recipients == [ALICE]


@pytest.mark.parametrize("reply", [b"452 4.3.1 Full", b"554 5.7.1 Spam"])
@pytest.mark.parametrize("step", ["DATA", "DOT"])
async def test_a_refusal_of_the_message_is_passed_on_with_its_class(room: Room, reply: bytes, step: str) -> None:
    room.hop.when(step, reply)
    sent = await room.send(PLAIN, ALICE, BOB)
    assert sent.codes == [int(reply[:3])] * 2
    assert room.hop.messages == []


async def test_a_next_hop_that_is_down_is_a_451_at_rcpt(room: Room) -> None:
    await room.hop.stop()
    sent = await room.send(PLAIN, ALICE)
    assert sent.rcpts == [replies.NEXT_HOP_DOWN]


async def test_a_next_hop_that_closes_after_the_dot_is_a_451_and_nothing_is_sent_twice_by_us(room: Room) -> None:
    room.hop.when("DOT", close())
    sent = await room.send(PLAIN, ALICE)
    assert sent.outcomes == [replies.NEXT_HOP_LOST]
    assert len(room.hop.transactions) == 1


# --- mixed outcomes and retries -------------------------------------------------------------------------------
@pytest.mark.parametrize("ident", ["", "4dXyZ12abc"])
async def test_the_retry_after_a_mixed_outcome_sends_only_what_is_missing(room: Room, ident: str) -> None:
    room.agrees(ALICE, ALL)
    room.hop.when("DOT", b"451 4.3.0 Later", to=BOB, times=1)
    first = await room.send(TRACKED, ALICE, BOB, ident=ident)
    assert first.codes == [250, 451]
    second = await room.send(TRACKED, ALICE, BOB, ident=ident)
    assert second.outcomes == [replies.ALREADY_DELIVERED, replies.Reply(250, "2.0.0", "Ok: queued")]
    assert (len(room.got(ALICE)), len(room.got(BOB))) == (1, 1)


async def test_with_a_queue_id_a_permanent_refusal_is_heard_at_rcpt_on_the_retry(room: Room) -> None:
    room.agrees(ALICE, ALL)
    room.hop.when("DOT", b"554 5.7.1 Not this text", to=BOB)
    first = await room.send(TRACKED, ALICE, BOB, ident="4dXyZ12abc")
    assert first.codes == [250, 554]
    second = await room.send(TRACKED, ALICE, BOB, ident="4dXyZ12abc")
    assert [reply.code for reply in second.rcpts] == [250, 554]
    assert second.outcomes == [replies.ALREADY_DELIVERED]
    other = await room.send(TRACKED, BOB, ident="4dXyZ99zzz")
    assert other.rcpts[0].accepted, "the refusal of one message is held against the next"


async def test_without_a_queue_id_a_permanent_refusal_is_not_held_against_the_next_mail(room: Room) -> None:
    room.agrees(ALICE, ALL)
    room.hop.when("DOT", b"554 5.7.1 Not this text", to=BOB, times=1)
    assert (await room.send(TRACKED, ALICE, BOB)).codes == [250, 554]
    assert (await room.send(TRACKED, BOB)).codes == [250]


async def test_an_identical_mail_after_full_success_is_a_new_mail(room: Room) -> None:
    room.agrees(ALICE, ALL)
    for _ in range(2):
        sent = await room.send(TRACKED, ALICE, BOB)  # two variants, so acceptances are written as they come
        assert sent.codes == [250, 250]
    assert (len(room.got(ALICE)), len(room.got(BOB))) == (2, 2)


async def test_an_identical_mail_after_a_successful_retry_is_a_new_mail(room: Room) -> None:
    room.agrees(ALICE, ALL)
    room.hop.when("DOT", b"451 4.3.0 Later", to=BOB, times=1)
    for _ in range(3):
        await room.send(TRACKED, ALICE, BOB)
    assert (len(room.got(ALICE)), len(room.got(BOB))) == (2, 2)


async def test_with_a_queue_id_full_success_is_remembered_for_a_client_that_missed_the_answer(room: Room) -> None:
    room.agrees(ALICE, ALL)
    for _ in range(2):
        assert (await room.send(TRACKED, ALICE, BOB, ident="4dXyZ12abc")).codes == [250, 250]
    assert (len(room.got(ALICE)), len(room.got(BOB))) == (1, 1)


# --- clients that leave ---------------------------------------------------------------------------------------
async def test_nothing_is_sent_for_a_client_that_left_before_the_dot(room: Room) -> None:
    room.agrees(ALICE, ALL)
    sent = await room.send(TRACKED, ALICE, BOB, gone=lambda: True)
    assert not any(reply.accepted for reply in sent.outcomes)
    await room.send(PLAIN, ALICE, gone=lambda: True)
    assert room.hop.messages == []


@pytest.mark.parametrize("granted", [Purpose(0), ALL])
async def test_what_was_accepted_for_a_client_that_left_is_not_sent_again(room: Room, granted: Purpose) -> None:
    room.agrees(ALICE, granted)
    left = iter([False] * (1 if not granted else 2))
    await room.send(TRACKED, ALICE, BOB, gone=lambda: next(left, True))
    assert room.got(ALICE)
    sent = await room.send(TRACKED, ALICE, BOB)
    assert sent.codes == [250, 250]
    assert (len(room.got(ALICE)), len(room.got(BOB))) == (1, 1)


async def test_two_attempts_at_the_same_time_deliver_once(room: Room) -> None:
    room.hop.when("DOT", late(0.2))
    both = await asyncio.gather(room.send(PLAIN, ALICE), room.send(PLAIN, ALICE))
    assert sorted(sent.codes[0] for sent in both) == [250, 451]
    assert len(room.got(ALICE)) == 1


# --- tracked, or without ---------------------------------------------------------------------------------------
async def test_what_the_next_hop_refuses_with_trackers_is_tried_once_without(room: Room) -> None:
    room.agrees(ALICE, ALL)
    room.hop.when("DOT", b"552 5.3.4 Too big", times=1)
    sent = await room.send(TRACKED, ALICE)
    assert sent.codes == [250]
    [content] = room.got(ALICE)
    assert not any(host in content for host in TRACKER_HOSTS)
    assert b"preferences.acme.example" not in content
    assert len(room.hop.transactions) == 2


async def test_a_refusal_of_both_forms_is_passed_on_after_two_tries(room: Room) -> None:
    room.agrees(ALICE, ALL)
    room.hop.when("DOT", b"552 5.3.4 Too big")
    sent = await room.send(TRACKED, ALICE)
    assert sent.codes == [552]
    assert len(room.hop.transactions) == 2


async def test_an_untracked_mail_that_is_refused_is_tried_once(room: Room) -> None:
    room.hop.when("DOT", b"552 5.3.4 Too big")
    assert (await room.send(TRACKED, ALICE)).codes == [552]
    assert len(room.hop.transactions) == 1


async def test_a_temporary_refusal_of_the_tracked_form_stays_temporary(room: Room) -> None:
    room.agrees(ALICE, ALL)
    room.hop.when("DOT", b"452 4.3.1 Full")
    assert (await room.send(TRACKED, ALICE)).codes == [452]
    assert len(room.hop.transactions) == 1


# --- our own trouble -------------------------------------------------------------------------------------------
async def test_an_exception_of_ours_is_a_451_without_detail_and_the_next_mail_flows(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("alice@example.com")

    with monkeypatch.context() as patch:
        patch.setattr(reading_module, "scan", broken)
        sent = await room.send(TRACKED, ALICE, BOB)
        assert sent.outcomes == [replies.OWN_TROUBLE] * 2
    assert (await room.send(TRACKED, ALICE)).codes == [250]


async def test_an_exception_for_one_group_costs_only_that_group_a_451(
    room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken_untracked(ruleset: Ruleset, *rest: Any, **named: Any) -> Variant:
        if broken_untracked.armed:  # type: ignore[attr-defined]
            raise RuntimeError("alice@example.com")
        return compose(ruleset, *rest, **named)

    room.agrees(ALICE, ALL)
    room.agrees(CAROL, ALL)
    broken_untracked.armed = False  # type: ignore[attr-defined]
    monkeypatch.setattr(journey_module, "compose", broken_untracked)
    # Alice's tracked form is refused for good; making the one without trackers raises.
    room.hop.when("DOT", b"552 5.3.4 Too big", to=ALICE)
    pool_begin = room.gate.pool.begin

    def begin(sender: Sender, size: int = 0) -> Any:
        broken_untracked.armed = bool(size)  # type: ignore[attr-defined]
        return pool_begin(sender, size)

    monkeypatch.setattr(room.gate.pool, "begin", begin)
    sent = await room.send(TRACKED, ALICE, BOB, CAROL)
    assert sent.codes == [451, 250, 250]
    assert (len(room.got(BOB)), len(room.got(CAROL))) == (1, 1)
    again = await room.send(TRACKED, BOB, CAROL)
    assert again.outcomes == [replies.ALREADY_DELIVERED] * 2


async def test_a_journey_that_is_abandoned_leaves_nothing_open_at_the_next_hop(room: Room) -> None:
    for _ in range(30):  # more than connections may be open
        assert (await room.send(letter(b"x" * 100), ALICE, gone=lambda: True)).codes == [451]
    assert room.hop.open <= 1


# --- limits ----------------------------------------------------------------------------------------------------
async def test_a_mail_with_too_many_received_fields_is_a_loop(room: Room) -> None:
    trace = b"Received: from a by b; Mon, 06 Oct 2025 10:00:00 +0000\r\n"
    for count, code in ((limits.MAX_RECEIVED, 250), (limits.MAX_RECEIVED + 1, 554)):
        assert (await room.send(trace * count + PLAIN, ALICE)).codes == [code]
    assert len(room.hop.messages) == 1


async def test_a_header_over_the_limit_is_refused(room: Room) -> None:
    field = b"X-Long: " + b"x" * 90 + b"\r\n"
    raw = field * (limits.MAX_HEADER_BYTES // len(field) + 1) + PLAIN
    assert (await room.send(raw, ALICE, BOB)).outcomes == [replies.HEADER_TOO_BIG] * 2
    assert room.hop.messages == []


async def test_the_same_mail_twice_gives_the_same_bytes(room: Room) -> None:
    room.agrees(ALICE, ALL)
    for _ in range(2):
        await room.send(TRACKED, ALICE, BOB)
    for address in (ALICE, BOB):
        first, second = room.got(address)
        assert first == second
    traces = {message.content.partition(b";")[0] for message in room.hop.messages if message.content}
    assert len(traces) == 2, "each attempt has an id of its own, each variant of it the same"


async def test_many_variants_go_out_a_few_at_a_time(room: Room) -> None:
    people = [b"person%d@example.com" % number for number in range(12)]
    for person in people:
        room.agrees(person, ALL)
    sent = await room.send(TRACKED, *people)
    assert sent.codes == [250] * 12
    assert sorted(itertools.chain(*(message.recipients for message in room.hop.messages))) == sorted(people)
    assert room.hop.connections <= limits.MAX_PARALLEL_VARIANTS + 1
