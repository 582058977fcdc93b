"""Who may speak and when; clients that leave; TLS; exceptions and logs."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pytest
import uvloop
from aiosmtpd.smtp import SMTP

from smtp_gate import limits
from smtp_gate.listener.front import Front
from smtp_gate.listener.peers import Peers
from smtp_gate.listener.server import Server
from tests.certificate import Certificate
from tests.scripted_gate import SECRET, ScriptedGate, listening
from tests.wire import Wire, connect

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate.make(tmp_path_factory.mktemp("tls"))


def trusting(certificate: Certificate) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(certificate.chain))


# --- before the first command -----------------------------------------------------------------------------------
@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_who_speaks_before_the_greeting_is_not_listened_to(
    run: Callable[[Coroutine[Any, Any, None]], None],
) -> None:
    async def play() -> None:
        server = Server(ScriptedGate(), "gate.example")
        sock = socket.socket()
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        with socket.create_connection(sock.getsockname()) as early:
            early.sendall(b"EHLO x\r\n")
            await server.listen(sock, Front())
            heard = await asyncio.to_thread(early.makefile("rb").read)
        assert heard.startswith(b"554 5.5.0 ")
        assert heard.count(b"\r\n") == 1
        await server.drain(3)

    run(play())


async def test_a_stranger_is_told_and_holds_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_CONNECTIONS", 1)
    async with listening(Front(peers=Peers(["192.0.2.0/24"]))) as running:
        for _ in range(5):
            async with connect(running.port) as wire:
                wire.writer.write(b"EHLO x\r\nMAIL FROM:<a@x>\r\n")
                assert (await wire.reply()).startswith(b"554 5.7.1 ")
                assert await wire.closed()
        assert running.events == [("refused", "554 5.7.1")] * 5
        assert not running.gate.letters


async def test_one_connection_too_many_is_told_and_room_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_CONNECTIONS", 2)
    async with listening() as running, connect(running.port) as first, connect(running.port) as second:
        assert (await first.reply()).startswith(b"220")
        assert (await second.reply()).startswith(b"220")
        async with connect(running.port) as third:
            assert (await third.reply()).startswith(b"421 4.3.2 ")
            assert await third.closed()
        assert (await first.ask(b"QUIT")).startswith(b"221")
        assert await first.closed()
        async with connect(running.port) as fourth:
            assert (await fourth.reply()).startswith(b"220")
        assert (await second.ask(b"NOOP")).startswith(b"250")


# --- clients that leave -----------------------------------------------------------------------------------------
async def leave(wire: Wire, how: str) -> None:
    if how == "close":
        wire.writer.close()
    elif how == "half":
        wire.writer.write_eof()
    else:
        sock = wire.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        wire.writer.transport.abort()


@pytest.mark.parametrize("how", ["close", "half", "reset"])
@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_a_delivery_runs_to_its_end_without_its_client(
    how: str, run: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    async def play() -> None:
        async with listening() as running, connect(running.port) as wire:
            await wire.until_data()
            wire.writer.write(b"sleep\r\n.\r\n")
            await running.gate.started.wait()
            await leave(wire, how)
            await asyncio.sleep(0.35)
            [letter] = running.gate.letters
            assert letter.finished
            assert letter.gone == [False, True]
            assert letter.abandoned == 0
            assert ("client_left", "250") in running.events
            assert running.server.house.memory.left == limits.MEMORY_BUDGET
            assert not running.server.house.connections

    run(play())


@pytest.mark.parametrize("how", ["close", "half", "reset"])
@pytest.mark.parametrize("sent", [b"", b"sub", b"Subject: x\r\n\r\nbody\r\n.\r"])
async def test_half_a_message_is_no_message(how: str, sent: bytes) -> None:
    async with listening() as running, connect(running.port) as wire:
        await wire.until_data()
        wire.writer.write(sent)
        await wire.writer.drain()
        await asyncio.sleep(0.02)
        await leave(wire, how)
        await asyncio.sleep(0.1)
        [letter] = running.gate.letters
        assert (letter.content_bytes, letter.abandoned) == (None, 1)
        assert not running.server.house.connections
        assert running.server.house.memory.left == limits.MEMORY_BUDGET


async def test_the_time_limits_do_not_touch_a_delivery(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "COMMAND_TIMEOUT", 0.1)
    monkeypatch.setattr(limits, "DATA_TIMEOUT", 0.2)
    async with listening() as running, connect(running.port) as wire:
        await wire.until_data()
        wire.writer.write(b"sleep\r\n.\r\n")
        assert (await wire.reply()).startswith(b"250")
        assert (await wire.reply()).startswith(b"421 4.4.2")
        assert running.gate.letters[0].gone == [False, False]


# --- own trouble ------------------------------------------------------------------------------------------------
async def test_an_exception_shows_its_place_and_never_its_text(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with listening() as running, connect(running.port) as wire:
        await wire.until_data()
        said = await wire.ask(b"boom bob@example.com\r\n.")
        assert said == b"451 4.3.0 Internal trouble, nothing was lost, try again later\r\n"
        [detail] = [detail for event, detail in running.events if event == "trouble"]
        assert detail.startswith("RuntimeError at scripted_gate.py:")
        assert (await wire.ask(b"NOOP")).startswith(b"250")
    for word in ("secret", "bob", "a@x", "b@x"):
        assert word in SECRET + "a@x b@x"
        assert word not in caplog.text


async def test_the_library_never_logs_commands(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("mail.log").setLevel(logging.DEBUG)
    async with listening() as running, connect(running.port) as wire:
        await wire.until_data(b"carol@example.com")
        await wire.ask(b"x\r\n.", b"NONSENSE carol@example.com", b"QUIT")
    assert logging.getLogger("mail.log").level == logging.WARNING
    assert "carol" not in caplog.text


async def test_sessions_do_not_change_each_others_limits() -> None:
    long = b"MAIL FROM:<a@x> ENVID=" + b"q" * 100 + b" AUTH=" + b"z" * 800
    async with listening() as running, connect(running.port) as first:
        await first.reply()
        for _ in range(5):
            await first.ask(b"EHLO x")
        async with connect(running.port) as second:
            await second.reply()
            assert (await second.ask(b"EHLO x", long)).startswith(b"250")
        assert (await first.ask(long)).startswith(b"250")
        assert not SMTP.command_size_limits


async def test_a_client_that_reads_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smtp_gate.listener.connection.FLOOD", -1)
    async with listening() as running, connect(running.port) as wire:
        with suppress(ConnectionError):
            await wire.reader.read()
        await asyncio.sleep(0.02)
        assert not running.server.house.connections


# --- TLS --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_starttls_begins_anew(certificate: Certificate, run: Callable[[Coroutine[Any, Any, None]], None]) -> None:
    async def play() -> None:
        front = Front(tls=certificate.server_context(), require_tls=True)
        async with listening(front) as running, connect(running.port) as wire:
            await wire.reply()
            assert b"STARTTLS" in await wire.ask(b"EHLO clear.example")
            for command in (b"MAIL FROM:<a@x>", b"HELO x", b"RSET", b"XFORWARD IDENT=1"):
                assert (await wire.ask(command)).startswith(b"530 5.7.0")
            assert (await wire.ask(b"STARTTLS now")).startswith(b"501")
            assert (await wire.ask(b"STARTTLS")).startswith(b"220")
            await wire.encrypt(trusting(certificate))
            assert (await wire.ask(b"MAIL FROM:<a@x>")).startswith(b"503")
            said = await wire.ask(b"EHLO secret.example")
            assert said.startswith(b"250-gate.example")
            assert b"STARTTLS" not in said
            assert (await wire.ask(b"STARTTLS")).startswith(b"503")
            assert (await wire.ask(b"MAIL FROM:<a@x>", b"RCPT TO:<b@x>", b"DATA")).startswith(b"354")
            assert (await wire.ask(b"z" * 100_000 + b"\r\n.")).startswith(b"500")
            assert (await wire.ask(b"MAIL FROM:<a@x>", b"RCPT TO:<b@x>", b"DATA")).startswith(b"354")
            assert (await wire.ask(b"\r\n".join([b"z" * 900] * 300) + b"\r\n.")).startswith(b"250")
            client = running.gate.letters[-1].client
            assert (client.helo, client.protocol) == ("secret.example", "ESMTPS")
            assert len(running.gate.messages[0]) == 902 * 300

    run(play())


async def test_a_command_behind_starttls_is_never_executed(certificate: Certificate) -> None:
    async with listening(Front(tls=certificate.server_context())) as running, connect(running.port) as wire:
        await wire.reply()
        await wire.ask(b"EHLO x")
        wire.writer.write(b"STARTTLS\r\nNOOP\r\n")
        assert (await wire.reply()).startswith(b"554 5.5.0")
        assert await wire.closed()


async def test_starttls_inside_a_transaction_is_out_of_order(certificate: Certificate) -> None:
    async with listening(Front(tls=certificate.server_context())) as running, connect(running.port) as wire:
        await wire.reply()
        assert (await wire.ask(b"EHLO x", b"MAIL FROM:<a@x>", b"STARTTLS")).startswith(b"503")


@pytest.mark.parametrize("garbage", [b"", b"EHLO x\r\n", b"\x16\x03\x01\x00\x05hello"])
@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
def test_a_handshake_that_comes_to_nothing_frees_its_place(
    certificate: Certificate, garbage: bytes, run: Callable[[Coroutine[Any, Any, None]], None]
) -> None:
    async def play() -> None:
        async with listening(Front(tls=certificate.server_context())) as running, connect(running.port) as wire:
            await wire.reply()
            await wire.ask(b"EHLO x", b"STARTTLS")
            wire.writer.write(garbage)
            await asyncio.wait([task for one in running.server.house.connections if (task := one.task)], timeout=2)
            assert not running.server.house.connections
            assert ("refused", "tls") in running.events

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(limits, "TLS_TIMEOUT", 0.3)
        run(play())


async def test_a_client_that_leaves_in_the_handshake_frees_its_place(certificate: Certificate) -> None:
    async with listening(Front(tls=certificate.server_context())) as running:
        async with connect(running.port) as wire:
            await wire.reply()
            await wire.ask(b"EHLO x", b"STARTTLS")
        await asyncio.sleep(0.1)
        assert not running.server.house.connections


async def test_a_delivery_over_tls_runs_to_its_end_without_its_client(certificate: Certificate) -> None:
    async with listening(Front(tls=certificate.server_context())) as running:
        async with connect(running.port) as wire:
            await wire.reply()
            await wire.ask(b"EHLO x", b"STARTTLS")
            await wire.encrypt(trusting(certificate))
            await wire.ask(b"EHLO x", b"MAIL FROM:<a@x>", b"RCPT TO:<b@x>", b"DATA")
            wire.writer.write(b"sleep\r\n.\r\n")
            await running.gate.started.wait()
        await asyncio.sleep(0.35)
        [letter] = running.gate.letters
        assert (letter.finished, letter.gone) == (True, [False, True])
