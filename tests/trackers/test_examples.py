"""The examples of every vendor file, asked of the whole catalogue: no vendor takes another's address."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from smtp_gate.config.catalogue import load_catalogue
from smtp_gate.limits import MAX_URL
from smtp_gate.model import Kind, Look, Purpose
from smtp_gate.trackers.index import Index

if TYPE_CHECKING:
    from smtp_gate.trackers.vendor import Pattern, Vendor

CATALOGUE = load_catalogue(None, {}, "")
TINY = Look(1, 1, (), None, responsive=False)


def examples(shelf: str) -> list[tuple[str, str, Purpose]]:
    return [
        (vendor.id, example, pattern.purposes)
        for vendor in CATALOGUE.vendors
        for pattern in getattr(vendor, shelf)
        for example in pattern.examples
    ]


@pytest.mark.parametrize(("vendor", "url", "purposes"), examples("pixels"))
def test_a_pixel_is_known_in_every_carrier(vendor: str, url: str, purposes: Purpose) -> None:
    for judged in (CATALOGUE.image(url, Look(None, None, (), "x", responsive=False)), CATALOGUE.load(url)):
        assert judged is not None
        assert (judged.kind, judged.vendor, judged.purposes) == (Kind.PIXEL, vendor, purposes)


@pytest.mark.parametrize(("vendor", "url", "purposes"), examples("links"))
def test_a_link_is_known_and_loaded_it_is_a_pixel(vendor: str, url: str, purposes: Purpose) -> None:
    clicked = CATALOGUE.link(url, str, frozenset())
    assert clicked is not None
    assert (clicked.kind, clicked.vendor, clicked.purposes) == (Kind.LINK, vendor, purposes)
    loaded = CATALOGUE.load(url)
    assert loaded is not None
    assert (loaded.kind, loaded.vendor) == (Kind.PIXEL, vendor)


@pytest.mark.parametrize(("vendor", "url", "purposes"), examples("functional"))
def test_an_opt_out_is_never_a_tracker(vendor: str, url: str, purposes: Purpose) -> None:
    judged = CATALOGUE.link(url, str, frozenset())
    assert judged is not None
    assert (judged.kind, judged.vendor) == (Kind.FUNCTIONAL, vendor)
    assert not purposes


@pytest.mark.parametrize(("vendor", "url", "purposes"), examples("content"))
def test_content_is_never_a_pixel_however_small(vendor: str, url: str, purposes: Purpose) -> None:
    assert CATALOGUE.image(url, TINY) is None, vendor
    assert CATALOGUE.load(url) is None
    assert not purposes


@pytest.mark.parametrize(
    ("url", "target"),
    [
        pair
        for vendor in CATALOGUE.vendors
        for link in vendor.links
        for decoder in link.targets
        for pair in decoder.examples
    ],
)
def test_a_readable_target_is_read(url: str, target: str) -> None:
    assert CATALOGUE.target(url) == target


def test_all_eight_families_are_there() -> None:
    assert {vendor.id for vendor in CATALOGUE.vendors} >= {
        *("hubspot", "salesforce_marketing_cloud", "pardot", "salesforce_core", "lemlist", "apollo", "outreach"),
        *("brevo", "mailchimp", "mandrill", "activecampaign"),
    }


def patterns(vendor: Vendor) -> tuple[Pattern, ...]:
    return (*vendor.pixels, *vendor.links, *vendor.functional, *vendor.content)


LONG = 32_000
"""Characters: fifteen times what is ever asked."""


def hostile(pattern: Pattern) -> list[str]:
    """Long strings that begin as the pattern likes it and never end as it wants."""
    heads = [""]
    for example in pattern.examples:
        rest = "/" + example.split("/", 3)[-1]
        heads += [rest[:cut] for cut in range(0, len(rest), max(1, len(rest) // 6))]
        heads.append(rest)
    fillers = [
        "/",
        "a",
        "0",
        "A7",
        "-",
        "&",
        "sh/",
        "?",
        "=",
        "amp;",
        "/servlet/servlet.ImageServer?",
        "%2B",
        "&a=",
        " ",
    ]
    return [(head + filler * LONG)[:LONG] + "!" for head in heads for filler in fillers]


@pytest.mark.parametrize("vendor", CATALOGUE.vendors, ids=lambda vendor: vendor.id)
def test_no_pattern_is_slow_on_hostile_addresses(vendor: Vendor) -> None:
    """No clock is read: a quadratic expression takes seconds for each text, and the timeout ends it."""
    for pattern in patterns(vendor):
        for text in hostile(pattern):
            assert len(text) > 10 * MAX_URL
            if pattern.path is not None:
                pattern.path.match(text)
            if pattern.host_pattern is not None:
                pattern.host_pattern.search(text[:253])


RIDERS = {
    "beehiiv": {"sendgrid"},
    "blueshift": {"sendgrid"},
    "braze": {"sendgrid"},
    "convertkit": {"sendy"},
    "customerio": {"sendy"},
    "elaine": {"mapp"},
    "govdelivery": {"amazon_ses"},
    "kannon": {"drip"},
    "klaviyo": {"sendgrid"},
    "mailersend": {"mailerlite"},
    "mailspring": {"nylas"},
    "mautic": {"sendy"},
    "rdstation": {"sendgrid"},
    "seguno": {"sendgrid"},
    "substack": {"mailgun"},
    "zendesk": {"qualtrics"},
}
"""Vendors whose addresses another vendor's patterns match too: they send through it, or copied its form. Their own
patterns are the more specific ones and win. A vendor belongs here only for such a reason; else one of the two
patterns is too wide."""


def test_no_other_vendor_matches_what_is_not_its_own() -> None:
    index = Index(CATALOGUE.vendors, {})
    claims: dict[str, set[str]] = {}
    for vendor in CATALOGUE.vendors:
        for pattern in patterns(vendor):
            for url in pattern.examples:
                place = index.place(url)
                assert place is not None
                rules, rest = place
                for rule in (*rules.pixels, *rules.links, *rules.functional, *rules.content):
                    if rule.vendor != vendor.id and (rule.path is None or rule.path.match(rest)):
                        claims.setdefault(vendor.id, set()).add(rule.vendor)
    assert claims == RIDERS
