"""A pixel nobody catalogued is known by size, by what hides it, by its path; a picture for everybody stays."""

from __future__ import annotations

import pytest

from smtp_gate.model import PIXEL_PURPOSES, Kind, Look, Purpose
from smtp_gate.trackers import Catalogue

NOBODY = Catalogue(())
TOKEN = "4f9d2b7c1a8e6035"


def look(
    width: float | None = None,
    height: float | None = None,
    *hidden: str,
    alt: str | None = None,
    responsive: bool = False,
) -> Look:
    return Look(width, height, hidden, alt, responsive)


PIXELS = [
    ("1x1", "/x/abc", look(1, 1), "tiny"),
    ("0x0", "/x/abc.gif", look(0, 0), "tiny"),
    ("3x3 with a token", f"/i/{TOKEN}.gif", look(3, 3), "tiny"),
    ("half a pixel", "/i?u=1", look(0.5, 0.5), "tiny"),
    ("10x1 with a query", "/open.php?M=1&L=2", look(10, 1), "thin"),
    ("2x6 with a query", "/imp?s=1&m=2", look(2, 6), "thin"),
    ("only the height, with a token", f"/roverimp/{TOKEN}", look(None, 1), "thin"),
    ("no size, tracking path, token", f"/track/{TOKEN}", look(), "unsized"),
    ("no size, one letter, token", f"/o/{TOKEN}", look(), "unsized"),
    ("no size, tracking path, query", "/aws_opens.pl?id=1", look(), "unsized"),
    ("hidden", f"/a/{TOKEN}", look(None, None, "display"), "hidden"),
    ("hidden and large", f"/a/{TOKEN}", look(600, 200, "visibility"), "hidden"),
    ("hidden with a file name that says it", "/a/open.gif", look(None, None, "display", responsive=True), "hidden"),
    ("hidden, with a query", "/a/logo.png?u=7", look(None, None, "display", responsive=True), "hidden"),
    ("a spacer behind a token", f"/t/{TOKEN}/spacer.gif", look(1, 1), "tiny"),
    ("a spacer with a query", "/blank.gif?u=17", look(1, 1), "tiny"),
    ("2x2 with a token", f"/e/{TOKEN}.gif?m={TOKEN}", look(2, 2), "tiny"),
    ("3x1 by a script", "/seen.aspx?n=17&c=4", look(3, 1), "tiny"),
    ("1 x none", f"/imp/{TOKEN}", look(1, None), "thin"),
    ("2 x none", "/open?c=17&m=4", look(2, None), "thin"),
    ("1x1 with words to read", f"/x/{TOKEN}", look(1, 1, alt="logo"), "tiny"),
    ("1x1 with the name of a picture", f"/x/{TOKEN}/logo.png", look(1, 1), "tiny"),
    ("a background in a pixel's clothes", "/bg.jpeg?am9iX2lkLzM1MTY0MjcvZW1haWxfaWQ=", look(1, 1), "tiny"),
    (
        "hidden, for one person, said to be responsive",
        f"/t/{TOKEN}?u=7",
        look(0, 0, "display", responsive=True),
        "hidden",
    ),
    ("no size, a script", "/pub/r.php?gAAAAABlziihrci2d0y3x0pID2pQfhOPO0nRs6", look(), "unsized"),
    ("no size, a script of another kind", f"/on.jsp?ca=1&c={TOKEN}", look(alt=""), "unsized"),
    ("no size, a query that says opened", "/mail/opened?c=17", look(alt=" "), "unsized"),
    ("no size, words and yet nothing but a counter", f"/track/open.php?id={TOKEN}", look(alt="."), "unsized"),
    ("a long number", "/s/1234567890/p", look(1, None), "thin"),
]
ON_A_TELLING_HOST = [
    ("https://link.acme.example/img/66f17d102e158d1a730408b6/5dc473a3.gif", look()),
    ("https://click.acme.example/a/6f1d3a9c52e84b70", look(alt="")),
    ("https://url1234.acme.example/wf/u/6f1d3a9c52e84b70", look()),
    ("https://t.acme.example/r/?id=h1234abcd,5e,6f", look(10, 1)),
]


@pytest.mark.parametrize(("url", "how"), ON_A_TELLING_HOST)
def test_the_name_of_the_host_speaks_too(url: str, how: Look) -> None:
    judged = NOBODY.image(url, how)
    assert judged is not None
    assert judged.kind is Kind.PIXEL
    assert "host" in judged.evidence


@pytest.mark.parametrize(("path", "how", "code"), [case[1:] for case in PIXELS], ids=[case[0] for case in PIXELS])
def test_a_pixel_without_a_vendor_is_of_every_purpose(path: str, how: Look, code: str) -> None:
    judged = NOBODY.image("https://img.acme.example" + path, how)
    assert judged is not None
    assert (judged.kind, judged.vendor, judged.target) == (Kind.PIXEL, "", None)
    assert judged.purposes == PIXEL_PURPOSES
    assert judged.evidence[0] == code


PICTURES = [
    ("a picture with its size", f"/track/{TOKEN}/header.png", look(600, 200)),
    ("a signed picture", f"/{TOKEN}/{TOKEN}.jpg?X-Amz-Signature={TOKEN}", look(600, 200)),
    ("no size, no tracking path", f"/assets/{TOKEN}/header.png", look()),
    ("no size, a slug", "/track/black-friday-2026-big-autumn-sale/header.png", look()),
    ("a spacer", "/img/spacer.gif", look(1, 1)),
    ("a spacer with a digest in its name", "/img/spacer-1a26dfd5c56b21ac888f9f1610ef8119.png", look(1, 1)),
    ("a hidden spacer", "/img/pixel.gif", look(1, 20, "visibility")),
    ("a line", "/img/line.gif", look(600, 1)),
    ("a line as wide as its box", "/img/gradient.png", look(None, 1)),
    ("a short line", "/9/9d08eac.png", look(6, 1)),
    ("a column", "/img/gradient.png", look(1, 100)),
    ("a logo for small screens", "/img/logo_mobile.png", look(0, 0, "display", responsive=True)),
    ("a photo for small screens", f"/{TOKEN}/992557.jpg", look(0, 0, responsive=True)),
    ("a logo for dark mode", "/img/logo-dark.png", look(150, 20, "display")),
    ("a version of a spacer", "/img/spacer.gif?v=3", look(1, 1)),
    ("a hidden hero, resized", "/img/hero.jpg?w=600&q=80&auto=format", look(600, 300, "display", responsive=True)),
    ("a hidden picture without a word in its name", "/p/0.gif", look(280, 180, "display")),
    ("no size, a digest for a name", f"/blog/{TOKEN}.png", look()),
    ("no size, a picture of an account", f"/account/{TOKEN}/images/spring-sale.jpg", look()),
    ("no size, a picture server", f"/im/{TOKEN}?w=600&h=300", look()),
    ("no size, a bar code", "/barcode/4006381333931", look()),
    ("no size, an icon", "/icons/ig-50-px.png", look()),
    ("social button", "/social/facebook.png", look(32, 32)),
    ("logo of a signature", "/mail-sig/logo.png", look(200, None)),
    ("a star of a rating", "/stars/4.gif", look(12, 12)),
    ("a hairline", "/9/line-eee.gif", look(1, 40)),
    ("a corner", "/img/corner_tl.gif", look(5, 5)),
    ("a bullet", "/img/dot.gif", look(3, 3)),
    ("a hairline of some folder", f"/{TOKEN}/rule.png", look(None, 1)),
    ("as wide as its box", f"/{TOKEN}/header.png", look(600, None)),
]
SUSPECTS = [
    ("no size, words to read", f"/track/{TOKEN}", look(alt="our shop")),
    ("no size, a token only", f"/a/{TOKEN}", look()),
    (
        "hidden, shown perhaps, and personal",
        f"/u/{TOKEN}/open/hero.jpg",
        look(600, 200, "display", responsive=True),
    ),
]


@pytest.mark.parametrize(("path", "how"), [case[1:] for case in SUSPECTS], ids=[case[0] for case in SUSPECTS])
def test_what_may_be_either_is_told_and_left_alone(path: str, how: Look) -> None:
    judged = NOBODY.image("https://acme.example" + path, how)
    assert judged is not None
    assert (judged.kind, judged.purposes) == (Kind.SUSPECT, Purpose(0))


@pytest.mark.parametrize(("path", "how"), [case[1:] for case in PICTURES], ids=[case[0] for case in PICTURES])
def test_a_picture_that_is_the_same_for_everybody_stays(path: str, how: Look) -> None:
    assert NOBODY.image("https://img.acme.example" + path, how) is None


@pytest.mark.parametrize("url", ["data:image/gif;base64,R0lGOD", "cid:logo@acme.example", "logo.png", ""])
def test_what_is_not_loaded_from_the_web_stays(url: str) -> None:
    assert NOBODY.image(url, look(1, 1)) is None
    assert NOBODY.load(url) is None


def test_a_background_counts_only_with_a_tracking_path_and_a_long_token() -> None:
    judged = NOBODY.load(f"https://img.acme.example/open/{TOKEN}")
    assert judged is not None
    assert (judged.kind, judged.evidence) == (Kind.PIXEL, ("load", "path", "token"))
    assert NOBODY.load("https://img.acme.example/open/header.png?id=7") is None
    assert NOBODY.load(f"https://img.acme.example/bg/{TOKEN}.png") is None
    assert NOBODY.load("https://fonts.acme.example/css?family=Inter:wght@400") is None
