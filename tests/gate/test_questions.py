"""Mails that ask for consent: everybody gets their own link, and nothing in them tracks."""

from __future__ import annotations

import re

import pytest

from smtp_gate import replies
from smtp_gate.model import EVERYTHING, Sender
from smtp_gate.tokens import open_consent, subject_of
from tests.gate_room import KEYRING, LINK, PIXEL, PUBLIC_URL, TRACKER_HOSTS, Room, letter

ALICE, BOB = b"alice@example.com", b"bob@example.com"
ASK = PUBLIC_URL.encode() + b"/c/me"
QUESTION = letter(
    b'<a href="' + ASK + b'">My answer</a> <a href="' + LINK + b'">Our shop</a>\r\n'
    b'<img src="' + PIXEL + b'" width="1" height="1">'
)
TOKEN = re.compile(re.escape(PUBLIC_URL.encode()) + rb"/c/([\w-]+)")


@pytest.mark.parametrize(
    "rules",
    [
        "",
        "policy: {rules: [{name: all, class: newsletter}]}",
        "policy: {on_opaque_link: pass, on_visible_tracked_image: keep, role_addresses: consent}",
    ],
)
async def test_each_gets_their_own_link_and_no_tracker_whatever_the_rules_say(rules: str) -> None:
    async with Room(rules) as room:
        room.agrees(ALICE, EVERYTHING)
        assert (await room.send(QUESTION, ALICE, BOB)).codes == [250, 250]
        for address in (ALICE, BOB):
            [content] = room.got(address)
            [word] = TOKEN.findall(content)
            token = open_consent(KEYRING, word.decode())
            assert (token.controller, token.subject, token.address) == (
                "acme",
                subject_of(KEYRING, address),
                address,
            )
            assert not any(host in content for host in TRACKER_HOSTS)
            assert not any(PUBLIC_URL.encode() + door in content for door in (b"/p/", b"/l/", b"/w/", b"/c/me"))


@pytest.mark.parametrize("address", [b"info@example.com", b"friends@lists.example"])
async def test_where_several_people_read_nobody_is_asked(address: bytes) -> None:
    async with Room("policy: {mailing_lists: ['*@lists.example']}") as room:
        sent = await room.send(QUESTION, address, ALICE)
        assert sent.outcomes[0] is replies.ASKED_MANY
        assert sent.codes == [550, 250]
        assert room.got(address) == []
        assert TOKEN.search(room.got(ALICE)[0])


async def test_who_is_no_controller_cannot_ask() -> None:
    async with Room() as room:
        raw = QUESTION.replace(b"news@acme.example", b"news@else.example")
        sent = await room.send(raw, ALICE, sender=Sender(b"news@else.example"))
    assert sent.outcomes == [replies.NOBODY_ASKS]
    assert room.hop.messages == []


async def test_the_same_question_twice_is_the_same_mail() -> None:
    async with Room() as room:
        await room.send(QUESTION, ALICE)
        await room.send(QUESTION, ALICE)
        first, second = room.got(ALICE)
    assert first == second


async def test_a_mail_that_asks_nobody_has_the_store_asked_once_and_no_more() -> None:
    async with Room() as room:
        await room.send(letter(b'<a href="' + LINK + b'">Our shop</a>'), ALICE)
        assert room.store.asked == [1]
