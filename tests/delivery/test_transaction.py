"""A transaction at a next hop, friendly and unfriendly; the hop is a real socket."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
import structlog
from prometheus_client import REGISTRY

from smtp_gate import limits, replies
from smtp_gate.delivery.next_hop import NextHop
from smtp_gate.delivery.pool import Pool
from smtp_gate.model import Recipient, Sender
from tests.next_hop import ScriptedHop, answer, close, hang, late

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from smtp_gate.replies import Reply

SENDER = Sender(b"news@acme.test")
BOB = Recipient(b"bob@there.test")
EVE = Recipient(b"eve@there.test")
MAIL = b"Subject: hello\r\n\r\nbody\r\n"


@pytest.fixture
async def hop() -> AsyncIterator[ScriptedHop]:
    async with ScriptedHop() as hop:
        yield hop


@pytest.fixture
async def pool(hop: ScriptedHop) -> AsyncIterator[Pool]:
    pool = Pool([NextHop.parse(hop.url)], "gate.test")
    yield pool
    await pool.close()


def soon(seconds: float = limits.REPLY_DEADLINE) -> float:
    return asyncio.get_running_loop().time() + seconds


async def send(
    pool: Pool, *recipients: Recipient, sender: Sender = SENDER, content: bytes = MAIL
) -> tuple[list[Reply], Reply]:
    transaction = pool.begin(sender)
    taken = [await transaction.rcpt(recipient) for recipient in recipients or (BOB,)]
    return taken, await transaction.data(content, soon())


def duplicates(hop: ScriptedHop) -> float:
    name = f"127.0.0.1:{hop.port}"
    return REGISTRY.get_sample_value("smtp_gate_maybe_duplicates_total", {"hop": name}) or 0.0


# --- what is sent ---------------------------------------------------------------------------------------------
async def test_an_accepted_message_is_the_next_hops_own_word(hop: ScriptedHop, pool: Pool) -> None:
    hop.when("DOT", b"250 2.6.0 queued as 4711")
    taken, done = await send(pool)
    assert [reply.code for reply in taken] == [250]
    assert done == replies.Reply(250, "2.6.0", "queued as 4711")
    [message] = hop.messages
    assert message.content == MAIL
    assert (message.sender, message.recipients) == (b"news@acme.test", [b"bob@there.test"])


async def test_the_null_sender_stays_null(hop: ScriptedHop, pool: Pool) -> None:
    await send(pool, sender=Sender(b""))
    assert hop.messages[0].mail == b"MAIL FROM:<>"


@pytest.mark.parametrize(
    "address",
    [b'"quoted"@x.test', b'"us er"@x.test', b'"a>b"@x.test', b"UPPER@X.TEST", b"a@[127.0.0.1]", b"postmaster"],
)
async def test_addresses_are_byte_for_byte(hop: ScriptedHop, pool: Pool, address: bytes) -> None:
    await send(pool, Recipient(address), sender=Sender(address))
    assert hop.messages[0].mail == b"MAIL FROM:<" + address + b">"
    assert hop.messages[0].rcpts == [b"RCPT TO:<" + address + b">"]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\r\n",
        b".\r\n",
        b"..\r\n.\r\n",
        b"a\r\n.\r\nMAIL FROM:<smuggled@x.test>\r\n",
        b".x\r\n\r\n.\r\n..\r\n...\r\n",
        b"x" * 8000 + b"\r\n",
    ],
)
async def test_content_arrives_unchanged_and_as_one_message(hop: ScriptedHop, pool: Pool, content: bytes) -> None:
    await send(pool, content=content)
    assert [message.content for message in hop.messages] == [content]


async def test_content_larger_than_any_buffer_arrives_unchanged(hop: ScriptedHop, pool: Pool) -> None:
    content = b"0123456789abcdef\r\n.\r\n" * 100_000
    await send(pool, content=content)
    assert hop.messages[0].content == content


async def test_a_last_line_without_end_gets_one(hop: ScriptedHop, pool: Pool) -> None:
    await send(pool, content=b"a\r\nb")
    assert hop.messages[0].wire == b"a\r\nb\r\n.\r\n"


async def test_pipelining_saves_the_round_trip_of_mail(hop: ScriptedHop, pool: Pool) -> None:
    await send(pool)
    assert (0, b"MAIL FROM:<news@acme.test>\r\nRCPT TO:<bob@there.test>\r\n") in hop.writes


async def test_without_pipelining_each_command_waits_for_its_reply() -> None:
    async with ScriptedHop("8BITMIME") as hop:
        pool = Pool([NextHop.parse(hop.url)], "gate.test")
        await send(pool)
        await send(pool, BOB, EVE)
        assert all(piece.count(b"\r\n") == 1 for _, piece in hop.writes[:4])
        assert [message.recipients for message in hop.messages] == [
            [b"bob@there.test"],
            [b"bob@there.test", b"eve@there.test"],
        ]
        await pool.close()


async def test_many_recipients_go_in_one_round_trip(hop: ScriptedHop, pool: Pool) -> None:
    hop.when("RCPT", b"550 5.1.1 no", to=b"r7@")
    transaction = pool.begin(SENDER)
    told = await transaction.rcpts([Recipient(b"r%d@x.test" % number) for number in range(50)])
    assert [number for number, reply in enumerate(told) if not reply.accepted] == [7]
    assert (await transaction.data(MAIL, soon())).accepted
    assert len(hop.messages[0].rcpts) == 49
    assert max(piece.count(b"RCPT") for _, piece in hop.writes) == 50


async def test_parameters_are_passed_where_they_are_offered(hop: ScriptedHop, pool: Pool) -> None:
    sender = Sender(b"a@x.test", (b"BODY=8BITMIME", b"RET=HDRS", b"ENVID=q1"), body=b"8BITMIME")
    transaction = pool.begin(sender, size=1234)
    await transaction.rcpt(Recipient(b"b@x.test", (b"NOTIFY=NEVER", b"ORCPT=rfc822;b@x.test")))
    await transaction.data(MAIL, soon())
    assert hop.messages[0].mail == b"MAIL FROM:<a@x.test> BODY=8BITMIME RET=HDRS ENVID=q1 SIZE=1234"
    assert hop.messages[0].rcpts == [b"RCPT TO:<b@x.test> NOTIFY=NEVER ORCPT=rfc822;b@x.test"]


async def test_parameters_are_left_out_where_they_are_not_offered() -> None:
    async with ScriptedHop("NOTHING") as hop:
        pool = Pool([NextHop.parse(hop.url)], "gate.test")
        transaction = pool.begin(Sender(b"a@x.test", (b"BODY=8BITMIME", b"RET=HDRS", b"ENVID=q1")), size=1234)
        await transaction.rcpt(Recipient(b"b@x.test", (b"NOTIFY=NEVER",)))
        await transaction.data(MAIL, soon())
        assert hop.messages[0].mail == b"MAIL FROM:<a@x.test>"
        assert hop.messages[0].rcpts == [b"RCPT TO:<b@x.test>"]
        await pool.close()


async def test_8bit_content_is_refused_where_it_is_not_taken() -> None:
    async with ScriptedHop("PIPELINING") as hop:
        pool = Pool([NextHop.parse(hop.url)], "gate.test")
        assert (await send(pool, content="é\r\n".encode()))[1] == replies.NOT_8BIT
        assert (await send(pool))[1].accepted
        assert [message.content for message in hop.messages] == [MAIL]
        await pool.close()


async def test_smtputf8_is_refused_where_it_is_not_taken() -> None:
    async with ScriptedHop("PIPELINING") as hop:
        pool = Pool([NextHop.parse(hop.url)], "gate.test")
        told = await send(pool, sender=Sender("ü@x.test".encode(), (b"SMTPUTF8",), smtputf8=True))
        assert told == ([replies.UTF8_NEEDED], replies.UTF8_NEEDED)
        assert hop.transactions == []
        await pool.close()


async def test_smtputf8_addresses_are_byte_for_byte(hop: ScriptedHop, pool: Pool) -> None:
    address = "ü@münchen.test".encode()
    await send(pool, Recipient(address), sender=Sender(address, (b"SMTPUTF8",), smtputf8=True))
    assert hop.messages[0].mail == b"MAIL FROM:<" + address + b"> SMTPUTF8"
    assert hop.messages[0].recipients == [address]


async def test_a_non_ascii_recipient_without_smtputf8_is_refused_alone(hop: ScriptedHop, pool: Pool) -> None:
    taken, done = await send(pool, Recipient("ü@x.test".encode()), BOB)
    assert taken[0] == replies.UTF8_NEEDED
    assert taken[1].accepted
    assert done.accepted
    assert hop.messages[0].recipients == [BOB.address]


@pytest.mark.parametrize(
    "recipient",
    [
        Recipient(b"u@x.test>\r\nRCPT TO:<v@x.test"),
        Recipient(b"u@x\x00.test"),
        Recipient(b""),
        Recipient(b"u@x.test", (b"NOTIFY=NEVER\r\nRSET",)),
        Recipient(b"u@x.test", (b"NOTIFY=NEVER X=Y",)),
    ],
)
async def test_nothing_can_be_smuggled_into_a_command(hop: ScriptedHop, pool: Pool, recipient: Recipient) -> None:
    transaction = pool.begin(SENDER)
    assert await transaction.rcpt(recipient) == replies.BAD_RECIPIENT
    await transaction.abort()
    assert hop.commands == []


# --- what is answered -----------------------------------------------------------------------------------------
@pytest.mark.parametrize("code", [450, 550])
@pytest.mark.parametrize("step", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "DOT"])
async def test_a_refusal_keeps_its_class_at_every_step(hop: ScriptedHop, pool: Pool, step: str, code: int) -> None:
    hop.when(step, b"%d no" % code)
    taken, done = await send(pool)
    first = done if step in ("DATA", "DOT") else taken[0]
    assert (first.code, first.text) == (code, "no")
    assert not done.accepted
    assert hop.messages == []
    assert duplicates(hop) == 0


@pytest.mark.parametrize("word", [None, b"421 4.3.2 closing"])
@pytest.mark.parametrize("step", ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA"])
async def test_a_hop_that_closes_early_is_temporary(
    hop: ScriptedHop, pool: Pool, step: str, word: bytes | None
) -> None:
    hop.when(step, close(word))
    _, done = await send(pool)
    assert done.code in (451, 503) if step != "DATA" else done.code == 451
    assert hop.messages == []
    assert duplicates(hop) == 0


async def test_a_hop_that_closes_after_the_dot_is_asked_no_second_time(hop: ScriptedHop, pool: Pool) -> None:
    hop.when("DOT", close(record=True))
    with structlog.testing.capture_logs() as lines:
        assert (await send(pool))[1] == replies.NEXT_HOP_LOST
    assert len(hop.messages) == 1
    assert duplicates(hop) == 1
    assert "next_hop_maybe_duplicate" in [line["event"] for line in lines]


async def test_after_421_the_connection_is_not_used_again(hop: ScriptedHop, pool: Pool) -> None:
    hop.when("DOT", b"421 4.3.2 closing, but slowly", nth=1)
    await send(pool)
    assert (await send(pool))[1].accepted
    assert hop.connections == 2


async def test_421_after_the_dot_is_a_refusal_not_a_doubt(hop: ScriptedHop, pool: Pool) -> None:
    hop.when("DOT", close(b"421 4.3.2 closing"))
    _, done = await send(pool)
    assert done == replies.Reply(451, "4.3.2", "closing")
    assert duplicates(hop) == 0


async def test_a_hop_that_is_silent_after_the_dot(
    hop: ScriptedHop, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HOP_DATA_TIMEOUT", 0.1)
    hop.when("DOT", hang(record=True))
    assert (await send(pool))[1] == replies.NEXT_HOP_LOST
    assert duplicates(hop) == 1


async def test_a_late_250_counts_for_nobody(hop: ScriptedHop, pool: Pool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HOP_DATA_TIMEOUT", 0.05)
    hop.when("DOT", late(0.1), nth=1)
    assert (await send(pool))[1] == replies.NEXT_HOP_LOST
    await asyncio.sleep(0.1)
    monkeypatch.undo()
    hop.when("DOT", b"554 5.6.0 no", nth=1)
    assert (await send(pool))[1].code == 554


async def test_the_reply_to_the_dot_is_not_awaited_beyond_our_own_deadline(
    hop: ScriptedHop, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "LAST_DOT_MARGIN", 0.05)
    hop.when("DOT", hang())
    transaction = pool.begin(SENDER)
    await transaction.rcpt(BOB)
    begun = asyncio.get_running_loop().time()
    assert await transaction.data(MAIL, soon(0.2)) == replies.NEXT_HOP_LOST
    assert 0.15 < asyncio.get_running_loop().time() - begun < 5  # the next hop would have hung for ever


async def test_silence_before_content_is_temporary_and_not_tried_again(
    hop: ScriptedHop, pool: Pool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "HOP_COMMAND_TIMEOUT", 0.1)
    await send(pool)
    hop.when("RCPT", hang())
    taken, done = await send(pool)
    assert taken == [replies.NEXT_HOP_DOWN]
    assert done == replies.NEXT_HOP_DOWN
    assert hop.connections == 1


async def test_no_dot_is_sent_without_time_to_pass_the_answer_on(hop: ScriptedHop, pool: Pool) -> None:
    transaction = pool.begin(SENDER)
    await transaction.rcpt(BOB)
    assert await transaction.data(MAIL, soon(limits.LAST_DOT_MARGIN - 5)) == replies.OUT_OF_TIME
    await asyncio.sleep(0.02)
    assert b"DATA" not in [line for _, line in hop.commands]
    assert (await send(pool))[1].accepted
    assert hop.connections == 1


async def test_a_hop_that_reads_too_slowly_gets_no_dot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "LAST_DOT_MARGIN", 0.1)
    got = bytearray()

    async def sluggish(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 x\r\n")
        for reply in (b"250-x\r\n250 PIPELINING\r\n", b"250 ok\r\n250 ok\r\n", b"354 go\r\n"):
            got.extend(await reader.read(4096))
            writer.write(reply)
        await asyncio.sleep(0.3)
        while data := await reader.read(1 << 20):
            got.extend(data)
        writer.close()

    server = await asyncio.start_server(sluggish, "127.0.0.1", 0, limit=1024)
    async with server:
        port = server.sockets[0].getsockname()[1]
        pool = Pool([NextHop.parse(f"smtp://127.0.0.1:{port}?tls=none")], "gate.test")
        transaction = pool.begin(SENDER)
        await transaction.rcpt(BOB)
        content = b"x" * 78 + b"\r\n"
        assert await transaction.data(content * 200_000, soon(0.2)) == replies.OUT_OF_TIME
        await asyncio.sleep(0.3)
        assert not got.endswith(b"\r\n.\r\n")
        await pool.close()


# --- one reply for one command --------------------------------------------------------------------------------
@pytest.mark.parametrize("garbage", [b"abc", b"999 x", b"2500 x", b"25", b"250-a\r\n251 b", b"\xff\xfe", b"150 x"])
@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "DOT"])
async def test_an_unreadable_reply_is_451_and_ends_the_connection(
    hop: ScriptedHop, pool: Pool, step: str, garbage: bytes
) -> None:
    hop.when(step, answer(garbage, record=False), nth=1)
    taken, done = await send(pool)
    first = done if step in ("DATA", "DOT") else taken[0]
    assert first == replies.NEXT_HOP_GARBLED
    assert not done.accepted
    assert hop.messages == []
    assert (await send(pool))[1].accepted
    assert hop.connections == 2


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DATA", "DOT"])
async def test_two_replies_to_one_command_are_never_paired_with_another(
    hop: ScriptedHop, pool: Pool, step: str
) -> None:
    first = {"DATA": b"354 go", "DOT": b"250 ok"}.get(step, b"250 ok")
    hop.when(step, answer(first + b"\r\n250 and more"), nth=1)
    _, done = await send(pool)
    assert not done.accepted
    assert len(hop.messages) == (step == "DOT")
    assert (await send(pool))[1].accepted


@pytest.mark.parametrize("word", [b"250 2.0.0 fine, I have it already", b"220 hello", b"334 more"])
async def test_only_354_lets_the_content_go(hop: ScriptedHop, pool: Pool, word: bytes) -> None:
    hop.when("DATA", word, nth=1)
    assert (await send(pool))[1] == replies.NEXT_HOP_GARBLED
    assert hop.messages == []
    assert (await send(pool))[1].accepted
    assert hop.connections == 2


@pytest.mark.parametrize("step", ["MAIL", "RCPT", "DOT"])
async def test_3xx_answers_nothing_but_data(hop: ScriptedHop, pool: Pool, step: str) -> None:
    hop.when(step, b"354 go on", nth=1)
    taken, done = await send(pool)
    assert (done if step == "DOT" else taken[0]) == replies.NEXT_HOP_GARBLED
    assert (await send(pool))[1].accepted
    assert hop.connections == 2


async def test_a_greeting_of_250_is_no_acceptance(hop: ScriptedHop, pool: Pool) -> None:
    hop.when("CONNECT", b"250 hello")
    taken, done = await send(pool)
    assert taken == [replies.NEXT_HOP_GARBLED]
    assert not done.accepted


async def test_an_unasked_line_before_the_content_ends_the_connection(hop: ScriptedHop, pool: Pool) -> None:
    transaction = pool.begin(SENDER)
    assert (await transaction.rcpt(BOB)).accepted
    hop.say(b"250 what I wanted to say")
    await asyncio.sleep(0.02)
    assert await transaction.data(MAIL, soon()) == replies.NEXT_HOP_GARBLED
    assert hop.messages == []


async def test_a_reply_in_pieces_is_one_reply(hop: ScriptedHop, pool: Pool) -> None:
    hop.when("RCPT", answer(b"250-2.1.5 one\r\n250-2.1.5 two\r\n250 2.1.5 three", chunk=1))
    hop.when("DOT", answer(b"250 2.0.0 done", chunk=3))
    taken, done = await send(pool)
    assert taken[0].text == "one\ntwo\nthree"
    assert done.text == "done"


async def test_an_endless_reply_is_cut_off(hop: ScriptedHop, pool: Pool) -> None:
    hop.when("RCPT", b"250-x\r\n" * 10_000)
    assert (await send(pool))[0] == [replies.NEXT_HOP_GARBLED]


# --- kept connections -----------------------------------------------------------------------------------------
async def test_messages_share_a_connection(hop: ScriptedHop, pool: Pool) -> None:
    for _ in range(5):
        assert (await send(pool))[1].accepted
    assert hop.connections == 1
    assert len(hop.messages) == 5


async def test_an_aborted_transaction_is_reset_with_the_next_mail(hop: ScriptedHop, pool: Pool) -> None:
    transaction = pool.begin(SENDER)
    await transaction.rcpt(EVE)
    await transaction.abort()
    assert (await send(pool))[1].accepted
    assert hop.messages[0].recipients == [BOB.address]
    assert (0, b"RSET\r\nMAIL FROM:<news@acme.test>\r\nRCPT TO:<bob@there.test>\r\n") in hop.writes
    await send(pool)
    assert [line for _, line in hop.commands].count(b"RSET") == 1


async def test_a_failed_reset_costs_the_connection_not_the_message(hop: ScriptedHop, pool: Pool) -> None:
    transaction = pool.begin(SENDER)
    await transaction.rcpt(EVE)
    await transaction.abort()
    hop.when("RSET", b"500 5.5.1 what?")
    assert (await send(pool))[1].accepted
    assert hop.messages[0].recipients == [BOB.address]
    assert hop.connections == 2


@pytest.mark.parametrize("code", [b"450 no", b"554 no"])
async def test_a_refused_data_command_is_reset_too(hop: ScriptedHop, pool: Pool, code: bytes) -> None:
    hop.when("DATA", code, nth=1)
    await send(pool, EVE)
    assert (await send(pool))[1].accepted
    assert [message.recipients for message in hop.messages] == [[BOB.address]]


@pytest.mark.parametrize("word", [b"", b"421 4.3.2 restarting"])
async def test_a_kept_connection_found_dead_is_replaced(hop: ScriptedHop, pool: Pool, word: bytes) -> None:
    await send(pool)
    if word:
        hop.say(word)
    hop.hang_up()
    assert (await send(pool))[1].accepted
    assert len(hop.messages) == 2
    assert hop.connections == 2


@pytest.mark.parametrize("step", ["MAIL", "RCPT"])
async def test_a_kept_connection_that_dies_under_a_command_is_replaced_once(
    hop: ScriptedHop, pool: Pool, step: str
) -> None:
    await send(pool)
    hop.when(step, close(), times=1)
    assert (await send(pool))[1].accepted
    assert hop.connections == 2
    hop.when(step, close(b"421 4.3.2 no"))
    assert (await send(pool))[0] == [replies.Reply(451, "4.3.2", "no")]
    assert len(hop.messages) == 2


async def test_a_new_connection_that_dies_under_the_first_command_is_not_replaced(
    hop: ScriptedHop, pool: Pool
) -> None:
    hop.when("MAIL", close())
    assert (await send(pool))[0] == [replies.NEXT_HOP_LOST]
    assert hop.connections == 1


async def test_what_replaces_a_dead_connection_is_a_new_one_not_another_kept_one(
    hop: ScriptedHop, pool: Pool
) -> None:
    await asyncio.gather(send(pool), send(pool))
    assert hop.connections == 2
    hop.when("MAIL", close(), times=1)
    assert (await send(pool))[1].accepted
    assert hop.connections == 3


async def test_a_connection_that_dies_between_rcpt_and_data_is_replaced(hop: ScriptedHop, pool: Pool) -> None:
    transaction = pool.begin(SENDER)
    await transaction.rcpts([BOB, EVE])
    hop.hang_up()
    await asyncio.sleep(0.02)
    assert (await transaction.data(MAIL, soon())).accepted
    assert [message.recipients for message in hop.messages] == [[BOB.address, EVE.address]]


async def test_a_recipient_refused_at_the_second_asking_stops_the_message(hop: ScriptedHop, pool: Pool) -> None:
    hop.when("RCPT", b"550 5.1.1 gone", to=b"bob@", nth=2)
    transaction = pool.begin(SENDER)
    await transaction.rcpts([BOB, EVE])
    hop.hang_up()
    assert await transaction.data(MAIL, soon()) == replies.NEXT_HOP_LOST  # eve must not hear bob's 550
    assert hop.messages == []


async def test_the_only_recipient_hears_its_own_refusal_at_the_second_asking(hop: ScriptedHop, pool: Pool) -> None:
    hop.when("RCPT", b"550 5.1.1 gone", to=b"bob@", nth=2)
    transaction = pool.begin(SENDER)
    await transaction.rcpt(BOB)
    hop.hang_up()
    assert (await transaction.data(MAIL, soon())).code == 550
    assert hop.messages == []


async def test_a_cancelled_delivery_leaves_no_half_used_connection(hop: ScriptedHop, pool: Pool) -> None:
    hop.when("DOT", late(0.2), nth=1)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(send(pool), 0.1)
    assert duplicates(hop) == 1
    hop.when("DOT", b"554 5.6.0 mine", nth=1)
    assert (await send(pool))[1].text == "mine"
    assert hop.connections == 2


async def test_data_without_a_taken_recipient_sends_nothing(hop: ScriptedHop, pool: Pool) -> None:
    hop.when("RCPT", b"550 5.1.1 no")
    taken, done = await send(pool)
    assert (taken[0].code, done) == (550, replies.BAD_SEQUENCE)
    transaction = pool.begin(SENDER)
    assert await transaction.data(MAIL, soon()) == replies.BAD_SEQUENCE
    assert b"DATA" not in [line for _, line in hop.commands]


async def test_a_message_over_the_announced_size_is_not_sent() -> None:
    async with ScriptedHop("SIZE 1000") as hop:
        pool = Pool([NextHop.parse(hop.url)], "gate.test")
        assert (await send(pool, content=b"x" * 998 + b"\r\n"))[1].accepted
        assert (await send(pool, content=b"x" * 999 + b"\r\n"))[1] == replies.TOO_BIG
        assert len(hop.messages) == 1
        await pool.close()
