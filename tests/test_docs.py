"""Documents that would lie when the code moves on: compared with it, both ways."""

from __future__ import annotations

import re
from pathlib import Path

from smtp_gate import limits, replies
from smtp_gate.replies import Reply

ROOT = Path(__file__).parent.parent
FAILURES = (ROOT / "docs/failure.md").read_text(encoding="utf-8")
TABLE = {name: value for name, value in vars(replies).items() if isinstance(value, Reply)}


def test_every_reply_has_a_declared_occasion_and_no_other_is_promised() -> None:
    promised = set(re.findall(r"`([A-Z][A-Z0-9_]+)`", FAILURES))
    assert promised == set(TABLE)


def test_a_code_beside_a_reply_is_the_one_it_has() -> None:
    shown = re.findall(r"`([A-Z][A-Z0-9_]+)` (\d{3})\b", FAILURES)
    assert shown
    assert [(name, code) for name, code in shown if TABLE[name].code != int(code)] == []


def test_each_promise_names_a_test_that_is_there() -> None:
    named = re.findall(r"`(tests/[\w/.]+)`", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(named) >= 12
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_pages_that_the_readme_points_to_are_there() -> None:
    linked = re.findall(r"\]\((docs/[\w.-]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert len(linked) >= 6
    assert [path for path in linked if not (ROOT / path).exists()] == []


def test_our_own_trouble_is_never_permanent() -> None:
    ours = {name for name in TABLE if name.startswith(("OWN_", "NEXT_HOP_", "CONSENT_", "OUT_OF_", "NO_MEMORY"))}
    assert len(ours) >= 8
    assert all(TABLE[name].temporary for name in ours)


def test_no_reply_says_a_number_that_is_not_its_class() -> None:
    wrong = [name for name, reply in TABLE.items() if reply.status and reply.status[0] != str(reply.code)[0]]
    assert wrong == []


def test_every_limit_stands_in_the_documentation_with_its_number() -> None:
    text = (ROOT / "docs/limits.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| ([\d._]+) \|", text, re.MULTILINE))
    numbers = {name: value for name, value in vars(limits).items() if name.isupper()}
    assert {name: float(value) for name, value in rows.items()} == {
        name: float(value) for name, value in numbers.items()
    }
