"""Addresses of the gate in a quoted mail work for the person whose they are, and for nobody else."""

from __future__ import annotations

import base64
import quopri
import re
from email import message_from_bytes
from functools import partial
from typing import TYPE_CHECKING

import pytest

from smtp_gate import replies
from smtp_gate.config.load import read_settings
from smtp_gate.decision import Action
from smtp_gate.gate import Ruleset
from smtp_gate.gate.variant import Variant, compose
from smtp_gate.model import EVERYTHING, NOTHING, Purpose
from smtp_gate.scan.message import scan
from smtp_gate.tokens import (
    AskToken,
    ConsentToken,
    LinkToken,
    PixelToken,
    WithdrawToken,
    open_withdraw,
    seal,
    subject_of,
)
from tests.gate_room import (
    KEYRING,
    LINK,
    OPAQUE,
    PIXEL,
    PUBLIC_URL,
    RULES,
    TARGET,
    TRACKED,
    Room,
    catalogue,
    letter,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from smtp_gate.tokens.kinds import Token

ALICE, BOB = b"alice@example.com", b"bob@example.com"
DOOR = re.compile(re.escape(PUBLIC_URL) + r"/([a-z])/([\w-]+)")


def door(kind: str, person: bytes = ALICE, url: bytes = LINK, controller: str = "acme") -> str:
    """An address of the gate that was in a mail to this person."""
    subject = subject_of(KEYRING, person)
    tokens: dict[str, Token] = {
        "p": PixelToken(controller, subject, Purpose.PERFORMANCE, "mailchimp", PIXEL.decode()),
        "l": LinkToken(controller, subject, Purpose.CLICKS, "mailchimp", url.decode()),
        "a": AskToken(controller, "mailchimp", url.decode()),
        "w": WithdrawToken(controller, subject),
        "s": WithdrawToken(controller, subject),
        "c": ConsentToken(controller, subject, person),
    }
    return f"{PUBLIC_URL}/{kind}/{seal(KEYRING, tokens[kind])}"


def quoting(person: bytes = ALICE, *, before: str = "") -> str:
    """The inside of a reply to a mail that this person got."""
    return (
        f"<p>My answer</p>{before}<blockquote><p>Hello</p>"
        f'<a href="{door("l", person)}">Our shop</a> <a href="{door("l", person, OPAQUE)}">Our blog</a>'
        f'<img src="{door("p", person)}" width="1" height="1">'
        f'<div><a href="{door("w", person)}">Stop this tracking</a></div></blockquote>'
    )


def composed(raw: bytes, address: bytes, granted: Purpose = NOTHING, rules: str = RULES) -> Variant:
    """The variant of one recipient."""
    settings = read_settings(rules, "rules")
    ruleset = Ruleset(settings.rules(), catalogue(), KEYRING, PUBLIC_URL)
    found = scan(raw, ruleset.catalogue, own=PUBLIC_URL)
    found, treatment = ruleset.treat(b"news@acme.example", found)
    variant = compose(ruleset, found, treatment, granted, address)
    assert len(variant.decision.verdicts) == len(found.findings)
    return variant


def texts(content: bytes) -> list[str]:
    """The text parts of a mail, as people read them."""
    found = []
    for part in message_from_bytes(content).walk():
        if part.get_content_maintype() == "text":
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            found.append(payload.decode(part.get_content_charset("utf-8")))
    return found


def doors(content: bytes) -> list[str]:
    """Kinds of the gate's addresses in a mail."""
    return [kind for text in texts(content) for kind, _ in DOOR.findall(text)]


@pytest.mark.parametrize("granted", [NOTHING, EVERYTHING])
def test_somebody_elses_addresses_are_made_harmless(granted: Purpose) -> None:
    variant = composed(letter(quoting().encode()), BOB, granted)
    assert doors(variant.content) == []
    [text] = texts(variant.content)
    assert f'<a href="{TARGET.decode()}">Our shop</a> Our blog<div>Stop this tracking</div>' in text
    assert {verdict.reason for verdict in variant.decision.verdicts} == {"quoted"}
    assert not variant.decision.personal, "all to whom it is foreign share one mail"
    assert not variant.decision.footer


def test_ones_own_stay_while_one_agrees_and_the_footer_is_not_written_again() -> None:
    raw = letter(quoting().encode())
    variant = composed(raw, ALICE, EVERYTHING)
    assert variant.content == raw
    assert variant.decision.personal, "nobody else may get it"


@pytest.mark.parametrize(
    ("granted", "left"),
    [
        (NOTHING, ["w"]),
        (Purpose.PERFORMANCE, ["p", "w"]),
        (Purpose.CLICKS, ["l", "l", "w"]),
        (Purpose.PROFILING, ["w"]),
    ],
)
def test_of_ones_own_only_what_one_agrees_to_stays(granted: Purpose, left: list[str]) -> None:
    assert doors(composed(letter(quoting().encode()), ALICE, granted).content) == left


def test_a_mail_that_passes_the_gate_twice_is_the_same_mail() -> None:
    once = composed(TRACKED, ALICE, EVERYTHING)
    assert doors(once.content) == ["l", "p", "w"]
    assert composed(once.content, ALICE, EVERYTHING).content == once.content
    untracked = composed(TRACKED, ALICE)
    assert composed(untracked.content, ALICE).content == untracked.content


def test_a_quoted_tracker_that_stays_brings_its_footer() -> None:
    raw = letter(f'<blockquote><img src="{door("p")}"></blockquote>'.encode())
    variant = composed(raw, ALICE, EVERYTHING)
    assert variant.decision.footer
    assert doors(variant.content) == ["p", "w"]
    assert b"measures whether you open" in variant.content
    assert b"links" not in variant.content.partition(b"measures")[2]


def test_a_new_tracker_in_a_reply_to_somebody_else_gets_a_footer_of_the_readers_own() -> None:
    pixel = f'<img src="{PIXEL.decode()}" width="1" height="1">'
    variant = composed(letter(quoting(before=pixel).encode()), BOB, EVERYTHING)
    [(kind, text)] = [found for found in DOOR.findall(variant.content.decode()) if found[0] == "w"]
    assert kind == "w"
    assert open_withdraw(KEYRING, text).subject == subject_of(KEYRING, BOB)
    assert doors(variant.content) == ["p", "w"]


def test_each_body_that_lacks_the_own_link_gets_the_footer() -> None:
    """A mail program may quote in one alternative only; a reader of the other one needs the way out too."""
    html = f'<p>Hi</p><img src="{PIXEL.decode()}" width="1" height="1"><a href="{door("w")}">stop</a>'
    raw = (
        b"From: Acme <news@acme.example>\r\nContent-Type: multipart/alternative; boundary=b\r\n"
        b"\r\n--b\r\n\r\nHi\r\n--b\r\nContent-Type: text/html\r\n\r\n" + html.encode() + b"\r\n--b--\r\n"
    )
    plain, page = texts(composed(raw, ALICE, EVERYTHING).content)
    assert [kind for kind, _ in DOOR.findall(plain)] == ["w"]
    assert [kind for kind, _ in DOOR.findall(page)] == ["p", "w"]


ENCODINGS: dict[str, Callable[[bytes], bytes]] = {
    "7bit": bytes,
    "8bit": bytes,
    "quoted-printable": partial(quopri.encodestring, quotetabs=False),
    "base64": base64.encodebytes,
}


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [
        *((charset, encoding) for charset in ("utf-8", "iso-8859-1", "iso-2022-jp") for encoding in ENCODINGS),
        ("utf-16le", "base64"),
    ],
)
@pytest.mark.parametrize("media_type", ["text/plain", "text/html", "text/plain; format=flowed"])
def test_in_every_encoding(media_type: str, charset: str, encoding: str) -> None:
    text = quoting()
    if "plain" in media_type:
        lines = [
            "> Shop: " + door("l"),
            "> <" + door("l", url=OPAQUE) + ">",
            "> Stop this tracking:",
            "> " + door("w"),
        ]
        text = "\r\n".join(["Yes.", "", "On Monday Acme wrote:", *lines, "> Bye", ""])
    body = ENCODINGS[encoding]((text + "\r\n").encode(charset)).replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    raw = (
        f"From: Acme <news@acme.example>\r\nContent-Type: {media_type}; charset={charset}\r\n"
        f"Content-Transfer-Encoding: {encoding}\r\n\r\n"
    ).encode() + body
    variant = composed(raw, BOB)
    assert variant.fallback == ""
    assert doors(variant.content) == []
    [left] = texts(variant.content)
    assert TARGET.decode() in left
    assert "Stop this tracking" in left
    if "plain" in media_type:
        assert left.rstrip().endswith(
            "> Shop: https://shop.example/autumn\r\n> \r\n> Stop this tracking:\r\n> \r\n> Bye"
        )
    assert composed(raw, ALICE, EVERYTHING).content == raw


@pytest.mark.parametrize("tail", ["?utm_source=reply", "#top", "?"])
def test_what_the_web_part_ignores_does_not_hide_a_token(tail: str) -> None:
    variant = composed(letter(f'<a href="{door("w")}{tail}">stop</a>'.encode()), BOB)
    assert doors(variant.content) == []


def test_an_escaped_spelling_of_a_token_is_the_token() -> None:
    first = door("w")[len(PUBLIC_URL) + 3]
    spelt = door("w").replace(f"/w/{first}", f"/w/%{ord(first):02x}", 1)
    assert b"/w/" not in composed(letter(f'<a href="{spelt}">stop</a>'.encode()), BOB).content


def test_another_gateways_address_round_ours_is_looked_through() -> None:
    inside = door("w").replace(":", "%3A").replace("/", "%2F")
    wrapped = f"https://us13.mailchimp.com/mctx/clicks?url={inside}&xid=de00000001&uid=40000001"
    variant = composed(letter(f'<a href="{wrapped}">stop</a>'.encode()), BOB)
    assert b"<a" not in variant.content
    assert b"stop" in variant.content


def test_another_controllers_trackers_go_and_ones_own_way_out_of_them_stays() -> None:
    html = f'<img src="{door("p", controller="other")}"><a href="{door("w", controller="other")}">stop</a>'
    variant = composed(letter(html.encode()), ALICE, EVERYTHING)
    assert doors(variant.content) == ["w"]
    assert not variant.decision.footer


def test_what_is_nobodys_and_what_our_keys_do_not_open_stays() -> None:
    html = f'<a href="{door("a")}">blog</a><a href="{PUBLIC_URL}/w/nonsense">x</a><a href="{PUBLIC_URL}/help">y</a>'
    raw = letter(html.encode())
    variant = composed(raw, BOB)
    assert variant.content == raw
    assert not variant.decision.personal


def test_a_quoted_link_never_makes_a_reply_bounce() -> None:
    rules = RULES + "policy: {on_opaque_link: reject}\n"
    variant = composed(letter(quoting().encode()), BOB, rules=rules)
    assert variant.refusal is None
    assert composed(letter(f'<a href="{OPAQUE.decode()}">x</a>'.encode()), BOB, rules=rules).refusal is (
        replies.OPAQUE_LINK
    )


def test_a_rule_that_strips_leaves_no_quoted_tracker_either() -> None:
    rules = RULES + "policy: {rules: [{name: none, pixels: strip, clicks: strip}]}\n"
    assert doors(composed(letter(quoting().encode()), ALICE, EVERYTHING, rules).content) == ["w"]


def test_where_no_footer_can_go_no_quoted_tracker_stays() -> None:
    raw = (
        b"From: Acme <news@acme.example>\r\nContent-Type: multipart/alternative; boundary=b\r\n"
        b"\r\n--b\r\nContent-Type: text/html\r\n\r\n" + f'<img src="{door("p")}">'.encode() + b"\r\n--b\r\n"
        b"Content-Type: text/html\r\nContent-Transfer-Encoding: x-unknown\r\n\r\nx\r\n--b--\r\n"
    )
    assert doors(composed(raw, ALICE, EVERYTHING).content) == []


def test_a_signed_reply_is_not_edited() -> None:
    raw = (
        b"From: Acme <news@acme.example>\r\nMIME-Version: 1.0\r\n"
        b'Content-Type: multipart/signed; protocol="application/pgp-signature"; boundary=b\r\n\r\n'
        b"--b\r\nContent-Type: text/html\r\n\r\n" + quoting().encode() + b"\r\n--b\r\n"
        b"Content-Type: application/pgp-signature\r\n\r\nx\r\n--b--\r\n"
    )
    variant = composed(raw, BOB)
    assert variant.content == raw
    assert {verdict.action for verdict in variant.decision.verdicts} == {Action.KEEP}


@pytest.mark.parametrize("order", [(ALICE, BOB), (BOB, ALICE)])
async def test_in_one_transaction_each_gets_what_is_theirs(order: tuple[bytes, bytes]) -> None:
    async with Room() as room:
        for person in order:
            room.agrees(person, EVERYTHING)
        raw = letter(quoting().encode())
        assert (await room.send(raw, *order)).codes == [250, 250]
        [alices], [bobs] = room.got(ALICE), room.got(BOB)
        assert doors(alices) == ["l", "l", "p", "w"]
        assert doors(bobs) == []


async def test_people_to_whom_all_is_foreign_share_one_mail() -> None:
    async with Room() as room:
        people = (BOB, b"carol@example.com", b"dave@example.com")
        assert (await room.send(letter(quoting().encode()), *people)).codes == [250] * 3
        assert len(room.hop.messages) == 1


@pytest.mark.parametrize("kind", ["s", "c"])
def test_nobody_answers_for_somebody_else(kind: str) -> None:
    mine, others = door(kind, ALICE), door(kind, BOB)
    raw = letter(f'<a href="{mine}">my choice</a> <a href="{others}">theirs</a>'.encode())
    content = composed(raw, ALICE).content.decode()
    assert mine in content
    assert others not in content
    assert "theirs" in content
