"""What people do, in a real Chromium without scripts, against a vendor that counts every request it gets."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from smtp_gate.model import NOTHING
from smtp_gate.web.tracked import GIF
from tests.chromium import chromium, needs_chromium
from tests.web.site import People, Site, ask, link, pixel, withdrawal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from selenium import webdriver

pytestmark = needs_chromium


@dataclass
class Vendor:
    """A tracking company on this machine, with another one behind it where its links end.

    Attributes:
        address: of its server.
        got: path and headers of each request.
    """

    address: str = ""
    elsewhere: str = ""
    got: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        """What was asked for."""
        return [path for path, _ in self.got]


def serve(answer: Callable[[BaseHTTPRequestHandler], None]) -> ThreadingHTTPServer:
    """A server on a free port that gives every request to ``answer``."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            answer(self)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def send(handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes) -> None:
    """One whole answer."""
    handler.send_response(status)
    for name, value in {"Content-Length": str(len(body)), **headers}.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.write(body)


@pytest.fixture(name="vendor")
def _vendor() -> Iterator[Vendor]:
    vendor = Vendor()
    end = serve(lambda handler: send(handler, 200, {"Content-Type": "text/html"}, b"<title>The end</title>"))

    def answer(handler: BaseHTTPRequestHandler) -> None:
        vendor.got.append((handler.path, dict(handler.headers)))
        if handler.path.startswith("/click"):
            send(handler, 302, {"Location": f"http://127.0.0.1:{end.server_port}/end"}, b"")
        else:
            send(handler, 200, {"Content-Type": "image/gif", "Cache-Control": "no-store"}, GIF)

    server = serve(answer)
    vendor.address = f"http://127.0.0.1:{server.server_port}"
    yield vendor
    for one in (server, end):
        one.shutdown()
        one.server_close()


@pytest.fixture(name="browser", scope="module")
def _browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    browser = chromium(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.quit()


def heading(browser: webdriver.Chrome) -> str:
    """What the page says first."""
    return browser.find_element(By.TAG_NAME, "h1").text


def press(browser: webdriver.Chrome, until: Callable[[webdriver.Chrome], bool]) -> None:
    """Press the page's first button, and wait for what follows."""
    browser.find_element(By.TAG_NAME, "button").click()
    # Between two pages the heading of the old one can be found and be gone before it is read:
    # a stale element, or an inspector's error to chromedriver. What is waited for must still come true.
    WebDriverWait(browser, 10, ignored_exceptions=[WebDriverException]).until(until)


def old_mail(folder: Path, address: str) -> str:
    """A mail with one pixel that was delivered long ago, as a file that the browser opens."""
    file = folder / "mail.html"
    file.write_text(f'<p>Hello</p><img src="{address}" width="1" height="1" alt="">', encoding="utf-8")
    return file.as_uri()


def test_withdrawing_is_one_page_and_one_click_and_then_the_old_mail_is_silent(
    browser: webdriver.Chrome, vendor: Vendor, tmp_path: Path
) -> None:
    site = Site()
    with site.served() as address:
        mail = old_mail(tmp_path, address + pixel(f"{vendor.address}/open?1"))
        browser.get(mail)
        WebDriverWait(browser, 10).until(lambda _: vendor.got)
        assert vendor.paths == ["/open?1"]
        assert "Referer" not in vendor.got[0][1], "the vendor does not see the token"
        browser.get(address + withdrawal())
        assert heading(browser).startswith("Stop tracking in your")
        assert site.people.withdrawn == []
        press(browser, lambda now: heading(now).startswith("Done"))
        assert len(site.people.withdrawn) == 1
        assert browser.get_cookies() == []
        browser.get(mail)
        browser.get(mail)
    assert vendor.paths == ["/open?1"]
    said = browser.get_log("browser")  # type: ignore[no-untyped-call] # selenium has no type here
    assert [entry for entry in said if "favicon" not in entry["message"]] == []


def test_a_withdrawal_that_is_not_stored_can_be_tried_again_by_the_same_button(browser: webdriver.Chrome) -> None:
    site = Site()
    with site.served() as address:
        browser.get(address + withdrawal())
        site.people.failure = OSError()
        press(browser, lambda now: heading(now) == "Your choice could not be saved")
        site.people.failure = None
        press(browser, lambda now: heading(now).startswith("Done"))
    assert len(site.people.withdrawn) == 1


def test_the_ask_page_goes_on_to_the_vendor_and_through_it_only_at_the_button(
    browser: webdriver.Chrome, vendor: Vendor
) -> None:
    """Chromium holds redirects after a POST against form-action: a stricter policy on this page fails here."""
    with Site().served() as address:
        browser.get(address + ask(f"{vendor.address}/click/1"))
        assert heading(browser) == "This link goes through Outreach"
        assert vendor.got == []
        press(browser, lambda now: now.title == "The end")
    assert vendor.paths == ["/click/1"]
    assert "Referer" not in vendor.got[0][1]


def test_a_dead_opaque_link_asks_at_its_own_address_and_goes_on(browser: webdriver.Chrome, vendor: Vendor) -> None:
    with Site(People(NOTHING, "withdrawn")).served() as address:
        browser.get(address + link(f"{vendor.address}/click/2"))
        assert vendor.got == []
        press(browser, lambda now: now.title == "The end")
    assert vendor.paths == ["/click/2"]


def test_a_dead_or_doubtful_pixel_does_not_reach_the_vendor(
    browser: webdriver.Chrome, vendor: Vendor, tmp_path: Path
) -> None:
    site = Site(People(NOTHING, "withdrawn"))
    with site.served() as address:
        mail = old_mail(tmp_path, address + pixel(f"{vendor.address}/open?2"))
        browser.get(mail)
        browser.get(mail)
        assert site.people.asked == 1, "the dead picture is kept by the browser"
        site.people.failure = OSError()
        doubtful = old_mail(tmp_path, address + pixel(f"{vendor.address}/open?3"))
        browser.get(doubtful)
        site.people = People()
    assert vendor.got == []


def test_scanners_that_load_every_page_fifty_times_change_nothing(
    browser: webdriver.Chrome, vendor: Vendor
) -> None:
    site = Site()
    agents = ["Mozilla/5.0 (Windows NT 10.0) SafeLinks", "BarracudaCentral", "Slurp", ""]
    with site.served() as address:
        for _ in range(5):
            browser.get(address + withdrawal())
            browser.get(address + ask(f"{vendor.address}/click/3"))
        with httpx.Client(base_url=address) as client:
            for number in range(50):
                for path in (withdrawal(), ask(f"{vendor.address}/click/3")):
                    headers = {"User-Agent": agents[number % 4], "Sec-Purpose": "prefetch"}
                    assert client.get(path, headers=headers).status_code == 200
                    assert client.head(path, headers=headers).status_code == 200
                    assert client.options(path, headers=headers).status_code == 405
    assert (site.people.withdrawn, vendor.got) == ([], [])
