"""A weak pattern acts only with a second witness: about the address itself, or the vendor showing in the mail."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from smtp_gate.model import NOTHING, Kind, Look, Purpose, Scan
from smtp_gate.observe.second_opinion import trackers_left
from smtp_gate.scan.message import scan
from smtp_gate.trackers import UNSURE, Catalogue
from smtp_gate.trackers.vendor import Confidence, Decoder, Fact, HeaderSign, Pattern, Vendor

FACT = Fact(Confidence.GUESS, "made up", "2026-11-24")
SURE = Pattern(
    name="any",
    hosts=("postbird.example",),
    host_pattern=None,
    path=None,
    anywhere=False,
    marks=frozenset(),
    purposes=NOTHING,
    fact=FACT,
    examples=(),
)
CLICK = replace(
    SURE,
    hosts=(),
    path=re.compile("/go/"),
    anywhere=True,
    marks=frozenset(["go"]),
    purposes=Purpose.CLICKS,
    targets=(Decoder("query:u", ("urldecode",), ()),),
    weak=True,
)
OPEN = replace(
    CLICK, path=re.compile("/seen/"), marks=frozenset(["seen"]), purposes=Purpose.PERFORMANCE, targets=()
)
POSTBIRD = Vendor(
    "postbird",
    "Postbird",
    pixels=(replace(SURE, purposes=Purpose.PERFORMANCE), OPEN),
    links=(replace(SURE, purposes=Purpose.CLICKS), CLICK),
    headers=(HeaderSign("x-postbird", None, FACT),),
    parameters=("who",),
)
OTHER = Vendor("other", "Other", links=(replace(CLICK, weak=False, path=re.compile("/go/other/")),))
CATALOGUE = Catalogue((POSTBIRD, OTHER), {"postbird": ["t.acme.example"]})
SHOWN = Look(200, 100, (), "our shop", responsive=False)
TINY = Look(1, 1, (), None, responsive=False)
NOBODY: frozenset[str] = frozenset()

WEAK_LINK = "https://acme.example/go/abc?who=7"
WEAK_PIXEL = "https://acme.example/seen/picture.png"
MAIL = f"""Content-Type: text/html

<a href="https://acme.example/">acme</a>
<a href="{WEAK_LINK}">shop</a>
<img src="{WEAK_PIXEL}" width="200" height="100" alt="our shop">
<table background="{WEAK_PIXEL}"></table>
"""


def read(mail: str, *, everything: bool = False) -> Scan:
    """The mail as the catalogue sees it."""
    return scan(mail.encode(), CATALOGUE, everything=everything)


def test_alone_a_weak_pattern_is_not_sure() -> None:
    judged = (
        CATALOGUE.link(WEAK_LINK, str, NOBODY),
        CATALOGUE.image(WEAK_PIXEL, SHOWN),
        CATALOGUE.load(WEAK_PIXEL),
    )
    for one in judged:
        assert one is not None
        assert (one.vendor, one.evidence) == ("postbird", UNSURE)


def test_without_weak_patterns_an_address_is_judged_as_if_there_were_none() -> None:
    assert CATALOGUE.image(WEAK_PIXEL, SHOWN, weak=False) is None
    assert CATALOGUE.load(WEAK_PIXEL, weak=False) is None
    link = CATALOGUE.link(WEAK_LINK, str, NOBODY, weak=False)
    assert link is not None
    assert (link.kind, link.target) == (Kind.PERSONAL, "https://acme.example/go/abc")


def test_what_looks_like_a_pixel_needs_no_other_witness() -> None:
    judged = CATALOGUE.image("https://acme.example/seen/8d0f9e3b7c6a5d4e3f2a1b0c", TINY)
    assert judged is not None
    assert (judged.vendor, judged.purposes) == ("postbird", Purpose.PERFORMANCE)
    assert judged.evidence[:2] == ("weak", "tiny")
    judged = CATALOGUE.load("https://acme.example/seen/8d0f9e3b7c6a5d4e3f2a1b0c")
    assert judged is not None
    assert (judged.vendor, judged.evidence) == ("postbird", ("weak", "load", "path", "token"))


def test_on_the_companys_own_tracking_host_its_vendor_is_believed() -> None:
    judged = CATALOGUE.link("https://t.acme.example/go/1?u=https%3A%2F%2Fshop.example%2F", str, NOBODY)
    assert judged is not None
    assert (judged.vendor, judged.target, judged.evidence) == ("postbird", "https://shop.example/", ("own_domain",))
    judged = CATALOGUE.image("https://t.acme.example/seen/1", SHOWN)
    assert judged is not None
    assert judged.evidence == ("own_domain",)


def test_a_sure_pattern_goes_before_a_weak_one() -> None:
    judged = CATALOGUE.link("https://acme.example/go/other/1", str, NOBODY)
    assert judged is not None
    assert (judged.vendor, judged.evidence) == ("other", ("catalogue",))


def test_a_target_that_only_a_weak_pattern_knows_is_where_a_link_leads() -> None:
    wrapped = "https://acme.example/go/other/1?u=https%3A%2F%2Facme.example%2Fgo%2F2"
    assert CATALOGUE.target(wrapped) == "https://acme.example/go/2"


@pytest.mark.parametrize(
    "mail",
    [
        f"X-Postbird: 1\n{MAIL}",
        f'{MAIL}<img src="https://postbird.example/1" width="1" height="1">',
        MAIL.replace("<a ", '<a href="https://postbird.example/1">one</a><a ', 1),
    ],
    ids=["header", "pixel after it", "link before it"],
)
def test_a_vendor_that_shows_in_the_mail_is_believed(mail: str) -> None:
    found = read(mail)
    weak = [(one.kind, one.url) for one in found.findings if one.evidence == ("weak", "tool")]
    assert weak == [(Kind.LINK, WEAK_LINK), (Kind.PICTURE, WEAK_PIXEL), (Kind.PIXEL, WEAK_PIXEL)]
    assert found.tools == {"postbird"}


def test_a_vendor_that_does_not_show_in_the_mail_is_not() -> None:
    found = read(MAIL)
    assert [(one.kind, one.vendor, one.evidence) for one in found.findings] == [
        (Kind.PERSONAL, "", ("parameters",)),
    ]
    assert [one.address.url for one in found.unjudged] == ["https://acme.example/", WEAK_PIXEL, WEAK_PIXEL]
    assert not found.tools


def test_where_all_addresses_are_asked_for_they_stand_in_order() -> None:
    assert [(one.kind, one.url) for one in read(MAIL, everything=True).findings] == [
        (Kind.PLAIN, "https://acme.example/"),
        (Kind.PERSONAL, WEAK_LINK),
        (Kind.PLAIN, WEAK_PIXEL),
        (Kind.PLAIN, WEAK_PIXEL),
    ]


def test_the_second_reader_believes_no_sooner() -> None:
    assert not trackers_left(MAIL.replace("?who=7", "").encode(), CATALOGUE)
    assert len(trackers_left(f"X-Postbird: 1\n{MAIL}".encode(), CATALOGUE)) == 3
