"""What a process holds together: memory, many connections, the end; big and hostile content over real sockets."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import logging
from pathlib import Path

import pytest

from smtp_gate import limits
from smtp_gate.listener.front import Front
from smtp_gate.listener.peers import Peers
from tests.scripted_gate import listening
from tests.wire import connect

SMUGGLED = b"MAIL FROM:<smug@x>\r\nRCPT TO:<v@x>\r\nDATA\r\nSubject: smuggled\r\n\r\nhi\r\n.\r\n"


class Peak:
    """How far this process's memory rises from now on, whatever it was before (Linux, proc(5))."""

    def __init__(self) -> None:
        gc.collect()
        # What earlier tests gave back to the allocator would hide what this one takes.
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        self._before = self._read("VmRSS")

    def grown(self) -> int:
        """Octets."""
        return self._read("VmHWM") - self._before

    @staticmethod
    def _read(name: str) -> int:
        status = Path("/proc/self/status").read_text(encoding="ascii")
        [line] = [line for line in status.splitlines() if line.startswith(name + ":")]
        return int(line.split()[1]) * 1024


# --- smuggling over a real socket -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "end",
    [
        b"\n.\n",
        b"\n.\r\n",
        b"\r\n.\n",
        b"\r.\r",
        b"\r.\n",
        b"\r.\r\n",
        b"\r\n.\r",
        b"\n.\r",
        b"\n.\r\r\n",
        b"\r\n.\r\r\n",
        b"\r\r\n.\r\r\n",
        b"\n\n.\r\n",
    ],
)
async def test_a_smuggled_message_costs_its_carrier_one_refusal(end: bytes) -> None:
    async with listening() as running, connect(running.port) as wire:
        await wire.until_data()
        wire.writer.write(b"Subject: x\r\n\r\nbody" + end + SMUGGLED)
        assert (await wire.reply()).startswith(b"550 5.5.2 ")
        assert (await wire.ask(b"NOOP")).startswith(b"250")
        assert running.gate.messages == []
        assert (await wire.ask(b"MAIL FROM:<a@x>", b"RCPT TO:<b@x>", b"DATA", b"hi\r\n.")).startswith(b"250")
        assert running.gate.messages == [b"hi\r\n"]


# --- memory -----------------------------------------------------------------------------------------------------
async def test_a_full_memory_is_told_at_mail_data_or_dot_and_recovers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MEMORY_BUDGET", 40_000)
    async with listening() as running, connect(running.port) as first, connect(running.port) as second:
        await first.until_data()
        first.writer.write(b"x" * 5000 + b"\r\n")
        assert (await second.reply()).startswith(b"220")
        assert (await second.ask(b"EHLO x", b"MAIL FROM:<a@x> SIZE=9000")).startswith(b"452 4.3.1")
        assert (await second.ask(b"MAIL FROM:<a@x>", b"RCPT TO:<b@x>", b"DATA")).startswith(b"354")
        assert (await second.ask(b"\r\n".join([b"y" * 998] * 9) + b"\r\n.")).startswith(b"452 4.3.1")
        assert (await first.ask(b".")).startswith(b"250")
        assert (await second.ask(b"MAIL FROM:<a@x> SIZE=9000", b"RCPT TO:<b@x>", b"DATA")).startswith(b"354")
        assert (await second.ask(b"\r\n".join([b"y" * 998] * 9) + b"\r\n.")).startswith(b"250")
        assert running.server.house.memory.left == 40_000


async def test_a_declared_size_is_held_from_data_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MEMORY_BUDGET", 40_000)
    async with listening() as running, connect(running.port) as first, connect(running.port) as second:
        assert (await second.reply()).startswith(b"220")
        await second.ask(b"EHLO x", b"MAIL FROM:<a@x> SIZE=9000", b"RCPT TO:<b@x>")
        await first.reply()
        commands = (b"EHLO x", b"MAIL FROM:<a@x> SIZE=9000", b"RCPT TO:<b@x>", b"DATA")
        assert (await first.ask(*commands)).startswith(b"354")
        assert (await second.ask(b"DATA")).startswith(b"452 4.3.1")
        assert (await first.ask(b".")).startswith(b"250")
        assert (await second.ask(b"DATA")).startswith(b"354")
        assert (await second.ask(b".")).startswith(b"250")
        assert running.server.house.memory.left == 40_000


@pytest.mark.parametrize("unit", [b"\r\n", b"a\r\n", b"x" * 998 + b"\r\n"])
async def test_a_big_message_takes_little_memory_and_leaves_time_for_others(
    unit: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    size = 25_000_000
    block = unit * (size // 50 // len(unit))
    monkeypatch.setattr(limits, "MAX_JUNK_COMMANDS", 100_000)
    memory = Peak()
    answered = 0
    async with listening() as running, connect(running.port) as big, connect(running.port) as other:
        await big.until_data()
        await other.reply()

        async def send() -> bytes:
            for _ in range(50):
                big.writer.write(block)
                await big.writer.drain()
            return await big.ask(b".")

        sending = asyncio.ensure_future(send())
        while not sending.done():
            assert (await other.ask(b"NOOP")).startswith(b"250")
            answered += 1
            await asyncio.sleep(0.005)
        assert (await sending).startswith(b"250")
        assert len(running.gate.messages[0]) == len(block) * 50
        running.gate.letters.clear()
    grown = memory.grown()
    # The client is in this process too, with the block that it sends.
    assert grown < 3 * size + len(block)
    assert grown > size // 2, "the meter does not measure"
    assert answered >= 5, "another session gets its turns while the big message comes in"


async def test_a_command_without_end_takes_no_memory() -> None:
    async with listening() as running, connect(running.port) as wire:
        await wire.reply()
        memory = Peak()
        for _ in range(512):
            wire.writer.write(b"A" * 65_536)
            await wire.writer.drain()
        assert (await wire.ask(b"")).startswith(b"500 5.5.2")
        assert memory.grown() < 8_000_000
        assert (await wire.ask(b"NOOP")).startswith(b"250")


async def test_what_nobody_reads_is_not_taken_from_the_socket() -> None:
    async with listening() as running, connect(running.port) as wire:
        await wire.until_data()
        wire.writer.write(b"sleep\r\n.\r\n" + b"A" * 8_000_000)
        await running.gate.started.wait()
        await asyncio.sleep(0.1)
        [session] = running.server.house.connections
        assert session.inbox.pending < 1_000_000
        assert (await wire.reply()).startswith(b"250")
        assert (await wire.reply()).startswith(b"554 5.5.0")


# --- XFORWARD and the client ------------------------------------------------------------------------------------
async def test_xforward_holds_for_one_message() -> None:
    async with listening() as running, connect(running.port) as wire:
        await wire.reply()
        await wire.ask(b"EHLO mta.example", b"XFORWARD IDENT=4Kq ADDR=192.0.2.1", b"XFORWARD NAME=a+2Bb")
        assert (await wire.ask(b"MAIL FROM:<a@x>", b"RCPT TO:<b@x>", b"DATA", b"hi\r\n.")).startswith(b"250")
        await wire.ask(b"MAIL FROM:<a@x>", b"RSET", b"XFORWARD IDENT=9", b"RSET", b"MAIL FROM:<a@x>")
        first, second, third = [letter.client for letter in running.gate.letters]
        assert (first.peer, first.helo, first.protocol) == ("127.0.0.1", "mta.example", "ESMTP")
        assert first.xforward == {"IDENT": "4Kq", "ADDR": "192.0.2.1", "NAME": "a+b"}
        assert (second.xforward, third.xforward) == ({}, {})


async def test_xforward_is_offered_to_those_who_may() -> None:
    front = Front(lmtp=True, xforward=Peers(["192.0.2.0/24"]))
    async with listening(front) as running, connect(running.port) as wire:
        await wire.reply()
        assert b"XFORWARD" not in await wire.ask(b"LHLO x")
        assert (await wire.ask(b"XFORWARD IDENT=1")).startswith(b"550 5.7.1")
        await wire.ask(b"MAIL FROM:<a@x>")
        client = running.gate.letters[0].client
        assert (client.protocol, client.xforward) == ("LMTP", {})


async def test_only_what_the_next_hop_takes_is_offered() -> None:
    async with listening() as running, connect(running.port) as wire:
        running.gate.can = type(running.gate.can)(size=1_000_000, smtputf8=True)
        await wire.reply()
        assert await wire.ask(b"EHLO x") == (
            b"250-gate.example\r\n250-SIZE 934464\r\n250-ENHANCEDSTATUSCODES\r\n"
            b"250 XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE\r\n"
        )
        for word in (b"BODY=8BITMIME", b"SMTPUTF8", b"RET=FULL"):
            assert (await wire.ask(b"MAIL FROM:<a@x> " + word)).startswith(b"555")


# --- the end ----------------------------------------------------------------------------------------------------
async def test_the_end_lets_a_delivery_finish_and_dismisses_who_waits() -> None:
    async with (
        listening() as running,
        connect(running.port) as idle,
        connect(running.port) as sending,
        connect(running.port) as waiting,
    ):
        assert (await idle.reply()).startswith(b"220")
        await sending.until_data()
        sending.writer.write(b"half a mess")
        await waiting.until_data()
        waiting.writer.write(b"sleep\r\n.\r\n")
        await running.gate.started.wait()
        end = asyncio.ensure_future(running.server.drain(3))
        for wire in (idle, sending):
            assert (await wire.reply()).startswith(b"421 4.3.2")
            assert await wire.closed()
        with pytest.raises(ConnectionError):
            await asyncio.open_connection("127.0.0.1", running.port)
        assert (await waiting.reply()).startswith(b"250")
        assert (await waiting.reply()).startswith(b"421 4.3.2")
        assert await end == 0
        assert [letter.finished for letter in running.gate.letters] == [False, True]


async def test_the_end_waits_for_a_delivery_whose_client_has_left() -> None:
    async with listening() as running:
        async with connect(running.port) as wire:
            await wire.until_data()
            wire.writer.write(b"sleep\r\n.\r\n")
            await running.gate.started.wait()
        assert await running.server.drain(3) == 0
        assert running.gate.letters[0].finished


async def test_the_end_waits_for_a_delivery_whose_session_was_cancelled() -> None:
    async with listening() as running, connect(running.port) as wire:
        await wire.until_data()
        wire.writer.write(b"sleep\r\n.\r\n")
        await running.gate.started.wait()
        [session] = running.server.house.connections
        assert session.task is not None
        session.task.cancel()
        await asyncio.wait([session.task])
        assert await running.server.drain(3) == 0
        assert running.gate.letters[0].finished


async def test_the_end_does_not_wait_for_ever() -> None:
    async with listening() as running, connect(running.port) as wire:
        await wire.until_data()
        wire.writer.write(b"sleep\r\n.\r\n")
        await running.gate.started.wait()
        assert await running.server.drain(0.02) == 1
        assert (await wire.reply()).startswith(b"250")


async def test_a_recipient_being_asked_about_is_answered_before_the_end() -> None:
    async with listening() as running, connect(running.port) as wire:
        await wire.reply()
        await wire.ask(b"HELO x", b"MAIL FROM:<a@x>")
        wire.writer.write(b"RCPT TO:<slow@x>\r\n")
        await asyncio.sleep(0.05)
        end = asyncio.ensure_future(running.server.drain(3))
        assert (await wire.reply()).startswith(b"250")
        assert (await wire.reply()).startswith(b"421 4.3.2")
        assert await end == 0
        assert running.gate.letters[0].abandoned == 1


async def test_a_new_gate_serves_the_next_mail() -> None:
    async with listening() as running, listening() as other, connect(running.port) as wire:
        await wire.reply()
        await wire.ask(b"HELO x")
        running.server.house.gate = other.gate
        await wire.ask(b"MAIL FROM:<a@x>")
        assert (len(running.gate.letters), len(other.gate.letters)) == (0, 1)


def test_the_mail_log_is_never_below_warning() -> None:
    assert logging.getLogger("mail.log").level >= logging.WARNING
