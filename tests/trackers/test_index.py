"""An index answers the same for a host that it remembers as for one that it sees for the first time."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from hypothesis import example, given, settings
from hypothesis import strategies as st

from smtp_gate.model import Purpose
from smtp_gate.trackers import index
from smtp_gate.trackers.index import NO_RULES, Index
from smtp_gate.trackers.vendor import Confidence, Fact, Pattern, Vendor

if TYPE_CHECKING:
    import pytest

FACT = Fact(Confidence.LIST, "made up", "2026-11-24")


def pattern(host: str, path: str, mark: str) -> Pattern:
    """A click on a host, or on any host whose path has the mark."""
    return Pattern(
        name="click",
        hosts=(host,) if host else (),
        host_pattern=None,
        path=re.compile(path),
        anywhere=bool(mark),
        marks=frozenset([mark] if mark else ()),
        purposes=Purpose.CLICKS,
        fact=FACT,
        examples=(),
    )


VENDOR = Vendor(
    "acme",
    "Acme",
    links=(
        pattern("acme.example", "/c/", ""),
        pattern("", ".*/go/", "go"),
    ),
)
PIECES = (
    *("http://", "https://", "HTTPS:", "//", "/", "acme.example", "go.acme.example", "other.example", "localhost"),
    *("/c/1", "/go/", "?", "#", "\\", "@", ":80", "%41", " ", "\t", "\n", "\x00", ".", "é", "\ud800", "A"),
)


@settings(max_examples=300)
@given(st.lists(st.sampled_from(PIECES), max_size=7).map("".join))
@example("https://acme.example/c/\\go/")
@example("https://acme.example/ \t")
@example("https://acme.example")
@example("https://acme.example#/go/")
@example("https://acme.example?/go/")
@example("https://acme.example/a#/go/")
@example("https://acme.example:80/go/")
@example("https://%61cme.example/c/1")
def test_a_remembered_host_changes_no_answer(url: str) -> None:
    fresh, used = Index([VENDOR], {}), Index([VENDOR], {})
    for host in ("acme.example", "go.acme.example", "other.example", "localhost", "%2561cme.example"):
        used.place(f"https://{host}/")
    assert used.place(url) == fresh.place(url)


def test_a_host_without_rules_and_marks_has_no_rules() -> None:
    place = Index([VENDOR], {}).place("https://other.example/c/1?go")
    assert place is not None
    assert place[0] is NO_RULES
    assert place[1] == "/c/1?go"


def test_a_rule_that_stands_under_host_and_segment_is_asked_once() -> None:
    both = Vendor("acme", "Acme", links=(pattern("acme.example", "/go/", "go"),))
    place = Index([both], {}).place("https://acme.example/go/1")
    assert place is not None
    assert len(place[0].links) == 1


def test_hosts_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index, "HOSTS_REMEMBERED", 10)
    rules = Index([VENDOR], {})
    for number in range(25):
        rules.place(f"https://h{number}.example/")
        assert len(rules._hosts) <= 10
    assert rules.place("https://acme.example/c/1") == Index([VENDOR], {}).place("https://acme.example/c/1")


def test_a_host_that_says_more_than_a_host_is_not_remembered() -> None:
    rules = Index([VENDOR], {})
    rules.place("https://other.example?mail=ann@example.org")
    rules.place("https://ann@other.example:443/")
    assert set(rules._hosts) == {"other.example"}
