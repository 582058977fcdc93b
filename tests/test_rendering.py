"""A mail looks the same before and after: ten made newsletters and sales mails in Chromium, pixel by pixel.

No network: every name is unknown to this browser, so that pictures show as their boxes, before as after.
"""

from __future__ import annotations

import io
from base64 import b64decode
from dataclasses import replace
from email import message_from_bytes
from email.policy import default
from importlib import resources
from typing import TYPE_CHECKING

import pytest
from PIL import Image, ImageChops
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from bench.mails import newsletter, sales
from smtp_gate.decision import Action
from smtp_gate.gate.variant import compose
from smtp_gate.model import EVERYTHING, NOTHING, Purpose
from smtp_gate.policy.match import treat
from smtp_gate.policy.rules import Controller
from smtp_gate.scan.message import scan
from tests.chromium import chromium, needs_chromium
from tests.gate_room import PUBLIC_URL, ruleset

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from selenium import webdriver

pytestmark = needs_chromium

WIDTH = 800
SHORTEST = 50
"""CSS pixels: the sales mail of the benchmark is a few lines of links."""
FAINT = 32
"""Levels of 255 by which a border may differ when what is around it moved by part of a CSS pixel."""
LINE = 24
"""CSS pixels of a line of text in a mail: what an element that goes may take with it."""
MAILS = {
    file.name.removesuffix(".eml"): file.read_bytes()
    for file in sorted((resources.files("smtp_gate.cli") / "demo_mails").iterdir(), key=lambda file: file.name)
    if file.name.endswith(".eml")
} | {"newsletter": newsletter(), "sales": sales()}
EVERYBODY = Controller("all", "Everybody", ("*@*",))


@pytest.fixture(name="browser", scope="module")
def _browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    browser = chromium(tmp_path_factory.mktemp("chromium"), "--host-resolver-rules=MAP * ~NOTFOUND")
    yield browser
    browser.quit()


def sent(raw: bytes, granted: Purpose) -> bytes:
    """The mail as it leaves; its pixel was dealt with."""
    rules = ruleset()
    policy = replace(rules.policy, controllers=(EVERYBODY,))
    found = scan(raw, rules.catalogue, own=PUBLIC_URL)
    variant = compose(rules, found, treat(policy, b"", found), granted, b"alice@example.com")
    wanted = Action.WRAP if granted else Action.STRIP
    assert wanted in {verdict.action for verdict in variant.decision.verdicts}
    assert variant.decision.footer is bool(granted)
    return variant.content


def picture(browser: webdriver.Chrome, raw: bytes, file: Path) -> Image.Image:
    """The whole HTML body, as wide as a mail client's window."""
    body = message_from_bytes(raw, policy=default).get_body(("html",))
    assert body is not None
    file.with_suffix(".html").write_text(body.get_content(), encoding="utf-8-sig")
    browser.get(file.with_suffix(".html").as_uri())
    # a browser that has only just loaded the page may not have laid it out yet
    height = WebDriverWait(browser, 30).until(
        lambda now: now.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]["height"]
    )
    clip = {"x": 0, "y": 0, "width": WIDTH, "height": height, "scale": 1}
    shot = browser.execute_cdp_cmd("Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip})
    image = Image.open(io.BytesIO(b64decode(shot["data"]))).convert("RGB")
    image.save(file.with_suffix(".png"))
    return image


def differs(before: Image.Image, after: Image.Image, height: int) -> str:
    """How two pictures differ down to a height of the second; empty when they do not.

    A pixel that stood alone on a line took that line with it: one blank band of the first may be missing.
    """
    band = before.height - after.height if height == after.height else 0
    first = ImageChops.difference(before.crop((0, 0, WIDTH, height)), after.crop((0, 0, WIDTH, height))).getbbox()
    if first is None:
        return ""
    if not 0 < band <= LINE:
        return f"from line {first[1]} on"
    above = next((top for top in range(first[1], -1, -1) if not blank(before, top, top + 1)), -1) + 1
    rest = before.crop((0, above + band, WIDTH, before.height)), after.crop((0, above, WIDTH, after.height))
    moved = ImageChops.difference(*rest).point(lambda level: 255 * (level > FAINT))
    if blank(before, above, above + band) and moved.getbbox() is None:
        return ""
    return f"from line {first[1]} on, and not by a blank band"


def blank(image: Image.Image, top: int, end: int) -> bool:
    """Whether nothing shows there but one colour a line."""
    return all(image.crop((0, line, WIDTH, line + 1)).getcolors(1) is not None for line in range(top, end))


@pytest.mark.parametrize("name", MAILS)
def test_without_trackers_a_mail_looks_as_before(browser: webdriver.Chrome, tmp_path: Path, name: str) -> None:
    before = picture(browser, MAILS[name], tmp_path / "before")
    after = picture(browser, sent(MAILS[name], NOTHING), tmp_path / "after")
    assert after.height >= SHORTEST
    assert after.height <= before.height
    assert differs(before, after, after.height) == "", f"compare the pictures in {tmp_path}"
    assert before.height - after.height <= LINE


@pytest.mark.parametrize("name", MAILS)
def test_with_trackers_a_mail_looks_as_before_down_to_its_footer(
    browser: webdriver.Chrome, tmp_path: Path, name: str
) -> None:
    before = picture(browser, MAILS[name], tmp_path / "before")
    after = picture(browser, sent(MAILS[name], EVERYTHING), tmp_path / "after")
    [way_out] = browser.find_elements(By.CSS_SELECTOR, f'a[href^="{PUBLIC_URL}/w/"]')
    footer = way_out.find_element(By.XPATH, "..").rect
    top = int(footer["y"])
    assert footer["width"] > 200
    assert SHORTEST < top < after.height
    assert differs(before, after, min(top, before.height)) == "", f"compare the pictures in {tmp_path}"
    assert blank(before, min(top, before.height), before.height)
