"""Forms of pixels and of honest pictures as whole tags in whole pages, as a mail program would get them.

All are made up: forms that counters and designers use, on hosts and with tokens that nobody has.
"""

from __future__ import annotations

import pytest

from smtp_gate.model import Kind
from smtp_gate.scan.message import scan
from smtp_gate.trackers import Catalogue

NOBODY = Catalogue(())
T = "9f86d081884c7d659a2feaa0c55ad015"
"""32 characters of hex."""
B = "eyJ1IjoiNDIxNyIsImMiOiI4OCJ9LkxtQ3h"
U = "1c9e6679-7425-40de-944b-e07fc1f90ae7"
HEAD = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>News</title><style>
body,table,td{font-family:Arial,sans-serif;margin:0} img{border:0;display:block;max-width:100%;height:auto}
.hide{display:none} .px{width:1px!important;height:1px!important} #seen{position:absolute;left:-9999px}
@media only screen and (max-width:600px){.mobile{display:block!important;max-height:none!important}
.desktop{display:none!important} .fluid{width:100%!important;height:auto!important}}
@media (prefers-color-scheme:dark){.dark{display:block!important}}
</style></head><body><div style="display:none;max-height:0;overflow:hidden">What is in it &zwnj;</div>
<table role="presentation" width="600"><tr><td><h1>Autumn</h1><p>Words.</p></td></tr><tr><td>"""
TAIL = "</td></tr><tr><td><p>Acme, 1 Example Street. Words.</p></td></tr></table></body></html>"


def kinds(body: str) -> list[Kind]:
    """What is found in a page with this body."""
    page = (HEAD + body + TAIL).encode()
    return [
        finding.kind for finding in scan(b"Content-Type: text/html; charset=utf-8\r\n\r\n" + page, NOBODY).findings
    ]


PIXELS = [
    f'<img src="https://mail.acme.example/o/{T}.gif" width="1" height="1" alt="">',
    f"<img width=1 height=1 src=https://mail.acme.example/{U}>",
    f"<img src='https://mail.acme.example/e/{B}' width='0' height='0' border='0'/>",
    f'<IMG SRC="HTTPS://MAIL.ACME.EXAMPLE/E/{T}" WIDTH="1PX" HEIGHT="1PX">',
    f'<img src="//mail.acme.example/t?i={T}" height="1" width="1">',
    '<img src="https://mail.acme.example/c?m=17&amp;r=4217" style="width:1px;height:1px">',
    f'<img src="https://mail.acme.example/{T}" style="width:0;height:0;">',
    f'<img src="https://mail.acme.example/{T}" style="width:.1px;height:.1px">',
    f'<img src="https://mail.acme.example/{T}.png" width="2" height="2">',
    f'<img src="https://mail.acme.example/r/{T}" width="3" height="1">',
    f'<img src="https://mail.acme.example/{T}/b.gif" width="1" height="0">',
    f'<img src="https://mail.acme.example/i/{U}" width="10" height="1">',
    f'<img src="https://mail.acme.example/i/{U}" width="1">',
    f'<img src="https://mail.acme.example/i/{U}" height="1">',
    f'<img src="https://mail.acme.example/i/{U}" style="max-height:1px">',
    f'<img src="https://mail.acme.example/img/{U}" style="display:none">',
    f'<img src="https://mail.acme.example/img/{U}" width="400" height="300" style="display:none !important">',
    f'<img src="https://mail.acme.example/img/{U}" style="visibility:hidden">',
    f'<img src="https://mail.acme.example/img/{U}" style="opacity:0">',
    f'<img src="https://mail.acme.example/img/{U}" style="position:absolute;top:-9999px;left:-9999px">',
    f'<img src="https://mail.acme.example/img/{U}" style="position:absolute;clip:rect(0,0,0,0)">',
    f'<img src="https://mail.acme.example/img/{U}" hidden>',
    '<img src="https://mail.acme.example/img/42/opened.png" style="display:none">',
    '<img src="https://mail.acme.example/img/42/logo.png?c=17" style="display:none">',
    '<img src="https://mail.acme.example/img/42" style="display:none">',
    f'<img class="hide" src="https://mail.acme.example/img/{U}">',
    f'<img class="px" src="https://mail.acme.example/img/{U}">',
    f'<img id="seen" src="https://mail.acme.example/img/{U}">',
    f'<div class="hide"><img src="https://mail.acme.example/img/{U}" width="40" height="40"></div>',
    f'<p style="display:none"><img src="https://mail.acme.example/img/{U}"></p>',
    f'<div style="height:0;overflow:hidden"><span><img src="https://mail.acme.example/img/{U}"></span></div>',
    f'<table><tr><td style="font-size:0;line-height:0" height="1"><img src="https://m.acme.example/{U}"></table>',
    f'<table width="0" height="0"><tr><td><img src="https://m.acme.example/{U}"></td></tr></table>',
    f'<img src="https://mail.acme.example/email/open?c={T}">',
    f'<img src="https://mail.acme.example/api/v2/track/{U}" alt="">',
    f'<img src="https://mail.acme.example/mark_read/{U}">',
    f'<img src="https://mail.acme.example/wf/open?upn={B}">',
    f'<img src="https://mail.acme.example/pixel/{U}.gif">',
    f'<img src="https://mail.acme.example/o/{U}/spacer.gif">',
    f'<img src="https://mail.acme.example/count.php?id={T}" alt="">',
    f'<img src="https://mail.acme.example/seen.aspx?id={T}" alt=" ">',
    f'<img src="https://click.acme.example/{U}">',
    f'<img src="https://t.acme.example/r/?id={T}" width="1" height="1">',
    f'<img src="https://mail.acme.example/{T}/blank.gif" width="1" height="1">',
    f'<!--[if mso]><img src="https://mail.acme.example/o/{T}" width="1" height="1"><![endif]-->',
    f'<div style="background:url(https://mail.acme.example/{T}.gif?u=17);width:1px;height:1px"></div>',
    f'<div style="background-image:url(https://mail.acme.example/x/{T});display:none"></div>',
    f'<td background="https://mail.acme.example/x/{U}?r=4217" width="1" height="1"></td>',
    f'<div style="display:none"><table background="https://mail.acme.example/{U}/a"><tr><td></table></div>',
    f'<td style="background:url(https://mail.acme.example/track/{T})">x</td>',
    f'<img src="https://mail.acme.example/a.gif" srcset="https://mail.acme.example/open/{T} 2x" width="20">',
]


@pytest.mark.parametrize("body", PIXELS)
def test_a_pixel_of_nobody_is_found(body: str) -> None:
    assert Kind.PIXEL in kinds(body)


PICTURES = [
    # logos, icons, social buttons
    '<img src="https://www.acme.example/assets/logo.png" width="180" height="40" alt="Acme">',
    '<img src="https://www.acme.example/logo.svg" alt="Acme">',
    '<img src="https://cdn.acme.example/icons/facebook.png" width="24" height="24" alt="Facebook">',
    f'<img src="https://cdn.acme.example/{U}/icons/x.png" width="16" alt="">',
    '<img src="https://cdn.acme.example/emoji/1f600.png" style="height:1em">',
    '<img src="https://cdn.acme.example/stars/half.gif" width="9" height="9">',
    f'<img src="https://avatars.acme.example/u/{T}?s=64&amp;d=mm" width="32" height="32" alt="">',
    f'<img src="https://lh3.googleusercontent.com/d/{B}{B}" alt="">',
    f'<img src="https://ci3.googleusercontent.com/mail-sig/{B}{B}{B}" width="200" height="51">',
    # pictures to look at
    '<img src="https://cdn.acme.example/hero.jpg" width="600" style="display:block;width:100%">',
    f'<img src="https://cdn.acme.example/{U}/hero.jpg" class="fluid" alt="Autumn">',
    f'<img src="https://cdn.shop.example/s/files/1/0533/products/{T}.jpg?v=1699999999" width="280" height="280">',
    f'<img src="https://res.shop.example/image/upload/c_fill,w_600/v1/{T}.jpg" alt="Coat">',
    f'<img src="https://images.shop.example/{T}?w=600&amp;q=80&amp;auto=format" alt="">',
    f'<img src="https://bucket.s3.amazonaws.com/{T}.png?X-Amz-Signature={T}{T}" width="560" height="300">',
    '<img src="https://acme.example/track-and-field/shoes.jpg" alt="Shoes">',
    '<img src="https://acme.example/openings/new-store.jpg" alt="">',
    '<img src="https://acme.example/pixel-art/castle.png" width="300">',
    '<img src="https://acme.example/beacon-hill/photo.jpg">',
    '<img src="https://acme.example/opera/o/la-traviata.png">',
    f'<img src="https://acme.example/barcode/{T}" alt="Your ticket">',
    '<img src="https://acme.example/qr.php?code=4006381333931" width="200" height="200">',
    '<img src="https://maps.acme.example/static?center=48.85,2.35&amp;zoom=13&amp;size=600x300">',
    '<img src="https://weather.acme.example/icon?city=paris" width="48" height="48">',
    '<img src="https://charts.acme.example/render/chart?id=99" width="560" height="220" alt="Sales">',
    # spacers, lines, corners
    '<img src="https://cdn.acme.example/spacer.gif" width="1" height="1">',
    '<img src="https://cdn.acme.example/img/spacer.gif" width="1" height="20" alt="">',
    '<img src="https://cdn.acme.example/blank.gif" width="600" height="1">',
    '<img src="https://cdn.acme.example/1x1.png" width="1" height="1" style="display:block">',
    f'<img src="https://cdn.acme.example/{T}/transparent.png" width="600" height="10">',
    '<img src="https://cdn.acme.example/shim.gif" height="1" width="1" style="visibility:hidden">',
    '<img src="https://cdn.acme.example/line-grey.gif" width="600" height="1">',
    '<img src="https://cdn.acme.example/corner_tl.gif" width="5" height="5">',
    f'<img src="https://cdn.acme.example/{U}/divider.png" height="2" width="560">',
    # shown on some screens only
    '<img class="mobile" src="https://cdn.acme.example/hero-mobile.jpg" style="display:none;max-height:0">',
    f'<img class="mobile" src="https://cdn.acme.example/{U}/hero.jpg" width="0" height="0" style="display:none">',
    f'<div class="mobile" style="display:none"><img src="https://cdn.acme.example/{U}" width="320"></div>',
    f'<div class="dark" style="display:none;mso-hide:all"><img src="https://cdn.acme.example/{U}" width="9"></div>',
    f'<img class="desktop" src="https://cdn.acme.example/{U}/hero.png">',
    f'<div style="mso-hide:all"><img src="https://cdn.acme.example/{U}/hero" width="600" height="200"></div>',
    f'<!--[if !mso]><!--><img src="https://cdn.acme.example/{U}/hero" width="600" height="200"><!--<![endif]-->',
    '<img src="https://cdn.acme.example/color/google-cloud.jpg" alt="Cloud" style="display:none">',
    # in a small cell that grows with them
    '<table><tr><td style="font-size:0;line-height:0"><img src="https://acme.example/a.jpg" width="300"></table>',
    f'<table><tr><td width="1" height="1"><img src="https://cdn.acme.example/{U}" width="300"></table>',
    # nothing that is loaded from the web
    '<img src="cid:logo@acme.example" width="1" height="1">',
    '<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=" width="1" height="1">',
    '<img src="logo.png" width="1" height="1">',
    '<img alt="nothing" width="1" height="1">',
    # other loads
    '<td background="https://cdn.acme.example/bg.png">x</td>',
    f'<td background="https://cdn.acme.example/{T}/bg.png" width="600" height="300">x</td>',
    f'<div style="background:url(https://cdn.acme.example/{U}/bg.jpg?w=1200) center/cover">x</div>',
    f'<div class="mobile" style="display:none;background:url(https://cdn.acme.example/{U}/bg.jpg)">x</div>',
    '<link rel="stylesheet" href="https://fonts.acme.example/css2?family=Inter:wght@400;700">',
    '<div style="display:none"><link rel="stylesheet" href="https://fonts.acme.example/css2?family=Inter"></div>',
    f"<style>@font-face{{font-family:x;src:url(https://fonts.acme.example/s/{T}.woff2)}}</style>",
]


@pytest.mark.parametrize("body", PICTURES)
def test_an_honest_picture_stays(body: str) -> None:
    assert [kind for kind in kinds(body) if kind is not Kind.SUSPECT] == []


def test_nearly_no_honest_picture_is_even_suspected() -> None:
    assert sum(bool(kinds(body)) for body in PICTURES) <= len(PICTURES) // 20


def test_a_page_of_honest_pictures_with_pixels_at_both_ends_loses_the_pixels_only() -> None:
    body = PIXELS[0] + "".join(PICTURES) + PIXELS[5]
    assert kinds(body).count(Kind.PIXEL) == 2
