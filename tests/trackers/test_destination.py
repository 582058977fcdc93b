"""Where a link leads in the end, through catalogued trackers, security services and redirects that nobody knows."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtp_gate.config.catalogue import load_catalogue
from smtp_gate.limits import MAX_UNWRAP_DEPTH
from smtp_gate.model import NOTHING, Kind, Purpose
from smtp_gate.trackers.address import proper

CATALOGUE = load_catalogue(None, {"lemlist": ["go.acme.example"]}, "")
NOBODY: frozenset[str] = frozenset()
SHOP = "https://shop.example/a?x=1"
OPAQUE = "https://info.acme.example/e3t/Ctc/QX+113/c9XyZ04/VW1demo1clickW8demo2clickW4demo"


def once(text: str) -> str:
    return quote(text, safe="")


def mctx(target: str) -> str:
    return f"https://us1.mailchimp.com/mctx/clicks?url={once(target)}&xid=1"


def mandrill(target: str) -> str:
    inner = json.dumps({"url": target})
    token = base64.urlsafe_b64encode(json.dumps({"s": "x", "p": inner}).encode()).decode()
    return f"https://mandrillapp.com/track/click/40000001/shop.example?p={token.rstrip('=')}"


def safelinks(target: str) -> str:
    return f"https://eur01.safelinks.protection.outlook.com/?url={once(target)}&data=05"


def unknown(target: str) -> str:
    return f"https://mail.acme.example/click?uid=4815162342&url={once(target)}"


@pytest.mark.parametrize(
    "url",
    [
        mandrill(safelinks(mctx(SHOP))),
        mctx(unknown(SHOP)),
        unknown(mctx(SHOP)),
        unknown(safelinks(mctx(SHOP))),
        unknown(unknown(SHOP)),
        safelinks(unknown(SHOP)),
    ],
)
def test_whatever_is_wrapped_round_it_the_end_is_found(url: str) -> None:
    judged = CATALOGUE.link(url, str, NOBODY)
    assert judged is not None
    assert (judged.kind, judged.target, judged.purposes) == (Kind.LINK, SHOP, Purpose.CLICKS)
    assert CATALOGUE.target(url) == SHOP


def test_a_redirect_that_nobody_knows_is_a_link_without_a_vendor() -> None:
    judged = CATALOGUE.link(unknown(SHOP), str, NOBODY)
    assert judged is not None
    assert (judged.vendor, judged.evidence) == ("", ("redirect", "path", "token"))


def test_round_a_vendors_tracker_it_is_that_vendors_and_needs_no_other_evidence() -> None:
    for url in (unknown(OPAQUE), f"https://www.acme.example/out?u={once(OPAQUE)}"):
        judged = CATALOGUE.link(url, str, NOBODY)
        assert judged is not None
        assert (judged.kind, judged.vendor, judged.target) == (Kind.LINK, "hubspot", None)
        assert judged.evidence[0] == "redirect"


@pytest.mark.parametrize("path", ["sharer.php?u=", "login?url=", "search?note="])
def test_a_page_that_does_something_else_with_a_tracker_inside_is_left_alone(path: str) -> None:
    assert CATALOGUE.link(f"https://www.acme.example/{path}{once(OPAQUE)}", str, NOBODY) is None


def test_it_is_unwrapped_to_a_depth() -> None:
    url = SHOP
    for depth in range(1, MAX_UNWRAP_DEPTH + 2):
        url = f"https://a.example/c/4815162342/{url}"
        judged = CATALOGUE.link(url, str, NOBODY)
        assert judged is not None
        assert judged.target == (SHOP if depth <= MAX_UNWRAP_DEPTH else None)


@pytest.mark.parametrize(
    ("url", "words", "protected", "reason"),
    [
        (unknown(SHOP), "unsubscribe", NOBODY, "words"),
        (unknown(SHOP), "", frozenset([unknown(SHOP)]), "protected"),
        (unknown(SHOP).replace("/click?", "/unsubscribe/click?"), "", NOBODY, "path"),
    ],
)
def test_what_must_work_stays(url: str, words: str, protected: frozenset[str], reason: str) -> None:
    judged = CATALOGUE.link(url, lambda: words, protected)
    assert judged is not None
    assert (judged.kind, judged.target, judged.purposes) == (Kind.FUNCTIONAL, None, NOTHING)
    assert judged.evidence[-1] == reason


def test_a_target_that_must_work_keeps_its_name_of_a_person() -> None:
    reset = "https://shop.example/reset-password?mc_eid=7"
    assert CATALOGUE.target(unknown(reset)) == reset
    assert CATALOGUE.target(unknown(SHOP + "&mc_eid=7")) == SHOP


def test_on_the_companys_own_tracking_host_any_address_inside_is_the_target() -> None:
    judged = CATALOGUE.link(f"https://go.acme.example/xyz/{once(SHOP)}", str, NOBODY)
    assert judged is not None
    assert (judged.vendor, judged.target, judged.evidence) == ("lemlist", SHOP, ("own_domain",))


def test_personal_parameters_of_a_link_that_has_another_inside_are_cleaned_as_ever() -> None:
    judged = CATALOGUE.link(f"https://www.acme.example/sharer.php?u={once(SHOP)}&mc_eid=7", str, NOBODY)
    assert judged is not None
    assert judged.kind is Kind.PERSONAL


PIECES = (
    *(
        "https://",
        "http:/",
        "click.",
        "acme.example",
        "us1.mailchimp.com/mctx/clicks",
        "mandrillapp.com/track/click/",
    ),
    *(
        "eur01.safelinks.protection.outlook.com/",
        "urldefense.com/v3/__",
        "__;!!a$",
        "www.google.com/url",
        "go.acme",
    ),
    *("/c/", "/click/", "?url=", "&url=", "?q=", "?p=", "u=", "&amp;", "4815162342", "8d0f9e3b7c6a5d4e3f2a1b0c"),
    *("mc_eid=7", "/unsubscribe", "%2F", "%3A", "%25", "#", " ", "é", "\\", "@", '"', "[", "\ud800"),
)


@given(
    st.recursive(
        st.lists(st.sampled_from(PIECES), max_size=6).map("".join) | st.just(SHOP) | st.just(OPAQUE),
        lambda inner: st.one_of(
            inner.map(lambda text: mctx(text.encode("utf-8", "replace").decode())),
            inner.map(lambda text: mandrill(text.encode("utf-8", "replace").decode())),
            inner.map(lambda text: safelinks(text.encode("utf-8", "replace").decode())),
            inner.map(lambda text: unknown(text.encode("utf-8", "replace").decode())),
            inner.map(lambda text: f"https://urldefense.com/v3/__{text}__;!!a$"),
            inner.map(lambda text: f"https://www.acme.example/c/4815162342/{text}"),
        ),
        max_leaves=6,
    )
)
@settings(max_examples=300)
def test_where_a_link_leads_is_proper_and_no_tracker(url: str) -> None:
    judged = CATALOGUE.link(url, str, NOBODY)
    if judged is None or judged.target is None:
        return
    assert proper(judged.target) == judged.target
    again = CATALOGUE.link(judged.target, str, NOBODY)
    assert again is None or again.kind is Kind.FUNCTIONAL
    if judged.kind is Kind.LINK:
        assert CATALOGUE.target(url) == judged.target
