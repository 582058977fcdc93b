"""Start tags and attributes are those of a browser: three independent readers of the standard are the judges."""

from __future__ import annotations

from unittest.mock import patch

import html5lib
import pytest
import turbohtml
from hypothesis import example, given, settings
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

import smtp_gate.scan.tokens as scan_tokens
from smtp_gate.scan.attributes import attributes_of, value_of
from smtp_gate.scan.elements import ELEMENTS
from smtp_gate.scan.tokens import CONDITIONAL, MARKUP, RAW_TEXT, SWALLOWED, tokens

Tag = tuple[str, dict[str, str]]

SNIPPETS = {
    "upper case, no quotes": b"<TABLE ID=t><TR><TD NOWRAP ID=c><A HREF=http://h/?a=b&c=d/ ID=a>x</A>"
    b"<IMG ID=i SRC=s></TABLE>",
    "attributes without blanks": b'<a href="u"id="a"class=\'x\'rel=y>q</a><img src=\'u\'alt="v"id=i/>',
    "first of two attributes": b"<a href=one HREF=two id=a>x</a><img id=i id=j src=1 src=2>",
    "tag ends in a value": b"<img alt='1 > 0 < 2' id=i src=s><b title='<img id=none>' id=b>x</b>",
    "line breaks round the equals sign": b"<a\r\nhref\r\n=\r\n'u'\n\tid\t=\fa\r>x</a>",
    "line breaks in a value": b"<a href='u\r\nv\rw\nx' id=a>x</a>",
    "slashes between attributes": b"<a/href=u/id=a/>x</a><img/src='u'/id=i/><br/ id=r / >",
    "slash in a bare value": b"<a href=http://h/p/ id=a>x</a><img src=u/ id=i/>",
    "equals sign first": b"<a =x ==y href=u id=a>x</a><p id=p = >y</p>",
    "two equals signs": b"<a href==u id=a>x</a><a id==b>y</a>",
    "quotes in names": b"<a 'href'=u \"id\" id=a>x</a><p cl'ass=x id=p>y</p>",
    "quote in a bare value": b"<a href=u'v\"w id=a>x</a>",
    "less-than in names": b"<a <b href=u id=a>x</a><p<q id=p>y",
    "grave accent": b"<a href=`u v` id=a>x</a>",
    "value that is missing": b"<a href= id=a>x</a><b id=b title= >y</b><i id=i title=>z</i>",
    "empty values": b"<a href='' title=\"\" id=a>x</a>",
    "attributes without value": b"<input disabled id=i><a id=a href>x</a>",
    "references": b"<a href='?a=1&amp;b=2&copy=3&lt=4&not;&notit;&#38;&#x26;&#x80;&amp' id=a>x</a>",
    "references without semicolon": b"<a title='&lt&ampx&gt1&quot &copy&reg;' id=a>x</a>",
    "references to nothing": b"<a title='&#0;&#xD800;&#x110000;&#99999999999;&;&#;&#x;&nosuch;' id=a>x</a>",
    "nul": b"<a hr\0ef=u id=a title='x\0y'>x</a><b\0 id=b>",
    "vertical tab is no blank": b"<a\x0bid=n id=a href=u\x0bv>x</a><p id=p class\x0b=q>y",
    "shortest comments": b"<!--><p id=p><!---><b id=b><!----><i id=i>",
    "comment with exclamation mark": b"<!-- <p id=n> --!><b id=b>x</b><!--!--><i id=i>",
    "comment of dashes": b"<!------------ <p id=n> ----------><b id=b>x</b>",
    "comment ends late": b"<!-- a -- > -> <p id=n> -- --><b id=b>",
    "comment never ends": b"<b id=b>x</b><!-- <p id=n> -- > --! > <i id=n>",
    "comment ends with its opener": b"<!--[if mso]><p id=n><![endif]--><!--[if !mso]><!--><b id=b>x</b><!--"
    b"<![endif]-->",
    "revealed condition": b"<![if !vml]><img id=i src=s><![endif]><b id=b>x</b>",
    "declarations": b"<!doctype html [ <p id=n ]><b id=b><!ELEMENT x '><i id=i>",
    "processing instruction": b"<?xml version='1' ?><b id=b><?php echo '<i id=n>' ?><u id=u>",
    "section": b"<![CDATA[ <p id=n> ]]><b id=b>x</b>",
    "end tags with attributes": b"<b id=b>x</b title='<i id=n>'><u id=u>y</u/><s id=s>",
    "end tags that are none": b"<b id=b></><i id=i></ p><u id=u></3><s id=s></",
    "raw text": b"<style>a:before{content:'<p id=n>'}</sty></STYLE\n><p id=p>x<xmp><b id=n></xmp ><b id=b>",
    "title and textarea": b"<title><b id=n>&lt;</title><textarea id=t><img id=n></textarea/><b id=b>",
    "frames": b"<iframe id=f src=u><p id=n></p></iframe><noembed><b id=n></noembed><noframes>"
    b"<b id=n></noframes><b id=b>",
    "script": b"<script id=s>if (a<b) w('<p id=n>');</script><b id=b>",
    "script in a comment in a script": b"<script><!-- <script> </script> <p id=n> --></script><b id=b>",
    "scripts in a comment in a script": b"<script><!-- <script> <script> </script> <p id=n> </script><b id=b>",
    "script with comment only": b"<script><!-- </script><b id=b><script><!--> <script> </script><i id=i>",
    "raw text never ends": b"<b id=b>x</b><style><p id=n></sty",
    "plain text": b"<b id=b>x</b><plaintext id=t><p id=n></plaintext><p id=n>",
    "less-than in text": b"<p id=p>1 < 2 <3 <\xc3\xa9 <- <= <<b id=b>x</b>",
    "namespaces": b"<v:rect id=r fill=t><v:fill id=f src=u /></v:rect><o:p id=o></o:p>",
    "outside ASCII": "<a href='http://h/é?q=日' title=ï id=a>é</a><img alt=é\u00a0src=n src=u id=i>".encode(),
    "byte order mark": b"\xef\xbb\xbf<a href=u id=a>x</a>",
    "input ends in a tag": b"<b id=b>x</b><img id=n src=u",
    "input ends in a quote": b"<b id=b>x</b><img id=n src='u><p id=n>",
    "input ends in a name": b"<b id=b>x</b><im",
    "quiet tags and others mixed": b'<table id=t><tr><td id=c style="a:b"><p id=p class="x">a</p><P ID=q>'
    b"<a id=a href=u></a></td></tr>",
    "many attributes": b"<a " + b"".join(b"x%d=%d " % (i, i) for i in range(150)) + b"id=a href=u>x</a>",
}


def start_tags(view: bytes) -> list[Tag]:
    """All start tags, the quiet ones too, with their attributes as a browser reads them."""
    found = []
    with patch.object(scan_tokens, "_LOUD_MARKUP", MARKUP):
        for name, _, end, inner, _ in tokens(view, 0, len(view)):
            if name not in {b"/a", b"/body", b"/html", CONDITIONAL, SWALLOWED}:
                attributes = attributes_of(view, inner, end - 1)
                found.append((text(name), {text(key): value_of(attributes, key) for key in attributes}))
    return found


def text(name: bytes) -> str:
    return name.decode().replace("\0", "\ufffd")


def by_turbohtml(view: bytes) -> list[Tag]:
    found = []
    for token in turbohtml.tokenize(view.decode()):
        if token.type == 1:
            attributes: dict[str, str] = {}
            for name, value in token.attrs or ():
                attributes.setdefault(name, value or "")
            found.append((str(token.tag), attributes))
    return found


def with_id(tags: list[Tag]) -> dict[str, Tag]:
    return {attributes["id"]: (name, attributes) for name, attributes in tags if "id" in attributes}


def by_html5lib(view: bytes) -> dict[str, Tag]:
    tree = html5lib.parse(view.decode("utf-8-sig"), namespaceHTMLElements=False)
    return with_id([(str(element.tag), dict(element.items())) for element in tree.iter() if element.get("id")])


def by_lexbor(view: bytes) -> dict[str, Tag]:
    tree = LexborHTMLParser(view.decode("utf-8-sig"))
    return with_id(
        [
            (str(element.tag), {name: value or "" for name, value in element.attributes.items()})
            for element in tree.css("[id]")
        ]
    )


@pytest.mark.parametrize("view", SNIPPETS.values(), ids=SNIPPETS)
def test_start_tags_are_those_of_the_standard(view: bytes) -> None:
    assert start_tags(view) == by_turbohtml(view)


@pytest.mark.parametrize("view", SNIPPETS.values(), ids=SNIPPETS)
def test_elements_are_those_of_two_more_parsers(view: bytes) -> None:
    ours = with_id(start_tags(view))
    assert ours
    assert ours == by_html5lib(view)
    assert ours == by_lexbor(view)


PIECES = [
    *(
        "<",
        ">",
        "</",
        "/>",
        "/",
        "=",
        '"',
        "'",
        " ",
        "\t",
        "\n",
        "\r\n",
        "\r",
        "\f",
        "\v",
        "\0",
        "-",
        "--",
        "(",
        "!",
    ),
    *(
        "-->",
        "--!>",
        "<!--",
        "<!-->",
        "<!",
        "<?",
        "]]>",
        "<![CDATA[",
        "<!doctype html>",
        "<!--[if mso]>",
        "<![endif]-->",
    ),
    *(
        "a",
        "b",
        "x",
        "A",
        "é",
        "日",
        "1",
        "&",
        ";",
        "&amp;",
        "&copy",
        "&copy=",
        "&lt",
        "&notit;",
        "&#38;",
        "&#x80;",
    ),
    *(
        "<a ",
        "<A HREF=",
        '<a href="u">',
        "<img src=",
        ' href="',
        " id='",
        "<td background=",
        "<v:fill src=",
        "<o:p>",
    ),
    *("<style>", "</style>", "</STYLE ", "<title>", "</title>", "<textarea>", "</textarea>", "<xmp>", "</xmp>"),
    *(
        "<script>",
        "</script>",
        "<script",
        "</script",
        "<iframe>",
        "</iframe>",
        "<plaintext>",
        "<p>",
        "</p>",
        "<br/>",
    ),
    *('<td style="a(b)">', '<td style="a&amp;b">'),
    *('<td style="a:b">', '<p class="x" id="y">', "<div>", "</div>", '<td a="', "</a>", "</body>"),
]
markup = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


@settings(max_examples=800, deadline=None)
@given(markup)
@example('<td a="><img src=x>">')
@example("<script><!--<script></script>--></script><a b>")
def test_any_markup_has_the_start_tags_of_the_standard(page: str) -> None:
    assert start_tags(page.encode()) == by_turbohtml(page.encode())


@settings(max_examples=400, deadline=None)
@given(markup)
@example("<p>x <b")
@example('<td style="a">1 < 2</td><a href=u>')
def test_only_tags_without_addresses_are_passed_over(page: str) -> None:
    view = page.encode()
    with patch.object(scan_tokens, "_LOUD_MARKUP", MARKUP):
        every = list(tokens(view, 0, len(view)))
    told = list(tokens(view, 0, len(view)))
    for token in every:
        if token not in told:
            name, start, end, inner, _ = token
            assert name not in ELEMENTS
            assert name not in RAW_TEXT
            assert b"background" not in attributes_of(view, inner, end - 1)
            assert not {b"(", b"&"} & {view[at : at + 1] for at in range(start, end)}
    assert told == [token for token in every if token in told]


def test_tokens_have_the_spans_of_what_is_written() -> None:
    view = b"x<TD a='b'>y<!--[if mso]><b>z<![endif]-->w</A\n>v<style>u</style></Body>t<img"
    found = {
        name: (view[start:end], view[inner:end], view[end:stop])
        for name, start, end, inner, stop in tokens(view, 0, view.index(b"</Body"))
    }
    assert found == {
        b"td": (b"<TD a='b'>", b" a='b'>", b""),
        CONDITIONAL: (b"<!--[if mso]><b>z<![endif]-->", b"<b>z<![endif]-->", b""),
        b"/a": (b"</A\n>", b"", b""),
        b"style": (b"<style>", b">", b"u"),
    }


def test_content_of_a_condition_ends_where_its_comment_ends() -> None:
    view = b"<!--[if mso]>a--><b><!--[if x]>c--!>"
    assert [view[inner:stop] for name, _, _, inner, stop in tokens(view, 0, len(view)) if name == CONDITIONAL] == [
        b"a",
        b"c",
    ]


@pytest.mark.parametrize(
    "tail",
    [
        *(b"<!-- x", b"<img a='", b"<img a", b"<td", b"</p", b"</p a", b"<!x", b"<?x", b"</ x", b"<style>x"),
        *(b"<plaintext>x", b"<script><!--<script></script>"),
        *(b"<!--" + b"- " * 500, b"<img " + b"a=b " * 500, b"</p " + b"a " * 500),
    ],
)
def test_what_takes_the_rest_of_the_input_is_told(tail: bytes) -> None:
    for before in (b"", b"<td>a</td>b"):
        name, start, *_ = list(tokens(before + tail, 0, len(before + tail)))[-1]
        assert (name, start) == (SWALLOWED, len(before))


@pytest.mark.parametrize(
    "tail", [b"<", b"</", b"< x", b"<3", b"x", b"<!-- x -->", b"<td>", b"</p>", b"<!x>", b"</>"]
)
def test_nothing_is_swallowed_by_what_is_whole_or_text(tail: bytes) -> None:
    assert [name for name, *_ in tokens(b"<td>a" + tail, 0, 5 + len(tail)) if name == SWALLOWED] == []


def test_very_long_tags_and_comments_are_read_to_their_end() -> None:
    for long in (
        b"<img " + b"a " * 999 + b">",
        b"<!--[if x]>" + b"- " * 999 + b"-->",
        b"</a " + b"a='>' " * 999 + b">",
    ):
        found = list(tokens(long + b"<a>", 0, len(long) + 3))
        assert [(start, end) for _, start, end, _, _ in found] == [(0, len(long)), (len(long), len(long) + 3)]
