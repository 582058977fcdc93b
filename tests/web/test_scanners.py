"""Ten thousand requests of link scanners, previews and crawlers: nobody agreed, refused or withdrew by one."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

from smtp_gate.model import NOTHING, Purpose
from tests.web.site import (
    ALICE,
    People,
    Site,
    ask,
    confirm,
    consent,
    from_elsewhere,
    link,
    pixel,
    preferences,
    withdrawal,
)

if TYPE_CHECKING:
    from starlette.applications import Starlette

AGENTS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) SafeLinks",
    "BarracudaCentral",
    "Mozilla/5.0 (compatible; Yahoo! Slurp)",
    "Google-Read-Aloud",
    "WhatsApp/2.23",
    "",
]
LOOKING = ["GET", "GET", "GET", "HEAD", "OPTIONS", "PROPFIND", "PUT", "PATCH", "DELETE", "TRACE"]
EXTRA = [
    {},
    {"Sec-Purpose": "prefetch;prerender"},
    {"Purpose": "prefetch"},
    {"Cookie": "a=b", "Content-Type": "application/x-www-form-urlencoded"},
    {"X-HTTP-Method-Override": "POST"},
]
DOORS = [
    pixel(),
    link(),
    link("https://t.example/opaque"),
    ask(),
    withdrawal(),
    preferences(),
    consent(),
    confirm(),
    "/g/x",
    "/favicon.ico",
]
QUERIES = [b"", b"choice=accept", b"List-Unsubscribe=One-Click&_method=POST"]


async def request(app: Starlette, method: str, path: str, query: bytes, headers: dict[str, str]) -> int:
    """One request with a body that would press a button; gives the status."""
    started: list[int] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": b"choice=accept&List-Unsubscribe=One-Click", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            started.append(message["status"])

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query,
        "root_path": "",
        "scheme": "http",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("gate.example", 80),
    }
    await app(scope, receive, send)  # type: ignore[arg-type]
    return started[0]


async def test_ten_thousand_scanner_requests_change_nothing() -> None:
    dice = random.Random(4)  # noqa: S311 - which requests come in which order
    site = Site(People(Purpose.PERFORMANCE, "granted", addresses={ALICE: b"alice@example.com"}))
    app = site.app
    statuses: dict[int, int] = {}
    for number in range(10_000):
        path = DOORS[number % len(DOORS)]
        method = dice.choice(LOOKING)
        headers = {"User-Agent": dice.choice(AGENTS), **dice.choice(EXTRA), **from_elsewhere(number % 200)}
        status = await request(app, method, path, dice.choice(QUERIES), headers)
        assert status in (404, 405, 429) or method in ("GET", "HEAD")
        statuses[status] = statuses.get(status, 0) + 1
    assert (site.people.decided, site.people.wordings, site.mailbox.got) == ([], {}, [])
    assert site.people.granted == Purpose.PERFORMANCE
    assert site.heard.troubles == []
    assert set(statuses) <= {200, 302, 404, 405, 429}
    assert statuses[200] > 1500, "the pages were really shown"


async def test_the_same_requests_with_post_would_change_something() -> None:
    """So that the test above proves something."""
    for path, people in (
        (withdrawal(), People(Purpose.PERFORMANCE)),
        (confirm(), People(NOTHING, "withdrawn")),
    ):
        site = Site(people)
        assert await request(site.app, "POST", path, b"", from_elsewhere(1)) == 200
        assert len(site.people.decided) == 1
