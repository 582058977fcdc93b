"""Debian's Chromium, driven by the tests: without scripts, without network but loopback, in a folder of its own."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest
from selenium import webdriver

if TYPE_CHECKING:
    from pathlib import Path

needs_chromium = [
    pytest.mark.skipif(
        "CI" not in os.environ and not shutil.which("chromedriver"), reason="needs Debian's chromium-driver"
    ),
    pytest.mark.xdist_group("chromium"),
]


def chromium(folder: Path, *arguments: str, scripts: bool = False) -> webdriver.Chrome:
    """A browser that has to be quit; its profile is new and lies in ``folder``.

    Args:
        folder: of the profile.
        arguments: more of the command line.
        scripts: whether pages run scripts; ours hold none, but a checker's is put in.
    """
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for argument in (
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        "--lang=en",
        f"--user-data-dir={folder}",
        *arguments,
    ):
        options.add_argument(argument)
    # Pages must work without scripts, so there are none; the driver's own commands are not affected.
    options.add_experimental_option(
        "prefs",
        {
            "profile.managed_default_content_settings.javascript": 1 if scripts else 2,
            "intl.accept_languages": "en",
        },
    )
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    return webdriver.Chrome(options, webdriver.ChromeService(shutil.which("chromedriver")))
