"""Names of hosts that are asked for in DNS, and those that could name a reader."""

from __future__ import annotations

import pytest

from smtp_gate.trackers.host import is_personal, may_be_asked


@pytest.mark.parametrize(
    "host",
    [
        "go.acme.example",
        "url1234.acme.example",
        "email.mg.acme-shop.example",
        "click.eu1.acme.example",
        "s3-eu-west-1.storage.example",
        "trail.acme.co.example",
        "newsletter-anmeldungen.acme.example",
        "angstschweiss.example",
        "_tracking.acme.example",
    ],
)
def test_hosts_that_everybody_gets_are_asked_for(host: str) -> None:
    assert may_be_asked(host)


@pytest.mark.parametrize(
    "host",
    [
        "4f9a2b7c1d.acme.example",
        "550e8400-e29b-41d4-a716-446655440000.acme.example",
        "u123456.acme.example",
        "a1b2c3.acme.example",
        "kqzvxjwb.acme.example",
        "onfsgzlomfzwizlsmvzgk43foj2hs2lp.acme.example",
        "go.d2abc9f3.acme.example",
        "xn--bcher-kva.example",
        "bücher.example",
        "localhost",
        "192.0.2.7",
        "[2001:db8::1]",
        "",
    ],
)
def test_hosts_that_may_be_one_readers_and_what_is_no_name_are_not(host: str) -> None:
    assert not may_be_asked(host)


@pytest.mark.parametrize(("label", "personal"), [("abe" * 8, False), ("abe" * 8 + "a", True)])
def test_a_label_without_end_is_an_identifier(label: str, *, personal: bool) -> None:
    assert is_personal(label) is personal


@pytest.mark.parametrize(("label", "personal"), [("url12345", False), ("url123456", True)])
def test_many_digits_are_an_identifier(label: str, *, personal: bool) -> None:
    assert is_personal(label) is personal
