"""The words a reader sees are told from their markup."""

from __future__ import annotations

import pytest

from smtp_gate.model import Span
from smtp_gate.scan.words import visible_words


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("Unsubscribe", "unsubscribe"),
        ("Un<b>sub</b>scr<span style='x'>ibe</span>", "unsubscribe"),
        ("Hello<br>you<p>there</p>now", "hello you there now"),
        ("<table><tr><td>One</td><td>Two</td></tr></table>", "one two"),
        (" a\r\n\t b&nbsp;c\u2003d ", "a b c d"),
        ("Se d&eacute;sabonner", "se désabonner"),
        ("&lt;b&gt; &amp;amp; &copy1", "<b> &amp; ©1"),
        ("un\u200bsub&shy;scribe&zwnj;", "unsubscribe"),
        ("a<!-- b -->c<!--[if mso]>d<![endif]-->", "ac"),
        ("a<style>b</style>c<script>d</script>", "a c"),
        ("<img alt=Logo src=x>", "logo"),
        ("<b><img alt='View &amp; Go'></b>", "view & go"),
        ("<img alt=Logo>Text", "text"),
        ("<img alt=One><img><img alt=Two>", "one two"),
        ("<img>", ""),
        ("", ""),
        ("1 < 2", "1 < 2"),
        ("<p title='hidden > text'>x", "x"),
        ("ÄÖ", "äö"),
    ],
)
def test_visible_words(page: str, words: str) -> None:
    view = f"<p>before{page}</a>after".encode()
    assert visible_words(view, Span(9, len(view) - 9)) == words


def test_words_in_another_charset() -> None:
    view = "dÉsabonner".encode("latin-1")
    assert visible_words(view, Span(0, len(view))) == "désabonner"
