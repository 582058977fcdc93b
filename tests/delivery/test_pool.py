"""Kept connections, their limits, and the way to the next hop in the list."""

from __future__ import annotations

import asyncio
import socket
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
import structlog

from smtp_gate import limits, replies
from smtp_gate.delivery.next_hop import CONSERVATIVE, Capabilities, NextHop
from smtp_gate.delivery.pool import Pool
from smtp_gate.model import Recipient, Sender
from tests.next_hop import ScriptedHop, close, hang, late

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from smtp_gate.replies import Reply

SENDER = Sender(b"news@acme.test")
BOB = Recipient(b"bob@there.test")
MAIL = b"Subject: hello\r\n\r\nbody\r\n"


@asynccontextmanager
async def pool_of(*urls: str, most: int = 20) -> AsyncIterator[Pool]:
    pool = Pool([NextHop.parse(url) for url in urls], "gate.test", max_connections=most)
    try:
        yield pool
    finally:
        await pool.close()


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def send(pool: Pool) -> Reply:
    transaction = pool.begin(SENDER)
    taken = await transaction.rcpt(BOB)
    if not taken.accepted:
        await transaction.abort()
        return taken
    return await transaction.data(MAIL, asyncio.get_running_loop().time() + limits.REPLY_DEADLINE)


# --- which next hop -------------------------------------------------------------------------------------------
async def test_the_second_hop_takes_over_and_the_first_takes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HOP_DOWN_MEMORY", 0.05)
    async with ScriptedHop() as first, ScriptedHop() as second, pool_of(first.url, second.url) as pool:
        assert (await send(pool)).accepted
        assert (len(first.messages), len(second.messages)) == (1, 0)
        await first.stop()
        with structlog.testing.capture_logs() as lines:
            assert (await send(pool)).accepted
            assert (await send(pool)).accepted
        assert (len(first.messages), len(second.messages)) == (1, 2)
        assert [(line["event"], line["hop"].split(":")[1]) for line in lines] == [
            ("hop_down", str(first.port)),
            ("hop_up", str(second.port)),
        ]
        await first.start()
        await asyncio.sleep(0.06)
        with structlog.testing.capture_logs() as lines:
            assert (await send(pool)).accepted
        assert len(first.messages) == 2
        assert [line["event"] for line in lines] == ["hop_up"]


async def test_a_hop_that_is_down_is_left_alone_for_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HOP_DOWN_MEMORY", 10.0)
    async with ScriptedHop() as first, ScriptedHop() as second, pool_of(first.url, second.url) as pool:
        first.when("CONNECT", close(b"421 4.3.2 not now"))
        for _ in range(5):
            assert (await send(pool)).accepted
        assert first.connections == 1


async def test_the_only_hop_is_tried_however_dead_it_was() -> None:
    async with ScriptedHop() as hop, pool_of(hop.url) as pool:
        await hop.stop()
        assert await send(pool) == replies.NEXT_HOP_DOWN
        await hop.start()
        assert (await send(pool)).accepted


async def test_no_hop_at_all_is_temporary() -> None:
    async with pool_of(f"smtp://127.0.0.1:{unused_port()}?tls=none") as pool:
        assert not await pool.probe()
        assert await send(pool) == replies.NEXT_HOP_DOWN


async def test_one_temporary_no_outweighs_a_permanent_one() -> None:
    async with ScriptedHop() as first, ScriptedHop() as second, pool_of(first.url, second.url) as pool:
        first.when("CONNECT", b"554 5.7.1 go away")
        second.when("CONNECT", b"451 4.3.0 later")
        assert (await send(pool)).code == 451
        second.when("CONNECT", b"554 5.7.1 you too")
        assert await send(pool) == replies.Reply(554, "5.7.1", "go away")


async def test_a_hop_that_does_not_greet_is_down(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "CONNECT_TIMEOUT", 0.1)
    async with ScriptedHop() as hop, pool_of(hop.url) as pool:
        hop.when("CONNECT", hang())
        assert await send(pool) == replies.NEXT_HOP_DOWN


# --- what it takes --------------------------------------------------------------------------------------------
async def test_before_any_contact_little_is_assumed() -> None:
    async with pool_of("smtp://127.0.0.1:9") as pool:
        assert pool.capabilities() == CONSERVATIVE == Capabilities(limits.MAX_MESSAGE_SIZE)


@pytest.mark.parametrize(
    ("offered", "size"),
    [
        ("SIZE 1000", 1000),
        ("SIZE", limits.MAX_MESSAGE_SIZE),
        ("SIZE 0", limits.MAX_MESSAGE_SIZE),
        ("SIZE much", limits.MAX_MESSAGE_SIZE),
        ("SIZE " + "9" * 5000, limits.MAX_MESSAGE_SIZE),
    ],
)
async def test_the_probe_learns_what_it_takes(offered: str, size: int) -> None:
    async with ScriptedHop(offered, "8BITMIME", "dsn") as hop, pool_of(hop.url) as pool:
        assert await pool.probe()
        assert pool.capabilities() == Capabilities(size, eightbit=True, dsn=True)
        assert (await send(pool)).accepted
        assert hop.connections == 1


async def test_several_hops_offer_what_all_take() -> None:
    async with (
        ScriptedHop("8BITMIME", "DSN") as first,
        ScriptedHop("8BITMIME", "SIZE 5000") as second,
        pool_of(first.url, second.url) as pool,
    ):
        await pool.probe()
        assert pool.capabilities() == Capabilities(5000, eightbit=True)


# --- how many -------------------------------------------------------------------------------------------------
async def test_no_more_connections_than_allowed_and_the_others_wait() -> None:
    async with ScriptedHop() as hop, pool_of(hop.url, most=3) as pool:
        hop.when("DOT", late(0.02))
        answers = await asyncio.gather(*(send(pool) for _ in range(12)))
        assert all(reply.accepted for reply in answers)
        assert hop.connections == 3


async def test_who_waits_too_long_is_told_to_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ScriptedHop() as hop, pool_of(hop.url, most=1) as pool:
        holder = pool.begin(SENDER)
        assert (await holder.rcpt(BOB)).accepted
        monkeypatch.setattr(limits, "HOP_COMMAND_TIMEOUT", 0.05)
        assert await send(pool) == replies.NEXT_HOP_DOWN
        monkeypatch.undo()
        await holder.abort()
        assert (await send(pool)).accepted


async def test_slots_are_given_back_whatever_happens() -> None:
    async with ScriptedHop() as hop, pool_of(hop.url, most=2) as pool:
        for step in ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "DOT"):
            for act in (close(), close(b"421 4.3.2 no")):
                hop.when(step, act, times=2)
                await asyncio.gather(send(pool), send(pool))
                hop.forget()
        hop.when("DOT", hang())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.gather(send(pool), send(pool)), 0.05)
        hop.forget()
        answers = await asyncio.wait_for(asyncio.gather(*(send(pool) for _ in range(6))), 2)
        assert all(reply.accepted for reply in answers)


async def test_an_idle_connection_is_closed_with_a_goodbye(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HOP_KEEP_IDLE", 0.05)
    async with ScriptedHop() as hop, pool_of(hop.url) as pool:
        await asyncio.gather(send(pool), send(pool), send(pool))
        assert hop.open == 3
        await asyncio.sleep(0.2)
        assert hop.open == 0
        assert [line for _, line in hop.commands].count(b"QUIT") == 3


async def test_each_idle_connection_has_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HOP_KEEP_IDLE", 0.08)
    async with ScriptedHop() as hop, pool_of(hop.url) as pool:
        later = pool.begin(SENDER)
        await later.rcpt(BOB)
        await send(pool)
        await asyncio.sleep(0.05)
        await later.abort()
        await asyncio.sleep(0.05)
        assert hop.open == 1
        await asyncio.sleep(0.08)
        assert hop.open == 0


async def test_a_connection_carries_a_limited_number_of_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HOP_MAX_MESSAGES", 2)
    async with ScriptedHop() as hop, pool_of(hop.url) as pool:
        for _ in range(5):
            assert (await send(pool)).accepted
        assert hop.connections == 3


async def test_closing_lets_the_running_one_finish() -> None:
    async with ScriptedHop() as hop, pool_of(hop.url) as pool:
        hop.when("DOT", late(0.05))
        running = asyncio.ensure_future(send(pool))
        await asyncio.sleep(0.02)
        await pool.close()
        assert (await running).accepted
        await asyncio.sleep(0.02)
        assert hop.open == 0
