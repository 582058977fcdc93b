"""A host that is an alias of a vendor's name is the vendor's; hosts that may tell on a reader are not asked for."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from smtp_gate.config.catalogue import load_catalogue
from smtp_gate.model import Finding, Kind, Purpose, Scan
from smtp_gate.scan.aliases import hosts_to_ask, told_by_aliases
from smtp_gate.scan.message import scan
from smtp_gate.trackers import Catalogue

OWN = "https://gate.example"
CATALOGUE = load_catalogue(None, {}, OWN)
CHAINS = {"go.acme.example": ("acme.links.example", "custom.lemlist.com"), "ai.acme.example": ("acme.outrch.com",)}


def read(html: str, catalogue: Catalogue = CATALOGUE, fields: str = "") -> Scan:
    return scan(f"{fields}Content-Type: text/html\n\n{html}".encode(), catalogue, own=OWN)


def told(html: str, fields: str = "") -> list[Finding]:
    return list(told_by_aliases(read(html, fields=fields), CATALOGUE, CHAINS).findings)


def test_hosts_nobody_spoke_about_are_asked_for_each_once() -> None:
    found = read(
        '<a href="https://go.acme.example/1">a</a><a href="HTTP://GO.acme.example:80/2">b</a>'
        '<img src="//img.acme.example/logo.png"><a href="https://track.lemlist.com/x">c</a>'
        '<a href="https://gate.example/w/t">d</a><a href="mailto:a@acme.example">e</a>'
        '<a href="https://a1b2c3d4.acme.example/">f</a><a href="https://192.0.2.1/">g</a>'
        '<img src="https://ci3.googleusercontent.com/meips/Ab12=s0-d#https://pics.acme.example/a.png">'
    )
    assert hosts_to_ask(found) == ["go.acme.example", "img.acme.example", "pics.acme.example"]


def test_a_link_there_is_the_vendors() -> None:
    [link] = told('<a href="https://go.acme.example/Q7x">our offer</a>')
    assert (link.kind, link.vendor, link.target) == (Kind.LINK, "lemlist", None)
    assert (link.purposes, link.evidence) == (Purpose.CLICKS, ("cname",))
    assert (
        "lemlist" in told_by_aliases(read('<a href="https://go.acme.example/Q7x">x</a>'), CATALOGUE, CHAINS).tools
    )


@pytest.mark.parametrize(
    "html",
    [
        '<img src="https://go.acme.example/Q7x" alt="">',
        '<img src="https://go.acme.example/Q7x" width="300" height="200">',
        '<td background="https://go.acme.example/Q7x">x</td>',
        '<img src="https://ci3.googleusercontent.com/meips/Ab12=s0-d#https://go.acme.example/Q7x" alt="">',
    ],
)
def test_what_is_loaded_from_there_is_its_pixel(html: str) -> None:
    [pixel] = told(html)
    shown = Kind.PICTURE if "300" in html else Kind.PIXEL
    assert (pixel.kind, pixel.vendor, pixel.evidence) == (shown, "lemlist", ("cname",))


def test_a_path_that_only_the_vendors_host_gives_a_meaning_leads_to_its_target() -> None:
    token = "PMRGSZBCHIQDOLBAEJ2XE3BCHIQCE2DUORYHGORPF5ZWQ33QFZSXQYLNOBWGKL3BOV2HK3LOEJ6Q"
    [link] = told(f'<a href="https://ai.acme.example/api/mailings/click/{token}">x</a>')
    assert link.target == "https://shop.example/autumn"


@pytest.mark.parametrize(
    "html",
    [
        '<img src="https://go.acme.example/banner.png" width="600" height="200">',
        '<a href="https://go.acme.example/">home</a>',
        '<a href="https://www.acme.example/Q7x">elsewhere</a>',
        '<link rel="stylesheet" href="https://go.acme.example/styles.css">',
    ],
)
def test_content_there_and_other_hosts_stay(html: str) -> None:
    assert told(html) == []


def test_links_there_that_must_work_stay() -> None:
    [words] = told('<a href="https://go.acme.example/Q7x">unsubscribe</a>')
    [path] = told('<a href="https://go.acme.example/reset-password/7">x</a>')
    [field] = told(
        '<a href="https://go.acme.example/Q8x">bye</a>', "List-Unsubscribe: <https://go.acme.example/Q8x>\n"
    )
    assert [one.kind for one in (words, path, field)] == [Kind.FUNCTIONAL] * 3


def test_without_a_host_that_leads_to_a_vendor_the_scan_is_the_same() -> None:
    found = read('<a href="https://go.acme.example/Q7x">x</a>')
    assert told_by_aliases(found, CATALOGUE, {}) is found
    assert told_by_aliases(found, CATALOGUE, {"go.acme.example": ("www.host.example", "lemlist.com")}) is found


@pytest.mark.parametrize(
    ("name", "vendor"),
    [
        ("custom.lemlist.com", "lemlist"),
        ("Custom.Lemlist.COM.", "lemlist"),
        ("eu.custom.lemlist.com", "lemlist"),
        ("notcustom.lemlist.com", ""),
        ("quiet-river.aploconnects.com", "apollo"),
        ("prox.itrackly.com", "instantly"),
        ("r.eu-west-1.awstrack.me", "amazon_ses"),
        ("mkto-ab010203.com", "marketo"),
        ("aploconnects.com.evil.example", ""),
        ("", ""),
    ],
)
def test_the_name_decides_whose_a_host_is(name: str, vendor: str) -> None:
    assert CATALOGUE.owner(name) == vendor


def test_a_vendors_file_may_name_a_form_of_names() -> None:
    vendor = replace(CATALOGUE.vendors[0], cname_targets=(), cname_pattern=re.compile(r"^pb-\w+\.example$"))
    catalogue = Catalogue((vendor,))
    assert catalogue.owner("PB-x7.example") == vendor.id
    assert catalogue.owner("www.pb-x7.example") == ""
