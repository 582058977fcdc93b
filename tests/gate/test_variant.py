"""What one recipient gets: footers are a person's own, and say what is measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from smtp_gate.cli.rooms import ruleset_of
from smtp_gate.gate.variant import Variant, compose
from smtp_gate.model import EVERYTHING, Purpose
from smtp_gate.policy.match import treat
from smtp_gate.render.own_footer import OwnFooter
from smtp_gate.scan.message import scan
from smtp_gate.tokens import open_withdraw

RULES = ruleset_of(None)
ALICE, BOB = b"alice@example.com", b"bob@example.com"
HEAD = b"From: Acme <news@acme.example>\r\nContent-Type: text/html\r\n\r\n<html><body><p>Hello</p>"
PIXEL = b'<img src="https://acme.us13.list-manage.com/track/open.php?u=c299c0fb17f046bcb00000000&id=55fdb0&e=1">'
PERSONAL = b'<a href="https://www.acme.example/?mc_eid=1e6a000000">read</a>'
END = b"</body></html>\r\n"


def composed(raw: bytes, address: bytes, granted: Purpose = EVERYTHING) -> Variant:
    """The variant of one recipient."""
    found = scan(raw, RULES.catalogue, own=RULES.public_url)
    return compose(RULES, found, treat(RULES.policy, b"news@acme.example", found), granted, address)


def owners(content: bytes) -> list[bytes]:
    """Whose withdrawal links stand in a mail, in order."""
    assert RULES.keyring is not None
    doors = content.split(b"https://gate.example/w/")[1:]
    return [open_withdraw(RULES.keyring, door.split(b'"')[0].decode()).subject for door in doors]


def test_a_mail_that_comes_again_gets_no_second_footer() -> None:
    once = composed(HEAD + PIXEL + END, ALICE)
    again = composed(once.content, ALICE)
    assert len(owners(once.content)) == 1
    assert again.content == once.content


def test_a_new_tracker_beside_ones_own_footer_needs_no_second_one() -> None:
    mine = composed(HEAD + PIXEL + END, ALICE).content
    again = composed(mine.replace(b"<p>Hello</p>", b"<p>Hello</p>" + PIXEL), ALICE)
    assert again.decision.personal
    assert len(owners(again.content)) == 1


def test_a_reply_that_quotes_somebody_elses_mail_gets_the_readers_own_footer() -> None:
    bobs = composed(HEAD + PIXEL + END, BOB).content
    [bob] = owners(bobs)
    quoting = (
        HEAD
        + PIXEL
        + b"<blockquote>"
        + bobs.partition(b"<p>Hello</p>")[2].replace(END, b"")
        + b"</blockquote>"
        + END
    )
    reply = composed(quoting, ALICE)
    [owner] = owners(reply.content)
    assert reply.decision.footer
    assert owner != bob, "somebody else's is made harmless"


@pytest.mark.parametrize(
    ("trackers", "opens", "links"), [(PIXEL, True, False), (PERSONAL, False, True), (PIXEL + PERSONAL, True, True)]
)
def test_the_footer_says_what_is_measured(trackers: bytes, opens: bool, links: bool) -> None:
    content = composed(HEAD + trackers + END, ALICE).content
    assert (b"open this message" in content.replace(b"\r\n", b" ")) is opens
    assert (b"links" in content.partition(b"measures")[2]) is links


def test_a_controller_with_its_own_footer_gets_that_one() -> None:
    own = OwnFooter('<p>Ours: <a href="{{ withdraw_url }}">{{ stop }}</a></p>', None)
    rules = replace(RULES, footers={RULES.policy.controllers[0].id: own})
    found = scan(HEAD + PIXEL + END, rules.catalogue, own=rules.public_url)
    found, treatment = rules.treat(b"news@acme.example", found)
    content = compose(rules, found, treatment, EVERYTHING, ALICE).content
    assert b'\r\n<p>Ours: <a href="https://gate.example/w/' in content
    assert len(owners(content)) == 1
    assert content.endswith(b">Stop this tracking</a></p>\r\n</body></html>\r\n")
