"""Every page in a real Chromium: axe finds nothing, nothing is cut off, keys reach all of it in reading order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import axe_core_python
import pytest

from smtp_gate.config.values import Language
from smtp_gate.model import NOTHING
from smtp_gate.web.notice import ControllerNotice
from tests.chromium import chromium, needs_chromium
from tests.web.site import ACME, People, Site, confirm, consent, preferences, withdrawal
from tests.web.test_pages import MAKERS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from selenium import webdriver

pytestmark = needs_chromium

AXE = (Path(axe_core_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]
LONG = ControllerNotice(
    "Gesellschaft für Donaudampfschifffahrtsangelegenheiten und Versicherungsvermittlung mbH & Co. KGaA",
    "https://acme.example/privacy",
    "dpo@acme.example",
    "de",
)
PHONE, DESKTOP = (360, 800), (1280, 900)


@pytest.fixture(name="browser", scope="module")
def _browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    browser = chromium(tmp_path_factory.mktemp("chromium"), scripts=True)
    yield browser
    browser.quit()


def look(browser: webdriver.Chrome, size: tuple[int, int], scheme: str) -> None:
    """Set the size of the screen in CSS pixels, and light or dark."""
    width, height = size
    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == PHONE}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)


def findings(browser: webdriver.Chrome) -> list[Any]:
    """What axe objects to, and how many rules it looked at."""
    browser.execute_script(AXE)
    found: dict[str, Any] = browser.execute_async_script(
        "axe.run(document, {runOnly: arguments[0]}).then(arguments[arguments.length - 1])", RULES
    )
    assert len(found["passes"]) > 10
    return [(rule["id"], [node["html"] for node in rule["nodes"]]) for rule in found["violations"]]


@pytest.mark.parametrize("page", MAKERS)
def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(
    browser: webdriver.Chrome, page: str, tmp_path: Path
) -> None:
    for language, notice, size, scheme in (("en", ACME, DESKTOP, "light"), ("de", LONG, PHONE, "dark")):
        look(browser, size, scheme)
        file = tmp_path / f"{language}.html"
        file.write_bytes(bytes(MAKERS[page](language, notice).body))
        browser.get(file.as_uri())
        assert findings(browser) == []
        assert browser.execute_script("return document.documentElement.scrollWidth") <= size[0]


def test_axe_would_find_something(browser: webdriver.Chrome, tmp_path: Path) -> None:
    body = bytes(MAKERS["consent"]("en", ACME).body).decode()
    look(browser, DESKTOP, "light")
    file = tmp_path / "bad.html"
    file.write_text(body.replace("<label", "<p").replace("--soft: #55625b", "--soft: #b5c2bb"), encoding="utf-8")
    browser.get(file.as_uri())
    assert {rule for rule, _ in findings(browser)} >= {"label", "color-contrast"}


REACHED = """
const all = [...document.querySelectorAll("a[href], button, input:not([type=hidden])")];
return all.every((one, at) => one.tabIndex === 0 && (at === 0 ||
  one.getBoundingClientRect().top >= all[at - 1].getBoundingClientRect().top - 1));
"""


@pytest.mark.parametrize("page", MAKERS)
def test_keys_reach_everything_in_the_order_in_which_it_is_read(
    browser: webdriver.Chrome, page: str, tmp_path: Path
) -> None:
    look(browser, PHONE, "light")
    file = tmp_path / "page.html"
    file.write_bytes(bytes(MAKERS[page]("fr", ACME).body))
    browser.get(file.as_uri())
    assert browser.execute_script(REACHED)
    small = "return [...document.querySelectorAll('button, .way a, label.box')].filter(one => %s).length"
    assert browser.execute_script(small % "one.getBoundingClientRect().height < 44") == 0, (
        "large enough for a thumb"
    )


def test_the_three_answers_look_the_same(browser: webdriver.Chrome, tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    for language in get_args(Language):
        file.write_bytes(bytes(MAKERS["consent"](language, ACME).body))
        for size in (PHONE, DESKTOP):
            look(browser, size, "light")
            browser.get(file.as_uri())
            shapes = browser.execute_script(
                "return [...document.querySelectorAll('.equal button')].map(one => {"
                "const s = getComputedStyle(one); const b = one.getBoundingClientRect();"
                "return [b.width, b.height, s.backgroundColor, s.color,"
                "s.fontSize, s.fontWeight, s.borderColor].join() })"
            )
            assert (len(shapes), len(set(shapes))) == (3, 1)
            cut = browser.execute_script(
                "return [...document.querySelectorAll('.equal button')].filter(one => {"
                "one.style.overflowWrap = 'normal'; return one.scrollWidth > one.clientWidth }).length"
            )
            assert cut == 0, f"a word of {language} is broken"


def test_a_scanner_that_runs_scripts_and_presses_nothing_changes_nothing(browser: webdriver.Chrome) -> None:
    site = Site(People(NOTHING, "unknown"))
    with site.served() as address:
        for path in (withdrawal(), preferences(), consent(), confirm()):
            browser.get(address + path)
            assert browser.execute_script("return document.scripts.length") == 0
    assert (site.people.decided, site.mailbox.got) == ([], [])
