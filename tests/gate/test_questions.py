"""Mails that ask for consent: everybody gets their own link, and nothing in them tracks."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, cast

import pytest

from smtp_gate import replies
from smtp_gate.errors import StoreUnavailable
from smtp_gate.model import EVERYTHING, Sender
from smtp_gate.tokens import open_consent, subject_of
from smtp_gate.tokens.mint import Mint
from tests.gate_room import KEYRING, LINK, PIXEL, PUBLIC_URL, TRACKED, TRACKER_HOSTS, Room, letter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smtp_gate.consent.asked import Asked

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


class Book:
    """Who was asked, as the ledger would know; it can be away."""

    def __init__(self) -> None:
        self.known: set[bytes] = set()
        self.looked = 0
        self.down = False

    async def lately(self, controller: str, subjects: Sequence[bytes], days: int) -> set[bytes]:
        """Those who are in it."""
        assert (controller, days) == ("acme", 183)
        self.looked += 1
        if self.down:
            raise StoreUnavailable("ledger")
        return self.known & set(subjects)

    async def note(self, controller: str, subjects: Sequence[bytes]) -> None:
        """Put them in."""
        assert controller == "acme"
        if self.down:
            raise StoreUnavailable("ledger")
        self.known |= set(subjects)


def keeps_a_book(room: Room, on_reask: Literal["reject", "pass"] = "reject") -> Book:
    """A room whose gate remembers whom it asked."""
    book = Book()
    room.gate.asked = cast("Asked", book)
    room.gate.ruleset = replace(room.gate.ruleset, reask_after=183, on_reask=on_reask)
    return book


async def test_nobody_is_asked_again_too_soon_and_the_others_are() -> None:
    async with Room() as room:
        book = keeps_a_book(room)
        assert (await room.send(QUESTION, ALICE)).codes == [250]
        assert book.known == {subject_of(KEYRING, ALICE)}
        again = await room.send(QUESTION.replace(b"Autumn", b"Once more"), ALICE, BOB)
        assert again.outcomes[0] is replies.ASKED_LATELY
        assert again.codes == [550, 250]
        assert (len(room.got(ALICE)), len(room.got(BOB))) == (1, 1)


async def test_it_is_only_counted_where_policy_says_so() -> None:
    async with Room() as room:
        keeps_a_book(room, "pass")
        await room.send(QUESTION, ALICE)
        assert (await room.send(QUESTION.replace(b"Autumn", b"Once more"), ALICE)).codes == [250]


async def test_a_question_that_the_next_hop_refused_asked_nobody() -> None:
    async with Room() as room:
        book = keeps_a_book(room)
        room.hop.when("DOT", b"554 5.7.1 no")
        assert (await room.send(QUESTION, ALICE)).codes == [554]
        assert book.known == set()


async def test_while_nobody_knows_who_was_asked_the_question_waits() -> None:
    async with Room() as room:
        book = keeps_a_book(room)
        book.down = True
        assert (await room.send(QUESTION, ALICE)).outcomes == [replies.CONSENT_UNAVAILABLE]
        assert room.hop.messages == []


async def test_a_link_that_was_made_before_asks_too_and_a_quoted_one_does_not() -> None:
    async with Room() as room:
        book = keeps_a_book(room)
        mine = Mint(KEYRING, PUBLIC_URL, "acme", None).consent(ALICE).encode()
        mail = letter(b'<a href="' + mine + b'">My answer</a>')
        assert (await room.send(mail, BOB)).codes == [250]
        assert book.known == set()
        assert (await room.send(mail, ALICE)).codes == [250]
        assert book.known == {subject_of(KEYRING, ALICE)}


async def test_mails_that_ask_nothing_do_not_look_there() -> None:
    async with Room() as room:
        book = keeps_a_book(room)
        room.agrees(ALICE, EVERYTHING)
        await room.send(TRACKED, ALICE, BOB)
        assert (book.looked, book.known) == (0, set())


async def test_a_reply_to_a_question_is_no_question() -> None:
    async with Room() as room:
        book = keeps_a_book(room)
        await room.send(QUESTION, ALICE)
        mine = TOKEN.findall(room.got(ALICE)[0])[0]
        quoted = letter(b'<p>Yes, that is us.</p><blockquote><a href="' + ASK[:-2] + mine + b'">x</a></blockquote>')
        reply = b"In-Reply-To: <question@example.com>\r\n" + quoted
        assert (await room.send(reply, ALICE)).codes == [250]
        assert len(room.got(ALICE)) == 2
        assert book.looked == 1
        assert (await room.send(quoted, ALICE)).outcomes == [replies.ASKED_LATELY]
        again = b"In-Reply-To: <question@example.com>\r\n" + QUESTION
        assert (await room.send(again, ALICE)).outcomes == [replies.ASKED_LATELY]


async def test_a_note_that_fails_in_a_new_way_makes_nobody_get_the_mail_twice() -> None:
    async with Room() as room:
        book = keeps_a_book(room)
        note = book.note

        async def broken(controller: str, subjects: Sequence[bytes]) -> None:
            await note(controller, subjects)
            raise RuntimeError

        book.note = broken  # type: ignore[method-assign]
        assert (await room.send(QUESTION, ALICE)).codes == [250]
        assert len(room.got(ALICE)) == 1
