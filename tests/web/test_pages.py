"""Pages are small, load nothing, run nothing, and can be read by anybody in their language."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from gettext import NullTranslations
from hashlib import sha256
from typing import TYPE_CHECKING, get_args

import html5lib
import pytest

from smtp_gate.config.values import Language
from smtp_gate.model import EVERYTHING, Purpose
from smtp_gate.web.notice import NOBODY, ControllerNotice
from smtp_gate.web.pages import Pages, Shown
from tests.web.site import ACME

if TYPE_CHECKING:
    from collections.abc import Callable
    from xml.etree.ElementTree import Element

    from starlette.responses import Response

PAGES = Pages([ACME])
HOSTILE = ControllerNotice(
    '<script>alert(1)</script>"{vendor}{0}' + "W" * 200, "javascript:alert(1)", "javascript:alert(1)"
)
PERSON = Shown(
    masked="a…@example.com", granted=Purpose.PERFORMANCE | Purpose.CLICKS, asked=EVERYTHING, token="T", seal="S"
)
MAKERS: dict[str, Callable[[str, ControllerNotice], Response]] = {
    "withdraw": lambda accept, notice: PAGES.withdraw(accept, notice, PERSON),
    "withdraw_nothing": lambda accept, notice: PAGES.withdraw(accept, notice, Shown(token="T")),
    "withdraw_doubt": lambda accept, notice: PAGES.withdraw(accept, notice, Shown(token="T", known=False)),
    "withdrawn": lambda accept, notice: PAGES.withdrawn(accept, notice, PERSON),
    "preferences": lambda accept, notice: PAGES.preferences(accept, notice, PERSON),
    "preferences_again": lambda accept, notice: PAGES.preferences(accept, notice, Shown(again=True)),
    "consent": lambda accept, notice: PAGES.consent(accept, notice, PERSON),
    "confirm": lambda accept, notice: PAGES.confirm(accept, notice, PERSON),
    "saved": lambda accept, notice: PAGES.saved(accept, notice, PERSON),
    "saved_sent": lambda accept, notice: PAGES.saved(accept, notice, replace(PERSON, mail="sent")),
    "saved_often": lambda accept, notice: PAGES.saved(accept, notice, replace(PERSON, mail="often")),
    "saved_unable": lambda accept, notice: PAGES.saved(accept, notice, Shown(token="T", mail="unable")),
    "saved_failed": lambda accept, notice: PAGES.saved(accept, notice, replace(PERSON, mail="failed")),
    "not_stored": PAGES.not_stored,
    "not_chosen": lambda accept, notice: PAGES.not_stored(accept, notice, Shown(again=True)),
    "ask": lambda accept, notice: PAGES.ask(accept, notice, Shown(vendor="Outreach", host="t.acme.example")),
    "ask_unknown": lambda accept, notice: PAGES.ask(
        accept, notice, Shown(host="t.acme.example", action="../a/x", agree="T", seal="S")
    ),
    "missing": lambda accept, _: PAGES.missing(accept),
    "trouble": lambda accept, _: PAGES.trouble(accept),
    "busy": lambda accept, _: PAGES.busy(accept),
}
EVERY = pytest.mark.parametrize(
    ("page", "language", "notice"),
    [
        pytest.param(page, language, notice, id=f"{page}-{language}-{name}")
        for page in MAKERS
        for language in get_args(Language)
        for name, notice in (("acme", ACME), ("nobody", NOBODY), ("hostile", HOSTILE))
        if name == "acme" or language == "fr"
        if notice.name or page in ("ask", "ask_unknown", "missing", "trouble")
    ],
)


def read(answer: Response) -> Element:
    """The page as a browser reads it; it must be without a single parse error."""
    parser = html5lib.HTMLParser(strict=True, namespaceHTMLElements=False)
    tree: Element = parser.parse(bytes(answer.body).decode())
    return tree


@EVERY
def test_a_page_is_small_and_complete_in_itself(page: str, language: str, notice: ControllerNotice) -> None:
    answer = MAKERS[page](language, notice)
    assert len(answer.body) < 30_000
    tree = read(answer)
    headings = [str(heading.tag) for heading in tree.iter() if re.fullmatch(r"h\d", str(heading.tag))]
    assert headings in (["h1"], ["h1", "h2"])
    assert (tree.get("lang"), answer.headers["content-language"]) == (language, language)
    names = {str(node.tag) for node in tree.iter()}
    assert not names & {"script", "img", "link", "iframe", "object", "embed", "video", "audio"}
    for node in tree.iter():
        assert not any(name in node.attrib for name in ("style", "src", "srcset", "background"))
        assert not any(name.startswith("on") for name in node.attrib)
        assert re.match(r"https://|mailto:|\.\./[ws]/T$|$", node.get("href", ""))
    assert "url(" not in bytes(answer.body).decode()
    assert "@import" not in bytes(answer.body).decode()
    said = "".join(tree.find("body").itertext()).replace(HOSTILE.name, "")  # type: ignore[union-attr]
    assert not set("{%}") & set(said)


@EVERY
def test_the_policy_allows_the_one_style_block_and_nothing_else(
    page: str, language: str, notice: ControllerNotice
) -> None:
    answer = MAKERS[page](language, notice)
    [style] = [node.text or "" for node in read(answer).iter("style")]
    digest = b64encode(sha256(style.encode()).digest()).decode()
    policy = dict(piece.strip().split(" ", 1) for piece in answer.headers["content-security-policy"].split(";"))
    assert policy.pop("form-action") == ("'self' http: https:" if page.startswith("ask") else "'self'")
    assert policy == {
        "default-src": "'none'",
        "style-src": f"'sha256-{digest}'",
        "base-uri": "'none'",
        "frame-ancestors": "'none'",
    }


@EVERY
def test_forms_post_to_doors_of_the_same_gate_and_the_first_button_is_the_pages_own(
    page: str, language: str, notice: ControllerNotice
) -> None:
    forms = [(form.get("method"), form.get("action")) for form in read(MAKERS[page](language, notice)).iter("form")]
    expected = {
        "withdraw": [("post", None), ("post", "../s/T")],
        "withdraw_nothing": [("post", None)],
        "withdraw_doubt": [("post", None)],
        "preferences": [("post", "../s/T")],
        "preferences_again": [("post", "../s/")],
        "consent": [("post", None)],
        "confirm": [("post", None)],
        "not_stored": [("post", None)],
        "ask": [("post", None)],
        "ask_unknown": [("post", "../a/x"), ("post", "../s/T")],
    }
    assert forms == expected.get(page, [])


def test_pages_name_the_controller_and_what_it_declares() -> None:
    text = bytes(PAGES.withdraw("en", ACME).body).decode()
    assert text.count("Acme SAS") == 3
    assert text.count("<bdi>Acme SAS</bdi>") == 2, "a name of another direction does not turn the sentence"
    assert 'href="https://acme.example/privacy"' in text
    assert 'href="mailto:dpo@acme.example"' in text
    assert "<script" not in bytes(PAGES.withdraw("en", HOSTILE).body).decode()


def test_the_ask_page_names_who_would_count() -> None:
    known = bytes(PAGES.ask("en", ACME, Shown(vendor="Outreach", host="t.acme.example")).body).decode()
    assert "Go on through <bdi>Outreach</bdi>" in known
    assert "t.acme.example" in known
    unknown = bytes(PAGES.ask("fr", NOBODY, Shown(host="t.acme.example")).body).decode()
    assert "Continuer par <bdi>t.acme.example</bdi>" in unknown


def test_a_browser_that_asks_for_nothing_gets_the_controllers_language() -> None:
    assert PAGES.withdraw("", ACME).headers["content-language"] == "fr"
    assert PAGES.withdraw("", ControllerNotice("Acme Ltd", language="en")).headers["content-language"] == "en"
    assert PAGES.missing("").headers["content-language"] == "fr", "the first controller's"
    assert Pages([]).missing("").headers["content-language"] == "en"


def test_only_pages_of_failures_say_when_to_come_back() -> None:
    for page, make in MAKERS.items():
        answer = make("en", ACME)
        status = {
            "not_stored": 503,
            "not_chosen": 503,
            "saved_failed": 503,
            "trouble": 503,
            "missing": 404,
            "busy": 429,
        }.get(page, 200)
        assert answer.status_code == status
        assert ("retry-after" in answer.headers) == (status in (429, 503))


def contrast(one: str, other: str) -> float:
    """WCAG 2.1 contrast ratio of two colours written as ``#rgb`` or ``#rrggbb``."""

    def luminance(colour: str) -> float:
        digits = colour.removeprefix("#")
        digits = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
        parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
        red, green, blue = (part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_colours_have_the_contrast_of_wcag_aa_in_light_and_dark() -> None:
    style = bytes(PAGES.withdraw("en", ACME).body).decode()
    schemes = re.findall(r":root \{([^}]*--page[^}]*)\}", style)
    assert len(schemes) == 2
    for scheme in schemes:
        colour = dict(re.findall(r"--([\w-]+): (#\w+)", scheme))
        for ink, ground in [
            ("ink", "page"),
            ("ink", "card"),
            ("soft", "page"),
            ("soft", "card"),
            ("act-ink", "act"),
            ("act-ink", "act-over"),
        ]:
            assert contrast(colour[ink], colour[ground]) >= 4.5, (ink, ground)
        for sign, ground in [("act", "card"), ("act", "tint"), ("warn", "warn-tint"), ("act", "page")]:
            assert contrast(colour[sign], colour[ground]) >= 3, (sign, ground)


class Pseudo(NullTranslations):
    """A language from right to left that nobody speaks: each sentence marked, so that one left out shows."""

    def gettext(self, message: str) -> str:
        """The sentence between two letters of Arabic."""
        return f"\u0627{message}\u0628"


def test_pages_are_ready_for_a_language_from_right_to_left() -> None:
    pages = Pages([ACME], {"en": NullTranslations(), "ar": Pseudo()})
    makers: list[Callable[[str, ControllerNotice, Shown], Response]] = [
        pages.ask,
        pages.withdraw,
        pages.withdrawn,
        pages.preferences,
        pages.consent,
        pages.confirm,
        pages.saved,
    ]
    makers.append(pages.not_stored)
    for make in makers:
        tree = read(make("ar", ACME, PERSON))
        assert (tree.get("lang"), tree.get("dir")) == ("ar", "rtl")
        for node in tree.iter():
            if str(node.tag) in ("h1", "h2", "button", "legend", "b", "a"):
                said = "".join(node.itertext())
                assert "\u0627" in said, f"{said} is not translated"
        [body] = tree.iter("body")
        for name in ("Acme SAS", "a…@example.com"):
            assert all(name not in (node.text or "") or node.tag in ("bdi", "title") for node in body.iter())
    style = bytes(pages.withdraw("ar", ACME).body).decode()
    assert not re.search(r"(margin|padding|border|inset|text-align)[a-z-]*[-:] ?(left|right)\b", style)
