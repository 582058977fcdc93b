"""A page of a mailing is read sooner after its first copies, and no other way."""

from __future__ import annotations

import re
from itertools import count
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtp_gate import limits
from smtp_gate.model import PAGES
from smtp_gate.scan import stretches
from smtp_gate.scan.html import read_html, read_stretch
from smtp_gate.scan.mime import walk
from smtp_gate.scan.stretches import read_page
from tests.corpus import entries, needs_corpus, unpacked

if TYPE_CHECKING:
    from collections.abc import Iterator

ADDRESSES = (
    "https://a.example/1",
    "http://track.example/c/MTIzNDU2Nzg5/--x--!?u=http://b.example/&amp;v=2",
    "https://b.example:8080/?a=1&b=2&copy=3&notit;4&#47;&#62;",
    "https://c.example/{}|^`~[x]@,;$#+%22",
    "https://d.example/" + "x" * 300,
)
LETTER = """<!doctype html><html lang="fr"><head><style>p {{ color: red }} @import "http://s.example/s.css";</style></head>
<body background="{}"><p>Hello,</p>
<!--[if mso]><v:roundrect href="{}" style="height:40px"><v:fill src="{}"/></v:roundrect><![endif]-->
<table><tr><td class="x"><a href="{}" style="color:red" title="1 < 2">For {name}</a></td></tr></table>
<a href="{}"><img src="{}" width="10" height="20" alt="Shop"></a> <b>1 < 2</b>
<img src='http://i.example/1' alt="http://alt.example/"><p>See http://v.example/1 or</p>
<!-- <a href="{}">old</a> --><a href="{}">{}</a>
<img src="{}" width="1" height="1"></body></html>
"""


@pytest.fixture(autouse=True)
def _nothing_remembered() -> Iterator[None]:
    with patch.object(stretches, "_memory", stretches._Memory()):
        yield


def letters() -> Iterator[bytes]:
    """Copies that differ in name and links."""
    for number in count():
        chosen = [ADDRESSES[(number * 7 + place * 3) % len(ADDRESSES)] + str(number) for place in range(10)]
        yield LETTER.format(*chosen, name="Anna" if number % 2 else "Bob " + "b" * number).encode()


def same(*pages: str | bytes) -> bool:
    views = [page.encode() if isinstance(page, str) else page for page in pages]
    return [read_page(view) for view in views] == [read_html(view) for view in views]


def test_copies_are_read_as_any_page_is() -> None:
    several = letters()
    assert same(*[next(several) for _ in range(12)])


def test_from_the_third_copy_on_only_what_is_new_is_read() -> None:
    several = letters()
    read_page(next(several))
    read_page(next(several))
    third = next(several)
    with patch.object(stretches, "read_stretch", wraps=read_stretch) as reading:
        assert read_page(third) == read_html(third)
    read = [third[slice(*call.args[1:])] for call in reading.call_args_list]
    name, comment, words = read
    assert b"For Bob bb</a>" in name
    assert b"<!-- <a" in comment  # what no tag holds must be the same again
    assert words.startswith(b'<a href="')  # its own words are an address, which is text


@pytest.mark.parametrize(
    "page",
    [
        '<base href="{0}"><a href="x">1</a><a href="{0}">2</a><a href="{0}">3</a>',
        '<a href="{0}">1<a href="{0}">2<a href="{0}">3',
        '<a href="{0}">1 <img src="{0}"><img src="{0}"><img src="{0}"><img src="{0}"></a></body>',
        '<svg><style><a href="{0}">1</a></style><a href="{0}">2</a></svg><img src="{0}">',
        '<iframe srcdoc=\'<a href="{0}">1</a>\'></iframe><a href="{0}">2</a><img src="{0}"></html>',
        '<title><a href="{0}"></title><a href="{0}">1</a></body><!-- <img src="{0}"></body>',
        '<a href="{0}">1</a></<a href="{0}">2</a><a href="{0}">3</a>',
        '<a href="{0}">1</a><<a href="{0}">2</a><a href="{0}">3</a><',
        '<a title="x"href="{0}">1</a><a href="{0}"ping="{0}">2</a><a href="{0}" href="{0}">3</a>',
        '<a href="" title="{0}">1</a><a title="" href="{0}">1</a><img src="{0}">',
        '<img src="{0}" srcset="{0}"><img srcset="{0}"><object data="{0}" archive="{0}"></object><a href="{0}">',
        '<p style="{0}">a<p style="background:url(x)" id="{0}">b<a href="{0}">c</a><meta content="{0}">',
        '<!--[if mso]><a href="{0}">1</a><![endif]--><!--[if !mso]><!--><a href="{0}">2</a><!--<![endif]--><a>',
        '<script>"<a href="{0}">"</script><noscript><img src="{0}"></noscript><textarea><a href="{0}"></textarea>',
    ],
)
def test_whatever_reaches_out_of_a_stretch_or_changes_the_rest(page: str) -> None:
    assert same(*[page.format(address) for address in ADDRESSES * 2], page.format("https://e.example/"))


PIECES = st.sampled_from(
    [
        '<a href="{}">', '<a class="b" href="{}" title="x">', "</a>", '<img src="{}">', '<img src="{}" alt="{}">',
        '<td background="{}">', '<v:rect href="{}"/>', "<!--[if mso]>", "<![endif]-->", "<!--", "-->", "text ",
        '<html lang="de">', "</body>", "</html>", "<style>", "</style>", "<title>", "</title>", "'", '"', "<b t='",
        "<", "</", "<base href='http://x'>", "<svg>", "http://t.example/x ", '<link href="{}">', "<p>",
    ]
)  # fmt: skip


@given(
    st.lists(PIECES, max_size=14),
    st.lists(st.lists(st.sampled_from(ADDRESSES), min_size=28, max_size=28), min_size=3, max_size=4),
)
def test_any_page_is_read_alike_however_often_it_came(pieces: list[str], fillings: list[list[str]]) -> None:
    page = "".join(pieces)
    assert same(*[page.format(*chosen) for chosen in fillings])


@needs_corpus
def test_real_pages_are_read_alike_with_other_addresses() -> None:
    pages = 0
    for entry in entries()[::6]:
        for part in walk((unpacked() / entry.path).read_bytes())[0]:
            if part.media_type in PAGES and part.view is not None and len(part.view) < 200_000:
                others = iter(ADDRESSES * 10_000)
                view = part.view
                other = re.sub(rb'="https?://[^"\s<>\'()*\\]+"', lambda _: b'="%b"' % next(others).encode(), view)  # noqa: B023
                assert same(view, view, other)
                pages += 1
    assert pages > 100


# --- limits ---------------------------------------------------------------------------------------------------
def page_of(size: int, number: int) -> bytes:
    """A page whose first stretch has this many octets."""
    rest = "".join(f'<a href="https://x.example/{number}">{place}</a>' for place in range(3))
    return (f"<p>{'x' * (size - 3)}" + rest).encode()


@pytest.mark.parametrize(("size", "remembered"), [(limits.MAX_STRETCH, True), (limits.MAX_STRETCH + 1, False)])
def test_a_very_long_stretch_is_read_each_time(size: int, *, remembered: bool) -> None:
    for number in range(2):
        read_page(page_of(size, number))
    with patch.object(stretches, "read_stretch", wraps=read_stretch) as reading:
        assert same(page_of(size, 3))
    assert reading.call_count == (0 if remembered else 1)


@pytest.mark.parametrize(("room", "remembered"), [(20_000, True), (2_000, False)])
def test_what_is_remembered_has_a_bound(room: int, *, remembered: bool) -> None:
    with patch.object(stretches, "STRETCH_MEMORY", room):
        stretches._memory = stretches._Memory()
        for number in range(2):
            read_page(page_of(1000, number))
            read_page(page_of(900, number))
    assert bool(stretches._memory.known.keys() & {(page_of(1000, 0)[:1000],)}) == remembered
    assert same(page_of(1000, 4), page_of(900, 4))


@pytest.mark.parametrize(("most", "remembered"), [(4, True), (3, False)])
def test_so_many_stretches_are_known_to_have_come_once(most: int, *, remembered: bool) -> None:
    with patch.object(stretches, "STRETCHES_SEEN", most):
        for number in range(2):
            read_page(page_of(100, number))
    assert bool(stretches._memory.known) == remembered
