"""The inbox: lines end in CRLF only, memory is bounded, a waiting reader can be woken."""

from __future__ import annotations

import asyncio
import math
from typing import cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtp_gate.limits import MAX_COMMAND_LINE
from smtp_gate.listener.reader import FLOOD, Inbox, Stopped
from smtp_gate.replies import BAD_LINE, IDLE_TOO_LONG, SHUTTING_DOWN


class Tap:
    """A transport that can only be paused."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def pause_reading(self) -> None:
        self.asked.append("pause")

    def resume_reading(self) -> None:
        self.asked.append("resume")


def inbox() -> tuple[Inbox, Tap]:
    tap = Tap()
    made = Inbox(asyncio.get_running_loop())
    made.attach(cast("asyncio.Transport", tap))
    return made, tap


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.sampled_from([b"NOOP\r\n", b"a\nb\r\n", b"\r", b"x" * 600, b"y\r\n", b"\x00\r\n", b"\r\r\n"]), max_size=8
    ),
    st.lists(st.integers(1, 700), min_size=1, max_size=30),
)
def test_any_cutting_gives_the_same_lines(pieces: list[bytes], sizes: list[int]) -> None:
    stream = b"".join(pieces) + b"\r\n"
    expected: list[bytes | None] = []
    for line in stream.split(b"\r\n")[:-1]:
        bad = len(line) > MAX_COMMAND_LINE - 2 or any(octet < 32 for octet in line)
        expected.append(None if bad else line)

    async def play() -> None:
        made, _ = inbox()

        async def feed() -> None:
            start = 0
            turn = 0
            while start < len(stream):
                size = sizes[turn % len(sizes)]
                made.feed(stream[start : start + size])
                start += size
                turn += 1
                await asyncio.sleep(0)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(feed())
            assert [await made.line(9) for _ in expected] == expected
        assert made.pending == 0

    asyncio.run(play())


@pytest.mark.parametrize(("length", "fits"), [(MAX_COMMAND_LINE, True), (MAX_COMMAND_LINE + 1, False)])
async def test_the_longest_line_counts_with_its_line_end(length: int, fits: bool) -> None:
    made, _ = inbox()
    made.feed(b"x" * (length - 2) + b"\r\nNEXT\r\n")
    assert (await made.line(9) is not None) is fits
    assert await made.line(9) == b"NEXT"


async def test_a_new_transport_forgets_what_came_over_the_old_one() -> None:
    made, tap = inbox()
    made.feed(b"NOOP\r\n" * FLOOD)
    assert tap.asked == ["pause"]
    made.attach(cast("asyncio.Transport", Tap()))
    assert made.pending == 0
    made.feed(b"EHLO x\r\n")
    assert await made.line(9) == b"EHLO x"


async def test_a_flood_is_paused_and_goes_on_when_somebody_reads() -> None:
    made, tap = inbox()
    made.feed(b"x" * FLOOD)
    assert tap.asked == []
    made.feed(b"y")
    assert tap.asked == ["pause"]
    assert len(await made.some(math.inf)) == FLOOD + 1
    waiting = asyncio.ensure_future(made.some(math.inf))
    await asyncio.sleep(0)
    assert tap.asked == ["pause", "resume"]
    made.feed(b"z")
    assert await waiting == b"z"


async def test_what_was_read_too_much_is_read_next() -> None:
    made, _ = inbox()
    made.put_back(b"")
    assert made.pending == 0
    made.feed(b"second\r\n")
    made.put_back(b"first\r\n")
    assert made.pending == 15
    assert [await made.line(9), await made.line(9)] == [b"first", b"second"]


async def test_the_end_comes_after_what_was_sent_before_it() -> None:
    made, _ = inbox()
    made.feed(b"QUIT\r\nhalf")
    made.end()
    assert await made.line(9) == b"QUIT"
    with pytest.raises(Stopped) as caught:
        await made.line(9)
    assert caught.value.reply is None


async def test_last_words_come_before_all_that_waits_and_the_first_ones_count() -> None:
    made, _ = inbox()
    waiting = asyncio.ensure_future(made.line(9))
    await asyncio.sleep(0)
    assert made.due < math.inf
    made.stop(SHUTTING_DOWN)
    made.stop(IDLE_TOO_LONG)
    made.feed(b"NOOP\r\n")
    with pytest.raises(Stopped) as caught:
        await waiting
    assert caught.value.reply is SHUTTING_DOWN
    assert made.due == math.inf


async def test_a_tls_handshake_is_no_line() -> None:
    made, _ = inbox()
    made.feed(b"\x16\x03\x01")
    with pytest.raises(Stopped) as caught:
        await made.line(9)
    assert caught.value.reply is BAD_LINE
