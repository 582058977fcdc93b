"""Every page in every language on a phone and a desktop, light and dark, on one sheet to be looked at."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, get_args

from smtp_gate.config.values import Language
from tests.chromium import chromium
from tests.web.site import ACME
from tests.web.test_pages import MAKERS

if TYPE_CHECKING:
    from pathlib import Path

SIZES = {"phone": (360, 720), "desktop": (1280, 800)}
"""CSS pixels."""
SCHEMES = ("light", "dark")
STYLE = """
body { font: 14px sans-serif; margin: 1rem; background: #888 } h2 { margin: 2rem 0 .5rem }
figure { display: inline-block; margin: .25rem; vertical-align: top } figcaption { font-size: 12px }
img { display: block; border: 1px solid #444; max-height: 480px }
"""


def pictures(folder: Path, *, quick: bool) -> int:
    """Take them all, with a sheet ``index.html`` beside them.

    Args:
        folder: made when it is not there.
        quick: English and French only.

    Returns:
        How many there are.
    """
    folder.mkdir(parents=True, exist_ok=True)
    languages = ("en", "fr") if quick else get_args(Language)
    sheet = [f"<!doctype html><meta charset=utf-8><title>Pages</title><style>{STYLE}</style><h1>Pages</h1>"]
    number = 0
    browser = chromium(folder / "profile")
    try:
        for page, make in MAKERS.items():
            sheet.append(f"<h2>{escape(page)}</h2>")
            for language in languages:
                file = folder / "page.html"
                file.write_bytes(bytes(make(language, ACME).body))
                for size, (width, height) in SIZES.items():
                    metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == "phone"}
                    for scheme in SCHEMES:
                        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
                        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
                        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
                        browser.get(file.as_uri())
                        long = browser.execute_script("return document.documentElement.scrollHeight")
                        whole = metrics | {"height": max(height, long)}
                        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", whole)
                        name = f"{page}-{language}-{size}-{scheme}.png"
                        browser.save_screenshot(str(folder / name))
                        caption = f"{language}, {size}, {scheme}"
                        sheet.append(
                            f'<figure><img src="{name}" alt="{escape(page)}, {caption}" loading="lazy">'
                            f"<figcaption>{caption}</figcaption></figure>"
                        )
                        number += 1
                file.unlink()
    finally:
        browser.quit()
    (folder / "index.html").write_text("\n".join(sheet) + "\n", encoding="utf-8")
    return number
