"""A link that hides its target goes where its words say, when they are one web address and nothing else."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtp_gate.config.catalogue import load_catalogue
from smtp_gate.limits import MAX_URL
from smtp_gate.model import Carrier, Kind, Scan
from smtp_gate.scan.message import scan
from smtp_gate.scan.shown import led_to_what_they_show, shown_address
from smtp_gate.trackers.address import proper

CATALOGUE = load_catalogue(None, {"lemlist": ["go.acme.example"]}, "https://preferences.acme.example")
OPAQUE = "https://go.acme.example/x/abc"
MCTX = "https://us1.mailchimp.com/mctx/clicks?url=https%3A%2F%2Fshop.example%2Fnew&xid=1"


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://shop.example/A/b?c=D#e", "https://shop.example/A/b?c=D#e"),
        ("HTTP://Shop.Example/A", "http://shop.example/A"),
        ("https://192.0.2.1:8080/a", "https://192.0.2.1:8080/a"),
        ("https://shop.example/é", "https://shop.example/%C3%A9"),
        ("www.acme.example/News", "https://www.acme.example/News"),
        ("Acme.Example", "https://acme.example"),
        ("acme.example?a=b", "https://acme.example?a=b"),
        ("acme.example/guide.pdf", "https://acme.example/guide.pdf"),
        ("www.acme.md", "https://www.acme.md"),
        ("xn--bcher-kva.example", "https://xn--bcher-kva.example"),
    ],
)
def test_words_that_are_an_address(text: str, address: str) -> None:
    assert shown_address(text) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Shop",
        "shop.",
        "our shop: shop.example",
        "shop.example acme.example",
        "ann@acme.example",
        "https://ann@acme.example/",
        "https://shop.example/very/lon...",
        "https://shop.example/very/lon…",
        "https://shop.example/ver…/end",
        "guide.pdf",
        "README.md",
        "main.py",
        "v2.0",
        "192.0.2.1",
        "3.14",
        "bücher.example",
        "-acme.example",
        "acme.example:8080",
        "ftp://acme.example/",
        "javascript:alert(1)",
        "https://",
        "https:///a",
        "https://acme..example/",
        "shop.example,",
    ],
)
def test_words_that_are_none(text: str) -> None:
    assert shown_address(text) is None


@pytest.mark.parametrize(("length", "taken"), [(MAX_URL, True), (MAX_URL + 1, False)])
def test_words_have_the_length_of_an_address(length: int, *, taken: bool) -> None:
    assert (shown_address("https://shop.example/".ljust(length, "a")) is not None) is taken


@given(st.text(st.sampled_from("ahtps:/.w@-%?#é \u200b…\\\x00"), max_size=20) | st.text(max_size=20))
def test_whatever_the_words_what_comes_out_is_proper(text: str) -> None:
    address = shown_address(text)
    assert address is None or proper(address) == address


def read(words: str, url: str = OPAQUE, head: str = "") -> tuple[Scan, Scan]:
    """A mail with one link, before and after."""
    found = scan(f'{head}Content-Type: text/html\n\n<a href="{url}">{words}</a>'.encode(), CATALOGUE)
    return found, led_to_what_they_show(found, CATALOGUE)


@pytest.mark.parametrize(
    ("words", "target"),
    [
        ("https://shop.example/A?b=1&amp;c=2", "https://shop.example/A?b=1&c=2"),
        ("<b>www.shop</b>.example<wbr>/News", "https://www.shop.example/News"),
        ("https://shop.example/?mc_eid=7&amp;x=1", "https://shop.example/?x=1"),
        (MCTX.replace("&", "&amp;"), "https://shop.example/new"),
    ],
)
def test_an_opaque_link_goes_where_it_says(words: str, target: str) -> None:
    _, after = read(words)
    [finding] = [one for one in after.findings if one.carrier is Carrier.ANCHOR]
    assert (finding.kind, finding.target, finding.evidence) == (Kind.LINK, target, ("own_domain", "shown"))


@pytest.mark.parametrize(
    "words",
    [
        "Our shop",
        OPAQUE,
        "https://go.acme.example/y",
        "https://preferences.acme.example/w/abc",
        "https://shop.example/confirm?k=1",
        '<img src="cid:1" alt="https://shop.example/">',
    ],
)
def test_an_opaque_link_that_says_nothing_else_stays_opaque(words: str) -> None:
    before, after = read(words)
    assert after is before
    links = [one for one in after.findings if one.kind is Kind.LINK and one.carrier is Carrier.ANCHOR]
    assert [one.target for one in links] in ([None], [])


def test_a_link_that_must_work_stays() -> None:
    before, after = read("www.shop.example/unsubscribe")
    assert after is before
    assert [one.kind for one in after.findings] == [Kind.FUNCTIONAL]
    before, after = read("www.shop.example", head=f"List-Unsubscribe: <{OPAQUE}>\n")
    assert after is before
    assert [one.kind for one in after.findings] == [Kind.FUNCTIONAL]


def test_a_link_whose_target_can_be_read_goes_there() -> None:
    before, after = read(
        "www.acme.example", f"https://us1.mailchimp.com/mctx/clicks?url={quote('https://shop.example/')}"
    )
    assert after is before
    assert [one.target for one in after.findings] == ["https://shop.example/"]
