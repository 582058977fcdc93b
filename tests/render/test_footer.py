"""The footer says who measures what and shows the way out, in the mail's language and the part's charset."""

from __future__ import annotations

import html
import re
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtp_gate.config.translations import footer_wording
from smtp_gate.config.values import Language
from smtp_gate.model import EVERYTHING, Purpose
from smtp_gate.render.footer import FooterText, Said, html_form, text_form
from smtp_gate.render.wording import ENGLISH
from smtp_gate.scan.html import read_html

SAID = Said(
    controller="Société <Acmé> & Fils",
    wording=footer_wording("fr"),
    privacy_url="https://acme.example/privacy?a=b&c=d",
    pixels=True,
    clicks=True,
    purposes=Purpose.PERFORMANCE,
)
FOOTER = FooterText(SAID, "https://gate.example/w/token")


def saying(**changes: Any) -> FooterText:
    """The footer with something else in it."""
    return FOOTER._replace(said=SAID._replace(**changes))


def words(footer: FooterText) -> str:
    """What a reader of the HTML form sees."""
    text = re.sub(rb"<[^>]*>", b"", html_form(footer, b"\r\n")).decode("ascii")
    return " ".join(html.unescape(text).split(" ")).replace("\r\n", " ")


@pytest.mark.parametrize(
    ("pixels", "clicks", "language", "said", "unsaid"),
    [
        (True, True, "fr", ["l\u2019ouverture", "liens"], []),
        (True, False, "fr", ["l\u2019ouverture"], ["liens"]),
        (False, True, "fr", ["liens"], ["l\u2019ouverture"]),
        (True, True, "en", ["open", "links"], []),
        (True, False, "en", ["open"], ["links"]),
        (False, True, "de", ["Links"], ["öffnen"]),
    ],
)
def test_it_tells_what_is_measured_and_nothing_else(
    pixels: bool, clicks: bool, language: str, said: list[str], unsaid: list[str]
) -> None:
    footer = saying(pixels=pixels, clicks=clicks, wording=footer_wording(language))
    text = text_form(footer, b"\n", "utf-8").decode().replace("\n", " ")
    for form in (words(footer), text):
        assert SAID.controller in form
        assert all(word in form for word in said)
        assert not any(word in form for word in unsaid)


@pytest.mark.parametrize("language", get_args(Language))
def test_every_language_says_all_there_is_to_say(language: str) -> None:
    wording = footer_wording(language)
    footer = saying(wording=wording, purposes=EVERYTHING)
    plain = text_form(footer, b"\n", "utf-8").decode().replace("\n", " ")
    for form in (words(footer), plain):
        assert "%" not in form
        for said in (wording.both % {"controller": SAID.controller}, wording.end, wording.stop, wording.privacy):
            assert said in form
        for aim in (wording.performance, wording.profiling, wording.fraud, wording.deliverability):
            assert aim in form
    assert f' lang="{language}" dir="auto"'.encode() in html_form(footer, b"\n")
    assert html_form(footer, b"\n").isascii()


@pytest.mark.parametrize(
    ("purposes", "said"),
    [
        (Purpose.CLICKS, []),
        (Purpose.PERFORMANCE | Purpose.CLICKS, ["Purpose: measuring and improving our mailings."]),
        (
            Purpose.FRAUD | Purpose.DELIVERABILITY,
            ["Purposes: spotting abnormal or fraudulent openings, checking that our messages arrive."],
        ),
    ],
)
def test_it_names_the_purposes_of_what_stays(purposes: Purpose, said: list[str]) -> None:
    text = words(saying(wording=ENGLISH, purposes=purposes))
    assert re.findall(r"Purposes?: [^.]*\.", text) == said


def test_a_name_of_another_direction_does_not_turn_the_sentence() -> None:
    name = "חברת אקמה (1998)"
    footer = saying(controller=name)
    assert f"\u2068{name}\u2069" in text_form(footer, b"\n", "utf-8").decode()
    assert "\u2068" not in text_form(footer, b"\n", "iso-8859-8").decode("iso-8859-8"), "it has no such signs"
    assert "\u2068" not in text_form(FOOTER, b"\n", "utf-8").decode(), "a name of the same direction needs none"
    form = html_form(footer, b" ").decode()
    assert f'<span dir="auto">{html.escape(name).encode("ascii", "xmlcharrefreplace").decode()}</span>' in form


def test_both_forms_lead_out_and_to_the_privacy_page() -> None:
    page = read_html(html_form(FOOTER, b"\r\n"))
    assert [address.url for address in page.addresses] == [FOOTER.withdraw_url, SAID.privacy_url]
    text = text_form(FOOTER, b"\r\n", "utf-8").decode().split("\r\n")
    assert FOOTER.withdraw_url in text
    assert SAID.privacy_url in text
    assert len(read_html(html_form(saying(privacy_url=""), b"\n")).addresses) == 1
    assert text_form(saying(privacy_url=""), b"\n", "utf-8").count(b"https://") == 1


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
    assert b"Arreter ce suivi" in form
    assert b"Societe <Acme> & Fils mesure l" in form.replace(b"\n", b" ")
    assert b"?" not in form.replace(b"privacy?", b"")


def test_each_letter_is_the_best_that_the_charset_has() -> None:
    form = text_form(saying(controller="Œuvre “à” 会社 Łódź"), b"\n", "iso-8859-1").replace(b"\n", b" ")
    assert b'OEuvre "\xe0" ?? L\xf3dz' in form
    assert b"Finalit\xe9\xa0: " in form, "a wider fixed blank where there is no narrow one"


@given(st.text(max_size=40), st.sampled_from([b"\n", b"\r\n"]))
def test_no_controller_name_can_break_a_line_or_a_tag(name: str, end: bytes) -> None:
    footer = saying(controller=name)
    form = html_form(footer, end)
    assert form.count(b"<") == html_form(FOOTER, end).count(b"<")
    for text in (form, text_form(footer, end, "utf-8")):
        assert max(map(len, text.split(end))) < 998
        assert b"\n" not in text.replace(end, b"")
