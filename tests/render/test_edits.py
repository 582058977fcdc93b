"""What each action does to each carrier, on markup as it stands in mails."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from smtp_gate.decision import Action
from smtp_gate.errors import SpliceError
from smtp_gate.model import Finding, Kind
from smtp_gate.render.edits import Edit, apply, edits_of, in_order
from smtp_gate.scan.message import scan
from tests.plain_catalogue import OWN, plain_catalogue

if TYPE_CHECKING:
    from smtp_gate.tokens.mint import Mint


class PlainMint:
    """Addresses that show what was asked for."""

    def pixel(self, finding: Finding) -> str:
        """For a pixel."""
        return f"{OWN}/p/{finding.vendor}"

    def link(self, finding: Finding) -> str:
        """For a link."""
        return f"{OWN}/l/{finding.vendor}"

    def ask(self, finding: Finding) -> str:
        """For an opaque link."""
        return f"{OWN}/a/{finding.vendor}"


MINT = cast("Mint", PlainMint())


def done(text: str, action: Action, media_type: str = "text/html", kind: Kind | None = None) -> str:
    """A text after the same action on all its findings, which are of their own kind or of this one."""
    found = scan(f"Content-Type: {media_type}; charset=utf-8\n\n{text}".encode(), plain_catalogue(), own=OWN)
    view = found.parts[0].view
    assert view is not None
    assert found.findings
    findings = [finding._replace(kind=kind or finding.kind) for finding in found.findings]
    edits = [edit for finding in findings for edit in edits_of(finding, action, view, MINT)]
    return apply(view, in_order(0, edits)).decode()


P = "https://pixel.example/1"
L = "https://link.example/2?to=https%3A%2F%2Fshop.example%2F%3Fa%3Db%26c%3D%C3%A9"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f'<p><img src="{P}" width="1"></p>', "<p></p>"),
        (f"<a href='/x'><IMG SRC={P} /></a>", "<a href='/x'></a>"),
        (f'<amp-img src="{P}"></amp-img>x', "x"),
        (f'<amp-img src="{P}"></div>x', "</div>x"),
        (f'<td background="{P}" width="9">', '<td  width="9">'),
        (f"<v:fill type='frame' src='{P}' />", "<v:fill type='frame'  />"),
        (f'<video poster="{P}">', "<video >"),
        (f'<img srcset="a.png 1x, {P} 2x" src="a.png">', '<img srcset="a.png 1x, " src="a.png">'),
        (f'<img srcset="{P} 1x, a.png 2x" src="a.png">', '<img srcset=" a.png 2x" src="a.png">'),
        (f'<td style="background:#fff url({P}) no-repeat">', '<td style="background:#fff none no-repeat">'),
        (f"<style>p{{background-image:url('{P}')}}</style>", "<style>p{background-image:none}</style>"),
        (f'<style>@import "{P}";</style>', "<style>@import none;</style>"),
        (f'<img src="{P}" style="background:url({P})">', ""),
        (f'<!--[if mso]><v:fill src="{P}"/><![endif]-->', "<!--[if mso]><v:fill /><![endif]-->"),
        (f'<svg><image href="{P}"></image></svg>', "<svg></svg>"),
        (f"<iframe srcdoc=\"<p>&lt;img src='{P}'>x\"></iframe>", '<iframe srcdoc="<p>x"></iframe>'),
        ('<base href="https://pixel.example/a/"><img src="/1">', '<base href="https://pixel.example/a/">'),
    ],
)
def test_strip(before: str, after: str) -> None:
    assert done(before, Action.STRIP) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f'<img src="{P}" width="600" alt="Shop">', '<img width="600" alt="Shop">'),
        (f"<img width=600 SRC = '{P}'>", "<img width=600>"),
        (f"<img width=600 src={P} alt=Shop>", "<img width=600 alt=Shop>"),
        (f'<img\n src="{P}"/>', "<img/>"),
        (f'<img alt="a"src="{P}"width="9">', '<img alt="a"width="9">'),
        (f'<img srcset="{P} 1x, {P} 2x" src="{P}" width="9">', '<img srcset=" " width="9">'),
        (f'<img src="{P}" style="width:9px;background:url({P})">', '<img style="width:9px;background:none">'),
        (f'<amp-img src="{P}" width="9"></amp-img>', '<amp-img width="9"></amp-img>'),
        (f'<td background="{P}" width="9">', '<td  width="9">'),
        (f"<iframe srcdoc='<img src=\"{P}\" width=9>'></iframe>", "<iframe srcdoc='<img width=9>'></iframe>"),
        (
            f'<iframe srcdoc="<img src=&quot;{P}&quot; width=9>"></iframe>',
            '<iframe srcdoc="<img width=9>"></iframe>',
        ),
    ],
)
def test_a_picture_loses_its_address_and_keeps_its_place(before: str, after: str) -> None:
    assert done(before, Action.STRIP, kind=Kind.PICTURE) == after


def test_a_picture_that_stays_is_asked_about_like_a_pixel() -> None:
    """Its address of the gate answers with a picture when consent is gone, not with a page."""
    wrapped = done(f'<img src="{P}" width="9">', Action.WRAP, kind=Kind.PICTURE)
    assert wrapped == f'<img src="{OWN}/p/plain" width="9">'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f'<p>Go <a href="{L}" style="x">to <b>the</b> shop</a>.</p>', "<p>Go to <b>the</b> shop.</p>"),
        (f'<a href="{L}">one<a href="/two">two</a>', 'one<a href="/two">two</a>'),
        (f'<area href="{L}" alt="x">', '<area  alt="x">'),
        (f'<a href="https://x.example/" ping="/a {L}">x</a>', '<a href="https://x.example/" ping="/a ">x</a>'),
        (f'<a href="{L}" style="background:url({P})">x</a>', "x"),
    ],
)
def test_text_keeps_the_words(before: str, after: str) -> None:
    assert done(before, Action.TEXT) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [("Shop: {} now", "Shop:  now"), ("Shop <{}>.", "Shop ."), ("Shop ({})", "Shop "), ("({}", "("), ("{}", "")],
)
def test_in_running_text_the_address_goes_with_its_brackets(before: str, after: str) -> None:
    assert done(before.format(L), Action.TEXT, "text/plain") == after


TARGET = "https://shop.example/?a=b&c=%C3%A9"


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f'<a href="{L}">x</a>', f'<a href="{TARGET.replace("&", "&amp;")}">x</a>'),
        (f"<a href='{L}'>x</a>", f"<a href='{TARGET.replace('&', '&amp;')}'>x</a>"),
        (f"<a href={L}>x</a>", f'<a href="{TARGET.replace("&", "&amp;")}">x</a>'),
        (f"<a href={L} id=y>x</a>", f'<a href="{TARGET.replace("&", "&amp;")}" id=y>x</a>'),
        (
            f"<iframe srcdoc='<a href=\"{L}\">x</a>'></iframe>",
            f"<iframe srcdoc='<a href=\"{TARGET.replace('&', '&amp;amp;')}\">x</a>'></iframe>",
        ),
        (
            '<base href="https://link.example/?to=https://b.example"><a href="?to=https%3A%2F%2Fa.example">x</a>',
            '<base href="https://b.example"><a href="https://a.example">x</a>',
        ),
        (f'<a href="https://x.example/" ping="/a {L}">x</a>', '<a href="https://x.example/" ping="/a ">x</a>'),
        (f'<v:roundrect href="{L}">', f'<v:roundrect href="{TARGET.replace("&", "&amp;")}">'),
    ],
)
def test_unwrap(before: str, after: str) -> None:
    assert done(before, Action.UNWRAP) == after


def test_unwrap_and_clean_in_running_text() -> None:
    assert done(f"Shop: {L}.", Action.UNWRAP, "text/plain") == f"Shop: {TARGET}."
    assert done("https://x.example/?who=1", Action.CLEAN, "text/plain") == "https://x.example/"
    assert done('<a href="https://x.example/?who=1">', Action.CLEAN) == '<a href="https://x.example/">'


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (f'<img src="{P}">', f'<img src="{OWN}/p/plain">'),
        (f"<img src={P}>", f"<img src={OWN}/p/plain>"),
        (f"<v:fill src='{P}'/>", f"<v:fill src='{OWN}/p/plain'/>"),
        (f'<td style="background:url({P})">', f'<td style="background:url({OWN}/p/plain)">'),
        (f'<img srcset="{P} 1x, a.png 2x">', f'<img srcset="{OWN}/p/plain 1x, a.png 2x">'),
        (f'<a href="{L}">x</a>', f'<a href="{OWN}/l/plain">x</a>'),
    ],
)
def test_wrap(before: str, after: str) -> None:
    assert done(before, Action.WRAP) == after


def test_ask_and_keep() -> None:
    assert done(f'<a href="{L}">x</a>', Action.ASK) == f'<a href="{OWN}/a/plain">x</a>'
    assert done(f'<a href="{L}">x</a>', Action.KEEP) == f'<a href="{L}">x</a>'


@pytest.mark.parametrize(
    ("action", "reason"), [(Action.UNWRAP, "target"), (Action.ASK, "mint"), (Action.WRAP, "mint")]
)
def test_an_action_without_its_address_is_refused(action: Action, reason: str) -> None:
    [finding] = scan(b"\nhttps://link.example/", plain_catalogue()).findings
    assert finding.kind is Kind.LINK
    with pytest.raises(SpliceError) as caught:
        edits_of(finding, action, b"", None)
    assert caught.value.reason == reason


def test_edits_are_sorted_and_what_lies_in_a_removed_span_goes_with_it() -> None:
    outer, inner, later, footer = Edit(2, 9, b""), Edit(3, 5, b"x"), Edit(9, 10, b"y"), Edit(2, 2, b"f")
    assert in_order(0, [later, inner, outer, footer]) == [footer, outer, later]
    assert in_order(0, [Edit(2, 9, b"long"), outer]) == [outer]


@pytest.mark.parametrize("edits", [[Edit(0, 5, b""), Edit(3, 8, b"")], [Edit(0, 5, b""), Edit(3, 3, b"footer")]])
def test_crossing_edits_are_refused(edits: list[Edit]) -> None:
    with pytest.raises(SpliceError) as caught:
        in_order(7, edits)
    assert (caught.value.part, caught.value.reason) == (7, "overlap")
