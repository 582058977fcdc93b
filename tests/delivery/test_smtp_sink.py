"""The same against Postfix's own ``smtp-sink`` and the faults it can play: somebody else's idea of a next hop."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import shutil
import socket
import subprocess
import time
from typing import TYPE_CHECKING

import pytest

from smtp_gate import limits
from smtp_gate.delivery.next_hop import NextHop
from smtp_gate.delivery.pool import Pool
from smtp_gate.model import Recipient, Sender

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from smtp_gate.replies import Reply

SINK = shutil.which("smtp-sink", path="/usr/sbin:/usr/local/sbin:/usr/bin")
pytestmark = pytest.mark.skipif("CI" not in os.environ and SINK is None, reason="Postfix is not installed")


@contextlib.contextmanager
def sink(*options: str) -> Iterator[int]:
    """A running smtp-sink's port."""
    assert SINK is not None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    process = subprocess.Popen([SINK, "-u", getpass.getuser(), *options, f"127.0.0.1:{port}", "50"])
    try:
        for _ in range(200):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.01)
        yield port
    finally:
        process.terminate()
        process.wait()


def captured(folder: Path) -> list[bytes]:
    """The messages it stored, with LF line ends and a few lines of its own in front."""
    return [path.read_bytes() for path in folder.iterdir()]


async def send(port: int, content: bytes, times: int = 1) -> list[Reply]:
    pool = Pool([NextHop.parse(f"smtp://127.0.0.1:{port}?tls=none")], "gate.test")
    answers = []
    try:
        for _ in range(times):
            transaction = pool.begin(Sender(b"news@acme.test"))
            taken = await transaction.rcpt(Recipient(b"bob@there.test"))
            deadline = asyncio.get_running_loop().time() + limits.REPLY_DEADLINE
            done = await transaction.data(content, deadline)
            answers.append(done if taken.accepted else taken)
    finally:
        await pool.close()
    return answers


@pytest.mark.parametrize("options", [[], ["-p"], ["-8"], ["-p", "-8", "-N", "-E"]], ids=" ".join)
async def test_content_arrives_whatever_is_offered(tmp_path: Path, options: list[str]) -> None:
    content = b"Subject: x\r\n\r\n" + b".\r\n..\r\nMAIL FROM:<a@x>\r\n" * 2000
    with sink(*options, "-d", f"{tmp_path}/%M-") as port:
        assert all(reply.accepted for reply in await send(port, content, times=3))
    stored = captured(tmp_path)
    assert len(stored) == 3
    lines = content.replace(b"\r\n", b"\n").rstrip(b"\n")
    assert all(text.rstrip(b"\n").endswith(lines) for text in stored)


STEPS = ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "."]


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize(("option", "code"), [("-f", 500), ("-r", 450)])
async def test_refusals_keep_their_class(step: str, option: str, code: int) -> None:
    with sink(option, step) as port:
        [answer] = await send(port, b"x\r\n")
    assert answer.code // 100 == code // 100


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("option", ["-q", "-Q"])
async def test_disconnects_are_temporary(step: str, option: str) -> None:
    with sink(option, step) as port:
        assert all(answer.temporary for answer in await send(port, b"x\r\n", times=2))
