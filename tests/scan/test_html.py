"""Every web address of a page is found, with the spans that an edit needs."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, NamedTuple
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import smtp_gate.scan.tokens as scan_tokens
from smtp_gate.limits import MAX_FRAME_DEPTH
from smtp_gate.model import Address, Carrier, Look, Span
from smtp_gate.scan.html import read_html
from smtp_gate.scan.tokens import MARKUP

if TYPE_CHECKING:
    from random import Random

LOAD, CLICK = True, False


class Expected(NamedTuple):
    """One address as a test writes it: carrier, URL, whether it loads, and what its element spans."""

    carrier: Carrier
    url: str
    load: bool
    element: str


def addresses(page: str | bytes) -> tuple[Address, ...]:
    return read_html(page.encode() if isinstance(page, str) else page).addresses


def piece(page: str, span: Span | None) -> str | None:
    return None if span is None else page.encode()[slice(*span)].decode()


def told(page: str) -> list[Expected]:
    return [Expected(one.carrier, one.url, one.load, piece(page, one.element) or "") for one in addresses(page)]


# --- carriers -------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("page", "element", "load"),
    [
        ("<td background='http://h'>", "background='http://h'", LOAD),
        ("<BODY BACKGROUND = http://h >", "BACKGROUND = http://h", LOAD),
        ('<span class="x" background="http://h">', 'background="http://h"', LOAD),
        ("<x-y background=http://h>", "background=http://h", LOAD),
        ("<html background=http://h>", "background=http://h", LOAD),
        ("<svg><g background=http://h>", "background=http://h", LOAD),
        ("<img lowsrc=http://h>", "lowsrc=http://h", LOAD),
        ("<img dynsrc=http://h>", "dynsrc=http://h", LOAD),
        ("<input type=image src=http://h>", "src=http://h", LOAD),
        ("<link rel=stylesheet href=http://h>", "href=http://h", LOAD),
        ("<link rel='SHORTCUT icon' href=http://h>", "href=http://h", LOAD),
        ("<link rel=preconnect href=//h>", "href=//h", LOAD),
        ("<link rel=canonical href=http://h>", "href=http://h", CLICK),
        ("<link href=http://h>", "href=http://h", CLICK),
        ("<video poster=http://h>", "poster=http://h", LOAD),
        ("<video src=http://h>", "src=http://h", LOAD),
        ("<audio src=http://h>", "src=http://h", LOAD),
        ("<source src=http://h>", "src=http://h", LOAD),
        ("<track src=http://h>", "src=http://h", LOAD),
        ("<embed src=http://h>", "src=http://h", LOAD),
        ("<object data=http://h>", "data=http://h", LOAD),
        ("<iframe src=http://h></iframe>", "src=http://h", LOAD),
        ("<frame src=http://h>", "src=http://h", LOAD),
        ("<bgsound src=http://h>", "src=http://h", LOAD),
        ("<script src=http://h></script>", "src=http://h", LOAD),
        ("<amp-list src=http://h>", "src=http://h", LOAD),
        ("<v:fill src='http://h'/>", "src='http://h'", LOAD),
        ("<V:ImageData SRC=http://h />", "SRC=http://h", LOAD),
        ("<v:image src=http://h>", "src=http://h", LOAD),
        ("<v:imagedata o:href=http://h>", "o:href=http://h", LOAD),
        ("<v:background src=http://h>", "src=http://h", LOAD),
        ("<v:roundrect href=http://h>", "href=http://h", CLICK),
        ("<v:rect href=http://h>", "href=http://h", CLICK),
        ("<area href=http://h>", "href=http://h", CLICK),
        ("<form action=http://h>", "action=http://h", CLICK),
        ("<form action-xhr=http://h>", "action-xhr=http://h", CLICK),
        ("<button formaction=http://h>", "formaction=http://h", CLICK),
        ("<base href=http://h>", "href=http://h", CLICK),
        ("<a ping=http://h>", "http://h", CLICK),
        ("<svg><a xlink:href=http://h>", "xlink:href=http://h", CLICK),
        ("<svg><use xlink:href='http://h'/>", "xlink:href='http://h'", LOAD),
        ("<svg><feImage href=http://h>", "href=http://h", LOAD),
        ("<svg><linearGradient href=http://h>", "href=http://h", LOAD),
        ("<svg><animate href=http://h>", "href=http://h", LOAD),
        ("<svg><animate attributeName=href to=http://h>", "http://h", LOAD),
        ("<svg><animate attributeName='xlink:href' values='#a;http://h'>", "http://h", LOAD),
        ("<svg><set attributeName=href from=http://h>", "http://h", LOAD),
        ("<svg><script xlink:href=http://h></script>", "xlink:href=http://h", LOAD),
        ("<math altimg=http://h>", "altimg=http://h", LOAD),
        ("<math href=http://h>", "href=http://h", CLICK),
        ("<math><mglyph src=http://h>", "src=http://h", LOAD),
        ("<html manifest=http://h>", "manifest=http://h", LOAD),
        ("<applet archive=http://h>", "archive=http://h", LOAD),
        ("<object classid=http://h>", "classid=http://h", LOAD),
        ("<object archive='a http://h'>", "http://h", LOAD),
        ("<param name=movie value=http://h>", "value=http://h", LOAD),
        ("<layer src=http://h>", "src=http://h", LOAD),
        ("<portal src=http://h>", "src=http://h", LOAD),
        ("<xml src=http://h>", "src=http://h", LOAD),
        ("<link rel=dns-prefetch href=//h>", "href=//h", LOAD),
        ("<link rel=prefetch href=http://h>", "href=http://h", LOAD),
        ("<link rel=preload href=http://h>", "href=http://h", LOAD),
        ("<link rel='alternate stylesheet' href=http://h>", "href=http://h", LOAD),
        ("<link rel=manifest href=http://h>", "href=http://h", LOAD),
        ("<amp-state src=http://h>", "src=http://h", LOAD),
        ("<amp-video poster=http://h>", "poster=http://h", LOAD),
        ("<form verify-xhr=http://h>", "verify-xhr=http://h", CLICK),
        ("<input type=submit formaction=http://h>", "formaction=http://h", CLICK),
        ("<img attributionsrc=http://h>", "http://h", LOAD),
        ("<a href=#x attributionsrc=http://h>", "http://h", CLICK),
        ('<a href="#x" attributionsrc="http://h">x</a>', "http://h", CLICK),
        ("<vml:fill src=http://h>", "src=http://h", LOAD),
        ("<v:imagedata r:href=http://h>", "r:href=http://h", LOAD),
        ("<v:stroke o:althref=http://h>", "o:althref=http://h", LOAD),
        ("<meta http-equiv=refresh content='5; url=http://h'>", "content='5; url=http://h'", LOAD),
        ("<META HTTP-EQUIV=' Refresh' CONTENT='0;http://h'>", "CONTENT='0;http://h'", LOAD),
        ("<meta http-equiv=refresh content=\"0,URL = 'http://h' x\">", "content=\"0,URL = 'http://h' x\"", LOAD),
    ],
)
def test_attributes_that_hold_an_address(page: str, element: str, load: bool) -> None:
    url = "https://h" if "=//h" in page else "http://h"
    assert told(page) == [Expected(Carrier.ATTRIBUTE, url, load, element)]
    (one,) = addresses(page)
    assert (piece(page, one.value) or "").endswith("//h")
    assert (one.closing, one.words, one.look) == (None, None, None)


@pytest.mark.parametrize(
    "page",
    [
        *(
            "<td data-background=http://h>",
            "<p title=http://h>",
            "<a name=http://h>x</a>",
            "<meta content=http://h>",
        ),
        *("<meta http-equiv=x content='0;url=http://h'>", "<html xmlns=http://h>", "<img alt=http://h>"),
        *(
            "<a href=mailto:x@h>x</a>",
            "<a href=#http://h>x</a>",
            "<img src=cid:http://h>",
            "<img src=data:,http://h>",
        ),
        *("<img src=http.png>", "<td style='content:\"http://h\"'>", "<td style=\"x:y\" class='url(http://h)'>"),
        *(
            "<!-- <img src=http://h> -->",
            "<title><img src=http://h></title>",
            "<script>a='<img src=http://h>'</script>",
        ),
        *(
            "<textarea><img src=http://h></textarea>",
            "<img src=http://h",
            "<img src='http://h>",
            "< img src=ftp://h>",
        ),
        *(
            "</img src=http://h>",
            "<?img src=http://h?>",
            "<![CDATA[<img src=http://h]]>",
            "<img href src src=http://h>",
        ),
    ],
)
def test_what_holds_none(page: str) -> None:
    assert told(page) == []


def test_an_image_can_go_as_a_whole() -> None:
    page = (
        "<p>x<IMG Src=' http://h/?a=1&amp;copy=2 ' WIDTH=\"1px\" height=1 style='display:none' alt='&eacute;' id>y"
    )
    (one,) = addresses(page)
    assert one.carrier is Carrier.IMAGE
    assert one.load
    assert one.url == "http://h/?a=1&copy=2"
    assert one.quote == b"'"
    assert piece(page, one.element) == page[4:-1]
    assert piece(page, one.value) == " http://h/?a=1&amp;copy=2 "
    assert one.look == Look(1.0, 1.0, ("display",), "é", responsive=True)


@pytest.mark.parametrize(
    "tag",
    ["img src", "IMAGE src", "amp-img src", "amp-anim src", "amp-pixel src", "svg><image href", "image xlink:href"],
)
def test_elements_that_are_images(tag: str) -> None:
    page = f"<{tag.rpartition('<')[2]}=http://h width=1>"
    (one,) = addresses(page)
    assert (one.carrier, piece(page, one.element), one.quote) == (Carrier.IMAGE, page, b"")
    assert one.look is not None
    assert one.look.width == 1


def test_a_pixel_of_amp_shows_nothing() -> None:
    (one,) = addresses("<amp-pixel src=http://h layout=nodisplay></amp-pixel>")
    assert one.look is not None
    assert (one.look.width, one.look.height) == (1.0, 1.0)


def test_a_link_has_its_words_and_its_end_tag() -> None:
    page = 'x<a href="http://h/?a&amp;b" class="c">Read <b>more</b></A >y'
    (one,) = addresses(page)
    assert one.carrier is Carrier.ANCHOR
    assert not one.load
    assert one.url == "http://h/?a&b"
    assert one.quote == b'"'
    assert piece(page, one.element) == '<a href="http://h/?a&amp;b" class="c">'
    assert piece(page, one.value) == "http://h/?a&amp;b"
    assert piece(page, one.words) == "Read <b>more</b>"
    assert piece(page, one.closing) == "</A >"


@pytest.mark.parametrize(
    "tag",
    [
        *(
            '<a href="http://h">',
            "<a href='http://h'>",
            "<A HREF=http://h>",
            '<a  href="http://h" >',
            "<a\nhref=http://h\n>",
        ),
        *('<a class="x" href="http://h" style="color:red">', '<a style="color:rgb(0,0,0)" href="http://h">'),
        *(
            '<a title="1 > 0" href="http://h">',
            '<a href="http://h" href="http://no">',
            "<a/href=http://h>",
            "<a id href=http://h>",
        ),
        *('<a data-href="http://no" href="http://h">', '<a title=\'href="http://no"\' href="http://h">'),
        *(
            '<a title=" href=" href="http://h" x=">">',
            "<a " + "x=y " * 99 + "href=http://h>",
            "<a href=http://h " + "x=y " * 99 + ">",
        ),
    ],
)
def test_a_link_in_any_spelling(tag: str) -> None:
    page = f"{tag}x</a>"
    (one,) = addresses(page)
    assert (one.carrier, one.url, piece(page, one.element)) == (Carrier.ANCHOR, "http://h", tag)
    assert (piece(page, one.value), piece(page, one.words)) == ("http://h", "x")


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("<a href=http://1>x", [None]),
        ("<a href=http://1>x<a href=http://2>y</a>z</a>", [None, "y"]),
        ("<a href=http://1>x<a name=n>y</a>", [None]),
        ("<a href=http://1>x<!--</a>-->y</a>", ["x<!--</a>-->y"]),
        ("<a href=http://1>x<!--[if mso]></a><![endif]-->y</a>", ["x<!--[if mso]></a><![endif]-->y"]),
        ("<!--[if mso]><a href=http://1>x<![endif]-->y</a>", [None]),
        ("<a href=http://1>x<style></a></style></a>", ["x<style></a></style>"]),
        ("</a><a href=http://1></a>", [""]),
        ("<a href=http://1>x</a></a><a href=#2>y</a><a href=http://3>z</a>", ["x", "z"]),
    ],
)
def test_where_links_end(page: str, words: list[str | None]) -> None:
    found = [one for one in addresses(page) if one.carrier is Carrier.ANCHOR]
    assert [piece(page, one.words) for one in found] == words
    assert [one.closing is None for one in found] == [one is None for one in words]


def test_each_candidate_of_a_srcset_is_an_address_of_its_own() -> None:
    page = '<img srcset="http://a/x,y 1x, http://b/?c=1&amp;d=2 (a,b) 2x,http://c,, p.png 3x, //d">'
    found = addresses(page)
    assert [one.url for one in found] == ["http://a/x,y", "http://b/?c=1&d=2", "http://c", "https://d"]
    assert [piece(page, one.value) for one in found] == ["http://a/x,y", "http://b/?c=1&amp;d=2", "http://c", "//d"]
    assert [piece(page, one.element) for one in found] == [
        "http://a/x,y 1x,",
        "http://b/?c=1&amp;d=2 (a,b) 2x,",
        "http://c,,",
        "//d",
    ]
    assert all(one.carrier is Carrier.ATTRIBUTE and one.load and one.quote == b'"' for one in found)


@pytest.mark.parametrize(
    "page", ["<picture><source srcset='http://h 2x'>", "<link rel=preload imagesrcset=http://h>"]
)
def test_candidates_elsewhere(page: str) -> None:
    assert [(one.url, one.load) for one in addresses(page)] == [("http://h", LOAD)]


@pytest.mark.parametrize(
    ("page", "element", "value"),
    [
        ('<td style="background:url(http://h)">', "url(http://h)", "http://h"),
        ("<td style='background:url(\"http://h\")'>", 'url("http://h")', "http://h"),
        ('<td style="background:url(&quot;http://h&quot;)">', "url(&quot;http://h&quot;)", "http://h"),
        (
            '<td style="background:&#117;rl(http&colon;//h&rpar;">',
            "&#117;rl(http&colon;//h&rpar;",
            "http&colon;//h",
        ),
        ("<td style=background:url(http://h)>", "url(http://h)", "http://h"),
        ('<td style="background:\\75 rl(http://h)">', "\\75 rl(http://h)", "http://h"),
        ('<td style="x:url&lpar;http://h)">', "url&lpar;http://h)", "http://h"),
        ('<a style="background:url(http://h)">x</a>', "url(http://h)", "http://h"),
        ('<img style="background:url(http://h)">', "url(http://h)", "http://h"),
        ("<style>a{b:url('http://h')}</style>", "url('http://h')", "http://h"),
        ("<style>@import 'http://h';</style>", "'http://h'", "http://h"),
        ("<svg><rect fill='url(http://h)'>", "url(http://h)", "http://h"),
        ("<svg><g clip-path=url(http://h)>", "url(http://h)", "http://h"),
        ("<svg><path marker-end='url(&quot;http://h&quot;)'>", "url(&quot;http://h&quot;)", "http://h"),
        ("<svg><animate attributeName=fill to=url(http://h)>", "url(http://h)", "http://h"),
        ("<!--[if mso]><style>a{b:url(http://h)}</style><![endif]-->", "url(http://h)", "http://h"),
        ("<style><!-- a{b:url(http://h)} --></style>", "url(http://h)", "http://h"),
        ("<style>a{b:url(http://h)", "url(http://h)", "http://h"),
    ],
)
def test_addresses_in_styles(page: str, element: str, value: str) -> None:
    for whole in (page, f"<td>x</td>{page}") + ((f"{page}</td><p>x</p>",) if page.endswith(">") else ()):
        assert told(whole) == [Expected(Carrier.CSS, "http://h", LOAD, element)]
        assert piece(whole, addresses(whole)[0].value) == value


def test_addresses_come_in_the_order_they_stand() -> None:
    page = (
        "<body background=http://1><a style='x:url(http://3)' href=http://2><img src=http://4 srcset='http://5'></a>"
        "<!--[if mso]><v:rect href=http://6><v:fill src=http://7></v:rect><![endif]--><a href=http://8>x<img src=http://9>"
    )
    assert [one.url for one in addresses(page)] == [f"http://{number}" for number in range(1, 10)]


@pytest.mark.parametrize(
    "rest", [' ping="//p"', ' style="x:url(//p)"', ' background="//p"', ' style="x:&#117;rl(//p)"', " PING='//p'"]
)
def test_a_link_has_other_addresses_beside_its_own(rest: str) -> None:
    for page in (f'<a href="http://h"{rest}>x</a>', f'<a{rest} href="http://h">x</a>'):
        assert [(one.url, one.carrier is Carrier.ANCHOR) for one in addresses(page)] == [
            ("http://h", True),
            ("https://p", False),
        ]


# --- conditional comments -------------------------------------------------------------------------------------
def test_what_only_outlook_reads_is_read() -> None:
    page = (
        "<!--[if gte mso 9]><v:fill src='http://1'/><img src=http://2><a href=http://3>x</a>"
        "<style>a{b:url(http://4)}</style><![endif]--><!--[IF (mso)|(IE)]><td background=http://5><![endif]-->"
    )
    assert [one.url for one in addresses(page)] == [f"http://{number}" for number in range(1, 6)]
    assert piece(page, addresses(page)[2].words) == "x"


@pytest.mark.parametrize(
    "page",
    [
        "<!--[if !mso]><!--><a href=http://h>x</a><!--<![endif]-->",
        "<!--[if !mso]><!-- --><a href=http://h>x</a><!--<![endif]-->",
        "<![if !mso]><a href=http://h>x</a><![endif]>",
    ],
)
def test_what_outlook_alone_does_not_read_is_read_once(page: str) -> None:
    assert [(one.url, piece(page, one.words)) for one in addresses(page)] == [("http://h", "x")]


def test_a_condition_ends_where_a_browser_ends_the_comment() -> None:
    page = "<!--[if mso]><td title='--><img src=http://h><!-- '>x<![endif]-->"
    assert [one.url for one in addresses(page)] == ["http://h"]


def test_a_condition_in_a_condition_is_not_entered() -> None:
    assert addresses("<!--[if mso]><!--[if x]><img src=http://h><![endif]-->") == ()


def test_other_comments_are_not_entered() -> None:
    assert addresses("<!-- [if mso]><img src=http://h><![endif]--><!--if mso><img src=http://h>-->") == ()


def test_noscript_is_read_since_no_mail_client_runs_scripts() -> None:
    assert [one.url for one in addresses("<noscript><img src=http://h></noscript>")] == ["http://h"]


# --- pages in attributes, relative addresses ------------------------------------------------------------------
def test_the_page_of_a_frame_is_read_through_its_references() -> None:
    page = (
        '<iframe srcdoc="<p>&lt;img src=&quot;http://i/?a&amp;amp;b&quot; width=1>'
        "<a href='http://l'>r&amp;eacute;ad</a><td style='x:url(http://c)'>\"></iframe>"
    )
    image, link, style = addresses(page)
    assert (image.carrier, image.url) == (Carrier.IMAGE, "http://i/?a&b")
    assert piece(page, image.element) == "&lt;img src=&quot;http://i/?a&amp;amp;b&quot; width=1>"
    assert piece(page, image.value) == "http://i/?a&amp;amp;b"
    assert image.look is not None
    assert (link.carrier, link.url) == (Carrier.ANCHOR, "http://l")
    assert (piece(page, link.words), piece(page, link.closing)) == ("r&amp;eacute;ad", "</a>")
    assert (style.carrier, piece(page, style.element)) == (Carrier.CSS, "url(http://c)")
    assert [one.quote for one in (image, link)] == [b'""', b"\"'"]


def test_a_frame_has_the_base_of_the_page_round_it() -> None:
    page = "<base href=http://b/><iframe srcdoc='<img src=c>'></iframe>"
    page += "<iframe srcdoc='<base href=http://d/><a href=e>x</a>'>"
    assert [one.url for one in addresses(page)] == ["http://b/", "http://b/c", "http://d/", "http://d/e"]


def test_frames_in_frames_are_read_to_a_limit() -> None:
    page = "<img src=http://h>"
    for depth in range(1, MAX_FRAME_DEPTH + 2):
        page = f'<iframe srcdoc="{html.escape(page)}"></iframe>'
        found = read_html(page.encode())
        within = depth <= MAX_FRAME_DEPTH
        assert [one.url for one in found.addresses] == ["http://h"] * within
        assert found.hidden is not within


@pytest.mark.parametrize(
    ("rest", "url"),
    [
        *(("<img src=o.gif?u=1>", "http://b/x/o.gif?u=1"), ('<img src="o.gif" width="1">', "http://b/x/o.gif")),
        *(
            ("<a href=../c>x</a>", "http://b/c"),
            ('<a href="/c">x</a>', "http://b/c"),
            ("<a href=?c>x</a>", "http://b/x/y?c"),
        ),
        *(("<td background=\\c>", "http://b/c"), ("<td style='x:url(c)'>", "http://b/x/c")),
        *(("<style>@import 'c';</style>", "http://b/x/c"), ("<img srcset='c 2x'>", "http://b/x/c")),
        *(("<!--[if mso]><v:fill src='c'/><![endif]-->", "http://b/x/c"), ("<img src=//h>", "https://h")),
    ],
)
def test_a_base_says_what_relative_addresses_are(rest: str, url: str) -> None:
    base, one = addresses(f"<base href='http://b/x/y'><base href=http://no>{rest}")[::2]
    assert (base.carrier, base.load, base.url) == (Carrier.ATTRIBUTE, False, "http://b/x/y")
    assert one.url == url
    assert addresses(rest) == () or "//h" in rest


@pytest.mark.parametrize(
    "rest",
    ["<img src=cid:x>", "<a href=mailto:a@b>x</a>", "<a href=#x>x</a>", "<img src=''>", "<img src=ftp:x>"],
)
def test_what_is_not_relative(rest: str) -> None:
    assert [one.url for one in addresses(f"<base href=http://b>{rest}")] == ["http://b"]


@pytest.mark.parametrize(
    "base",
    ["<base target=_blank>", "<base href=x>", "<!--[if mso]><base href=http://b><![endif]-->", "<base href>"],
)
def test_what_is_no_base(base: str) -> None:
    assert [one.url for one in addresses(f"{base}<img src=c>") if one.look is not None] == []


# --- the page as a whole --------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    "page",
    [
        *("x|", "|", "x|</body>y", "x</body>y|</BODY >z", "x|</html>", "x|</body></html>", "x</html>y|</body>z"),
        *(
            "x<p>y</p>|",
            "x|</body><!--</body>-->",
            "x|</body><!--[if mso]><a href=http://h></body><![endif]-->",
            "x|</body><title></body></title>",
        ),
        *(
            "x|</body bgcolor='>'>",
            "<td>x</td>|</body>",
            "x<![endif]>|</body>",
            "x<!--</body>-->|",
            "x<xmp></body></xmp>|",
        ),
        *(
            "x|<!-- y",
            "x|<img src='",
            "<td>x|<td",
            "x|<style>y",
            "x|<plaintext>y</body>",
            "<td>a</td>x|<!y",
            "x|</body><!-- y",
        ),
        *("x|<!-- <img </body>", "x|<p title='</body>", "x < y|", "x<|", "<title>x</title>|", "<script></script>|"),
    ],
)
def test_where_a_footer_goes(page: str) -> None:
    before, after = page.split("|")
    assert read_html((before + after).encode()).footer_offset == len(before)


@pytest.mark.parametrize(
    ("page", "language"),
    [
        *(
            ("<html lang=fr>", "fr"),
            ("<!doctype html><HTML LANG='FR-ca'>", "fr"),
            ("<html xml:lang=en lang=de>", "de"),
        ),
        *(("<html xml:lang='en'>", "en"), ("<html><html lang=fr>", "fr"), ("<html lang=fr><html lang=en>", "fr")),
        *(("<p lang=fr>", ""), ("<html lang=''>", ""), ("<html lang=x-klingon>", ""), ("<html lang=french>", "")),
        *(("<!--[if mso]><html lang=fr><a href=http://h><![endif]-->", ""), ("", "")),
    ],
)
def test_language(page: str, language: str) -> None:
    assert read_html(page.encode()).language == language


# --- invariants -----------------------------------------------------------------------------------------------
PIECES = [
    *(
        "<a href=",
        "http://h",
        " href='http://h/?a&amp;b'",
        ">",
        "</a>",
        "<img src=http://i width=1",
        " style='x:url(//j)'",
    ),
    *(
        '<td style="a:b">',
        "</td>",
        '<td background="http://k">',
        '<p class="x">',
        "</p>",
        "x",
        " ",
        "\r\n",
        "<",
        '"',
        "'",
        "é",
    ),
    *(
        "<!--[if mso]>",
        "<![endif]-->",
        "<!--",
        "-->",
        "<v:fill src=http://l />",
        "<style>",
        "</style>",
        "a{b:url('http://m')}",
    ),
    *('<td style="x:url(//q)">', '<td style="x:&#117;rl(//r)">', '<a href="http://s" style="x:url(//t)">', "<svg>"),
    *('<a ping="http://u" href="http://v">', '<a href="http://w">', "<div style=\"x:image-set('//y')\">"),
    *(" srcset='http://n 1x, http://o'", "</body>", "<title>", "</title>", "(", "&", "\\", "<br>", "<b>"),
]
markup = st.lists(st.sampled_from(PIECES), max_size=30).map("".join)


@settings(max_examples=400, deadline=None)
@given(markup)
def test_spans_hold_together(page: str) -> None:
    view = page.encode()
    found = read_html(view)
    assert 0 <= found.footer_offset <= len(view)
    starts = [one.element.start for one in found.addresses if one.carrier in {Carrier.IMAGE, Carrier.ANCHOR}]
    assert starts == sorted(starts)
    for one in found.addresses:
        assert one.element.start <= one.value.start < one.value.end <= one.element.end
        assert one.url.startswith(("http://", "https://"))
        assert (one.look is not None) == (one.carrier is Carrier.IMAGE)
        if one.carrier is Carrier.TEXT:
            assert one.element == one.value
            assert one.quote == b"&"
            continue
        if one.quote and b"&" not in view[slice(*one.element)]:
            assert (
                one.carrier in {Carrier.ATTRIBUTE, Carrier.CSS}
                or view[one.value.start - 1 : one.value.start] == one.quote
            )
        if one.carrier in {Carrier.IMAGE, Carrier.ANCHOR}:
            assert view[one.element.start : one.element.start + 1] == b"<"
            assert view[one.element.end - 1 : one.element.end] == b">"
        if one.words is not None:
            assert one.closing is not None
            assert one.element.end == one.words.start <= one.words.end == one.closing.start
            assert view[slice(*one.closing)].lower().startswith(b"</a")


@settings(max_examples=400, deadline=None)
@given(markup)
def test_passing_over_quiet_tags_hides_no_address(page: str) -> None:
    with patch.object(scan_tokens, "_LOUD_MARKUP", MARKUP):
        every = read_html(page.encode())
    assert read_html(page.encode()) == every


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(st.binary(max_size=6), st.sampled_from([one.encode() for one in PIECES])), max_size=20))
def test_no_octets_raise(pieces: list[bytes]) -> None:
    view = b"".join(pieces)
    assert 0 <= read_html(view).footer_offset <= len(view)


USUAL = [
    b'src="https://a.example/x.gif"',
    b'width="1"',
    b'width="600"',
    b'height="1"',
    b'height="000"',
    b'alt=""',
    b'alt="caf\xc3\xa9"',
    b'style="display:none"',
    b'style="width:1px;max-height:0!important"',
    b'class="x"',
    b'border="0"',
]
ODD = [
    b'src="https://b.example/?a=1&amp;b=2"',
    b'src="cid:x"',
    b'width="50%"',
    b'alt="a&amp;b > c"',
    b'style="background:url(https://c.example/y)"',
    b"hidden",
    b'srcset="https://d.example/z 2x"',
    b'background="https://e.example/b"',
    b"width=3",
    b"/",
]


@settings(max_examples=600, deadline=None)
@given(
    st.lists(st.sampled_from(USUAL), max_size=4),
    st.lists(st.sampled_from(ODD), max_size=1),
    st.randoms(use_true_random=False),
    st.sampled_from([b"", b" ", b"/", b" /"]),
)
def test_the_short_way_for_images_finds_what_the_long_one_finds(
    usual: list[bytes], odd: list[bytes], order: Random, end: bytes
) -> None:
    pieces = [USUAL[0], *usual, *odd]
    order.shuffle(pieces)
    short = b"<img " + b" ".join(pieces) + end + b">"
    # A tab where a blank may stand: the same to every reader, but not "as most are written".
    long = b"<img\t" + short[5:]
    assert read_html(short).addresses == read_html(long).addresses


@pytest.mark.parametrize(
    "inside",
    [
        '<table role="presentation" width="600"><tr><td>',
        "</td></tr></table>",
        '<table background="https://a.example/x"><tr><td>',
        '<td style="background:url(https://a.example/x)">',
        '<v:rect href="https://a.example/x"></v:rect>',
        '<table title="-->"><img src="https://a.example/x">',
        '<table title="--!>"><img src="https://a.example/x">',
        '<a href="https://a.example/x">',
    ],
)
def test_tables_for_outlook_alone_hide_nothing(inside: str) -> None:
    short = f"<p><!--[if mso]>{inside}<![endif]--><img src='https://b.example/y'>".encode()
    long = short.replace(b"<table", b"<TABLE").replace(b"<td", b"<TD").replace(b"</td", b"</TD")
    assert read_html(short).addresses == read_html(long).addresses
