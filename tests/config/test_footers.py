"""A footer of the user's own says what it is told; none gets through that people could not leave by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from smtp_gate.cli.rooms import load
from smtp_gate.config.footers import load_footers
from smtp_gate.config.load import load_settings
from smtp_gate.config.translations import footer_wording
from smtp_gate.errors import ConfigFileError
from smtp_gate.limits import MAX_FOOTER, MAX_FOOTER_LINE
from smtp_gate.model import Purpose
from smtp_gate.render.footer import FooterText, Said, html_form, text_form
from tests.gate_room import LINK as TRACKED
from tests.gate_room import catalogue

if TYPE_CHECKING:
    from pathlib import Path

    from smtp_gate.render.own_footer import OwnFooter

LINK = '<a href="{{ withdraw_url }}">{{ stop }}</a>'
URL = "https://gate.example/w/token?a=1&b=2"


def loaded(folder: Path, html: str | None = None, text: str | None = None) -> OwnFooter:
    """The footer of a controller with these templates."""
    wanted = []
    for form, source in (("html", html), ("text", text)):
        if source is not None:
            (folder / f"footer.{form}").write_text(source, encoding="utf-8")
            wanted.append(f"{form}: footer.{form}")
    config = folder / "config.yaml"
    config.write_text(
        'listen: {smtp: "127.0.0.1:10025"}\ndeliver: {next_hops: ["smtp://127.0.0.1:25"]}\ncontrollers:\n'
        f"  acme: {{name: A & Sons, senders: '@acme.example', footer: {{{', '.join(wanted)}}}}}\n",
        encoding="utf-8",
    )
    return load_footers(load_settings(config), catalogue())["acme"]


def said(own: OwnFooter, language: str = "en") -> FooterText:
    """What a mail with openings and clicks says."""
    what = Said(
        "A & Sons", footer_wording(language), "", pixels=True, clicks=True, purposes=Purpose.PERFORMANCE, own=own
    )
    return FooterText(what, URL)


def refused(folder: Path, html: str | None = None, text: str | None = None) -> str:
    """The one error of these templates, without the folder."""
    with pytest.raises(ConfigFileError) as caught:
        loaded(folder, html, text)
    [error] = caught.value.errors
    assert error.key.startswith("controllers.acme.footer.")
    return str(error).replace(f"{folder}/", "")


def test_a_template_says_what_it_is_told(tmp_path: Path) -> None:
    own = loaded(
        tmp_path,
        '<p lang="{{ language }}">{{ claim }} {{ aims }}\n{{ controller }}: {{ purposes|join("; ") }} é\n'
        + LINK
        + "</p>",
        "{{ claim }}\n{% if pixels and clicks %}{{ end }}{% endif %}   \n{{ stop }}: {{ withdraw_url }}\n",
    )
    form = html_form(said(own, "de"), b"\r\n")
    assert form.startswith(b'<p lang="de">Mit Ihrer Einwilligung erfasst A &amp; Sons, ob Sie')
    assert b"\r\nA &amp; Sons: Messung und Verbesserung unserer Aussendungen &#233;\r\n" in form
    assert form.endswith(b'<a href="https://gate.example/w/token?a=1&amp;b=2">Dieses Tracking beenden</a></p>\r\n')
    text = text_form(said(own, "fr"), b"\r\n", "iso-8859-1")
    assert text.startswith(b"Avec votre accord, A & Sons mesure l'ouverture")
    assert text.endswith(b"messages.\r\nArr\xeater ce suivi: https://gate.example/w/token?a=1&b=2\r\n")


def test_a_form_without_a_template_is_ours(tmp_path: Path) -> None:
    own = loaded(tmp_path, LINK)
    assert text_form(said(own), b"\n", "utf-8").startswith(b"_____")
    own = loaded(tmp_path, text="{{ withdraw_url }}")
    assert html_form(said(own), b"\n").startswith(b"<div lang")
    assert text_form(said(own), b"\n", "utf-8") == URL.encode() + b"\n"


@pytest.mark.parametrize(
    ("source", "told"),
    [
        (
            "<p>\n{{ claim }}</p>",
            "footer.html: controllers.acme.footer.html: lacks the withdrawal link: write <a href",
        ),
        ("<p>{{ withdraw_url }}</p>", "footer.html:1: controllers.acme.footer.html: lacks the withdrawal link"),
        ('<a href="{{ withdraw_url }}"> </a>', "lacks the withdrawal link"),
        ('<a href="{{ withdraw_url|upper }}">x</a>', "has a link that is no web or mail address"),
        ('<a href="{{ withdraw_url }}/">x</a>', "lacks the withdrawal link"),
        ('{% if language == "pl" %}none{% else %}' + LINK + "{% endif %}", "(seen in pl, for openings and clicks)"),
        ("{% if clicks %}" + LINK + "{% endif %}", "(seen in en, for openings)"),
        (
            LINK + '\n<img alt="" src="https://acme.example/logo.png">',
            "footer.html:2: controllers.acme.footer.html: holds <img>",
        ),
        (LINK + "<script>1</script>", "holds <script>"),
        (LINK + '<link rel="stylesheet" href="https://acme.example/a.css">', "holds <link>"),
        (LINK + "<style>p{}</style>", "holds <style>"),
        (LINK + "<svg></svg>", "holds <svg>"),
        (
            LINK + "\n\n<p style=\"background: url('https://acme.example/b.png')\">x</p>",
            "footer.html:3: controllers",
        ),
        (LINK + '<p style="background:u\\72l(//acme.example)">x</p>', "has a style that may load something"),
        (LINK + '<table background="https://acme.example/b.png"></table>', "has the attribute background"),
        (LINK + '<p onclick="x()">x</p>', "has the attribute onclick"),
        ('<a ping="https://acme.example/" href="{{ withdraw_url }}">x</a>', "has the attribute ping"),
        (LINK + '<a href="javascript:1">x</a>', "has a link that is no web or mail address"),
        (f'<p style="display: none">{LINK}</p>', "hides a part of itself"),
        (f'<p style="font-size:0">{LINK}</p>', "hides a part of itself"),
        (f"<p hidden>{LINK}</p>", "hides a part of itself"),
        (f"<div>\n<p>{LINK}</p>", "footer.html:1: controllers.acme.footer.html: leaves <div> open; close it"),
        (f"<p>{LINK}</div>", "has </div> where"),
        (f"<p/>{LINK}", "leaves <p> open"),
        (
            LINK + f'\n<a href="{TRACKED.decode()}">x</a>',
            "footer.html:2: controllers.acme.footer.html: leads through a tracker",
        ),
        (LINK + "<!--[if mso]><img><![endif]-->", "holds the comment"),
        ("<!doctype html>" + LINK, "holds <!doctype html>"),
        (LINK + "<p", "holds a < that begins no tag"),
        (LINK + "{{ claim", "is no Jinja template"),
        (LINK + "\n\n{% if %}", "footer.html:3: controllers.acme.footer.html: is no Jinja template"),
        (
            LINK + "\n{{ contrller }}",
            "footer.html:2: controllers.acme.footer.html: cannot be rendered: 'contrller' is",
        ),
        (
            LINK + "\n{{ claim.__class__.__mro__ }}",
            "footer.html:2: controllers.acme.footer.html: cannot be rendered",
        ),
        (LINK + "{{ [1, 2]|random }}", "is no Jinja template: No filter named 'random'"),
        (LINK + "{% include 'other.html' %}", "cannot be rendered"),
    ],
)
def test_a_html_template_that_will_not_do_is_refused_with_place_and_cure(
    tmp_path: Path, source: str, told: str
) -> None:
    assert told in refused(tmp_path, source)


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("{{ claim }}\n", "footer.text: controllers.acme.footer.text: lacks the withdrawal link"),
        (
            "{{ claim }}\n{{ withdraw_url }}more",
            "footer.text:2: controllers.acme.footer.text: lacks the withdrawal link",
        ),
        ("Bye\n-- \n{{ withdraw_url }}", "{{ withdraw_url }}"),
        ("{{ 1 / 0 }}", "footer.text:1: controllers.acme.footer.text: cannot be rendered: division by zero"),
    ],
)
def test_a_text_template_that_will_not_do_is_refused(tmp_path: Path, source: str, told: str) -> None:
    if "-- " in source:
        assert text_form(said(loaded(tmp_path, text=source)), b"\n", "utf-8").startswith(b"Bye\n--\n"), (
            "its blank goes"
        )
        return
    assert told in refused(tmp_path, text=source)


def test_the_limits_of_a_footer(tmp_path: Path) -> None:
    line = "x" * (MAX_FOOTER_LINE - 1)
    loaded(tmp_path, f"{LINK}\n{line}x")
    assert f"a line of more than {MAX_FOOTER_LINE} octets" in refused(tmp_path, f"{LINK}\n{line}xx")
    assert f"a line of more than {MAX_FOOTER_LINE} octets" in refused(tmp_path, f"{LINK}\n{line}é")
    rows = MAX_FOOTER // 512
    loaded(tmp_path, LINK + "{% for n in '" + "x" * (rows - 1) + "' %}\n" + "x" * 500 + "\n{% endfor %}")
    long = LINK + "{% for n in '" + "x" * (rows + 2) + "' %}\n" + "x" * 510 + "\n{% endfor %}"
    assert f"becomes larger than {MAX_FOOTER} octets" in refused(tmp_path, long)
    assert f"is larger than {MAX_FOOTER} octets" in refused(tmp_path, LINK + "{# " + "x" * MAX_FOOTER + " #}")


def test_all_errors_of_all_templates_are_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigFileError) as caught:
        loaded(tmp_path, "x", "x")
    assert [error.key for error in caught.value.errors] == [
        "controllers.acme.footer.html",
        "controllers.acme.footer.text",
    ]


def test_a_file_that_is_not_there_and_one_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "footer.html").mkdir()
    with pytest.raises(IsADirectoryError):
        loaded(tmp_path, "x")
    (tmp_path / "footer.html").rmdir()
    own = loaded(tmp_path, LINK)
    assert own is not None
    (tmp_path / "footer.html").unlink()
    settings = load_settings(tmp_path / "config.yaml")
    with pytest.raises(ConfigFileError, match=r"footer\.html: controllers.*cannot be read: No such file"):
        load_footers(settings, catalogue())
    (tmp_path / "footer.html").write_bytes(b"\xff")
    with pytest.raises(ConfigFileError, match="is not UTF-8 text"):
        load_footers(settings, catalogue())


def test_a_start_and_a_reload_refuse_it_too(tmp_path: Path) -> None:
    assert "lacks the withdrawal link" in refused(tmp_path, "x")
    with pytest.raises(ConfigFileError, match="lacks the withdrawal link"):
        load(tmp_path / "config.yaml")


def test_a_footer_that_names_no_template_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigFileError, match="names no template"):
        loaded(tmp_path)
