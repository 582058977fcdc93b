"""A web address in the words of a page is one, whether or not the page makes a link of it."""

from __future__ import annotations

import html5lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtp_gate.decision import Action
from smtp_gate.model import Carrier
from smtp_gate.scan.html import read_html
from smtp_gate.scan.message import words_of
from tests.render.test_edits import done


def seen(page: str) -> list[str]:
    view = page.encode()
    return [view[slice(*one.value)].decode() for one in read_html(view).addresses if one.carrier is Carrier.TEXT]


@pytest.mark.parametrize(
    "page",
    [
        *(
            "<p>|http://h/p|</p>",
            "|https://h|",
            "<td>see |http://h/?a=1&amp;b=2|.</td>",
            "x&nbsp;|http://h|&nbsp;y",
        ),
        *("<p>&lt;|http://h|&gt;", "<p>(|http://h|)", "<p>&quot;|http://h/p|&quot;", '<p>"|http://h|"<br>'),
        *(
            "<p>|http://h/a|<wbr>b",
            "<a href=x>|http://h|</a>",
            "<a href=http://i>|http://h|</a>",
            "a > b |http://h|",
        ),
        *("<p title='>'>|http://h|", "<!-- http://no -->|http://h|", "<style>a{b:'http://no'}</style>|http://h|"),
        *(
            "<p title='a > http://no'>|http://h|",
            "<title>http://no</title>|http://h|",
            "|http://h/&eacute;|"[:10] + "|&eacute;",
        ),
    ],
)
def test_addresses_that_readers_see(page: str) -> None:
    pieces = page.split("|")
    assert seen("".join(pieces)) == pieces[1::2]


@pytest.mark.parametrize(
    "page",
    [
        *(
            "<p title=http://h>",
            "<!-- http://h -->",
            "<!doctype html 'http://h'>",
            '<html xmlns="http://h">',
            "</p http://h>",
        ),
        *(
            "<title>http://h</title>",
            "<textarea>http://h</textarea>",
            "<style>/* http://h */</style>",
            "<p>http&#58;//h",
        ),
        *(
            "<script>a='http://h'</script>",
            "<img src=http://h>",
            "<p a='> http://h'>",
            "<p>http://</p>",
            "<p http://h",
        ),
        *("<!-- http://h", "<![if !mso http://h]>", "<!--[if mso]>http://h<![endif]-->", "ftp://h", "://h"),
    ],
)
def test_what_nobody_sees(page: str) -> None:
    assert seen(page) == []


def test_its_words_are_what_stands_before_it() -> None:
    view = b"<p style='a'>To <b>unsubscribe</b> go to http://h</p>"
    (one,) = read_html(view).addresses
    assert words_of(view, one.carrier, one.value, one.words) == "to unsubscribe go to"


def test_it_is_written_with_references() -> None:
    link = "https://link.example/?x=1&amp;to=https%3A%2F%2Fshop.example%2F%3Fa%3Db%26c"
    assert done(f"<p>Go: {link}.</p>", Action.UNWRAP) == "<p>Go: https://shop.example/?a=b&amp;c.</p>"
    assert done(f"<p>Go: {link}.</p>", Action.TEXT) == "<p>Go: .</p>"


PIECES = [
    "<p>",
    "</p>",
    "http://h/",
    " ",
    "<b title='",
    "'>",
    "x",
    "<!--",
    "-->",
    "&amp;",
    "<title>",
    "</title>",
    ">",
]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_an_independent_reader_sees_no_more(page: str) -> None:
    body = html5lib.parse(page, namespaceHTMLElements=False).find("body")
    assert body is not None
    named: list[object] = [one.tag for one in body.iter()]
    texts = [
        one.text for one, tag in zip(body.iter(), named, strict=True) if isinstance(tag, str) and tag != "title"
    ]
    texts += [one.tail for one in body.iter() if one is not body]
    assert len(seen(page)) >= sum("http://h" in (text or "") for text in texts)
