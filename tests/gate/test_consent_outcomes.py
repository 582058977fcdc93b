"""What each recipient gets, by consent, class of the mail and the switches of policy."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from email import message_from_bytes
from importlib import resources
from typing import TYPE_CHECKING, Any

import pytest

from smtp_gate import replies
from smtp_gate.config.catalogue import load_catalogue
from smtp_gate.model import EVERYTHING, Kind, Purpose, Sender
from smtp_gate.observe import log
from smtp_gate.observe.second_opinion import trackers_left
from smtp_gate.tokens import open_ask, open_link, open_pixel, open_withdraw, subject_of
from tests.gate_room import (
    KEYRING,
    LINK,
    OPAQUE,
    OPAQUE_ONLY,
    PIXEL,
    PUBLIC_URL,
    TARGET,
    TRACKED,
    TRACKER_HOSTS,
    Room,
    catalogue,
    letter,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from importlib.resources.abc import Traversable

    from smtp_gate.tokens import Keyring, LinkToken, PixelToken, WithdrawToken
    from smtp_gate.trackers import Catalogue

BOTH, PIXELS, CLICKS, NEITHER = b"both@example.com", b"pixels@example.com", b"clicks@example.com", b"no@example.com"
SAMPLES = sorted((resources.files("smtp_gate.cli") / "demo_mails").iterdir(), key=lambda file: file.name)
TOKEN = re.compile(re.escape(PUBLIC_URL.encode()) + rb"/([plaw])/([\w-]+)")
OPEN: dict[bytes, Callable[[Keyring, str], PixelToken | LinkToken | WithdrawToken]] = {
    b"p": open_pixel,
    b"l": open_link,
    b"w": open_withdraw,
}


def decoded(content: bytes) -> bytes:
    """A mail's header and all its text parts, transfer encodings undone."""
    message = message_from_bytes(content)
    parts = [part.get_payload(decode=True) for part in message.walk() if part.get_content_maintype() == "text"]
    return content.partition(b"\r\n\r\n")[0] + b"\n".join(part for part in parts if isinstance(part, bytes))


def tokens(content: bytes) -> list[tuple[bytes, str]]:
    """Door and token of every address of the gate in a mail."""
    return [(door, token.decode()) for door, token in TOKEN.findall(decoded(content))]


async def four(raw: bytes, policy: str = "", known: Catalogue | None = None) -> dict[bytes, bytes]:
    """What the four recipients of one transaction get."""
    async with Room(policy) as room:
        if known is not None:
            room.gate.ruleset = replace(room.gate.ruleset, catalogue=known)
        room.agrees(BOTH, Purpose.PERFORMANCE | Purpose.CLICKS)
        room.agrees(PIXELS, Purpose.PERFORMANCE)
        room.agrees(CLICKS, Purpose.CLICKS)
        people = (BOTH, PIXELS, CLICKS, NEITHER)
        sent = await room.send(raw, *people)
        assert sent.codes == [250] * 4
        assert room.store.asked == [4]
        got = {}
        for person in people:
            [got[person]] = room.got(person)
        return got


async def test_four_consents_in_one_transaction_give_four_right_mails() -> None:
    got = await four(TRACKED)
    doors = {person: [door for door, _ in tokens(content)] for person, content in got.items()}
    assert doors == {BOTH: [b"l", b"p", b"w"], PIXELS: [b"p", b"w"], CLICKS: [b"l", b"w"], NEITHER: []}
    for person, content in got.items():
        assert (TARGET + b'"' in content) is (person in (PIXELS, NEITHER)), "a click nobody agreed to is counted"
        assert (b"<img" in content) is (person in (BOTH, PIXELS))
        assert (b"</span> measures" in content) is (person != NEITHER)
        assert not any(host in content for host in TRACKER_HOSTS), "a vendor's address left the company"


def assert_own_tokens_only(got: dict[bytes, bytes]) -> int:
    """No mail holds a token of somebody else; returns how many there are."""
    owners = {subject_of(KEYRING, person): person for person in got}
    seen: dict[str, bytes] = {}
    for person, content in got.items():
        for door, text in tokens(content):
            if door == b"a":  # ask pages are nobody's
                continue
            token = OPEN[door](KEYRING, text)
            assert owners[token.subject] == person
            assert token.controller == "acme"
            assert seen.setdefault(text, person) == person
    for text, person in seen.items():
        holders = {other for other, content in got.items() if text.encode() in decoded(content)}
        assert holders == {person}
    return len(seen)


async def test_nobody_gets_a_token_of_another() -> None:
    assert assert_own_tokens_only(await four(TRACKED)) == 7


async def test_two_who_agreed_to_the_same_get_mails_of_their_own() -> None:
    twins = (b"one@example.com", b"two@example.com", b"three@example.com")
    async with Room() as room:
        for person in twins:
            room.agrees(person, Purpose.PERFORMANCE | Purpose.CLICKS)
        assert (await room.send(TRACKED, *twins)).codes == [250] * 3
        assert assert_own_tokens_only({person: room.got(person)[0] for person in twins}) == 9
        assert [len(message.recipients) for message in room.hop.messages] == [1, 1, 1]


async def test_another_parser_finds_no_tracker_in_what_leaves() -> None:
    assert len(trackers_left(TRACKED, catalogue())) == 2, "the second opinion is blind"
    for content in (await four(TRACKED)).values():
        assert trackers_left(content, catalogue()) == []


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
async def test_samples_of_the_eight_vendors_leave_without_their_vendor(sample: Traversable) -> None:
    raw = re.sub(rb"\r?\n", b"\r\n", sample.read_bytes())
    known = load_catalogue(None, {"lemlist": ["go.acme.example"], "apollo": ["click.acme.example"]}, PUBLIC_URL)
    before = {(left.kind, left.vendor) for left in trackers_left(raw, known)}
    assert {kind for kind, _ in before} >= {Kind.PIXEL, Kind.LINK}
    got = await four(raw, known=known)
    for person, content in got.items():
        assert trackers_left(content, known) == []
        doors = {door for door, _ in tokens(content)} - {b"a"}
        assert (
            doors == {BOTH: {b"p", b"l", b"w"}, PIXELS: {b"p", b"w"}, CLICKS: {b"l", b"w"}, NEITHER: set()}[person]
        )
        assert shape(content) == shape(raw)
    assert_own_tokens_only(got)


def shape(content: bytes) -> list[str]:
    """The types of all parts, in order."""
    return [part.get_content_type() for part in message_from_bytes(content).walk()]


# --- the store gives no answer --------------------------------------------------------------------------------
async def test_a_store_that_is_down_costs_the_trackers_and_not_the_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[dict[str, Any]] = []
    monkeypatch.setattr(log, "message_done", lambda **fields: told.append(fields))
    async with Room() as room:
        room.agrees(BOTH, EVERYTHING)
        room.store.down = True
        sent = await room.send(TRACKED, BOTH, NEITHER)
        assert sent.codes == [250, 250]
        [message] = room.hop.messages
        assert message.recipients == [BOTH, NEITHER]
        assert tokens(message.content or b"") == []
    assert [line["consent"] for line in told] == [{"unavailable": 2}]


async def test_a_store_that_goes_and_comes_back_is_told_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(log, "store_down", lambda reason: told.append(f"down: {reason}"))
    monkeypatch.setattr(log, "store_up", lambda: told.append("up"))
    async with Room() as room:
        for down in (False, False, True, True, False, True):
            room.store.down = down
            await room.send(TRACKED, BOTH)
    assert told == ["down: timeout", "up", "down: timeout"]


async def test_a_store_that_is_down_defers_where_policy_prefers_to_wait() -> None:
    async with Room("consent: {on_failure: defer}") as room:
        room.store.down = True
        sent = await room.send(TRACKED, BOTH, NEITHER)
        assert sent.outcomes == [replies.CONSENT_UNAVAILABLE] * 2
        assert (await room.send(letter(b"no tracker"), BOTH)).codes == [250], (
            "what needs no consent waits for nothing"
        )
        room.store.down = False
        assert (await room.send(TRACKED, BOTH, NEITHER)).codes == [250, 250]
        assert len(room.got(BOTH)) == 2


async def test_a_sender_that_belongs_to_no_controller_tracks_nobody() -> None:
    async with Room() as room:
        room.agrees(BOTH, EVERYTHING)
        raw = TRACKED.replace(b"news@acme.example", b"news@elsewhere.example")
        await room.send(raw, BOTH, sender=Sender(b"bounce@elsewhere.example"))
        assert room.store.asked == []
        assert tokens(room.got(BOTH)[0]) == []
        assert TARGET in room.got(BOTH)[0]


# --- classes --------------------------------------------------------------------------------------------------
async def test_a_mail_that_asks_for_consent_is_clean_whatever_was_agreed() -> None:
    got = await four(TRACKED, "policy: {rules: [{name: ask, class: consent_request}]}")
    assert len(set(got.values())) == 1
    assert tokens(got[BOTH]) == []
    assert b"<img" not in got[BOTH]


async def test_a_security_pixel_of_a_sign_in_mail_stays_and_every_other_is_by_consent() -> None:
    allowed = b"https://risk.acme.example/seen/one.gif?token=0123456789abcdef0123456789abcdef"
    pixel = b'<img src="' + allowed + b'" width="1" height="1">'
    raw = TRACKED.replace(b"<p>Hello</p>", b"<p>Hello</p>\r\n" + pixel)
    rule = '{name: codes, class: authentication, allow_pixels: ["https://risk.acme.example/seen/*"]}'
    got = await four(raw, "policy: {rules: [" + rule + "]}")
    for content in got.values():
        assert allowed in content
        assert PIXEL not in content
    assert [door for door, _ in tokens(got[PIXELS])] == [b"p", b"w"]
    assert tokens(got[NEITHER]) == []
    without = await four(raw)
    assert not any(allowed in content for content in without.values()), "the class makes no difference"


async def test_a_rule_that_strips_wins_over_consent() -> None:
    got = await four(
        TRACKED, "policy: {rules: [{name: orders, class: transactional, pixels: strip, clicks: strip}]}"
    )
    assert {len(tokens(content)) for content in got.values()} == {0}
    assert len(set(got.values())) == 1


# --- links that hide their target -----------------------------------------------------------------------------
async def test_an_opaque_link_leads_to_a_page_that_names_nobody_and_is_the_same_for_all() -> None:
    async with Room() as room:
        await room.send(OPAQUE_ONLY, PIXELS, NEITHER)
        [message] = room.hop.messages
        [(door, token)] = tokens(message.content or b"")
        assert door == b"a"
        assert open_ask(KEYRING, token).url == OPAQUE.decode()
        assert trackers_left(message.content or b"", catalogue()) == []


async def test_an_opaque_link_is_refused_where_policy_says_so_for_those_who_did_not_agree() -> None:
    async with Room("policy: {on_opaque_link: reject}") as room:
        room.agrees(CLICKS, Purpose.CLICKS)
        sent = await room.send(OPAQUE_ONLY, CLICKS, NEITHER)
        assert sent.codes == [250, 550]
        assert sent.outcomes[1] == replies.OPAQUE_LINK
        assert [message.recipients for message in room.hop.messages] == [[CLICKS]]


@pytest.mark.parametrize(("word", "left"), [("text", []), ("pass", [OPAQUE.decode()])])
async def test_an_opaque_link_goes_or_stays_as_policy_says(word: str, left: list[str]) -> None:
    async with Room("policy: {on_opaque_link: " + word + "}") as room:
        assert (await room.send(OPAQUE_ONLY, NEITHER)).codes == [250]
        [content] = room.got(NEITHER)
        assert b"Our shop" in content
        assert [one.url for one in trackers_left(content, catalogue())] == left


async def test_an_opaque_link_whose_words_are_an_address_goes_there_where_policy_says_so() -> None:
    shows = OPAQUE_ONLY.replace(b"Our shop", b"www.shop.example/new")
    assert shows != OPAQUE_ONLY
    async with Room("policy: {on_opaque_link: reject, infer_from_text: true}") as room:
        assert (await room.send(shows, NEITHER)).codes == [250]
        [content] = room.got(NEITHER)
        assert b'href="https://www.shop.example/new"' in content
        assert (await room.send(OPAQUE_ONLY, NEITHER)).codes == [550]


# --- mail that cannot be edited -------------------------------------------------------------------------------
@pytest.mark.parametrize("encoding", [b"Hexa", b"base64"])
async def test_a_tracker_in_a_badly_encoded_part_does_not_leave(encoding: bytes) -> None:
    def badly(html: bytes) -> bytes:
        raw = letter(html, fields=b"Content-Transfer-Encoding: " + encoding + b"\r\n")
        if encoding == b"base64":
            head, _, body = raw.partition(b"\r\n\r\n")
            raw = head + b"\r\n\r\n@" + base64.b64encode(body) + b"\r\n"
        return raw

    clean = badly(b'<a href="https://shop.example/">Shop</a>')
    tracked = badly(b'<img src="' + PIXEL + b'" width="1" height="1">')
    async with Room() as room:
        room.agrees(BOTH, EVERYTHING)
        assert (await room.send(clean, BOTH)).codes == [250]
        assert room.got(BOTH) == [clean]
        assert (await room.send(tracked, BOTH, NEITHER)).outcomes == [replies.UNREADABLE] * 2
    async with Room("policy: {on_sealed: pass}") as room:
        assert (await room.send(tracked, NEITHER)).codes == [250]
        assert room.got(NEITHER) == [tracked]


# --- signed mail ----------------------------------------------------------------------------------------------
SIGNED = (
    b"From: Acme <news@acme.example>\r\nMIME-Version: 1.0\r\n"
    b'Content-Type: multipart/signed; protocol="application/pgp-signature"; micalg=pgp-sha256; boundary=b\r\n\r\n'
    b"--b\r\nContent-Type: text/html; charset=us-ascii\r\n\r\n%s\r\n"
    b"--b\r\nContent-Type: application/pgp-signature\r\n\r\n-----BEGIN PGP SIGNATURE-----\r\n\r\nAAAA\r\n"
    b"-----END PGP SIGNATURE-----\r\n--b--\r\n"
)
SIGNED_TRACKED = SIGNED % (b'<a href="' + LINK + b'">Shop</a>')
SIGNED_CLEAN = SIGNED % b'<a href="https://shop.example/">Shop</a>'


@pytest.mark.parametrize(
    ("switch", "clean", "tracked"),
    [
        ("pass_if_untracked", 250, replies.SEALED_TRACKER),
        ("pass", 250, replies.DELIVERED),
        ("reject", 550, replies.UNREADABLE),
    ],
)
async def test_signed_mail_leaves_whole_or_not_at_all(switch: str, clean: int, tracked: replies.Reply) -> None:
    async with Room("policy: {on_sealed: " + switch + "}") as room:
        room.agrees(BOTH, EVERYTHING)
        assert (await room.send(SIGNED_CLEAN, BOTH)).codes == [clean]
        sent = await room.send(SIGNED_TRACKED, BOTH, NEITHER)
        assert sent.codes == [tracked.code] * 2
        if tracked.permanent:
            assert sent.outcomes == [tracked] * 2
        for content in room.got(BOTH):
            assert content in (SIGNED_CLEAN, SIGNED_TRACKED)


async def test_what_holds_a_recipients_own_address_is_personal_whoever_made_it() -> None:
    """RCPT tells who the mail goes to: a counter that nobody catalogued gives itself away by the address in it."""
    token = base64.urlsafe_b64encode(b'{"to":"' + NEITHER + b'"}').rstrip(b"=")
    picture, link = b"https://go.acme.example/b/" + token + b".png", b"https://shop.example/?k=" + token
    mail = letter(b'<img src="' + picture + b'" width="600" height="80"><a href="' + link + b'">Shop</a>')
    got = await four(mail)
    for person in (PIXELS, CLICKS, NEITHER):
        assert token not in got[person]
    assert b'href="https://shop.example/"' in got[NEITHER]
    assert [door for door, _ in tokens(got[CLICKS])] == [b"l", b"w"]


async def test_nobodys_consent_counts_for_a_role_and_the_store_is_not_asked_about_it() -> None:
    async with Room("policy: {mailing_lists: ['*@lists.example']}") as room:
        for address in (b"info@example.com", b"friends@lists.example", BOTH):
            room.agrees(address, EVERYTHING)
        await room.send(TRACKED, b"info@example.com", BOTH, b"friends@lists.example")
        got = {to: message.content or b"" for message in room.hop.messages for to in message.recipients}
        assert room.store.asked == [1]
        await room.send(TRACKED, b"info@example.com")
        assert room.store.asked == [1]
    assert b"/p/" in got[BOTH]
    assert got[b"info@example.com"] == got[b"friends@lists.example"]
    assert PUBLIC_URL.encode() not in got[b"info@example.com"]
    assert not any(host in got[b"info@example.com"] for host in TRACKER_HOSTS)


async def test_a_role_is_tracked_where_policy_lets_consent_count() -> None:
    async with Room("policy: {role_addresses: consent}") as room:
        room.agrees(b"info@example.com", EVERYTHING)
        await room.send(TRACKED, b"info@example.com")
        [message] = room.hop.messages
    assert b"/p/" in (message.content or b"")
