"""A further witness is heard about the addresses that the catalogue is silent about, and about no others."""

from __future__ import annotations

import pytest

from smtp_gate.model import PIXEL_PURPOSES, Address, Judgement, Kind, Purpose, Scan
from smtp_gate.scan import witness as witness_module
from smtp_gate.scan.message import scan
from smtp_gate.scan.witness import heard
from tests.plain_catalogue import OWN, plain_catalogue

MAIL = (
    b"List-Unsubscribe: <https://acme.example/stop?7>\nContent-Type: text/html\n\n"
    b'<a href="https://link.example/1">one</a>'
    b'<a href="https://acme.example/me?7">my page</a>'
    b'<img src="https://acme.example/p/7.gif">'
    b'<a href="https://acme.example/out?7">unsubscribe</a>'
    b'<a href="https://acme.example/stop?7">bye</a>'
    b'<img src="https://pixel.example/9">'
    b'<a href="https://acme.example/news">news</a>'
)


def read(*, everything: bool = False) -> Scan:
    """The mail as the catalogue alone sees it."""
    return scan(MAIL, plain_catalogue(), own=OWN, everything=everything)


def seven(address: Address) -> Judgement | None:
    """A witness who knows that a seven stands for a person."""
    if "7" not in address.url:
        return None
    if address.load:
        return Judgement(Kind.PIXEL, "", None, PIXEL_PURPOSES, ("seven",))
    return Judgement(Kind.LINK, "postbird", None, Purpose.CLICKS, ("seven",))


def test_what_nobody_spoke_about_is_kept_in_order() -> None:
    assert [one.address.url for one in read().unjudged] == [
        "https://acme.example/me?7",
        "https://acme.example/p/7.gif",
        "https://acme.example/out?7",
        "https://acme.example/stop?7",
        "https://acme.example/news",
    ]


def test_a_silent_witness_changes_nothing() -> None:
    found = read()
    assert heard(found, lambda _: None) is found


@pytest.mark.parametrize("everything", [False, True])
def test_what_a_witness_says_stands_among_the_findings_where_the_address_stands(*, everything: bool) -> None:
    found = heard(read(everything=everything), seven)
    assert [(one.kind, one.url) for one in found.findings if one.kind is not Kind.PLAIN] == [
        (Kind.LINK, "https://link.example/1"),
        (Kind.LINK, "https://acme.example/me?7"),
        (Kind.PIXEL, "https://acme.example/p/7.gif"),
        (Kind.FUNCTIONAL, "https://acme.example/out?7"),
        (Kind.FUNCTIONAL, "https://acme.example/stop?7"),
        (Kind.PIXEL, "https://pixel.example/9"),
    ]
    assert [one.url for one in found.findings if one.kind is Kind.PLAIN] == [
        "https://acme.example/news"
    ] * everything
    assert [one.address.url for one in found.unjudged] == ["https://acme.example/news"]
    assert "postbird" in found.tools


def test_a_forwarded_message_does_not_tell_the_tool_of_the_mail_around_it() -> None:
    found = heard(scan(b"Content-Type: message/rfc822\n\n" + MAIL, plain_catalogue(), own=OWN), seven)
    assert {one.vendor for one in found.findings} >= {"postbird"}
    assert found.tools == frozenset()


def test_links_that_must_work_say_why() -> None:
    reasons = [one.evidence for one in heard(read(), seven).findings if one.kind is Kind.FUNCTIONAL]
    assert reasons == [("seven", "words"), ("seven", "protected")]


@pytest.mark.parametrize(("limit", "whole"), [(6, True), (5, False)])
def test_findings_stay_within_their_limit(monkeypatch: pytest.MonkeyPatch, limit: int, *, whole: bool) -> None:
    monkeypatch.setattr(witness_module, "MAX_FINDINGS", limit)
    found = heard(read(), seven)
    assert len(found.findings) == limit
    assert found.obstacles == (() if whole else ("findings",))
    assert len(found.unjudged) == (1 if whole else 2)
