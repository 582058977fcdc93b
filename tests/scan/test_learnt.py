"""What was learnt from other copies is heard about a mail; targets that redirects name are looked at first."""

from __future__ import annotations

import pytest

from smtp_gate.config.catalogue import load_catalogue
from smtp_gate.model import Finding, Kind
from smtp_gate.scan.learnt import told_by_copies
from smtp_gate.scan.message import scan
from smtp_gate.trackers.learnt import Form, Lesson, Lessons, Tally

CATALOGUE = load_catalogue(None, {}, "")
MANY = Tally(200, 200, 200)
LESSONS = Lessons(
    [
        Lesson("acme.example", Form.LINK, "go.acme.example/c/{}", MANY),
        Lesson("acme.example", Form.LINK, "go.acme.example/c/{}?u=@", MANY),
        Lesson("acme.example", Form.LINK, "shop.example/orders/{#}", MANY),
        Lesson("acme.example", Form.PIXEL, "img.acme.example/{}.gif", MANY),
    ]
)


def told(html: str, fields: str = "") -> list[Finding]:
    found = scan(f"{fields}Content-Type: text/html\n\n{html}".encode(), CATALOGUE)
    return list(told_by_copies(found, CATALOGUE, LESSONS).findings)


def test_redirects_and_pixels_are_found_all_else_stays() -> None:
    found = told(
        '<a href="https://go.acme.example/c/x9k2q">our offer</a>'
        '<a href="https://shop.example/orders/12345">your order</a>'
        '<img src="https://img.acme.example/x9k2q.gif" alt="">'
        '<img src="https://img.acme.example/logo.gif" alt="Acme">'
    )
    assert [(one.kind, one.url, one.evidence) for one in found] == [
        (Kind.LINK, "https://go.acme.example/c/x9k2q", ("learnt", "host")),
        (Kind.PIXEL, "https://img.acme.example/x9k2q.gif", ("learnt", "load")),
    ]


def test_links_that_must_work_stay() -> None:
    [words] = told('<a href="https://go.acme.example/c/x9k2q">unsubscribe</a>')
    [field] = told(
        '<a href="https://go.acme.example/c/x9k2q">x</a>', "List-Unsubscribe: <https://go.acme.example/c/x9k2q>\n"
    )
    assert (words.kind, field.kind) == (Kind.FUNCTIONAL, Kind.FUNCTIONAL)


@pytest.mark.parametrize(
    ("named", "target"),
    [
        ("https%3A%2F%2Fshop.example%2Fautumn", "https://shop.example/autumn"),
        ("https%3A%2F%2Fshop.example%2Fautumn%3Fmc_eid%3D7", "https://shop.example/autumn"),
        (
            "https%3A%2F%2Fus1.mailchimp.com%2Fmctx%2Fclicks%3Furl%3Dhttps%253A%252F%252Fshop.example%252Fx%26xid%3D1",
            "https://shop.example/x",
        ),
        ("https%3A%2F%2Ftrack.lemlist.com%2Fabc", None),
        ("https%3A%2F%2Fshop.example%2Flogin%3Ftoken%3D1", "https://shop.example/login?token=1"),
    ],
)
def test_a_named_target_is_trusted_when_it_is_no_tracker_itself(named: str, target: str | None) -> None:
    [link] = told(f'<a href="https://go.acme.example/c/x9k2q?u={named}">our offer</a>')
    assert link.target == target


def test_a_mail_in_which_nothing_was_learnt_is_the_same() -> None:
    found = scan(b'Content-Type: text/html\n\n<a href="https://www.acme.example/x9k2q">x</a>', CATALOGUE)
    assert told_by_copies(found, CATALOGUE, LESSONS) is found
