"""Every hit asks again, only a button changes anything, and no token, header or failure makes a page say more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from smtp_gate.errors import StoreUnavailable
from smtp_gate.model import EVERYTHING, NOTHING, Purpose
from smtp_gate.tokens import Keyring, PixelToken, seal
from smtp_gate.web.tracked import GIF
from tests.web.site import (
    ACME,
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
    unavailable,
    withdrawal,
)

if TYPE_CHECKING:
    import httpx

TARGET = "https://acme.example/offer"
FAILURES = [unavailable(), StoreUnavailable("timeout"), OSError("alice@example.com"), ValueError(), TypeError()]
FOREIGN = Keyring({1: b"x" * 64, 2: b"y" * 64}, 2, b"s" * 64)


@pytest.fixture(name="site")
def _site() -> Site:
    return Site(targets={"https://t.example/c": TARGET})


def shape(answer: httpx.Response) -> tuple[object, ...]:
    """All that a visitor can tell apart."""
    return answer.status_code, dict(answer.headers), answer.content


# --- pixel ----------------------------------------------------------------------------------------------------
async def test_a_live_pixel_leads_to_the_vendor_and_is_never_kept(site: Site) -> None:
    async with site.client() as client:
        answer = await client.get(pixel("https://t.example/o.gif?é"))
    assert answer.status_code == 302
    assert answer.headers["location"] == "https://t.example/o.gif?%C3%A9"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert site.heard.hits == [("pixel", "live")]


@pytest.mark.parametrize(
    ("granted", "reason"),
    [
        (NOTHING, "withdrawn"),
        (NOTHING, "refused"),
        (NOTHING, "expired"),
        (NOTHING, "unknown"),
        (EVERYTHING & ~Purpose.PERFORMANCE, "granted"),
    ],
)
async def test_a_dead_pixel_is_a_constant_picture_for_a_year_that_leaves_nothing_behind(
    granted: Purpose, reason: str
) -> None:
    site = Site(People(granted, reason))
    async with site.client() as client:
        answer = await client.get(pixel())
    assert (answer.status_code, answer.content, answer.headers["content-type"]) == (200, GIF, "image/gif")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "location" not in answer.headers
    assert "set-cookie" not in answer.headers
    assert (site.heard.hits, site.heard.troubles) == ([], [])


def test_the_picture_is_one_transparent_pixel() -> None:
    assert len(GIF) == 43
    assert GIF.startswith(b"GIF89a\x01\x00\x01\x00\x80\x00\x00")
    assert GIF[19:24] == b"\x21\xf9\x04\x01\x00", "a graphic control extension with the transparent flag"
    assert GIF[26] == 0, "colour 0 is the transparent one"
    assert GIF.endswith(b"\x3b")


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
async def test_a_pixel_nobody_can_be_asked_about_is_dead_for_this_once(failure: Exception) -> None:
    site = Site(People(failure=failure))
    async with site.client() as client:
        answer = await client.get(pixel())
    assert (answer.status_code, answer.content) == (200, GIF)
    assert answer.headers["cache-control"] == "no-store"
    assert site.heard.hits == [("pixel", "doubt")]
    assert "alice" not in str(site.heard.troubles)


async def test_an_answer_in_doubt_is_not_kept_either() -> None:
    async with Site(People(NOTHING, "doubt")).client() as client:
        assert (await client.get(pixel())).headers["cache-control"] == "no-store"


async def test_all_purposes_of_a_pixel_must_be_granted() -> None:
    both = Purpose.PERFORMANCE | Purpose.PROFILING
    for granted, status in ((Purpose.PERFORMANCE, 200), (both, 302), (EVERYTHING, 302)):
        async with Site(People(granted)).client() as client:
            assert (await client.get(pixel(purposes=both))).status_code == status


# --- link -----------------------------------------------------------------------------------------------------
async def test_a_live_link_leads_to_the_vendor(site: Site) -> None:
    async with site.client() as client:
        answer = await client.get(link())
    assert (answer.status_code, answer.headers["location"]) == (302, "https://t.example/c")
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "people",
    [People(NOTHING, "withdrawn"), People(EVERYTHING & ~Purpose.CLICKS), People(failure=unavailable())],
    ids=["withdrawn", "pixels_only", "unavailable"],
)
async def test_a_dead_link_leads_to_its_clean_target(site: Site, people: People) -> None:
    site.people = people
    async with site.client() as client:
        answer = await client.get(link())
    assert (answer.status_code, answer.headers["location"]) == (302, TARGET)
    assert answer.headers["cache-control"] == "no-store"


async def test_a_dead_link_without_a_known_target_asks_and_its_button_goes_on(site: Site) -> None:
    site.people = People(NOTHING, "withdrawn")
    async with site.client() as client:
        page = await client.get(link("https://t.example/opaque"), headers={"Accept-Language": "en"})
        assert page.status_code == 200
        assert "Go on through <bdi>Outreach</bdi>" in page.text
        action = page.text.split('action="..', 1)[1].split('"', 1)[0]
        onward = await client.post(action)
    assert (onward.status_code, onward.headers["location"]) == (303, "https://t.example/opaque")


async def test_a_target_that_must_not_be_redirected_to_is_not(site: Site) -> None:
    site.people = People(NOTHING, "withdrawn")
    for target in ("javascript:alert(1)", "//evil.example", "https://a@evil.example/"):
        site.targets["https://t.example/c"] = target
        async with site.client() as client:
            assert "location" not in (await client.get(link())).headers


# --- ask page -------------------------------------------------------------------------------------------------
async def test_the_ask_page_goes_on_only_when_posted_to(site: Site) -> None:
    async with site.client() as client:
        page = await client.get(ask())
        assert (page.status_code, "location" in page.headers) == (200, False)
        assert "Acme SAS" in page.text
        onward = await client.post(ask())
    assert (onward.status_code, onward.headers["location"]) == (303, "https://t.example/c")
    assert onward.headers["cache-control"] == "no-store"
    assert onward.headers["referrer-policy"] == "no-referrer"
    assert site.people.asked == 0, "the page is nobody's"


async def test_a_link_of_nobody_and_of_an_uncatalogued_tracker_can_be_asked_about_too(site: Site) -> None:
    async with site.client() as client:
        page = await client.get(ask("https://x.example:81/c", "", ""), headers={"Accept-Language": "en"})
    assert "goes through <bdi>x.example</bdi>" in page.text


# --- withdrawal -----------------------------------------------------------------------------------------------
async def test_one_button_withdraws_everything_for_the_next_hit(site: Site) -> None:
    async with site.client() as client:
        page = await client.get(withdrawal(), headers={"Accept-Language": "en"})
        assert page.text.index(">Stop all tracking</button>") < page.text.index(">Stop only this</button>")
        assert (await client.get(pixel())).status_code == 302
        done = await client.post(withdrawal(), headers={"Accept": "text/html", "Accept-Language": "en"})
        assert (done.status_code, "Done" in done.text) == (200, True)
        assert (await client.get(pixel())).content == GIF
        assert (await client.get(link())).headers["location"] == TARGET
    [event] = site.people.withdrawn
    assert (event.controller, event.subject, event.purposes) == ("acme", ALICE, EVERYTHING)
    assert (event.method, event.source, event.language, event.actor) == ("page", "withdrawal page", "en", "person")
    assert "[Stop all tracking]" in site.people.wordings["acme", event.notice, "en"]


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"List-Unsubscribe": "One-Click"}},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {},
        {"content": b"\xff" * 100_000, "headers": {"Content-Type": "multipart/form-data; boundary="}},
        {"data": {"List-Unsubscribe": "One-Click"}, "headers": {"Cookie": "a=b"}},
    ],
    ids=["urlencoded", "multipart", "empty", "garbage", "cookie"],
)
async def test_one_click_of_a_mail_program_needs_no_page(site: Site, body: dict[str, object]) -> None:
    async with site.client() as client:
        for _ in range(5):
            answer = await client.post(withdrawal(), **body)  # type: ignore[arg-type]
            assert (answer.status_code, "location" in answer.headers) == (200, False)
    [event] = site.people.withdrawn
    assert (event.method, event.purposes) == ("one_click", EVERYTHING), "pressed again, it is one withdrawal"


@pytest.mark.parametrize("failure", FAILURES, ids=lambda failure: type(failure).__name__)
async def test_a_withdrawal_that_was_not_stored_says_so(site: Site, failure: Exception) -> None:
    site.people.failure = failure
    async with site.client() as client:
        answer = await client.post(withdrawal(), headers={"Accept-Language": "en"})
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "30"
    assert "could not be saved" in answer.text
    assert "Try again</button>" in answer.text
    assert "alice" not in answer.text + str(site.heard)


async def test_a_controller_that_is_gone_is_still_withdrawn_from(site: Site) -> None:
    site.controllers = {"other": ACME}
    async with site.client() as client:
        assert "acme" in (await client.get(withdrawal())).text
        assert (await client.post(withdrawal())).status_code == 200
    assert len(site.people.withdrawn) == 1


# --- what must not matter -------------------------------------------------------------------------------------
@pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"])
async def test_no_other_method_changes_anything(site: Site, method: str) -> None:
    async with site.client() as client:
        for path in (withdrawal(), ask(), pixel(), link()):
            for headers in ({}, {"Sec-Purpose": "prefetch"}, {"Accept": "text/html", "Cookie": "a=b"}):
                answer = await client.request(method, path, headers=headers)
                assert answer.status_code == (405 if method not in ("GET", "HEAD") else answer.status_code)
                assert answer.status_code in (200, 302, 405)
    assert site.people.withdrawn == []


async def test_posts_to_pixel_and_link_do_nothing(site: Site) -> None:
    async with site.client() as client:
        for path in (pixel(), link()):
            answer = await client.post(path)
            assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")
        for path in (ask(), withdrawal()):
            assert (await client.put(path)).headers["allow"] == "GET, HEAD, POST"
    assert (site.people.asked, site.people.withdrawn) == (0, [])


def bad_paths() -> list[str]:
    """Tokens that are none, for every door, and paths that are none."""
    good = {
        "p": pixel(),
        "l": link(),
        "a": ask(),
        "w": withdrawal(),
        "s": preferences(),
        "c": consent(),
        "g": confirm(),
    }
    token = {door: path[3:] for door, path in good.items()}
    wrong = [
        f"/{door}/{token[other]}"
        for door in good
        for other in good
        if door != other and {door, other} != {"s", "w"}
    ]
    foreign = seal(FOREIGN, PixelToken("acme", ALICE, Purpose.PERFORMANCE, "outreach", "https://t.example/o"))
    for door, path in good.items():
        wrong += [
            path[:-1],
            path + "A",
            path + "/",
            path + "/x",
            path[:-9] + "x" + path[-8:],
            path.replace(".", "")[:20],
        ]
        wrong += [
            f"/{door}/{foreign}",
            f"/{door}/",
            f"/{door}",
            f"/{door}/%00%ff%0d%0a",
            f"/{door}/é",
            f"/{door}/{'A' * 60_000}",
        ]
        wrong += [f"/{door}/x?url=https://evil.example", f"/{door}//evil.example", f"/{door}/..%2f"]
    return [
        *(path for path in wrong if path not in good.values()),
        "/",
        "/favicon.ico",
        "/robots.txt",
        "//evil.example/",
    ]


async def test_whatever_is_wrong_with_a_token_the_answer_is_the_same(site: Site) -> None:
    async with site.client() as client:
        shapes = {
            repr(shape(await client.get(path, headers=from_elsewhere(number))))
            for number, path in enumerate(bad_paths())
        }
        assert len(shapes) == 1
        for number, path in enumerate(bad_paths(), 250):
            if path[:3] in ("/a/", "/w/", "/s/", "/c/", "/g/") and "/" not in path[3:] and path[3:]:
                assert repr(shape(await client.post(path, headers=from_elsewhere(number)))) in shapes
        answer = await client.get("/p/x")
    assert (answer.status_code, "location" in answer.headers) == (404, False)
    assert (site.people.asked, site.people.withdrawn) == (0, [])
    assert {outcome for _, outcome in site.heard.hits} == {"bad_token"}
    assert site.heard.troubles == []


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "//evil.example/",
        "\\\\evil.example",
        "https://u:p@t.example/",
        "https://t.example/\r\nA: b",
    ],
)
async def test_an_authentic_token_for_an_address_that_is_none_leads_nowhere(site: Site, url: str) -> None:
    async with site.client() as client:
        answers = [await client.get(path) for path in (pixel(url), link(url), ask(url))]
        answers.append(await client.post(ask(url)))
    assert not any("location" in answer.headers for answer in answers)
    assert [answer.status_code for answer in answers] == [200, 404, 404, 404]


async def test_what_the_request_says_of_hosts_is_never_repeated(site: Site) -> None:
    headers = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "Referer": "https://evil.example"}
    async with site.client() as client:
        for path in (pixel(), link(), ask(), withdrawal(), withdrawal() + "/", "/w"):
            answer = await client.get(path, headers=headers)
            assert "evil" not in answer.text + str(answer.headers)


async def test_every_answer_has_its_security_headers(site: Site) -> None:
    async with site.client() as client:
        answers = [await client.get(path) for path in (pixel(), link(), ask(), withdrawal(), "/nothing")]
        answers += [await client.post(path) for path in (ask(), withdrawal(), pixel())]
        site.people.failure = OSError()
        answers += [await client.get(pixel()), await client.post(withdrawal())]
    for answer in answers:
        assert answer.headers["content-security-policy"].startswith("default-src 'none'; ")
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["strict-transport-security"] == "max-age=31536000"
        assert answer.headers["cache-control"] == ("no-store")
        assert "server" not in answer.headers
        assert "set-cookie" not in answer.headers


async def test_a_failure_of_ours_is_a_plain_page(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_ring: Keyring, _text: str) -> PixelToken:
        raise RuntimeError("alice@example.com")

    monkeypatch.setattr("smtp_gate.web.tracked.open_pixel", broken)
    async with site.client() as client:
        answer = await client.get(pixel(), headers={"Accept-Language": "en"})
    assert answer.status_code == 503
    assert "Not available right now" in answer.text
    assert answer.headers["x-frame-options"] == "DENY"
    [(kind, place)] = site.heard.troubles
    assert kind == "RuntimeError"
    assert place.startswith("tests.web.test_app:") or "test_app:" in place
    assert "alice" not in answer.text + str(site.heard)
