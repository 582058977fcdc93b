"""Every carrier that a parser can see is read by the second opinion."""

from __future__ import annotations

import pytest

from smtp_gate.observe.markup import in_markup, in_style

URL = "https://t.example/o/1?a=1&b=2"


def seen(markup: str) -> list[tuple[str, str, bool]]:
    return [(one.where, one.url, one.loaded) for one in in_markup(markup)]


@pytest.mark.parametrize(
    ("markup", "where"),
    [
        ('<img src="U">', "img src"),
        ("<IMG SRC=' U '>", "img src"),
        ('<img srcset="logo.png 1x, U 2x">', "img srcset"),
        ('<img lowsrc="U">', "img lowsrc"),
        ('<img dynsrc="U">', "img dynsrc"),
        ('<picture><source srcset="U"></picture>', "source srcset"),
        ('<input type="image" src="U">', "input src"),
        ('<table background="U">', "table background"),
        ('<video poster="U"></video>', "video poster"),
        ('<audio src="U"></audio>', "audio src"),
        ('<embed src="U">', "embed src"),
        ('<object data="U"></object>', "object data"),
        ('<object><param name="movie" value="U"></object>', "param value"),
        ('<bgsound src="U">', "bgsound src"),
        ('<link rel="stylesheet" href="U">', "link href"),
        ('<meta http-equiv="Refresh" content="5; url=U">', "meta refresh"),
        ('<iframe src="U"></iframe>', "iframe src"),
        ('<svg><image xlink:href="U"/></svg>', "image xlink:href"),
        ('<svg><use href="U"/></svg>', "use href"),
        ('<amp-img src="U"></amp-img>', "amp-img src"),
        ('<amp-pixel src="U"></amp-pixel>', "amp-pixel src"),
        ('<div style="background:url(U)">', "div style"),
        ("<div style=\"background-image:image-set('U' 1x)\">", "div style"),
        ("<style>@media print { body { background: url('U') } }</style>", "style"),
        ('<style>@import "U";</style>', "style"),
        ("<style>@font-face { src: url(U) format('woff2') }</style>", "style"),
        ('<!--[if mso]><v:fill src="U"/><![endif]-->', "v:fill src"),
        ('<!--[if gte mso 9]><xml><v:imagedata o:href="U"/></xml><![endif]-->', "v:imagedata o:href"),
        ('<!--[if !mso]><!--><img src="U"><!--<![endif]-->', "img src"),
    ],
)
def test_what_is_fetched_when_the_mail_is_shown(markup: str, where: str) -> None:
    written = URL if "<style" in markup else URL.replace("&", "&amp;")
    assert (where, URL, True) in seen(f"<html><body>{markup.replace('U', written)}</body></html>")


@pytest.mark.parametrize(
    ("markup", "where"),
    [
        ('<a href="U">x</a>', "a href"),
        ('<map><area href="U"></map>', "area href"),
        ('<a ping="U" href="#">x</a>', "a ping"),
        ('<form action="U"></form>', "form action"),
        ('<button formaction="U">x</button>', "button formaction"),
        ('<link rel="canonical" href="U">', "link href"),
        ('<!--[if mso]><v:roundrect href="U"></v:roundrect><![endif]-->', "v:roundrect href"),
    ],
)
def test_what_is_fetched_on_a_click(markup: str, where: str) -> None:
    assert (where, URL, False) in seen(
        f"<html><body>{markup.replace('U', URL.replace('&', '&amp;'))}</body></html>"
    )


def test_a_document_in_an_attribute_is_read_too() -> None:
    assert ("img src", "https://t.example/1", True) in seen(
        '<iframe srcdoc="&lt;img src=&quot;https://t.example/1&quot;&gt;"></iframe>'
    )


@pytest.mark.parametrize(
    "markup",
    [
        '<!-- <img src="https://t.example/1"> -->',
        '<textarea><img src="https://t.example/1"></textarea>',
        '<img src="cid:logo"><img src="data:image/gif;base64,R0"><a href="mailto:a@b.example">x</a>',
        '<a href="#x">x</a>',
        '<img src="logo.png">',
    ],
)
def test_what_no_client_asks_for_is_nothing(markup: str) -> None:
    assert seen(markup) == []


def test_relative_addresses_lead_where_the_base_says() -> None:
    assert ("img src", "https://t.example/o/1.gif", True) in seen(
        '<base href="https://t.example/o/"><img src="1.gif">'
    )


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("//t.example/1", "https://t.example/1"),
        ("HTTPS://t.example/1", "https://t.example/1"),
        ("https:\\\\t.example/1", "https://t.example/1"),
        ("https://t.example\n/1", "https://t.example/1"),
    ],
)
def test_odd_spelling_is_read_as_browsers_do(written: str, url: str) -> None:
    assert seen(f'<img src="{written}">') == [("img src", url, True)]


@pytest.mark.parametrize(
    "css",
    [
        r"background:\75 rl(https://t.example/1)",
        "background:url( 'https://t.example/1' )",
        "background:url(/**/'https://t.example/1')",
        "background:url(https://t.example/1",
        "content:src('https://t.example/1')",
        '@import url("https://t.example/1") print;',
    ],
)
def test_styles_are_read_with_escapes_comments_and_missing_ends(css: str) -> None:
    assert in_style(css) == ["https://t.example/1"]


@pytest.mark.parametrize(
    ("attributes", "width", "height", "hidden"),
    [
        ('width="1" height="1"', 1, 1, ()),
        ('width="1px" height=01', 1, 1, ()),
        ('style="width:1px;height:1px!important"', 1, 1, ()),
        ('width="600" style="max-width:0"', 0, None, ("zero_size",)),
        ('style="DISPLAY:none"', None, None, ("display",)),
        ('style="visibility:hidden"', None, None, ("visibility",)),
        ('style="opacity:0"', None, None, ("opacity",)),
        ('style="position:absolute;left:-9999px"', None, None, ("off_screen",)),
        ("hidden", None, None, ("hidden_attribute",)),
        ('width="100%"', None, None, ()),
        ('width="90" height="40"', 90, 40, ()),
    ],
)
def test_how_a_picture_looks(
    attributes: str, width: float | None, height: float | None, hidden: tuple[str]
) -> None:
    [one] = in_markup(f'<img src="https://t.example/1" {attributes}>')
    assert one.look is not None
    assert (one.look.width, one.look.height, one.look.hidden) == (width, height, hidden)


def test_the_words_of_a_link_are_its_text_or_its_pictures() -> None:
    text, picture = in_markup(
        '<a href="https://t.example/1">Un<b>sub</b>\nscribe</a>'
        '<a href="https://t.example/2"><img src="cid:x" alt="Our shop"></a>'
    )
    assert text.words.replace(" ", "") == "unsubscribe"
    assert picture.words == "our shop"


def test_what_only_stands_in_a_style_sheet_is_not_fetched() -> None:
    assert in_style("a[href='https://t.example/1'] { content: \"https://t.example/2\" }") == []
