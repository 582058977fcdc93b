"""A controller's own logo, colours and templates: shown on its pages, and refused before any page is when unfit."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtp_gate.config.brand_section import Colours
from smtp_gate.config.load import load_settings
from smtp_gate.errors import ConfigFileError
from smtp_gate.limits import MAX_LOGO, MAX_PAGE, MAX_PAGE_TEMPLATE
from smtp_gate.model import EVERYTHING
from smtp_gate.web.brand import Brand, load_brands, unreadable
from smtp_gate.web.brand_look import check_templates
from smtp_gate.web.colour import Scheme, contrast, ink_on
from smtp_gate.web.notice import ControllerNotice, notices_of
from smtp_gate.web.pages import Pages, Shown
from tests.web.site import ACME, Site, withdrawal

if TYPE_CHECKING:
    from collections.abc import Mapping

CONFIG = """
web: {{public_url: "https://gate.example"}}
keys: keys.yaml
controllers:
  acme:
    name: Acme SAS
    senders: ["@acme.example"]
    brand: {brand}
"""
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 3"><rect width="9" height="3" style="fill:#123"/></svg>'
)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40)
OURS = Path(__file__).parent.parent.parent / "smtp_gate" / "web" / "templates"
PERSON = Shown(masked="a…@example.com", granted=EVERYTHING, token="T", seal="S")


def loaded(folder: Path, brand: str, files: Mapping[str, str | bytes] | None = None) -> dict[str, ControllerNotice]:
    """What a configuration with this brand and these files gives."""
    for name, content in (files or {}).items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    config = folder / "config.yaml"
    config.write_text(CONFIG.format(brand=brand), encoding="utf-8")
    settings = load_settings(config)
    notices = notices_of(settings.rules().controllers, load_brands(settings))
    check_templates(settings, notices)
    return notices


def refused(folder: Path, brand: str, files: Mapping[str, str | bytes] | None = None) -> str:
    """The one error of such a configuration."""
    with pytest.raises(ConfigFileError) as caught:
        loaded(folder, brand, files)
    [error] = caught.value.errors
    return f"{Path(error.place).name}: {error.key}: {error.problem}"


# --- logo -----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize(("name", "octets", "kind"), [("a.svg", SVG, "image/svg+xml"), ("a.png", PNG, "image/png")])
async def test_the_logo_stands_for_the_name_and_comes_from_the_gate(
    tmp_path: Path, name: str, octets: str | bytes, kind: str
) -> None:
    site = Site(controllers=loaded(tmp_path, f"{{logo: {name}}}", {name: octets}))
    async with site.client() as client:
        page = await client.get(withdrawal())
        [source] = re.findall(r'<img class="logo" src="\.\.(/b/[\w.]+)" alt="Acme SAS">', page.text)
        logo = await client.get(source)
        assert (await client.get("/b/other.svg")).status_code == 404
    assert "img-src 'self'" in page.headers["content-security-policy"]
    assert (logo.status_code, logo.headers["content-type"]) == (200, kind)
    assert logo.content == (octets if isinstance(octets, bytes) else octets.encode())
    assert "immutable" in logo.headers["cache-control"]
    assert logo.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    assert logo.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("octets", "said"),
    [
        (b"GIF89a", "neither a PNG nor an SVG"),
        (b"<html/>", "no SVG file"),
        (SVG.replace("<rect", "<script/><rect"), "holds <script>"),
        (SVG.replace("<rect", '<rect onload="x()"'), "holds the script onload"),
        (SVG.replace("<rect", '<image href="https://t.example/a.png"/><rect'), "loads something from elsewhere"),
        (b"\x89PNG\r\n\x1a\n" + bytes(MAX_LOGO - 7), f"larger than {MAX_LOGO} octets"),
    ],
)
def test_a_file_that_is_no_logo_is_refused(tmp_path: Path, octets: str | bytes, said: str) -> None:
    error = refused(tmp_path, "{logo: logo.svg}", {"logo.svg": octets})
    assert error.startswith("logo.svg: controllers.acme.brand.logo: ")
    assert said in error


def test_a_logo_of_the_largest_size_is_taken_and_one_that_is_not_there_is_told(tmp_path: Path) -> None:
    loaded(tmp_path, "{logo: logo.png}", {"logo.png": b"\x89PNG\r\n\x1a\n" + bytes(MAX_LOGO - 8)})
    assert "cannot be read: No such file" in refused(tmp_path, "{logo: nothing.png}")


# --- colours --------------------------------------------------------------------------------------------------
def test_colours_stand_in_the_style_of_light_and_of_dark_pages(tmp_path: Path) -> None:
    brand = '{colours: {accent: "#0a3", background_dark: "#000000"}}'
    with pytest.raises(ConfigFileError):
        loaded(tmp_path, brand.replace("#0a3", "#0f6"))
    notices = loaded(tmp_path, brand.replace("#0a3", "#083"))
    answer = Pages(notices.values()).withdraw("en", notices["acme"], PERSON)
    style = bytes(answer.body).decode()
    assert "--act: #008833;" in style
    assert "--act-ink: #ffffff;" in style
    assert "--page: #000000;" in style
    other = Pages([ACME]).withdraw("en", ACME, PERSON)
    assert answer.headers["content-security-policy"] != other.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("colours", "key", "said"),
    [
        ({"accent": "#ffee00"}, "accent", "take a darker one"),
        ({"accent_dark": "#222222"}, "accent_dark", "take a lighter one"),
        ({"background": "#777777"}, "background", "take a lighter one"),
        ({"background_dark": "#888888"}, "background_dark", "take a darker one"),
        ({"accent": "#0e7a4a", "background": "#dddddd"}, "", ""),
    ],
)
def test_colours_that_cannot_be_told_apart_are_refused(colours: dict[str, str], key: str, said: str) -> None:
    faults = unreadable(Colours(**colours))
    assert [name for name, _ in faults] == ([key] if key else [])
    assert all(said in problem and "WCAG AA" in problem for _, problem in faults)


@pytest.mark.parametrize("text", ["red", "#12", "#1234567", "14604a", "#ggg"])
def test_what_is_no_colour_is_refused(tmp_path: Path, text: str) -> None:
    assert "is no colour" in refused(tmp_path, f'{{colours: {{accent: "{text}"}}}}')


@given(st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}"))
def test_black_or_white_can_be_read_on_every_colour(colour: str) -> None:
    assert contrast(ink_on(colour), colour) >= 4.5


# --- templates ------------------------------------------------------------------------------------------------
def test_own_words_take_the_place_of_ours_and_the_wording_that_is_kept_is_theirs(tmp_path: Path) -> None:
    source = (
        (OURS / "withdraw.html")
        .read_text(encoding="utf-8")
        .replace('{{ _("Stop tracking in your emails?") }}', "No more counting, {{ sender }}?")
    )
    notices = loaded(tmp_path, "{templates: pages}", {"pages/withdraw.html": source})
    pages = Pages([ACME, *notices.values()])
    assert "No more counting, Acme SAS?" in bytes(pages.withdraw("fr", notices["acme"], PERSON).body).decode()
    assert "No more counting" in pages.wording("withdraw", "fr", notices["acme"], PERSON).text
    assert "No more counting" not in bytes(pages.withdraw("fr", ACME, PERSON).body).decode()


def changed(name: str, old: str, new: str) -> str:
    """One of our templates with something else in one place."""
    source = (OURS / f"{name}.html").read_text(encoding="utf-8")
    assert old in source
    return source.replace(old, new, 1)


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("withdraw", '<form method="post">', "<form>", 'lacks <form method="post" action="">'),
        ("withdraw", '"post">', '"post" action="https://x.example/">', 'lacks <form method="post" action="">'),
        ("withdraw", '{{ _("Stop all tracking") }}', "", "a button without words"),
        ("withdraw", "<h1>", '<h1 onclick="x()">', "has the attribute onclick"),
        ("withdraw", "<h1>", '<img src="https://x.example/p.gif"><h1>', "loads a picture that is not brand.logo"),
        ("withdraw", "<h1>", "<script>x()</script><h1>", "holds <script>"),
        ("withdraw", "<h1>", "<h1 hidden>", "hides a part of itself"),
        ("withdraw", "<h1>", '<a href="javascript:x()">x</a><h1>', "no web or mail address"),
        ("withdraw", "<h1>", "{{ nothing }}<h1>", "'nothing' is undefined"),
        ("withdraw", "<h1>", "{% if %}<h1>", "is no Jinja template"),
        ("withdraw", "<h1>", "<h1>" + "x" * MAX_PAGE, f"larger than {MAX_PAGE} octets"),
        ("purposes", '"refuse"', '"accept"', 'lacks <button type="submit" name="choice" value="refuse">'),
        ("purposes", "{% if ticked %} checked{% endif %}", " checked", "lacks <input"),
        ("page", "<style>{{ style }}</style>", "<style>p { color: red }</style>", "style block of its own"),
        ("page", ' lang="{{ language }}"', "", "lacks lang="),
        ("page", "<main>", "<div>", "lacks <main>"),
    ],
)  # fmt: skip
def test_templates_that_do_less_or_more_than_ours_are_refused(
    tmp_path: Path, name: str, old: str, new: str, said: str
) -> None:
    error = refused(tmp_path, "{templates: pages}", {f"pages/{name}.html": changed(name, old, new)})
    assert error.startswith(f"{name}.html: controllers.acme.brand.templates: ")
    assert said in error


def test_a_folder_of_templates_holds_our_pages_and_nothing_else(tmp_path: Path) -> None:
    assert "name it one of page.html" in refused(tmp_path, "{templates: a}", {"a/withdrawal.html": "x"})
    assert "holds no template" in refused(tmp_path, "{templates: b}", {"b/readme.txt": "x"})
    assert "cannot be read" in refused(tmp_path, "{templates: c}")
    assert "not UTF-8" in refused(tmp_path, "{templates: d}", {"d/withdraw.html": b"\xff"})
    large = {"e/withdraw.html": "x" * (MAX_PAGE_TEMPLATE + 1)}
    assert f"larger than {MAX_PAGE_TEMPLATE} octets" in refused(tmp_path, "{templates: e}", large)
    comment = "{#" + "x" * (MAX_PAGE_TEMPLATE - 4 - len((OURS / "withdraw.html").read_bytes())) + "#}"
    source = (OURS / "withdraw.html").read_text(encoding="utf-8") + comment
    assert loaded(tmp_path, "{templates: f}", {"f/withdraw.html": source})


def test_a_template_reaches_nothing_of_the_program(tmp_path: Path) -> None:
    harm = changed("withdraw", "<h1>", '{{ "".__class__.__mro__ }}<h1>')
    assert "unsafe" in refused(tmp_path, "{templates: pages}", {"pages/withdraw.html": harm})


def test_brands_of_two_controllers_do_not_mix() -> None:
    red: Any = replace(ACME, brand=Brand(light=Scheme("", "#990000")))
    pages = Pages([ACME, red])
    assert "#990000" in bytes(pages.withdraw("en", red, PERSON).body).decode()
    assert "#990000" not in bytes(pages.withdraw("en", ACME, PERSON).body).decode()
