"""``pixels: minimise``: whoever did not object gets the gate's own pixel, and it is nobody else's."""

from __future__ import annotations

import re

import pytest

from smtp_gate.model import EVERYTHING, Purpose
from smtp_gate.tokens import open_opening, subject_of
from tests.gate_room import KEYRING, PUBLIC_URL, TRACKED, TRACKER_HOSTS, Room

POLICY = "policy:\n  rules: [{name: orders, class: transactional, pixels: minimise}]\n"
ALICE, BOB, CAROL = b"alice@example.com", b"bob@example.com", b"carol@example.com"


def owners(content: bytes) -> set[bytes]:
    """Subjects of the gate's own pixels in a mail."""
    tokens = re.findall(rb"%s/o/([\w-]+)" % PUBLIC_URL.encode(), content)
    return {open_opening(KEYRING, token.decode()).subject for token in tokens}


async def test_each_reader_gets_a_pixel_of_their_own_and_whoever_objected_none() -> None:
    async with Room(POLICY) as room:
        room.agrees(CAROL, Purpose.CLICKS)  # and not to pixels
        await room.send(TRACKED, ALICE, BOB, CAROL)
        contents = {address: room.got(address)[0] for address in (ALICE, BOB, CAROL)}
    for address in (ALICE, BOB):
        assert owners(contents[address]) == {subject_of(KEYRING, address)}
        assert b"/w/" not in contents[address]
        assert not any(host in contents[address] for host in TRACKER_HOSTS)
    assert owners(contents[CAROL]) == set()
    assert contents[ALICE] != contents[BOB]


async def test_who_agreed_gets_the_vendors_pixel_behind_the_gate_and_no_other() -> None:
    async with Room(POLICY) as room:
        room.agrees(ALICE, EVERYTHING)
        await room.send(TRACKED, ALICE)
        [content] = room.got(ALICE)
    assert b"/p/" in content
    assert owners(content) == set()


async def test_without_an_answer_of_the_store_there_is_none() -> None:
    async with Room(POLICY) as room:
        room.store.down = True
        await room.send(TRACKED, ALICE)
        [content] = room.got(ALICE)
    assert owners(content) == set()


@pytest.mark.parametrize(("reader", "stays"), [(ALICE, True), (BOB, False)])
async def test_in_a_quoted_mail_it_stays_for_the_person_whose_it_is_only(reader: bytes, stays: bool) -> None:
    async with Room(POLICY) as room:
        await room.send(TRACKED, ALICE)
        [content] = room.got(ALICE)
        await room.send(content.replace(b"Autumn", b"Re: Autumn"), reader, ident="again")
        assert owners(room.got(reader)[-1]) == ({subject_of(KEYRING, ALICE)} if stays else set())


async def test_the_same_mail_twice_is_the_same_bytes() -> None:
    async with Room(POLICY) as room:
        for ident in ("one", "two"):
            await room.send(TRACKED, ALICE, ident=ident)
        one, other = room.got(ALICE)
    assert one == other
