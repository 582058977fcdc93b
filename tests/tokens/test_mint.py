"""Addresses for one person open again to the finding they stand for, and are the same each time."""

from __future__ import annotations

from functools import partial

import pytest

from smtp_gate.model import Carrier, Finding, Kind, Purpose, Span
from smtp_gate.tokens import (
    AskToken,
    ConsentToken,
    Keyring,
    LinkToken,
    Mint,
    PixelToken,
    WithdrawToken,
    open_ask,
    open_consent,
    open_link,
    open_pixel,
    open_withdraw,
    subject_of,
)

RING = Keyring({1: b"a" * 64}, 1, b"s" * 64)
SUBJECT = b"0123456789abcdef"
FINDING = Finding(
    part=0,
    kind=Kind.LINK,
    carrier=Carrier.ANCHOR,
    element=Span(0, 1),
    value=Span(0, 1),
    closing=None,
    words=None,
    quote=b'"',
    url="https://t.example/c/1?x=%20",
    vendor="outreach",
    target=None,
    purposes=Purpose.CLICKS,
    evidence=(),
)


def test_each_address_opens_to_what_it_stands_for() -> None:
    mint = Mint(RING, "https://gate.example/", "acme", SUBJECT)
    again = Mint(RING, "https://gate.example", "acme", SUBJECT)
    tracked = ("acme", SUBJECT, Purpose.CLICKS, "outreach", FINDING.url)
    prefix, token = mint.pixel(FINDING).rsplit("/", 1)
    assert (prefix, open_pixel(RING, token)) == ("https://gate.example/p", PixelToken(*tracked))
    prefix, token = mint.link(FINDING).rsplit("/", 1)
    assert (prefix, open_link(RING, token)) == ("https://gate.example/l", LinkToken(*tracked))
    prefix, token = mint.ask(FINDING).rsplit("/", 1)
    assert (prefix, open_ask(RING, token)) == (
        "https://gate.example/a",
        AskToken("acme", "outreach", FINDING.url),
    )
    prefix, token = mint.withdraw().rsplit("/", 1)
    assert (prefix, open_withdraw(RING, token)) == ("https://gate.example/w", WithdrawToken("acme", SUBJECT))
    prefix, token = mint.withdraw(b"Alice@Example.com").rsplit("/", 1)
    assert open_withdraw(RING, token) == WithdrawToken("acme", SUBJECT, "a…@example.com")
    assert mint.withdraw(b"Alice@Example.com") == again.withdraw(b"alice@example.com")
    assert mint.pixel(FINDING) == again.pixel(FINDING)


def test_addresses_of_one_mail_do_not_mix_whatever_their_order() -> None:
    mint = Mint(RING, "https://gate.example", "acme", SUBJECT)
    findings = [
        FINDING._replace(url=url, vendor=vendor, purposes=purposes)
        for url in ("https://t.example/1", "https://t.example/\udce9")
        for vendor in ("outreach", "lemlist", "")
        for purposes in (Purpose.CLICKS, Purpose.CLICKS | Purpose.PROFILING)
    ]
    for finding in [*findings, *reversed(findings)]:
        tracked = ("acme", SUBJECT, finding.purposes, finding.vendor, finding.url)
        assert open_link(RING, mint.link(finding).rsplit("/", 1)[1]) == LinkToken(*tracked)
        assert open_pixel(RING, mint.pixel(finding).rsplit("/", 1)[1]) == PixelToken(*tracked)


def test_a_shared_mail_holds_ask_pages_that_are_the_same_for_everybody_and_nobodys_token() -> None:
    shared = Mint(RING, "https://gate.example", "acme", None)
    assert shared.ask(FINDING) == Mint(RING, "https://gate.example", "acme", SUBJECT).ask(FINDING)
    for make in (partial(shared.pixel, FINDING), partial(shared.link, FINDING), shared.withdraw):
        with pytest.raises(ValueError, match="nobody's token"):
            make()


def test_a_consent_link_is_the_persons_whose_address_it_holds_whoever_else_the_mail_goes_to() -> None:
    for subject in (None, SUBJECT):
        mint = Mint(RING, "https://gate.example/", "acme", subject)
        prefix, token = mint.consent(b"Alice@example.com").rsplit("/", 1)
        alice = subject_of(RING, b"alice@example.com")
        assert prefix == "https://gate.example/c"
        assert open_consent(RING, token) == ConsentToken("acme", alice, b"Alice@example.com")
