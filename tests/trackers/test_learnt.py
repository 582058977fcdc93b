"""When an address that differs from reader to reader is a tracker, and when it is only one's own order."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtp_gate.limits import LEARN_COPIES, LEARN_SHARE
from smtp_gate.model import Address, Carrier, Kind, Look, Purpose, Span
from smtp_gate.trackers.learnt import RANDOM, Form, Lesson, Lessons, Tally, form_of
from smtp_gate.trackers.skeleton import skeleton

MANY = Tally(200, 200, 200)
BARE = Look(None, None, (), None, responsive=False)


def link(url: str) -> Address:
    return Address(Carrier.ANCHOR, Span(0, 9), Span(1, 8), None, None, b'"', url, None, load=False)


def loaded(url: str, look: Look | None = BARE) -> Address:
    return Address(Carrier.IMAGE, Span(0, 9), Span(1, 8), None, None, b'"', url, look, load=True)


def lessons(*addresses: Address) -> Lessons:
    """What is known when all these were seen often enough."""
    found = []
    for address in addresses:
        halves = skeleton(address.url, loose=address.load)
        assert halves is not None
        found.append(Lesson("acme.example", form_of(address), halves.shape, MANY))
    return Lessons(found)


def reason(*addresses: Address) -> str:
    """Why the first of them acts."""
    known = lessons(*addresses)
    return known.reason(known.lessons[0])


# --- how often is enough ----------------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("tally", "differs"),
    [
        (Tally(LEARN_COPIES - 1, LEARN_COPIES - 1, LEARN_COPIES - 1), True),
        (Tally(LEARN_COPIES - 2, 400, 400), False),
        (Tally(200, 1000, round(1000 * LEARN_SHARE)), True),
        (Tally(200, 1000, round(1000 * LEARN_SHARE) - 1), False),
        (Tally(200, 200, 1), False),
        (Tally(0, 0, 0), False),
    ],
)
def test_enough_readers_and_hardly_a_value_for_two_of_them(tally: Tally, *, differs: bool) -> None:
    assert tally.differs is differs


# --- how it stands in the mail ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("look", "url", "form"),
    [
        (BARE, "https://acme.example/9f3c1a", Form.PIXEL),
        (BARE._replace(alt=""), "https://acme.example/9f3c1a.gif", Form.PIXEL),
        (BARE._replace(alt=""), "https://acme.example/9f3c1a.png", Form.PICTURE),
        (Look(1, 1, (), "x", responsive=False), "https://acme.example/9f3c1a.jpg", Form.PIXEL),
        (Look(300, 200, ("display",), None, responsive=False), "https://acme.example/9f3c1a.png", Form.PIXEL),
        (BARE._replace(alt="A chair"), "https://acme.example/9f3c1a", Form.PICTURE),
        (Look(300, None, (), None, responsive=False), "https://acme.example/9f3c1a", Form.PICTURE),
        (BARE, "https://acme.example/9f3c1a.jpg", Form.PICTURE),
        (BARE, "https://acme.example/barcode/9f3c1a.gif", Form.PICTURE),
        (BARE, "https://acme.example/qr/9f3c1a", Form.PICTURE),
        (BARE, "https://acme.example/qrx9f3c1a", Form.PIXEL),
        (None, "https://acme.example/9f3c1a", Form.PIXEL),
        (None, "https://acme.example/fonts-9f3c1a.css", Form.PICTURE),
    ],
)
def test_what_shows_something_is_a_picture(look: Look | None, url: str, form: Form) -> None:
    assert form_of(loaded(url, look)) is form


def test_what_is_clicked_is_a_link() -> None:
    assert form_of(link("https://acme.example/9f3c1a.png")) is Form.LINK


# --- what acts --------------------------------------------------------------------------------------------------
def test_a_load_that_shows_nothing_is_a_pixel() -> None:
    pixel = loaded("https://acme.example/9f3c1a")
    known = lessons(pixel)
    assert reason(pixel) == "load"
    judged = known.judge(loaded("https://acme.example/8e2b07"))
    assert judged is not None
    assert (judged.kind, judged.vendor, judged.evidence) == (Kind.PIXEL, "", ("learnt", "load"))
    assert known.judge(loaded("https://acme.example/8e2b07", BARE._replace(alt="A chair"))) is None


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://go.acme.example/xk3jd9qptz", "host"),
        ("https://url4711.acme.example/xk3jd9qptz", "host"),
        ("https://www.acme.example/click/xk3jd9qptz", "path"),
        ("https://www.acme.example/ls/click?upn=xk3jd9qptz", "path"),
        ("https://www.acme.example/redirect.php?id=xk3jd9qptz", "path"),
        ("https://a1b2c3d4.acme.example/trk/xk3jd9qptz", "path"),
    ],
)
def test_a_link_built_like_a_redirect_is_one(url: str, why: str) -> None:
    assert reason(link(url)) == why


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/orders/12345",
        "https://shop.example/orders/xk3jd9qptz",
        "https://track.post.example/JD014600006281230704",
        "https://track.post.example/parcel/xk3jd9qptz",
        "https://track.shop.example/xk3jd9qptz",
        "https://shop.example/track/xk3jd9qptz",
        "https://board.example/c/xk3jd9qptz",
        "https://forum.example/u/xk3jd9qptz",
        "https://go.acme.example/invoices/xk3jd9qptz.pdf",
        "https://link.acme.example/pay/xk3jd9qptz",
        "https://tickets.acme.example/c/xk3jd9qptz",
        "https://my.acme.example/r/xk3jd9qptz",
        "https://meet.example/xk3-jd9q-ptz",
        "https://docs.example/document/d/1xk3jd9qptzA",
        "https://www.acme.example/landing?uid=83fj29d",
        "https://go.acme.example/?token=xk3jd9qptz",
        "https://www.acme.example/xk3jd9qptz",
        "https://www.acme.example/c/12345",
        "https://www.acme.example/click/12345",
        "https://go.acme.example/12345",
        "https://link.post.example/JD014600006281230704",
        "https://t.example/xk3jd9qptz",
    ],
)
def test_orders_tickets_and_pages_of_ones_own_are_only_seen(url: str) -> None:
    known = lessons(link(url))
    assert known.reason(known.lessons[0]) == ""
    assert known.judge(link(url)) is None


def test_on_the_host_of_a_learnt_pixel_a_bare_link_is_a_redirect() -> None:
    pixel = loaded("https://hello.acme.example/9f3c1a")
    assert reason(link("https://hello.acme.example/s/xk3jd9qptz"), pixel) == "pixel_host"
    assert reason(link("https://hello.acme.example/s/12345"), pixel) == "pixel_host"
    assert reason(link("https://hello.acme.example/orders/12345"), pixel) == ""
    assert reason(link("https://other.acme.example/s/xk3jd9qptz"), pixel) == ""
    picture = loaded("https://hello.acme.example/9f3c1a.jpg")
    assert reason(link("https://hello.acme.example/s/xk3jd9qptz"), picture) == ""


@given(st.text(alphabet="abcXYZ0189/?&=%.@{}#:-", max_size=60), st.booleans())
def test_whatever_was_learnt_any_address_can_be_judged(text: str, load: bool) -> None:
    url = f"https://{text}"
    halves = skeleton(url)
    shape = "go.acme.example/{}" if halves is None else halves.shape
    address = loaded(url) if load else link(url)
    known = Lessons([Lesson("acme.example", form, shape, MANY) for form in Form])
    judged = known.judge(address)
    assert judged is None or judged.kind is (Kind.PIXEL if load else Kind.LINK)


# --- what is judged ---------------------------------------------------------------------------------------------
def test_only_what_has_a_learnt_shape_is_judged() -> None:
    known = lessons(link("https://go.acme.example/c/xk3jd9qptz"))
    for same in (
        "https://go.acme.example/c/a7",
        "HTTP://GO.acme.example:80/c/zz91",
        "//ann@go.acme.example/c/zz91",
    ):
        judged = known.judge(link(same))
        assert judged is not None, same
        assert (judged.kind, judged.purposes, judged.evidence) == (Kind.LINK, Purpose.CLICKS, ("learnt", "host"))
    for other in ("https://go.acme.example/", "https://go.acme.example/d/zz91", "https://www.acme.example/c/zz91"):
        assert known.judge(link(other)) is None, other
    assert known.judge(loaded("https://go.acme.example/c/zz91")) is None, "it was learnt of links"


def test_hosts_that_differ_themselves_are_known() -> None:
    known = lessons(link("https://a1b2c3d4.acme.example/trk/xk3jd9qptz"))
    assert known.judge(link("https://e5f6a7b8.acme.example/trk/zz91")) is not None
    assert known.judge(link("https://www.acme.example/trk/zz91")) is None


@pytest.mark.parametrize(("length", "judged"), [(RANDOM - 1, False), (RANDOM, True)])
def test_random_letters_count_as_a_value_where_such_were_learnt(length: int, *, judged: bool) -> None:
    known = lessons(link("https://x.acme.example/xk3jd9qptz"), loaded("https://x.acme.example/o/9f3c1a"))
    assert (known.judge(link("https://x.acme.example/" + "mabcdefghijk"[:length])) is not None) is judged
    assert known.judge(link("https://x.acme.example/about-our-house")) is None


@pytest.mark.parametrize(
    ("query", "target"),
    [
        ("?u=https%3A%2F%2Fshop.example%2Fautumn", "https://shop.example/autumn"),
        ("?id=7a8b9c&url=https://shop.example/autumn", "https://shop.example/autumn"),
        ("?u=https%3A%2F%2F", None),
        ("?u=javascript%3Aalert(1)", None),
        ("", None),
    ],
)
def test_a_target_in_clear_is_read(query: str, target: str | None) -> None:
    url = f"https://go.acme.example/c/xk3jd9qptz{query}"
    judged = lessons(link(url)).judge(link(url))
    assert judged is not None
    assert judged.target == target
