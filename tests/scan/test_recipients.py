"""Addresses that hold a recipient's own are personal; what must work still works; targets lose them too."""

from __future__ import annotations

import base64

import pytest

from smtp_gate.model import PIXEL_PURPOSES, Kind, Purpose, Scan
from smtp_gate.scan.message import scan
from smtp_gate.scan.recipients import told_by_recipients
from tests.plain_catalogue import OWN, plain_catalogue

ALICE = b"alice@example.com"
BOB = b"bob@example.com"
TOKEN = base64.urlsafe_b64encode(ALICE).rstrip(b"=")


def read(html: bytes, *people: bytes) -> Scan:
    """A mail of one HTML part to some people."""
    found = scan(b"Content-Type: text/html\n\n" + html, plain_catalogue(), own=OWN)
    return told_by_recipients(found, people)


@pytest.mark.parametrize(("size", "kind"), [(b"width=600 height=200", Kind.PICTURE), (b"", Kind.PIXEL)])
def test_a_picture_for_one_person_tells_however_large(size: bytes, kind: Kind) -> None:
    [finding] = read(b'<img src="https://acme.example/h/%b.png" %b>' % (TOKEN, size), BOB, ALICE).findings
    assert finding.kind is kind
    assert finding.purposes == PIXEL_PURPOSES
    assert finding.evidence == ("recipient", "base64")


def test_a_link_loses_the_parameters_that_name_the_recipient() -> None:
    [finding] = read(b'<a href="https://acme.example/?a=1&amp;k=%b">Shop</a>' % TOKEN, ALICE).findings
    assert (finding.kind, finding.target, finding.purposes) == (
        Kind.PERSONAL,
        "https://acme.example/?a=1",
        Purpose.CLICKS,
    )


def test_a_link_that_names_the_recipient_in_its_path_is_opaque() -> None:
    [finding] = read(b'<a href="https://go.acme.example/%b/7">Shop</a>' % TOKEN, ALICE).findings
    assert (finding.kind, finding.target) == (Kind.LINK, None)


def test_a_link_that_must_work_stays() -> None:
    [finding] = read(b'<a href="https://acme.example/stop/%b">Unsubscribe</a>' % TOKEN, ALICE).findings
    assert (finding.kind, finding.evidence) == (Kind.FUNCTIONAL, ("recipient", "base64", "words"))


def test_the_target_of_a_tracked_link_loses_them_too() -> None:
    link = b'<a href="https://link.example/1?to=https%%3A%%2F%%2Fshop.example%%2F%b">Shop</a>'
    found = read(link % (b"%%3Fa%%3D1%%26k%%3D%b" % TOKEN) + link % b"login%3Fe%3Dalice@example.com", ALICE)
    assert [finding.target for finding in found.findings] == [
        "https://shop.example/?a=1",
        "https://shop.example/login?e=alice@example.com",  # signing in must work
    ]


def test_a_mail_that_names_nobody_is_the_same_scan() -> None:
    found = scan(b"Content-Type: text/html\n\n<a href='https://acme.example/'>x</a>", plain_catalogue(), own=OWN)
    assert told_by_recipients(found, [ALICE]) is found
    assert told_by_recipients(found, []) is found
