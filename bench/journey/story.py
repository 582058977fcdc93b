"""One person's story with a gate in earnest and a real browser: asked, tracked, withdrawn, asked to agree again.

Mails go in by SMTP, are opened from the bytes that the next hop got, and every host in them is a server on this
machine that writes down what it is asked.
"""

from __future__ import annotations

import re
import tempfile
from email import message_from_bytes
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.by import By

from bench.journey.vendor import Vendor
from smtp_gate.cli.rooms import load
from smtp_gate.model import OPENINGS, Kind
from smtp_gate.scan.message import scan
from tests.chromium import chromium
from tests.hop_thread import HopThread
from tests.serve_process import ServeProcess, eventually

if TYPE_CHECKING:
    from selenium import webdriver

    from smtp_gate.trackers import Catalogue

ANNA = "anna@example.com"
CONFIG = {
    "controllers": {"acme": {"contact": "dpo@acme.example", "privacy_url": "https://acme.example/privacy"}},
    "trackers": {"domains": {"lemlist": ["go.acme.example"], "apollo": ["click.acme.example"]}},
}
TRACKERS = frozenset([*OPENINGS, Kind.LINK, Kind.PERSONAL])
QUICK = ("hubspot", "mailchimp")
PATIENCE = 20.0
"""Seconds for a page or a message to come."""


class Step(NamedTuple):
    """What was looked at, what was seen, what should be seen."""

    name: str
    seen: object
    wanted: object

    @property
    def kept(self) -> bool:
        """Whether it is as it should be."""
        return self.seen == self.wanted


class Mails(NamedTuple):
    """Mails as the tools made them.

    Attributes:
        raw: each.
        hosts: of all trackers in them.
        catalogue: what was asked about them.
    """

    raw: list[bytes]
    hosts: frozenset[str]
    catalogue: Catalogue


def story(*, quick: bool) -> list[Step]:
    """Live through it.

    Returns:
        Each step with what was seen; a page or a message that does not come raises an error.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with (
            Vendor(folder) as vendor,
            HopThread() as hop,
            ServeProcess(hop.url, workers=1, config=CONFIG) as gate,
        ):
            browser = chromium(folder / "profile", *vendor.arguments)
            try:
                return _Reader(gate, hop, vendor, browser, folder).live(_mails(gate, quick=quick))
            finally:
                browser.quit()


class _Reader:
    """Anna, her mailbox and her browser."""

    def __init__(
        self, gate: ServeProcess, hop: HopThread, vendor: Vendor, browser: webdriver.Chrome, folder: Path
    ) -> None:
        self.gate = gate
        self.hop = hop
        self.vendor = vendor
        self.browser = browser
        self.folder = folder

    def live(self, mails: Mails) -> list[Step]:
        """The story, in its order."""
        number = len(mails.raw)
        steps = [
            Step("without consent: requests at vendors when all mails are opened", self.read(mails)[1], 0),
            Step("asked by mail: trackers in the question", self.answer(mails), 0),
        ]
        tracked, heard = self.read(mails)
        steps.append(Step("with consent: mails of which the vendor hears", self.told(tracked, mails), number))
        steps.append(
            Step(
                "with consent: vendors' addresses in the mails themselves",
                _naming(tracked, mails, self.gate.public_url),
                0,
            )
        )
        self.press(self.link(tracked[0], "w"), "button")
        steps.append(
            Step("withdrawn with one button: requests when old mails are opened", self.open(tracked, mails), 0)
        )
        steps.append(Step("withdrawn: requests at vendors when new mails are opened", self.read(mails)[1], 0))
        steps.append(Step("changed her mind: a message to confirm came", self.agree_again(tracked[0]), 1))
        again, heard = self.read(mails)
        steps.append(Step("confirmed: the vendor hears of new mails again", int(heard >= number), 1))
        self.press(self.link(again[0], "w"), "button")
        steps.append(
            Step("withdrawn again: requests when all old mails are opened", self.open(tracked + again, mails), 0)
        )
        return steps

    # --- mails ------------------------------------------------------------------------------------------------
    def read(self, mails: Mails) -> tuple[list[bytes], int]:
        """Send all, open all; what came, and how many requests there were at vendors."""
        came = [self.sent(raw) for raw in mails.raw]
        return came, self.open(came, mails)

    def sent(self, raw: bytes) -> bytes:
        """A mail as Anna gets it."""
        before = len(self.hop.contents(ANNA))
        code = self.gate.send(raw, ANNA)
        if code != 250:
            raise RuntimeError(f"the gate answered {code}")
        return self.hop.contents(ANNA)[before]

    def open(self, mails: list[bytes], made: Mails) -> int:
        """Show mails with nothing cached; how many requests that made at vendors."""
        before = self.vendor.heard(made.hosts)
        for mail in mails:
            self.show(mail)
        return self.vendor.heard(made.hosts) - before

    def told(self, mails: list[bytes], made: Mails) -> int:
        """How many mails tell a vendor when they are opened."""
        return sum(self.open([mail], made) > 0 for mail in mails)

    def show(self, mail: bytes) -> None:
        """The HTML of a mail in the browser, all its pictures loaded."""
        page = next(part for part in message_from_bytes(mail).walk() if part.get_content_type() == "text/html")
        file = self.folder / "mail.html"
        charset = page.get_content_charset() or "utf-8"
        content = page.get_payload(decode=True)
        text = content.decode(charset, "replace") if isinstance(content, bytes) else ""
        file.write_text(text, encoding="utf-8")
        self.browser.execute_cdp_cmd("Network.clearBrowserCache", {})
        self.browser.get(file.as_uri())

    def link(self, mail: bytes, door: str) -> str:
        """The gate's address of one kind in a mail."""
        text = b"".join(
            part.get_payload(decode=True) or b""  # type: ignore[misc, arg-type]
            for part in message_from_bytes(mail).walk()
            if part.get_content_maintype() == "text"
        ).decode("latin-1")
        found = re.search(re.escape(self.gate.public_url) + rf"/{door}/[\w-]+", text)
        if found is None:
            raise RuntimeError(f"no address /{door}/ in the mail")
        return found[0]

    # --- pages ------------------------------------------------------------------------------------------------
    def press(self, page: str, button: str) -> None:
        """Open a page and press its first button of a kind; returns when the answer is there."""
        if self.browser.current_url != page:
            self.browser.get(page)
        eventually(self.heading, PATIENCE)
        was = self.heading()
        self.browser.find_element(By.CSS_SELECTOR, button).click()
        eventually(lambda: self.heading() not in ("", was), PATIENCE)

    def heading(self) -> str:
        """What the page is called; empty while one makes room for the next."""
        try:
            return self.browser.find_element(By.TAG_NAME, "h1").text
        except (NoSuchElementException, StaleElementReferenceException):
            return ""

    def answer(self, mails: Mails) -> int:
        """Get a mail that asks, follow its link by hand and accept; returns how many trackers were in it."""
        raw = (
            b"From: Acme <news@acme.example>\r\nTo: anna@example.com\r\nSubject: A question\r\n"
            b'MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html lang="en"><body><p><a href="'
            + self.gate.public_url.encode()
            + b'/c/me">Give my answer</a></p><img src="https://track.hubspot.com/__ptq.gif?a=1&amp;v=3" width="1"'
            b' height="1"></body></html>\r\n'
        )
        mail = self.sent(raw)
        heard = self.open([mail], mails)
        self.browser.find_element(By.LINK_TEXT, "Give my answer").click()
        eventually(lambda: self.browser.current_url.startswith(self.gate.public_url), PATIENCE)
        self.press(self.browser.current_url, "button[value=accept]")
        return heard + mail.count(b"<img")

    def agree_again(self, mail: bytes) -> int:
        """Accept all on the preferences page of an old mail, and confirm from the mailbox; messages that came."""
        before = len(self.hop.contents(ANNA))
        self.press(self.link(mail, "w").replace("/w/", "/s/"), "button[value=accept]")
        eventually(lambda: len(self.hop.contents(ANNA)) > before, PATIENCE)
        came = self.hop.contents(ANNA)[before:]
        self.press(self.link(came[0], "g"), "button")
        return len(came)


def _mails(gate: ServeProcess, *, quick: bool) -> Mails:
    """Sample mails of all tools, or of two."""
    folder = resources.files("smtp_gate.cli") / "demo_mails"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".eml")), key=lambda file: file.name)
    raw = [file.read_bytes() for file in files if not quick or file.name.removesuffix(".eml") in QUICK]
    catalogue = load(gate.config).ruleset.catalogue
    found = [finding for one in raw for finding in scan(one, catalogue).findings]
    urls = [finding.url for finding in found if finding.kind in OPENINGS or finding.kind is Kind.LINK]
    return Mails(raw, frozenset(urlsplit(url).hostname or "" for url in urls) | {"track.hubspot.com"}, catalogue)


def _naming(mails: list[bytes], made: Mails, own: str) -> int:
    """How many trackers that are not behind the gate the catalogue finds in mails."""
    found = [finding for mail in mails for finding in scan(mail, made.catalogue, own=own).findings]
    return sum(finding.kind in TRACKERS for finding in found)
