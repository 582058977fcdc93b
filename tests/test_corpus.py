"""Every file of the shared corpus: identity with nothing to do, survival with everything to do.

No address of a mail is printed: a failure names the number of the file in the index.
"""

from __future__ import annotations

import asyncio
import re
import socket
from contextlib import asynccontextmanager
from dataclasses import replace
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

import pytest

from smtp_gate.config.catalogue import load_catalogue
from smtp_gate.config.load import read_settings
from smtp_gate.decision import Action, Decision, MailClass, Verdict
from smtp_gate.gate import Ruleset
from smtp_gate.gate.variant import compose
from smtp_gate.limits import MAX_HEADER_BYTES, MAX_LINE, MAX_MESSAGE_SIZE, MAX_RECEIVED
from smtp_gate.listener.front import Front
from smtp_gate.listener.server import Server
from smtp_gate.model import NOTHING, Judgement, Kind, Look
from smtp_gate.observe.second_opinion import trackers_left
from smtp_gate.policy.match import treat
from smtp_gate.render.message import render
from smtp_gate.scan.headers import header_size, received_count
from smtp_gate.scan.message import scan
from smtp_gate.trackers import Catalogue
from tests.corpus import entries, needs_corpus
from tests.gate_room import Room

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from email.message import Message

    from smtp_gate.trackers.pixel import Surroundings
    from tests.corpus import Entry

pytestmark = needs_corpus

CHUNKS = 6
"""So that the workers of a test run share them."""
STRIP = """
listen: {smtp: "127.0.0.1:1"}
deliver: {next_hops: ["smtp://127.0.0.1:1"]}
policy: {on_opaque_link: text, on_sealed: pass}
"""
RECEIVED = re.compile(rb"Received: [^\r\n]*(?:\r\n[ \t][^\r\n]*)*\r\n")
KEEP = Verdict(Action.KEEP, "kept")


def chunk(number: int) -> list[tuple[int, Entry]]:
    """Every sixth file, with its number."""
    return [(place, entry) for place, entry in enumerate(entries()) if place % CHUNKS == number]


def as_smtp(raw: bytes) -> bytes:
    """The file as a client would send it: CRLF line ends, a line end at the end."""
    text = re.sub(rb"\r\n|\n", b"\r\n", raw)
    return text if text.endswith(b"\r\n") else text + b"\r\n"


def tree(message: Message) -> list[tuple[str, bytes | None]]:
    """Types of all parts in order, and the bytes of attachments and other data."""
    parts = []
    for part in message.walk():
        kind = part.get_content_type()
        payload = part.get_payload(decode=True)
        data = (
            not kind.startswith(("text/", "multipart/", "message/"))
            or part.get_content_disposition() == "attachment"
        )
        parts.append((kind, payload if data and isinstance(payload, bytes) else None))
    return parts


@pytest.mark.parametrize("number", range(CHUNKS))
def test_a_mail_with_nothing_to_do_is_the_same_bytes(number: int) -> None:
    catalogue = load_catalogue(None, {}, "")
    changed = []
    for place, entry in chunk(number):
        raw = entry.path.read_bytes()
        found = scan(raw, catalogue)
        nothing = Decision(MailClass.UNKNOWN, "none", "", (KEEP,) * len(found.findings), False, False, None)  # noqa: FBT003
        if render(found, nothing, None, None) != raw:
            changed.append(place)
    assert changed == []


@pytest.mark.parametrize("number", range(CHUNKS))
def test_everything_stripped_is_the_same_mail(number: int) -> None:
    settings = read_settings(STRIP, "strip")
    rules = Ruleset(settings.rules(), load_catalogue(None, {}, ""), None, "")
    wrong, refused, left, edited = [], [], [], 0
    for place, entry in chunk(number):
        raw = entry.path.read_bytes()
        found = scan(raw, rules.catalogue)
        variant = compose(rules, found, treat(rules.policy, b"", found), NOTHING, b"person@example.com")
        if variant.refusal is not None:
            refused.append(place)
        if variant.refusal is not None or variant.content == raw:
            continue
        edited += 1
        before = message_from_bytes(raw, policy=policy.compat32)
        after = message_from_bytes(variant.content, policy=policy.compat32)
        if tree(before) != tree(after):
            wrong.append(place)
        # It knows no sizes, so only what it knows by a vendor's pattern counts.
        if not found.obstacles and any(one.vendor for one in trackers_left(variant.content, rules.catalogue)):
            left.append(place)
    assert edited > 50
    assert wrong == []
    assert left == [], "another parser still finds a tracker"
    assert refused == [], "nothing of this policy refuses"


class Untouching(Catalogue):
    """The whole catalogue, but whatever it finds is of the kind that nobody may touch."""

    def link(
        self, url: str, words: Callable[[], str], protected: frozenset[str], *, weak: bool = True
    ) -> Judgement | None:
        return _functional(super().link(url, words, protected, weak=weak))

    def image(
        self, url: str, look: Look, around: Surroundings | None = None, *, weak: bool = True
    ) -> Judgement | None:
        return _functional(super().image(url, look, around, weak=weak))

    def load(self, url: str, around: Surroundings | None = None, *, weak: bool = True) -> Judgement | None:
        return _functional(super().load(url, around, weak=weak))


def _functional(judgement: Judgement | None) -> Judgement | None:
    return judgement and judgement._replace(kind=Kind.FUNCTIONAL)


class Client:
    """A mail client that sends content as it is."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def reply(self) -> int:
        """The code of the next reply."""
        line = b"250-"
        while line[3:4] == b"-":
            line = await self._reader.readline()
        return int(line[:3])

    async def say(self, command: bytes) -> int:
        """One command and its reply's code."""
        self.writer.write(command + b"\r\n")
        return await self.reply()

    async def send(self, raw: bytes) -> int:
        """One mail; the code after the dot."""
        for command, code in (
            (b"MAIL FROM:<a@acme.example>", 250),
            (b"RCPT TO:<b@example.com>", 250),
            (b"DATA", 354),
        ):
            assert await self.say(command) == code
        stuffed = (b"\r\n" + raw).replace(b"\r\n.", b"\r\n..")[2:]
        return await self.say(stuffed + b".")


@asynccontextmanager
async def running_gate() -> AsyncIterator[tuple[Client, Room]]:
    """A gate with its listener that has nothing to change, and a client of it."""
    async with Room("policy: {on_sealed: pass}") as room:
        whole = load_catalogue(None, {}, "")
        room.gate.ruleset = replace(room.gate.ruleset, catalogue=Untouching(whole.vendors))
        server = Server(room.gate, "gate.acme.example")
        door = socket.create_server(("127.0.0.1", 0))
        await server.listen(door, Front())
        client = Client(*await asyncio.open_connection(*door.getsockname(), limit=1 << 20))
        assert await client.reply() == 220
        assert await client.say(b"EHLO mta.acme.example") == 250
        try:
            yield client, room
        finally:
            client.writer.close()
            await server.drain(5)


def declared(raw: bytes) -> int:
    """The code that docs/failure.md declares for content that is no SMTP content or beyond a limit; else 250."""
    if len(raw) > MAX_MESSAGE_SIZE:
        return 552
    if re.search(rb"\r(?!\n)|(?<!\r)\n|\0", raw):
        return 550
    if max(map(len, raw.split(b"\r\n"))) > MAX_LINE - 2:
        return 500
    if header_size(raw) > MAX_HEADER_BYTES:
        return 550
    return 554 if received_count(raw) > MAX_RECEIVED else 250


@pytest.mark.parametrize("number", range(CHUNKS))
async def test_what_is_legal_goes_through_a_running_gate_unchanged(number: int) -> None:
    wrong: list[tuple[int, int, str]] = []
    passed = 0
    async with running_gate() as (client, room):
        for place, entry in chunk(number):
            raw = as_smtp(entry.path.read_bytes())
            wanted = declared(raw)
            before = len(room.hop.messages)
            code = await client.send(raw)
            arrived = room.hop.messages[before:]
            if code != wanted or len(arrived) != (code == 250):
                wrong.append((place, code, f"{wanted} is declared"))
            elif arrived:
                passed += 1
                content = arrived[0].content or b""
                trace, rest = content[: len(content) - len(raw)], content[len(content) - len(raw) :]
                if rest != raw or not RECEIVED.fullmatch(trace):
                    wrong.append((place, code, "changed"))
    assert wrong == []
    assert passed > len(chunk(number)) * 0.9, "most of the corpus is legal"
