"""The DATA reader: one end, declared faults, the same result for every way of cutting."""

from __future__ import annotations

import re
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from smtp_gate.limits import MAX_LINE
from smtp_gate.listener.data import Content
from smtp_gate.replies import BARE_LINE_ENDS, LINE_TOO_LONG, NO_MEMORY, NUL_OCTET, TOO_BIG, Reply

SMUGGLED = b"MAIL FROM:<smug@x>\r\nRCPT TO:<v@x>\r\nDATA\r\nSubject: smuggled\r\n\r\nhi\r\n.\r\n"
BARE_ENDS = {
    1: b"\n.\n",
    2: b"\n.\r\n",
    3: b"\r\n.\n",
    4: b"\r.\r",
    5: b"\r.\n",
    6: b"\r.\r\n",
    7: b"\r\n.\r",
    8: b"\n.\r",
    9: b"\n.\r\r\n",
    10: b"\r\n.\r\r\n",
    11: b"\r\r\n.\r\r\n",
    12: b"\n\n.\r\n",
}
"""Ends of data that some mail server takes for one, and that are none."""

Result = tuple[bytes, Reply | None, int, bytes]


def read(pieces: list[bytes], limit: int = 1_000_000) -> Result:
    """Feed pieces until the end; what is left over goes to the rest."""
    content = Content(limit)
    left = list(pieces)
    while left and not content.ended:
        content.feed(left.pop(0))
    assert content.ended, "the end was not seen"
    return content.message(), content.refusal, content.size, content.rest + b"".join(left)


def reference(stream: bytes, limit: int) -> Result:
    """The same, slowly, over the whole stream: written from the RFC, not from the reader."""
    end = re.search(rb"(?:\A|(?<=\r\n))\.\r\n", stream)
    assert end
    stuffed, rest = stream[: end.start()], stream[end.end() :]
    plain = re.sub(rb"(?:\A|(?<=\r\n))\.", b"", stuffed)
    if len(plain) > limit:
        return b"", TOO_BIG, -1, rest
    bare = re.search(rb"\r(?!\n)|(?<!\r)\n", plain)
    if bare:
        return b"", BARE_LINE_ENDS, len(plain), rest
    if b"\0" in plain:
        return b"", NUL_OCTET, len(plain), rest
    if any(len(line) + 2 > MAX_LINE for line in plain.split(b"\r\n")[:-1]):
        return b"", LINE_TOO_LONG, len(plain), rest
    return plain, None, len(plain), rest


def same(found: Result, expected: Result) -> bool:
    """Whether two results agree; how far a message that is too big was counted does not matter."""
    return found == expected or (expected[2] == -1 and found[:2] == expected[:2] and found[3] == expected[3])


@pytest.mark.parametrize("number", BARE_ENDS)
def test_a_bare_end_ends_nothing_and_refuses_the_message(number: int) -> None:
    stream = b"Subject: x\r\n\r\nbody" + BARE_ENDS[number] + SMUGGLED
    message, refusal, _, rest = read([stream])
    assert (message, refusal, rest) == (b"", BARE_LINE_ENDS, b"")


@pytest.mark.parametrize("number", BARE_ENDS)
def test_a_bare_end_is_seen_in_every_cut(number: int) -> None:
    stream = b"Subject: x\r\n\r\nbody" + BARE_ENDS[number] + SMUGGLED
    whole = read([stream])
    assert read([bytes([octet]) for octet in stream]) == whole
    for cut in range(1, len(stream)):
        assert read([stream[:cut], stream[cut:]]) == whole


def test_a_line_end_cut_in_two_is_a_line_end() -> None:
    assert read([b"a\r", b"\nb\r", b"\n.\r\n"])[:2] == (b"a\r\nb\r\n", None)


def test_a_single_bare_lf_far_from_any_dot_refuses_the_message() -> None:
    assert read([b"one\r\ntwo\nthree\r\n.\r\n"])[1] is BARE_LINE_ENDS


@pytest.mark.parametrize(
    ("stream", "message", "refusal"),
    [
        (b"body\r\n\x00.\r\n.\r\n", b"", NUL_OCTET),
        (b"body\r\n.\x00\r\n.\r\n", b"", NUL_OCTET),
        (b"body\r\n. \r\n.\r\n", b"body\r\n \r\n", None),
        (b"..\r\n.\r\n", b".\r\n", None),
        (b"..x\r\n.\r\n", b".x\r\n", None),
        (b".x\r\n.\r\n", b"x\r\n", None),
        (b"...\r\n....\r\n.\r\n", b"..\r\n...\r\n", None),
        (b"a.\r\n.b.\r\n.\r\n", b"a.\r\nb.\r\n", None),
        (b".\r\n", b"", None),
        (b"\r\n.\r\n", b"\r\n", None),
    ],
)
def test_dots_and_ends(stream: bytes, message: bytes, refusal: Reply | None) -> None:
    for pieces in ([stream], [bytes([octet]) for octet in stream]):
        assert read(pieces)[:2] == (message, refusal)


@pytest.mark.parametrize("length", [998, 999, 1000, 1001, MAX_LINE - 2])
def test_a_line_up_to_the_limit_keeps_its_octets(length: int) -> None:
    line = b"x" * length + b"\r\n"
    assert read([line + b".\r\n"])[:2] == (line, None)
    assert read([line[:700], line[700:] + b"y\r\n" + line, line + b".\r\n"])[:2] == (
        line + b"y\r\n" + line * 2,
        None,
    )


@pytest.mark.parametrize("before", [b"", b"short\r\n", b"x" * 5000 + b"\r\n", b"x\r\n" * 9000])
@pytest.mark.parametrize("step", [1, 7, 4096, 8191, 8192, 8193, 100_000])
def test_a_line_over_the_limit_refuses_the_message_in_every_cut(before: bytes, step: int) -> None:
    stream = before + b"y" * (MAX_LINE - 1) + b"\r\n.\r\n"
    pieces = [stream[start : start + step] for start in range(0, len(stream), step)]
    assert read(pieces)[1] is LINE_TOO_LONG
    good = before + b"y" * (MAX_LINE - 2) + b"\r\n.\r\n"
    pieces = [good[start : start + step] for start in range(0, len(good), step)]
    assert read(pieces)[1] is None


def test_a_leading_dot_does_not_count_to_the_line() -> None:
    stream = b"." + b"." * (MAX_LINE - 2) + b"\r\n.\r\n"
    assert read([stream])[1] is None


def test_the_size_limit_counts_the_message_and_not_its_stuffing() -> None:
    stream = b"..\r\n" * 100 + b".\r\n"
    assert read([stream], limit=300)[:2] == (b".\r\n" * 100, None)
    assert read([stream], limit=299)[1] is TOO_BIG


def test_too_big_outranks_what_else_is_wrong_and_still_waits_for_the_real_end() -> None:
    stream = b"x" * 50 + b"\r\nEHLO y\n.\nMAIL FROM:<a@x>\r\n" + b"z" * 99 + b"\r\n.\r\nQUIT\r\n"
    assert read([stream], limit=60) == (b"", TOO_BIG, read([stream], limit=60)[2], b"QUIT\r\n")


def test_a_refused_message_is_not_kept() -> None:
    content = Content(10_000_000)
    content.feed(b"begin\r\n")
    content.refuse(NO_MEMORY)
    content.feed(b"x\r\n" * 1000 + b".\r\n")
    assert (content.ended, content.refusal, content.message()) == (True, NO_MEMORY, b"")


PIECES = st.lists(
    st.one_of(
        st.sampled_from([b"\r\n", b".", b"\r", b"\n", b"\r\n.", b"\r\n.\r", b"\x00", b"a", b"..", b"\r\n.\r\n"]),
        st.binary(max_size=4),
        st.integers(MAX_LINE - 3, MAX_LINE).map(lambda size: b"L" * size),
    ),
    max_size=12,
)


@settings(max_examples=300, deadline=None)
@given(PIECES, st.lists(st.integers(0, 20_000), max_size=8), st.sampled_from([5, 60, 20_000]))
@example([b"\r\n.\r\n", b"a"], [3], 60)
@example([b".", b"\r\n"], [1], 60)
def test_any_cutting_gives_the_result_of_the_reference(octets: list[bytes], cuts: list[int], limit: int) -> None:
    stream = b"".join(octets) + b"\r\n.\r\n"
    edges = sorted({0, len(stream), *(cut % (len(stream) + 1) for cut in cuts)})
    expected = reference(stream, limit)
    assert same(read([stream[a:b] for a, b in pairwise(edges)], limit), expected)
    if len(stream) < 200:
        assert same(read([bytes([octet]) for octet in stream], limit), expected)


@pytest.mark.parametrize("unit", [b"\r\n", b"a\r\n", b"..\r\n", b"x" * 998 + b"\r\n"])
def test_memory_stays_near_the_size_of_the_message(unit: bytes) -> None:
    size = 8_388_608
    chunk = unit * (65_536 // len(unit))
    tracemalloc.start()
    content = Content(size * 2)
    for _ in range(size // len(chunk)):
        content.feed(chunk)
    content.feed(b".\r\n")
    message = content.message()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert content.ended
    assert peak < 3 * len(message)


def test_a_line_without_end_is_not_kept() -> None:
    tracemalloc.start()
    content = Content(26_214_400)
    for _ in range(1000):
        content.feed(b"A" * 65_536)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000
    content.feed(b"\r\n.\r\n")
    assert content.refusal is TOO_BIG
