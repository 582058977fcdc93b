"""An independent parser (beautifulsoup4 on lxml) finds the same links and images on whole newsletters."""

from __future__ import annotations

import re

import pytest
from bs4 import BeautifulSoup

from smtp_gate.model import Carrier
from smtp_gate.scan.html import read_html

LETTER = """<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"
 "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" xmlns:v="urn:schemas-microsoft-com:vml" lang="fr">
<head>
<meta http-equiv="Content-Type" content="text/html; charset=utf-8" />
<title>Nos <nouveautés> &amp; plus</title>
<!--[if gte mso 9]><xml><o:OfficeDocumentSettings><o:AllowPNG/></o:OfficeDocumentSettings></xml><![endif]-->
<link href="https://fonts.example/css?family=Lato:400,700&amp;display=swap" rel="stylesheet" type="text/css" />
<style type="text/css">
  @media only screen and (max-width:480px) { .col { width:100% !important }
    .hero { background:url('https://cdn.example/m.png') } }
  a:before { content:"<a href='https://no.example/'>"; }
</style>
</head>
<body bgcolor="#f4f4f4" background="https://cdn.example/bg.png" style="margin:0">
<div style="display:none;max-height:0">Aperçu &zwnj;&nbsp;&zwnj;&nbsp;</div>
<!--[if mso | IE]><table width="600"><tr><td><![endif]-->
<table width="100%" cellpadding=0><tr><td style="padding:10px"><p>Bonjour 1 < 2,
<a href="https://click.example/r?u=https%3A%2F%2Facme.example%2Fa&amp;id=1&amp;copy=2" target="_blank">Lire</a>
<A HREF='https://click.example/r?id=2&lt=3' STYLE='color:#000'>la suite</A>
<a href=https://click.example/3/ rel=noopener><img src="https://cdn.example/h.jpg" alt="a > b" width="600"/></a>
</td></tr></table>
<!--[if mso]><v:roundrect href="https://click.example/vml"><center>Voir</center></v:roundrect><![endif]-->
<!--[if !mso]><!-- --><a href="https://click.example/4"
   class="button">Voir</a><!--<![endif]-->
<a name="end"></a><a href="#end">haut</a> <a href="mailto:a@acme.example">écrire</a> <a href="">rien</a>
<TABLE><TR><TD><img src=https://cdn.example/5.png width=10 height=10><img src='cid:logo'><img src="logo.png">
<a title="x" href="//click.example/6"><b>Six</b></a></TABLE>
<p><a href="https://click.example/unsub?x=%20é">Se désabonner</a><!-- <a href="https://click.example/no">x</a> -->
<img src="https://click.example/open.gif?u=1&amp;v=2" width="1" height="1" style="display:block" alt="">
</body>
</html>
"""


Opinion = tuple[list[str], list[str]]
"""Links and images."""


def second_opinion(page: bytes, charset: str) -> Opinion:
    """By beautifulsoup4 on lxml, as web addresses in order."""
    soup = BeautifulSoup(page, "lxml", from_encoding=charset)
    links = [str(tag["href"]).strip() for tag in soup.find_all("a", href=True)]
    images = [str(tag["src"]).strip() for tag in soup.find_all("img", src=True)]
    return web_only(links), web_only(images)


def web_only(addresses: list[str]) -> list[str]:
    return [re.sub(r"^//", "https://", one) for one in addresses if re.match(r"(?:https?:)?//", one, re.IGNORECASE)]


def first_opinion(page: bytes) -> Opinion:
    """The same by us, without what only Outlook reads: a tree parser does not look into comments."""
    outside = [
        one
        for one in read_html(page).addresses
        if not any(start <= one.element.start < end for start, end in comments(page))
    ]
    return (
        [one.url for one in outside if one.carrier is Carrier.ANCHOR],
        [one.url for one in outside if one.carrier is Carrier.IMAGE],
    )


def comments(page: bytes) -> list[tuple[int, int]]:
    return [match.span() for match in re.finditer(rb"<!--.*?-->", page, re.DOTALL)]


@pytest.mark.parametrize("charset", ["utf-8", "windows-1252"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_both_find_the_same(line_end: str, charset: str) -> None:
    page = LETTER.replace("\n", line_end).encode(charset)
    ours = first_opinion(page)
    assert ours == second_opinion(page, charset)
    assert [len(found) for found in ours] == [6, 3]


def test_only_we_find_what_outlook_alone_reads() -> None:
    urls = [one.url for one in read_html(LETTER.encode()).addresses]
    assert "https://click.example/vml" in urls
    assert "https://click.example/no" not in urls
