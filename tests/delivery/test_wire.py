"""Replies: however they are cut into pieces, each belongs to one command or the connection is over."""

from __future__ import annotations

import asyncio
import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtp_gate.delivery.content import END, stuffed
from smtp_gate.delivery.wire import HopError, HopReply, Trouble, Wire


class Line(asyncio.Transport):
    """A transport that keeps what is written and never sends it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.unsent = 0
        self.open = True

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self.protocol = protocol

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def write(self, data: Any) -> None:
        self.written += bytes(data)

    def abort(self) -> None:
        self.open = False

    close = abort


def read(due: int, *pieces: bytes) -> list[HopReply] | Trouble:
    """What a wire makes of these pieces when so many replies are due."""

    async def run() -> list[HopReply] | Trouble:
        loop = asyncio.get_running_loop()
        line = Line()
        wire = Wire(line, loop)
        wire.send(b"X\r\n" * due, due)
        for piece in pieces:
            wire.data_received(piece)
        try:
            answers = [await wire.reply(loop.time()) for _ in range(due)]
            wire.send(b"", 0)
        except HopError as problem:
            return problem.trouble
        finally:
            assert line.open is not wire.lost
        return answers

    return asyncio.run(run())


CODES = st.sampled_from([250, 251, 354, 450, 550])
TEXTS = st.lists(st.text("abc XYZ<>@.5-", max_size=12), min_size=1, max_size=3)
REPLIES = st.lists(st.tuples(CODES, TEXTS), min_size=1, max_size=4)


def written(answers: list[tuple[int, list[str]]]) -> bytes:
    out = ""
    for code, texts in answers:
        for number, text in enumerate(texts):
            out += f"{code}{' ' if number == len(texts) - 1 else '-'}{text}\r\n"
    return out.encode()


@settings(max_examples=60, deadline=None)
@given(answers=REPLIES, cuts=st.lists(st.integers(0, 200), max_size=6))
def test_any_cut_gives_the_same_replies(answers: list[tuple[int, list[str]]], cuts: list[int]) -> None:
    data = written(answers)
    marks = [0, *sorted(cut for cut in cuts if cut < len(data)), len(data)]
    pieces = [data[start:end] for start, end in itertools.pairwise(marks)]
    assert read(len(answers), *pieces) == [HopReply(code, "\n".join(texts)) for code, texts in answers]


@settings(max_examples=60, deadline=None)
@given(answers=REPLIES, missing=st.integers(1, 3))
def test_a_reply_too_many_is_never_read(answers: list[tuple[int, list[str]]], missing: int) -> None:
    due = len(answers) - missing
    if due > 0:
        assert read(due, written(answers)) is Trouble.GARBLED
    assert read(len(answers) + missing, written(answers)) is Trouble.SILENT


@settings(max_examples=150, deadline=None)
@given(
    data=st.lists(st.sampled_from([b"250", b"2", b"5", b"-", b" ", b"ok", b"\r\n", b"\n", b"\r", b"\xff", b"\0"]))
)
def test_garbage_is_garbage_in_any_order(data: list[bytes]) -> None:
    whole = read(1, b"".join(data)) if data else Trouble.SILENT
    by_piece = read(1, *data)
    assert (whole is Trouble.GARBLED) == (by_piece is Trouble.GARBLED)
    assert isinstance(whole, Trouble) or 200 <= whole[0].code < 600


def test_421_may_come_unasked_and_what_came_before_it_counts() -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        wire = Wire(Line(), loop)
        wire.send(b"x", 1)
        wire.data_received(b"250 queued\r\n421 enough for today\r\n")
        assert await wire.reply(loop.time() + 1) == HopReply(250, "queued")
        assert wire.lost
        with pytest.raises(HopError):
            wire.send(b"y", 1)

    asyncio.run(run())


@pytest.mark.parametrize("word", [b"250 queued\r\n", b"552 too big\r\n"])
def test_an_answer_that_comes_before_the_last_octet_is_out_answers_nothing(word: bytes) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        line = Line()
        line.unsent = 1
        wire = Wire(line, loop)
        sending = loop.create_task(wire.content((b"x\r\n", END), loop.time() + 5))
        await asyncio.sleep(0)
        wire.data_received(word)
        with pytest.raises(HopError) as caught:
            await sending
        assert caught.value.trouble is Trouble.GARBLED
        assert not line.open

    asyncio.run(run())


@pytest.mark.parametrize("told", [True, False])
def test_an_answer_counts_as_soon_as_the_last_octet_is_out(told: bool) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        line = Line()
        line.unsent = 1
        wire = Wire(line, loop)
        sending = loop.create_task(wire.content((b"x\r\n", END), loop.time() + 5))
        await asyncio.sleep(0)
        assert (line.written, sending.done()) == (b"x\r\n.\r\n", False)
        line.unsent = 0
        if told:
            wire.resume_writing()
        wire.data_received(b"250 queued\r\n")
        await sending
        assert await wire.reply(loop.time() + 5) == HopReply(250, "queued")

    asyncio.run(run())


def test_content_that_does_not_leave_in_time_never_leaves() -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        line = Line()
        line.unsent = 1
        wire = Wire(line, loop)
        with pytest.raises(HopError) as caught:
            await wire.content((b"x\r\n", END), loop.time() + 0.01)
        assert caught.value.trouble is Trouble.SILENT
        assert not line.open

    asyncio.run(run())


def test_each_wait_has_its_own_limit_whatever_the_one_before_it_had() -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        wire = Wire(Line(), loop)
        wire.send(b"x", 3)
        for patience in (5, 0.05):
            loop.call_later(0.01, wire.data_received, b"250 ok\r\n")
            await wire.reply(loop.time() + patience)
        # The timer of the wait before is still set, and rings in this one.
        loop.call_later(0.1, wire.data_received, b"250 ok\r\n")
        await wire.reply(loop.time() + 5)
        wire.send(b"x", 1)
        begun = loop.time()
        with pytest.raises(HopError) as caught:
            await wire.reply(begun + 0.05)
        assert caught.value.trouble is Trouble.SILENT
        assert 0.04 < loop.time() - begun < 3

    asyncio.run(run())


def unstuffed(data: bytes, end: bytes = b"\r\n") -> list[bytes]:
    """What a reader sees that takes `end` as a line end: the content of each message up to a lone dot."""
    messages: list[bytes] = []
    lines: list[bytes] = []
    for line in data.split(end):
        if line == b".":
            messages.append(end.join([*lines, b""]))
            lines = []
        else:
            lines.append(line.removeprefix(b"."))
    return messages


LINES = st.lists(st.sampled_from([b".", b"..", b".x", b"x", b"", b"x.", b"MAIL FROM:<a@x>", b". "]), max_size=12)


@settings(max_examples=200, deadline=None)
@given(lines=LINES)
def test_what_is_sent_is_one_message_for_every_reader(lines: list[bytes]) -> None:
    content = b"".join(line + b"\r\n" for line in lines)
    sent = stuffed(content) + END
    assert unstuffed(sent) == [content]
    assert len(unstuffed(sent.replace(b"\r\n", b"\n"), b"\n")) == 1


def test_content_without_dots_is_not_copied() -> None:
    content = b"no dots at the start\r\nof any line.\r\n"
    assert stuffed(content) is content
