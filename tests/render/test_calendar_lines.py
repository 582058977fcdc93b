"""What is written into an invitation is folded as the standard says, and says the same once unfolded."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from smtp_gate.decision import Action, Decision, MailClass, Verdict
from smtp_gate.render.calendar_lines import MAX_LINE, folded
from smtp_gate.render.edits import Edit, apply
from smtp_gate.render.message import render
from smtp_gate.scan.message import scan
from tests.plain_catalogue import OWN, plain_catalogue
from tests.render.test_edits import MINT

TARGET = "https://shop.example/" + "a" * 80 + "?b=c,d;e"
LINK = "https://link.example/2?to=https%3A%2F%2Fshop.example%2F" + "a" * 80 + "%3Fb%3Dc%2Cd%3Be"


def unfolded(text: str) -> str:
    return re.sub(r"\r?\n[ \t]", "", text)


def calendar(lines: str, action: Action) -> str:
    """An invitation after the same action on all that is found in it."""
    found = scan(b"Content-Type: text/calendar\r\n\r\n" + lines.encode(), plain_catalogue(), own=OWN)
    verdicts = tuple(Verdict(action, "") for _ in found.findings)
    decision = Decision(MailClass.UNKNOWN, "", "", verdicts, footer=False, personal=False, refusal=None)
    return render(found, decision, MINT, None).decode().partition("\r\n\r\n")[2]


def test_addresses_are_escaped_in_a_text_and_bare_in_an_address() -> None:
    before = f"BEGIN:VEVENT\r\nURL:{LINK}\r\nDESCRIPTION:Go to {LINK}\\nor not at all\r\nEND:VEVENT\r\n"
    after = calendar(before, Action.UNWRAP)
    escaped = TARGET.replace(",", "\\,").replace(";", "\\;")
    text = f"DESCRIPTION:Go to {escaped}\\nor not at all"
    assert unfolded(after) == f"BEGIN:VEVENT\r\nURL:{TARGET}\r\n{text}\r\nEND:VEVENT\r\n"
    assert max(map(len, after.split("\r\n"))) <= MAX_LINE


def test_a_page_in_an_invitation_is_edited() -> None:
    before = (
        'X-ALT-DESC;FMTTYPE=text/html:<p>Hi\\, <a href="https://link.example/2?to=\r\n https%3A%2F%2Fa.example%2F'
        '%3Fb%3Dc%2Cd%26e">you</a><img src=https://pixel.example/1>\r\n'
    )
    after = calendar(before.replace("<img src=https://pixel.example/1>", ""), Action.UNWRAP)
    assert unfolded(after) == (
        'X-ALT-DESC;FMTTYPE=text/html:<p>Hi\\, <a href="https://a.example/?b=c\\,d&amp\\;e">you</a>\r\n'
    )
    assert calendar("X-ALT-DESC:a<img src=https://pixel.example/1>b\r\n", Action.STRIP) == "X-ALT-DESC:ab\r\n"


def test_an_address_alone_goes() -> None:
    assert calendar("IMAGE;VALUE=URI:https://pixel.example/1\r\n", Action.STRIP) == "IMAGE;VALUE=URI:\r\n"
    assert (
        calendar("IMAGE;VALUE=URI:https://pixel.example/1\r\n", Action.WRAP) == f"IMAGE;VALUE=URI:{OWN}/p/plain\r\n"
    )


lines = st.lists(st.text("ab,;:", max_size=90), max_size=5).map(lambda some: "\r\n".join(some).encode())


@given(lines, st.lists(st.tuples(st.integers(0, 400), st.integers(0, 9), st.text("xyz", max_size=200)), max_size=3))
def test_folding_changes_no_word_and_makes_no_line_too_long(
    view: bytes, wanted: list[tuple[int, int, str]]
) -> None:
    edits: list[Edit] = []
    done_to = 0
    for start, length, new in sorted(wanted):
        begin = max(done_to, min(start, len(view)))
        end = min(begin + length, len(view))
        if b"\n" in view[begin:end] or b"\r" in view[begin : end + 1] or (edits and begin == done_to):
            continue
        edits.append(Edit(begin, end, new.encode()))
        done_to = end
    plain = apply(view, edits)
    after = apply(view, folded(view, edits, b"\r\n"))
    assert after.replace(b"\r\n ", b"") == plain
    longest_before = max(map(len, view.split(b"\r\n")))
    assert max(map(len, after.split(b"\r\n"))) <= max(MAX_LINE, longest_before)
