"""What a security service put round a link is looked through; alone it is nobody's tracker."""

from __future__ import annotations

import base64
from urllib.parse import quote

import pytest

from smtp_gate.config.catalogue import load_catalogue
from smtp_gate.limits import MAX_UNWRAP_DEPTH, MAX_URL
from smtp_gate.model import Kind, Purpose

CATALOGUE = load_catalogue(None, {}, "https://preferences.acme.example")
NOBODY: frozenset[str] = frozenset()
SHOP = "https://shop.example/a?x=1&y=2"


def once(text: str) -> str:
    return quote(text, safe="")


def b64(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def safelinks(url: str) -> str:
    return f"https://eur01.safelinks.protection.outlook.com/?url={once(url)}&data=05%7C02&reserved=0"


def defense(url: str) -> str:
    """The second form, which has no letter for what it cannot write."""
    return (
        "https://urldefense.proofpoint.com/v2/url?u="
        + once(url).replace("-", "-2D").replace("_", "-5F").replace("%2F", "_").replace("%", "-")
        + "&d=DwICAg&c=a"
    )


def mctx(target: str) -> str:
    return f"https://us1.mailchimp.com/mctx/clicks?url={once(target)}&xid=1"


WRAPPED = [
    safelinks(mctx(SHOP)),
    defense(mctx(SHOP)),
    f"https://urldefense.com/v2/url?d=a&u={defense(mctx(SHOP)).partition('?u=')[2]}",
    f"https://urldefense.com/v3/__{mctx(SHOP)}__;!!abc!def$",
    f"https://clicktime.symantec.com/3abc?h=x&u={once(mctx(SHOP))}",
    f"https://imsva-ctp.trendmicro.com:443/wis/clicktime/v1/query?url={once(mctx(SHOP))}&umid=1",
    f"https://linkprotect.cudasvc.com/url?a={once(mctx(SHOP))}&c=E,1,x",
    f"https://secure-web.cisco.com/1abc/{once(mctx(SHOP))}",
    f"https://eu.protection.sophos.com/?d=mailchimp.com&u={b64(mctx(SHOP))}&i=1",
    f"https://protect2.fireeye.com/v1/url?k=1&u={once(mctx(SHOP))}",
    f"https://deref-gmx.net/mail/client/abc/dereferrer/?redirectUrl={once(mctx(SHOP))}",
    f"https://www.google.com/url?q={once(mctx(SHOP))}&sa=D",
    f"https://www.bing.com/ck/a?!&&p=1&u=a1{b64(mctx(SHOP))}&ntb=1",
    safelinks(defense(mctx(SHOP))),
]


@pytest.mark.parametrize("url", WRAPPED)
def test_a_tracker_inside_counts(url: str) -> None:
    judged = CATALOGUE.link(url, str, NOBODY)
    assert judged is not None
    assert (judged.kind, judged.vendor, judged.target) == (Kind.LINK, "mailchimp", SHOP)
    assert (judged.purposes, judged.evidence) == (Purpose.CLICKS, ("catalogue", "gateway"))
    assert CATALOGUE.target(url) == SHOP


@pytest.mark.parametrize("url", [safelinks(SHOP), defense(SHOP), safelinks(defense(SHOP))])
def test_a_plain_link_inside_stays_with_what_is_round_it(url: str) -> None:
    assert CATALOGUE.link(url, str, NOBODY) is None


def test_a_persons_name_inside_is_cleaned_away() -> None:
    judged = CATALOGUE.link(safelinks("https://shop.example/?mc_eid=7&x=1"), str, NOBODY)
    assert judged is not None
    assert (judged.kind, judged.target) == (Kind.PERSONAL, "https://shop.example/?x=1")
    assert judged.evidence == ("parameters", "gateway")


def test_what_must_work_inside_stays_as_it_is() -> None:
    for url, protected in ((safelinks(mctx(SHOP)), NOBODY), (safelinks(mctx(SHOP)), frozenset([mctx(SHOP)]))):
        judged = CATALOGUE.link(url, lambda: "unsubscribe", protected)
        assert judged is not None
        assert judged.kind is Kind.FUNCTIONAL
    outer = CATALOGUE.link(WRAPPED[0], str, frozenset([WRAPPED[0]]))
    assert outer is not None
    assert (outer.kind, outer.evidence) == (Kind.FUNCTIONAL, ("catalogue", "gateway", "protected"))


def test_an_address_of_the_gate_inside_is_not_taken_for_one() -> None:
    assert CATALOGUE.link(safelinks("https://preferences.acme.example/w/abc"), str, NOBODY) is None


def test_a_tracker_round_a_gateway_leads_through_it() -> None:
    assert CATALOGUE.target(mctx(safelinks(SHOP))) == SHOP
    assert CATALOGUE.target(mctx(safelinks(mctx(SHOP)))) == SHOP


@pytest.mark.parametrize(
    ("inside", "out"),
    [
        ("https://www.acme.example/path__;!!x!y$", "https://www.acme.example/path"),
        ("https:/www.acme.example/path__;!!x!y$", "https://www.acme.example/path"),
        (f"https://www.acme.example/*a**Bb__;{b64('#é-ü')}!!x!y$", "https://www.acme.example/#a%C3%A9-%C3%BCb"),
        (f"https://www.acme.example/*a__;{b64('#é')}!!x!y$", None),
        ("https://www.acme.example/*a__;_!!x!y$", None),
        ("https://www.acme.example/path", None),
    ],
)
def test_characters_that_were_taken_out_are_put_back(inside: str, out: str | None) -> None:
    assert CATALOGUE.target(f"https://urldefense.com/v3/__{inside}") == out


def test_gateways_are_looked_through_to_a_depth() -> None:
    url = mctx(SHOP)
    for depth in range(1, MAX_UNWRAP_DEPTH + 2):
        url = safelinks(url)
        assert len(url) < MAX_URL
        judged = CATALOGUE.link(url, str, NOBODY)
        assert (judged is not None) is (depth <= MAX_UNWRAP_DEPTH)


HEADS = (
    "https://eur01.safelinks.protection.outlook.com/?url=",
    "https://urldefense.com/v2/url?u=",
    "https://urldefense.com/v3/__",
    "https://www.google.com/url?",
    "https://www.bing.com/ck/a?",
    "https://us1.mailchimp.com/mctx/clicks?",
    "https://click.acme.example/c/eyJ",
    "https://click.acme.example/?url=",
)
FILLERS = (
    *("http://", "https:/", "/http:/a", "%25", "aHR0c", "eyJ", "eyJ.", "68747470", "NB2HI4", "&url=http://a/"),
    *("&amp;", "&amp;url=http://a/", "click/", "**", "*", "__;", "-3A", "_", "/https%3A%2F%2Fa%2F", '{"a":', "A7"),
    "/eyJ1cmwiOiJodHRwOi8vYS8ifQ",
)


@pytest.mark.parametrize("head", HEADS)
def test_hostile_addresses_are_read_to_their_end(head: str) -> None:
    """An expression that backtracks without bound never gets there."""
    for filler in FILLERS:
        for tail in ("", "!", "http://a.example/"):
            CATALOGUE.link((head + filler * MAX_URL)[: MAX_URL - len(tail)] + tail, str, NOBODY)


def test_what_was_cut_is_not_read() -> None:
    assert CATALOGUE.link(safelinks(mctx(SHOP + "a" * MAX_URL)), str, NOBODY) is None


def test_other_pages_of_the_same_hosts_are_plain() -> None:
    for url in ("https://www.google.com/search?q=https://shop.example/", "https://www.bing.com/?u=a1b"):
        assert CATALOGUE.link(url, str, NOBODY) is None
