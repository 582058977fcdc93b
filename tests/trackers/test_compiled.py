"""What the catalogue says of an address, in the order it asks."""

from __future__ import annotations

import base64
import json
import timeit
from urllib.parse import quote, urlsplit

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from smtp_gate.config.catalogue import load_catalogue
from smtp_gate.limits import MAX_UNWRAP_DEPTH, MAX_URL
from smtp_gate.model import NOTHING, Kind, Look, Purpose
from smtp_gate.trackers import Catalogue

OWN = "https://preferences.acme.example/mail"
CATALOGUE = load_catalogue(None, {"lemlist": ["Go.acme.example."], "brevo": ["r.acme.example"]}, OWN)
BARE = Look(None, None, (), None, responsive=False)
OPAQUE = "https://info.acme.example/e3t/Ctc/QX+113/c9XyZ04/VWdemo1clickW8demo2clickW4demo"
NOBODY: frozenset[str] = frozenset()


def never() -> str:
    raise AssertionError("the words of a plain link are not asked for")


def mctx(target: str) -> str:
    return f"https://us1.mailchimp.com/mctx/clicks?url={quote(target, safe='')}&xid=1"


def mandrill(target: str) -> str:
    inner = json.dumps({"url": target})
    token = base64.urlsafe_b64encode(json.dumps({"s": "x", "p": inner}, separators=(",", ":")).encode()).decode()
    return f"https://mandrillapp.com/track/click/40000001/shop.example?p={token.rstrip('=')}"


# --- links ------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "url",
    [
        "https://www.acme.example/a?utm_source=x",
        "mailto:ann@acme.example",
        "#top",
        "",
        "https://www.acme.example/reset-password?t=1",
    ],
)
def test_a_plain_link_is_nothing_and_its_words_are_not_asked_for(url: str) -> None:
    assert CATALOGUE.link(url, never, frozenset([url])) is None


@pytest.mark.parametrize("url", [OWN, OWN + "/l/abc", OWN + "?x", OWN + "#top"])
def test_an_address_of_the_gate_is_its_own(url: str) -> None:
    for judged in (CATALOGUE.link(url, never, NOBODY), CATALOGUE.image(url, BARE), CATALOGUE.load(url)):
        assert judged is not None
        assert judged.kind is Kind.OWN


def test_a_neighbour_of_the_gate_is_not_its_own() -> None:
    assert CATALOGUE.link(OWN + "box/l/abc", never, NOBODY) is None
    assert CATALOGUE.link(OWN.replace("/mail", ":8443/mail/l/abc"), never, NOBODY) is None
    assert CATALOGUE.link("https://preferences.acme.example.evil.example/mail/l/abc", never, NOBODY) is None


def test_an_opaque_link_has_no_target() -> None:
    judged = CATALOGUE.link(OPAQUE, str, NOBODY)
    assert judged is not None
    assert (judged.kind, judged.vendor, judged.target) == (Kind.LINK, "hubspot", None)
    assert (judged.purposes, judged.evidence) == (Purpose.CLICKS, ("catalogue",))


def test_a_readable_link_has_its_target() -> None:
    judged = CATALOGUE.link(mandrill("https://shop.example/?a=1&mc_eid=7&b=2"), str, NOBODY)
    assert judged is not None
    assert (judged.kind, judged.target) == (Kind.LINK, "https://shop.example/?a=1&b=2")


def test_a_tracked_link_that_must_work_is_left_alone() -> None:
    by_words = CATALOGUE.link(OPAQUE, lambda: "unsubscribe", NOBODY)
    by_header = CATALOGUE.link(OPAQUE, never, frozenset([OPAQUE]))
    assert by_words is not None
    assert by_header is not None
    assert (by_words.kind, by_words.vendor, by_words.evidence) == (
        Kind.FUNCTIONAL,
        "hubspot",
        ("catalogue", "words"),
    )
    assert (by_header.kind, by_header.evidence, by_header.purposes) == (
        Kind.FUNCTIONAL,
        ("catalogue", "protected"),
        NOTHING,
    )


def test_a_personal_link_carries_the_address_without_the_person() -> None:
    judged = CATALOGUE.link("https://shop.example/a?x=1&mc_eid=7#top", lambda: "shop now", NOBODY)
    assert judged is not None
    assert (judged.kind, judged.vendor, judged.target) == (Kind.PERSONAL, "", "https://shop.example/a?x=1#top")
    assert judged.purposes == Purpose.CLICKS


@pytest.mark.parametrize(
    ("url", "words"),
    [("https://shop.example/unsubscribe?mc_eid=7", "here"), ("https://shop.example/a?mc_eid=7", "se désabonner")],
)
def test_a_personal_link_that_must_work_is_left_alone(url: str, words: str) -> None:
    judged = CATALOGUE.link(url, lambda: words, NOBODY)
    assert judged is not None
    assert (judged.kind, judged.target) == (Kind.FUNCTIONAL, None)


def test_a_link_that_is_too_long_is_judged_by_its_beginning_and_opaque() -> None:
    long = mctx("https://shop.example/?" + "a" * MAX_URL)
    judged = CATALOGUE.link(long, str, NOBODY)
    assert judged is not None
    assert (judged.kind, judged.target, judged.evidence) == (Kind.LINK, None, ("catalogue", "long"))
    assert CATALOGUE.target(long) is None
    assert CATALOGUE.link("https://shop.example/?" + "a" * MAX_URL, never, NOBODY) is None


# --- targets ----------------------------------------------------------------------------------------------------
def test_wraps_inside_wraps_are_decoded_to_the_limit() -> None:
    url = "https://shop.example/a"
    for depth in range(1, MAX_UNWRAP_DEPTH + 2):
        url = mctx(url)
        if len(url) > MAX_URL:
            pytest.fail("the example is longer than any address may be")
        assert CATALOGUE.target(url) == ("https://shop.example/a" if depth <= MAX_UNWRAP_DEPTH else None)


def test_what_is_unwrapped_is_never_a_tracker() -> None:
    assert CATALOGUE.target(mctx(OPAQUE)) is None
    assert CATALOGUE.target(mctx("https://go.acme.example/abc")) is None
    assert CATALOGUE.target(mctx(mandrill("https://shop.example/a"))) == "https://shop.example/a"


def test_an_opt_out_inside_a_wrap_comes_out_whole() -> None:
    confirm = "https://shop.example/confirm?email=ann@acme.example&t=1"
    assert CATALOGUE.target(mctx(confirm)) == confirm
    leave = "https://acme.us1.list-manage.com/unsubscribe?u=1&id=2&e=3"
    assert CATALOGUE.target(mctx(leave)) == leave


@pytest.mark.parametrize(
    "inner", ["javascript:alert(1)", "/relative", "", "https://user@shop.example/", "https://a\\b/"]
)
def test_a_target_that_is_no_proper_address_is_none(inner: str) -> None:
    assert CATALOGUE.target(mctx(inner)) is None


def test_a_scheme_that_is_missing_is_mended() -> None:
    assert CATALOGUE.target(mctx("//shop.example/a")) == "https://shop.example/a"


@pytest.mark.parametrize("url", ["https://shop.example/", "https://shop.example/?mc_eid=1", OPAQUE, "", "cid:x"])
def test_no_tracker_or_an_opaque_one_has_no_target(url: str) -> None:
    assert CATALOGUE.target(url) is None


HOSTS = ["us1.mailchimp.com", "mandrillapp.com", "a.acemlnd.com", "a.outrch.com", "go.acme.example", "shop.example"]
PATHS = [
    "/mctx/clicks?url=",
    "/track/click/1/a?p=eyJ",
    "/Prod/link-tracker?redirectUrl=",
    "/api/mailings/click/",
    "/?mc_eid=",
    "/",
]
TAILS = (
    st.text(max_size=80)
    | st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode())
    | st.text(max_size=60).map(lambda text: quote(text, safe="", errors="replace"))
)
URLS = st.builds("https://{}{}{}".format, st.sampled_from(HOSTS), st.sampled_from(PATHS), TAILS) | st.text(
    max_size=80
)


@given(URLS, st.sampled_from(["", "unsubscribe", "shop now"]))
@example("https://us1.mailchimp.com/mctx/clicks?url=https%3A%2F%2F%5B%5D", "")
@settings(max_examples=400)
def test_any_address_gets_an_answer_and_a_target_is_a_web_address(url: str, words: str) -> None:
    for depth in range(2):
        address = mctx(url) if depth else url
        target = CATALOGUE.target(address)
        if target is not None:
            assert urlsplit(target).scheme.lower() in ("http", "https")
            assert urlsplit(target).hostname
            judged = CATALOGUE.link(target, str, NOBODY)
            assert judged is None or judged.kind in (Kind.FUNCTIONAL, Kind.OWN)
        judged = CATALOGUE.link(address, lambda: words, NOBODY)
        assert judged is None or judged.kind is not Kind.LINK or judged.target == target
        CATALOGUE.image(address, BARE)
        CATALOGUE.load(address)


# --- the company's own tracking hosts ---------------------------------------------------------------------------
@pytest.mark.parametrize("url", ["https://go.acme.example/abc", "HTTP://GO.ACME.EXAMPLE/abc/def?x=1"])
def test_every_link_on_an_own_tracking_host_is_that_vendors(url: str) -> None:
    judged = CATALOGUE.link(url, lambda: "our offer", NOBODY)
    assert judged is not None
    assert (judged.kind, judged.vendor, judged.evidence) == (Kind.LINK, "lemlist", ("own_domain",))


@pytest.mark.parametrize("url", ["https://go.acme.example/unsubscribe/abc", "https://go.acme.example/confirm?t=1"])
def test_an_opt_out_on_an_own_tracking_host_is_left_alone(url: str) -> None:
    judged = CATALOGUE.link(url, lambda: "here", NOBODY)
    assert judged is not None
    assert (judged.kind, judged.vendor) == (Kind.FUNCTIONAL, "lemlist")


@pytest.mark.parametrize(
    "url", ["https://go.acme.example/", "https://www.go.acme.example/abc", "https://acme.example/abc"]
)
def test_other_hosts_and_an_empty_path_are_not_meant(url: str) -> None:
    assert CATALOGUE.link(url, never, NOBODY) is None


@pytest.mark.parametrize(
    ("url", "look"),
    [
        ("https://go.acme.example/abc", BARE),
        ("https://go.acme.example/open.gif", BARE),
        ("https://go.acme.example/logo.png", Look(1, 1, (), None, responsive=False)),
        ("https://r.acme.example/whatever", BARE),
    ],
)
def test_an_image_on_an_own_tracking_host_is_a_pixel(url: str, look: Look) -> None:
    judged = CATALOGUE.image(url, look)
    assert judged is not None
    assert (judged.kind, judged.evidence) == (Kind.PIXEL, ("own_domain",))
    assert judged.purposes == Purpose.PERFORMANCE


def test_an_image_that_shows_on_an_own_tracking_host_keeps_its_place() -> None:
    judged = CATALOGUE.image("https://go.acme.example/abc", Look(600, 200, (), "x", responsive=False))
    assert judged is not None
    assert (judged.kind, judged.evidence, judged.purposes) == (Kind.PICTURE, ("own_domain",), Purpose.PERFORMANCE)


OLD_BREVO = "https://img.acme.example/im/4000001/00112233445566778899aabbccddeeff.png?e=DemoPictureDemoPicture"


@pytest.mark.parametrize(
    ("look", "kind", "evidence"),
    [
        (Look(600, 200, (), "x", responsive=False), Kind.PICTURE, ("catalogue", "content")),
        (BARE, Kind.PICTURE, ("catalogue", "content")),
        (Look(1, 1, (), None, responsive=False), Kind.PIXEL, ("catalogue", "content", "hidden")),
        (Look(None, None, ("visibility",), None, responsive=False), Kind.PIXEL, ("catalogue", "content", "hidden")),
    ],
)
def test_a_picture_that_only_the_tracking_host_serves_is_told_from_a_pixel_by_its_look(
    look: Look, kind: Kind, evidence: tuple[str, ...]
) -> None:
    judged = CATALOGUE.image(OLD_BREVO, look)
    assert judged is not None
    assert (judged.kind, judged.vendor, judged.evidence) == (kind, "brevo", evidence)
    assert judged.purposes == Purpose.PERFORMANCE


def test_a_background_that_only_the_tracking_host_serves_is_a_picture() -> None:
    judged = CATALOGUE.load(OLD_BREVO)
    assert judged is not None
    assert (judged.kind, judged.vendor) == (Kind.PICTURE, "brevo")


def test_a_catalogued_pixel_that_shows_keeps_its_place() -> None:
    url = "https://demo.r.bh.d.sendibt3.com/tr/op/DemoPixelDemoPixelDemoPixelDemoPixel"
    seen, unseen = CATALOGUE.image(url, Look(600, 200, (), "x", responsive=False)), CATALOGUE.image(url, BARE)
    assert seen is not None
    assert unseen is not None
    assert (seen.kind, unseen.kind) == (Kind.PICTURE, Kind.PIXEL)
    assert seen._replace(kind=Kind.PIXEL) == unseen


def test_a_picture_on_an_own_tracking_host_is_none() -> None:
    assert (
        CATALOGUE.image("https://go.acme.example/img/header.png", Look(600, 200, (), "x", responsive=False)) is None
    )
    assert CATALOGUE.load("https://go.acme.example/img/header.png") is None
    assert CATALOGUE.image("https://r.acme.example/im/sh/Demo1234.png?u=demo", BARE) is None
    assert CATALOGUE.load("https://go.acme.example/bg") is not None


def test_an_own_host_of_nobody_in_the_catalogue_is_refused() -> None:
    with pytest.raises(ValueError, match="lemlust"):
        Catalogue(CATALOGUE.vendors, {"lemlust": ["go.acme.example"]})


# --- what surrounds an address ----------------------------------------------------------------------------------
def test_a_pixel_that_a_webmail_proxied_is_still_one() -> None:
    judged = CATALOGUE.image(
        "https://ci4.googleusercontent.com/proxy/AbC=s0-d-e1-ft#https://click.acme.example/open.aspx?DEMOAAAAV7X5ERBUJGTV.1",
        BARE,
    )
    assert judged is not None
    assert judged.vendor == "salesforce_marketing_cloud"


def test_advertising_matching_needs_more_than_performance() -> None:
    judged = CATALOGUE.image("https://beacon.krxd.net/1x1_usermatch.gif?partner=demo&partner_uid=4", BARE)
    assert judged is not None
    assert judged.purposes == Purpose.PERFORMANCE | Purpose.PROFILING


@pytest.mark.parametrize(
    ("headers", "tools"),
    [
        ({}, set()),
        ({"x-hs-cid": ("1",)}, {"hubspot"}),
        ({"message-id": ("<1.2@ismtpd.hubspotemail.net>",)}, {"hubspot"}),
        ({"feedback-id": ("1:2:mc",)}, {"mailchimp"}),
        ({"feedback-id": ("1:2:md",), "x-sfdc-user": ("1",)}, {"mandrill", "salesforce_core"}),
        ({"feedback-id": ("1:2:other",), "subject": ("hubspotemail.net",)}, set()),
        ({"x-mailer": ("Outlook", "ActiveCampaign Mailer")}, {"activecampaign"}),
    ],
)
def test_a_tool_shows_in_header_fields(headers: dict[str, tuple[str, ...]], tools: set[str]) -> None:
    assert CATALOGUE.tools(headers) == tools


# --- time -------------------------------------------------------------------------------------------------------
HOSTILE = {
    "slashes": "https://a.example/" + "/" * 8000,
    "marks": "https://a.example" + "/open/click/op/cl/e/u/im" * 400,
    "parameters": "https://a.example/?" + "&email=a" * 1000,
    "questions": "https://a.example/x?" + "?mc_eid=" * 1000,
    "encoded questions": "https://a.example/x?" + "%3Fa=" * 1600,
    "dots": "https://" + "a." * 4000 + "example/",
    "users": "https://" + "a@" * 4000 + "a.example/",
    "dashes": "https://a.example/open/" + "-_" * 4000 + ".gif",
    "words": "https://a.example/open/" + "aA-" * 2700 + ".gif",
    "ats": "https://a.example/?email=" + "@a." * 2700,
}


@pytest.mark.parametrize("url", HOSTILE.values(), ids=HOSTILE)
def test_no_address_is_slow(url: str) -> None:
    """Far above what is measured (below a millisecond), far below what anything quadratic would take."""
    tiny = Look(1, 1, ("display",), None, responsive=True)
    assert timeit.timeit(lambda: CATALOGUE.link(url, lambda: "view " * 30, NOBODY), number=1) < 0.5
    assert timeit.timeit(lambda: CATALOGUE.image(url, tiny), number=1) < 0.5
    assert timeit.timeit(lambda: CATALOGUE.load(url), number=1) < 0.5
