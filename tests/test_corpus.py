"""Every file of the shared corpus: identity with nothing to do, survival with everything to do.

No address of a mail is printed: a failure names the number of the file in the index.
"""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

import pytest

from smtp_gate.config.catalogue import load_catalogue
from smtp_gate.config.load import read_settings
from smtp_gate.gate import Ruleset
from smtp_gate.gate.variant import compose
from smtp_gate.limits import MAX_HEADER_BYTES, MAX_LINE, MAX_MESSAGE_SIZE, MAX_RECEIVED
from smtp_gate.model import NOTHING, Action, Decision, MailClass, Verdict
from smtp_gate.policy.match import treat
from smtp_gate.render.message import render
from smtp_gate.scan.headers import header_size, received_count
from smtp_gate.scan.message import scan
from tests.corpus import entries, needs_corpus
from tests.hop_thread import HopThread
from tests.serve_process import ServeProcess, transact

if TYPE_CHECKING:
    from email.message import Message

    from tests.corpus import Entry

pytestmark = needs_corpus

CHUNKS = 6
"""So that the workers of a test run share them."""
STRIP = """
listen: {smtp: "127.0.0.1:1"}
deliver: {next_hops: ["smtp://127.0.0.1:1"]}
policy: {on_opaque_link: text, on_sealed: pass}
"""
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
    wrong, edited = [], 0
    for place, entry in chunk(number):
        raw = entry.path.read_bytes()
        found = scan(raw, rules.catalogue)
        variant = compose(rules, found, treat(rules.policy, b"", found), NOTHING, b"person@example.com")
        if variant.refusal is not None or variant.content == raw:
            continue
        edited += 1
        before = message_from_bytes(raw, policy=policy.compat32)
        after = message_from_bytes(variant.content, policy=policy.compat32)
        if tree(before) != tree(after):
            wrong.append(place)
    assert edited > 50
    assert wrong == []


@pytest.mark.parametrize("number", range(CHUNKS))
def test_what_is_legal_goes_through_a_running_gate_unchanged(number: int) -> None:
    passes = {"policy": {"on_opaque_link": "pass", "rules": [{"name": "all", "class": "unknown"}]}}
    wrong = []
    catalogue = load_catalogue(None, {}, "")
    with HopThread() as hop, ServeProcess(hop.url, workers=1, config=passes) as serve:
        client = serve.client()
        for place, entry in chunk(number):
            raw = as_smtp(entry.path.read_bytes())
            findings = scan(raw, catalogue).findings
            if any(finding.kind in ("pixel", "link", "personal") for finding in findings):
                continue  # something to do; the tests above have those
            before = len(hop.messages)
            code, _ = transact(client, raw, ["person@example.com"])
            bare = re.search(rb"\r(?!\n)|(?<!\r)\n|\0", raw) is not None
            long = max(map(len, raw.split(b"\r\n"))) > MAX_LINE - 2
            beyond = header_size(raw) > MAX_HEADER_BYTES or received_count(raw) > MAX_RECEIVED
            if bare or long or beyond or len(raw) > MAX_MESSAGE_SIZE:
                if code < 500 or len(hop.messages) != before:
                    wrong.append((place, code, "not refused"))
            elif code != 250:
                wrong.append((place, code, "refused"))
            else:
                [message] = hop.messages[before:]
                content = message.content or b""
                trace, rest = content[: len(content) - len(raw)], content[len(content) - len(raw) :]
                if rest != raw or not re.fullmatch(rb"Received: [^\r\n]*(?:\r\n[ \t][^\r\n]*)*\r\n", trace):
                    wrong.append((place, code, "changed"))
        client.close()
    assert wrong == []
