"""The footer says who measures what and shows the way out, in the mail's language and the part's charset."""

from __future__ import annotations

import html
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtp_gate.render.footer import FooterText, html_form, text_form
from smtp_gate.scan.html import read_html

FOOTER = FooterText(
    controller="Société <Acmé> & Fils",
    language="fr",
    withdraw_url="https://gate.example/w/token",
    privacy_url="https://acme.example/privacy?a=b&c=d",
    pixels=True,
    clicks=True,
)


def words(footer: FooterText) -> str:
    """What a reader of the HTML form sees."""
    text = re.sub(rb"<[^>]*>", b"", html_form(footer, b"\r\n")).decode("ascii")
    return " ".join(html.unescape(text).split())


@pytest.mark.parametrize(
    ("pixels", "clicks", "language", "said", "unsaid"),
    [
        (True, True, "fr", ["l'ouverture", "liens"], []),
        (True, False, "fr-CA", ["l'ouverture"], ["liens"]),
        (False, True, "fr", ["liens"], ["l'ouverture"]),
        (True, True, "en", ["open", "links"], []),
        (True, False, "", ["open"], ["links"]),
        (False, True, "de", ["links"], ["open"]),
    ],
)
def test_it_tells_what_is_measured_and_nothing_else(
    pixels: bool, clicks: bool, language: str, said: list[str], unsaid: list[str]
) -> None:
    footer = replace(FOOTER, pixels=pixels, clicks=clicks, language=language)
    text = " ".join(text_form(footer, b"\n", "utf-8").decode().split())
    for form in (words(footer), text):
        assert FOOTER.controller in form
        assert all(word in form for word in said)
        assert not any(word in form for word in unsaid)


def test_both_forms_lead_out_and_to_the_privacy_page() -> None:
    page = read_html(html_form(FOOTER, b"\r\n"))
    assert [address.url for address in page.addresses] == [FOOTER.withdraw_url, FOOTER.privacy_url]
    text = text_form(FOOTER, b"\r\n", "utf-8").decode().split("\r\n")
    assert FOOTER.withdraw_url in text
    assert FOOTER.privacy_url in text
    assert len(read_html(html_form(replace(FOOTER, privacy_url=""), b"\n")).addresses) == 1
    assert text_form(replace(FOOTER, privacy_url=""), b"\n", "utf-8").count(b"https://") == 1


def test_the_html_form_loads_nothing_and_is_ascii() -> None:
    form = html_form(FOOTER, b"\r\n")
    assert form.isascii()
    assert not any(address.load for address in read_html(form).addresses)
    assert b"&lt;Acm&#233;&gt; &amp;" in form.replace(b"\r\n", b" ")
    assert form.count(b"<div") == form.count(b"</div>") == 1


def test_the_grey_reads_on_white_and_on_black() -> None:
    """WCAG 2: a contrast of 4.5 for text of this size."""
    [grey] = set(re.findall(rb"color:#([0-9a-f]{6})", html_form(FOOTER, b"\n")))
    channel = int(grey[:2], 16) / 255
    light = ((channel + 0.055) / 1.055) ** 2.4
    assert (1 + 0.05) / (light + 0.05) >= 4.5
    assert (light + 0.05) / 0.05 >= 4.5


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", "iso-8859-15", "windows-1252"])
def test_accents_are_kept_where_the_charset_has_them(charset: str) -> None:
    assert "Arrêter ce suivi".encode(charset) in text_form(FOOTER, b"\n", charset)


@pytest.mark.parametrize(
    "charset", ["us-ascii", "iso-8859-7", "koi8-r", "nobody-knows", "utf-16", "punycode", "zlib"]
)
def test_accents_are_dropped_where_it_has_none(charset: str) -> None:
    form = text_form(FOOTER, b"\n", charset)
    assert form.isascii()
    assert b"Arreter ce suivi" in form
    assert b"Societe <Acme> & Fils" in form.replace(b"\n", b" ")


def test_letters_without_a_plain_form_do_not_break_it() -> None:
    form = text_form(replace(FOOTER, controller="Œuvre “à” 会社"), b"\n", "iso-8859-1").replace(b"\n", b" ")
    assert b'OEuvre "a" ??' in form


@given(st.text(max_size=40), st.sampled_from([b"\n", b"\r\n"]))
def test_no_controller_name_can_break_a_line_or_a_tag(name: str, end: bytes) -> None:
    footer = replace(FOOTER, controller=name)
    form = html_form(footer, end)
    assert form.count(b"<") == html_form(FOOTER, end).count(b"<")
    for text in (form, text_form(footer, end, "utf-8")):
        assert max(map(len, text.split(end))) < 998
        assert b"\n" not in text.replace(end, b"")
