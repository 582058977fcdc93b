"""What holds for any bytes whatever: one function a target, which raises when it does not.

The fuzzer (``tests/fuzz/run.py``) looks for bytes that break one; ``tests/fuzz/test_targets.py`` runs the same
functions on seeds, on what was found once, and on what hypothesis thinks of.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from smtp_gate import transfer
from smtp_gate.config.catalogue import load_catalogue
from smtp_gate.decision import Action
from smtp_gate.errors import SpliceError
from smtp_gate.gate.ruleset import Ruleset
from smtp_gate.gate.variant import compose
from smtp_gate.limits import MAX_LINE_OUT, MAX_UNWRAP_DEPTH, MAX_URL
from smtp_gate.model import EVERYTHING, NOTHING, Carrier, Kind, Look, Span
from smtp_gate.policy.match import treat
from smtp_gate.policy.rules import Controller, OnOpaqueLink, Policy
from smtp_gate.render.edits import Edit, apply
from smtp_gate.render.part import splice
from smtp_gate.scan.calendar import read_calendar
from smtp_gate.scan.html import read_html
from smtp_gate.scan.message import scan
from smtp_gate.scan.mime import walk
from smtp_gate.scan.plaintext import read_text
from smtp_gate.scan.recipients import told_by_recipients
from smtp_gate.tokens.keyring import Keyring
from smtp_gate.trackers.address import proper
from smtp_gate.trackers.recipient import Recipients

if TYPE_CHECKING:
    from collections.abc import Callable

    from smtp_gate.model import Address, Part, Scan
    from smtp_gate.trackers import Catalogue

PUBLIC_URL = "https://preferences.acme.example"
POLICY = Policy(controllers=(Controller("acme", "Acme", ("@*",)),), on_opaque_link=OnOpaqueLink.ASK)
KEYRING = Keyring({0: bytes(range(64))}, 0, bytes(range(64, 128)))
ALICE = b"alice@example.com"
CASES = Path(__file__).parent.parent / "render" / "cases"
FOUND = Path(__file__).parent / "found"

ENCODINGS = (b"7bit", b"8bit", b"quoted-printable", b"base64", b"binary")
CHARSETS = (b"utf-8", b"us-ascii", b"iso-8859-1", b"utf-16", b"iso-2022-jp", b"gb18030", b"shift_jis", b"")
PIECES = (b"", b"x", b"https://preferences.acme.example/w/AAAA", "é".encode(), b"=", b"\r\n", b".", b"a" * 90)


@lru_cache(maxsize=1)
def catalogue() -> Catalogue:
    """The shipped one."""
    return load_catalogue(None, {}, PUBLIC_URL)


def _check_parts(raw: bytes, parts: tuple[Part, ...]) -> None:
    for place, part in enumerate(parts):
        assert part.index == place
        assert part.parent < place
        assert part.header.end == part.body.start
        assert part.header.start <= part.body.start <= part.body.end
        around = parts[part.parent].body if part.parent >= 0 else Span(0, len(raw))
        assert around.start <= part.header.start
        assert part.body.end <= around.end
        if part.view is not None and not part.transcoded and part.encoding != "unknown":
            assert transfer.decode(raw[slice(*part.body)], part.encoding) == part.view


def _check_addresses(view: bytes, addresses: tuple[Address, ...]) -> None:
    for address in addresses:
        start, end = address.element
        assert 0 <= start <= address.value.start <= address.value.end <= end <= len(view)
        assert address.url
        if len(address.quote) > 1:  # of a page inside something else, whose tags are written as that wants it
            continue
        if address.carrier is Carrier.IMAGE:
            assert view[start : start + 1] == b"<"
            assert view[end - 1 : end] == b">"
        if address.closing is not None:
            assert address.words == Span(end, address.closing.start)
            assert re.fullmatch(rb"(?s)</[aA]\b.*", view[slice(*address.closing)])


def walker(data: bytes) -> None:
    """Parts lie in their parents, views decode, and walking twice gives the same."""
    parts, obstacles = walk(data)
    _check_parts(data, parts)
    assert walk(data) == (parts, obstacles)


def markup(data: bytes) -> None:
    """Spans of HTML and text lie in the view; an edit of one address leaves the others where they were."""
    page = read_html(data)
    _check_addresses(data, page.addresses)
    assert 0 <= page.footer_offset <= len(data)
    for delsp in (False, True):
        _check_addresses(data, read_text(data, delsp=delsp))
    _check_addresses(data, read_calendar(data).addresses)


def writer(data: bytes) -> None:
    """What is spliced into an encoded part decodes to the edited text, and no line grows beyond the limit.

    The first octets choose encoding, charset and edits; the rest is the body as it stands.
    """
    if len(data) < 8:
        return
    choice, body = data[:8], data[8:]
    encoding, charset = ENCODINGS[choice[0] % len(ENCODINGS)], CHARSETS[choice[1] % len(CHARSETS)]
    kind = b"text/plain" if choice[1] & 128 else b"text/html"
    head = b"Content-Type: %b; charset=%b\r\nContent-Transfer-Encoding: %b\r\n\r\n" % (kind, charset, encoding)
    raw = head + body
    part = walk(raw)[0][0]
    if part.view is None or part.encoding == "unknown":  # never written
        return
    size = len(part.view)
    places = sorted((octet * (size + 1)) // 256 for octet in choice[2:6])
    edits = [
        Edit(places[at], places[at + 1], PIECES[choice[6 + at // 2] % len(PIECES)])
        for at in (0, 2)
        if at == 0 or places[at] > places[at - 1]
    ]
    try:
        new = splice(raw, part, edits)
    except SpliceError:
        return
    if not part.transcoded:
        written, wanted = transfer.decode(new, part.encoding) or b"", apply(part.view, edits)
        if part.encoding in transfer.IDENTITY:  # a line that would be too long is broken at a blank
            written, wanted = b"".join(written.split()), b"".join(wanted.split())
        assert written == wanted
    old = max(map(len, raw[slice(*part.body)].split(b"\n")), default=0)
    assert max(map(len, new.split(b"\n")), default=0) <= max(MAX_LINE_OUT + 1, old)


def address(data: bytes) -> None:
    """Any text is judged without an exception; a target is a proper address; what is personal can be told again."""
    url = data.decode("utf-8", "surrogateescape")
    known = catalogue()
    looks = (Look(1, 1, (), None, responsive=False), Look(None, None, (), "", responsive=True))
    for judgement in (
        known.link(url, lambda: "words", frozenset()),
        known.load(url),
        *(known.image(url, look) for look in looks),
    ):
        # what a personal link leads to is its own address, in its own spelling
        if judgement is not None and judgement.kind is Kind.LINK and judgement.target is not None:
            assert proper(judgement.target) is not None
    target = known.target(url)
    assert target is None or (proper(target) == target and len(target) <= (MAX_UNWRAP_DEPTH + 1) * 3 * MAX_URL)
    people = Recipients([ALICE, b"b" + ALICE])
    if people.personal([url]):
        clean = people.without(url)
        assert clean is None or len(clean) <= len(url)


def message(data: bytes) -> None:
    """Any mail comes out untracked, tracked, or refused; only edited parts change; twice is the same."""
    found = told_by_recipients(scan(data, catalogue(), own=PUBLIC_URL), [ALICE])
    _check_parts(data, found.parts)
    ruleset = Ruleset(POLICY, catalogue(), KEYRING, PUBLIC_URL)
    treatment = treat(POLICY, b"news@acme.example", found)
    for granted in (NOTHING, EVERYTHING):
        variant = compose(ruleset, found, treatment, granted, ALICE)
        assert compose(ruleset, found, treatment, granted, ALICE) == variant
        if variant.refusal is not None:
            assert variant.content == b""
            continue
        _check_rewritten(data, found, variant.content, variant.decision.footer)
        actions = {verdict.action for verdict in variant.decision.verdicts}
        if granted is NOTHING:
            assert variant.decision.personal == (Action.INVITE in actions)
        if actions <= {Action.KEEP}:
            assert variant.content == data
    plain = [finding for finding in found.findings if finding.kind in (Kind.PLAIN, Kind.OWN)]
    assert all(finding.target is None for finding in plain)


def _check_rewritten(data: bytes, found: Scan, content: bytes, footer: bool) -> None:
    """The parts are the same, and all that cannot have been edited has its bytes."""
    parts = walk(content)[0]
    assert [part.media_type for part in parts] == [part.media_type for part in found.parts]
    assert [part.parent for part in parts] == [part.parent for part in found.parts]
    touched = {finding.part for finding in found.findings} | ({a.part for a in found.anchors} if footer else set())
    for before, after in zip(found.parts, parts, strict=True):
        assert data[slice(*before.header)] == content[slice(*after.header)]
        if before.index not in touched and not before.media_type.startswith(("multipart/", "message/")):
            assert data[slice(*before.body)] == content[slice(*after.body)]


TARGETS: dict[str, Callable[[bytes], None]] = {
    "walker": walker,
    "markup": markup,
    "writer": writer,
    "address": address,
    "message": message,
}


def seeds(name: str) -> list[bytes]:
    """Where the fuzzer begins: mails and pieces of the rendering cases, addresses of the catalogue's examples."""
    mails = [path.read_bytes() for path in sorted(CASES.glob("*/in.eml"))]
    if name in ("walker", "message"):
        return mails
    if name == "address":
        examples = [
            url
            for vendor in catalogue().vendors
            for pattern in (*vendor.pixels, *vendor.links, *vendor.functional, *vendor.content)
            for url in pattern.examples
        ]
        return [url.encode() for url in examples]
    parts = [(mail, part) for mail in mails for part in walk(mail)[0] if part.view is not None]
    if name == "markup":
        return [part.view or b"" for _, part in parts]
    return [bytes([number % 5, number % 8, 10, 60, 90, 200, 2, 3]) + mail[slice(*part.body)]
            for number, (mail, part) in enumerate(parts)]  # fmt: skip
