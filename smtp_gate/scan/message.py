"""One message read once: parts, addresses, what each is, and where a footer can go.

This module alone decides which question the catalogue is asked about an address, what becomes of those that it is
not sure of once the mail is read, and which parts are bodies that a reader may see instead of each other, so that
each of them must carry the footer.
"""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from smtp_gate.limits import MAX_FINDINGS, MAX_TEXT_PART
from smtp_gate.model import CALENDARS, NOTHING, PAGES, Anchor, Carrier, Finding, Judgement, Kind, Scan, Unjudged
from smtp_gate.scan.around import Around, Page
from smtp_gate.scan.attributes import NEW
from smtp_gate.scan.calendar import read_calendar
from smtp_gate.scan.headers import RECEIPT_FIELDS, content_fields, fields, parameters, receipt_fields
from smtp_gate.scan.mime import INLINE_SEAL, MESSAGES, READ, SEALS, STYLES, walk
from smtp_gate.scan.plaintext import footer_place, read_text
from smtp_gate.scan.stretches import read_page
from smtp_gate.scan.style import style_addresses
from smtp_gate.scan.words import visible_words
from smtp_gate.trackers import UNSURE
from smtp_gate.transfer import decode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from smtp_gate.model import Address, Part, Span
    from smtp_gate.trackers import Catalogue

_OWN = Judgement(Kind.OWN, "", None, NOTHING, ())
_QUESTION = Judgement(Kind.QUESTION, "", None, NOTHING, ())
ASKING = "/c/"
"""Where the web part asks for consent."""
PLACEHOLDER = ASKING + "me"
"""What a mail says for the recipient's own address there."""
_AFTER_PLACEHOLDER = ("", "?", "#")
"""A tool may add campaign parameters."""
_PLAIN = Judgement(Kind.PLAIN, "", None, NOTHING, ())
_LIST_FIELDS = ("list-unsubscribe", "list-subscribe", "list-unsubscribe-post")
_BRACKETED = re.compile(r"<([^<>]{1,4096})>")
_LANGUAGE = re.compile(r"\s*([a-zA-Z]{2})(?![a-zA-Z])")
_SUSPECT = Kind.SUSPECT
TELLING = frozenset({Kind.PIXEL, Kind.PICTURE, Kind.LINK})
"""Findings whose vendor shows in the mail by them."""
_TRACKING = TELLING | {Kind.PERSONAL}
_BY_THE_MAIL = (*UNSURE, "tool")
_DELSP = re.compile(rb";\s*delsp\s*=\s*\"?yes", re.IGNORECASE)
_WORDS_BEFORE = 120
"""Octets of running text before an address that are taken for its words."""


def scan(raw: bytes, catalogue: Catalogue, *, own: str = "", everything: bool = False) -> Scan:
    """Read a message.

    Args:
        raw: any bytes; the message with CRLF or LF line ends, not dot-stuffed.
        catalogue: what a tracker is.
        own: public URL of this gate, without a slash at the end; empty when it has none.
        everything: whether addresses that are nothing special are findings too, for ``explain``.

    Returns:
        What the message holds. Nothing that stands in it raises an error.
    """
    headers = fields(raw)
    parts, walked = walk(raw)
    reader = _Reader(catalogue, own, everything, protected_addresses(headers))
    for part in parts:
        if part.view is not None:
            reader.read(raw, part)
        elif part.media_type.startswith("text/") and part.media_type not in READ and not part.attachment:
            reader.suspect(raw, part)
    tools = catalogue.tools(headers) | reader.vendors
    if reader.unsure:
        reader.settle(tools)
    obstacles = dict.fromkeys((*walked, *reader.obstacles))
    sealed = _seal(raw, parts)
    bare = any(one.kind in _TRACKING and one.part not in reader.ends for one in reader.findings)
    anchors = () if sealed or bare else _anchors(raw, parts, reader.ends)
    declared = (language for value in headers.get("content-language", ()) if (language := _primary(value)))
    return Scan(
        raw=raw,
        headers=headers,
        parts=parts,
        findings=tuple(reader.findings),
        anchors=anchors,
        obstacles=tuple(obstacles),
        sealed=sealed,
        footered=reader.footered,
        tools=tools,
        language=next(declared, reader.language),
        unjudged=tuple(reader.unjudged),
        asks=reader.asks,
        receipts=() if RECEIPT_FIELDS.isdisjoint(headers) else receipt_fields(raw),
    )


class _Unsure(NamedTuple):
    """An address that only a weak pattern spoke about: its place among the findings, and where it stands."""

    place: int
    part: int
    view: bytes
    page: Page | None
    address: Address


class _Reader:
    """Collects what the text parts of one message hold."""

    def __init__(self, catalogue: Catalogue, own: str, everything: bool, protected: frozenset[str]) -> None:
        self.catalogue = catalogue
        self.own = own + "/" if own else ""
        self.withdrawal = own + "/w/" if own else ""
        self.asking = own + ASKING if own else ""
        self.placeholder = own + PLACEHOLDER if own else ""
        self.everything = everything
        self.protected = protected
        self.findings: list[Finding] = []
        self.unjudged: list[Unjudged] = []
        self.obstacles: dict[str, None] = {}
        self.ends: dict[int, int] = {}
        self.footered = False
        self.asks = False
        self.vendors: set[str] = set()
        self.unsure: list[_Unsure] = []
        self.language = ""

    def read(self, raw: bytes, part: Part) -> None:
        """Judge every address of one part, and note where its text ends."""
        view = part.view or b""
        if part.media_type == "text/plain":
            self.ends[part.index] = footer_place(view)
            self.judge(part, view, read_text(view, delsp=_DELSP.search(raw, *part.header) is not None))
            return
        if part.media_type not in PAGES:
            self.odd(part, view)
            return
        page = read_page(view)
        self.ends[part.index] = page.footer_offset
        if not part.forwarded:
            self.language = self.language or page.language[:2]
        if page.hidden:
            self.obstacles["markup"] = None
        self.judge(part, view, page.addresses, Page(view, page.footer_offset))

    def odd(self, part: Part, view: bytes) -> None:
        """Text of another kind, which is read like the rest and cannot carry a footer."""
        if part.media_type in CALENDARS:
            found = read_calendar(view)
            if found.hidden:
                self.obstacles["type"] = None
            self.judge(part, view, found.addresses)
        elif part.media_type == STYLES:
            self.judge(part, view, style_addresses(view, 0, len(view)))
        else:
            self.judge(part, view, read_text(view))

    def suspect(self, raw: bytes, part: Part) -> None:
        """Text of a kind that is not known, and so not edited; a tracker in it is told as an obstacle."""
        view = decode(raw[part.body.start : part.body.end], part.encoding)
        if view is None or len(view) > MAX_TEXT_PART:
            self.obstacles["type"] = None
            return
        for address in read_text(view):
            url = address.url
            judged = self.catalogue.load(url) or self.catalogue.link(url, str, self.protected)
            if judged is not None and judged.kind in _TRACKING:
                self.obstacles["type"] = None
                return

    def judge(  # noqa: C901 - the hot path: a call for each address would cost more than what it does
        self, part: Part, view: bytes, addresses: Iterable[Address], page: Page | None = None
    ) -> None:
        """Turn the addresses that are trackers, or nearly, into findings."""
        own, protected, everything = self.own, self.protected, self.everything
        image, load, link = self.catalogue.image, self.catalogue.load, self.catalogue.link
        for address in addresses:
            carrier, element, value, closing, words, quote, url, look, loaded = address
            if own and url.startswith(own):
                self.footered = self.footered or url.startswith(self.withdrawal)
                judgement: Judgement | None = _OWN if loaded else self.asked(url)
            elif look is not None:
                judgement = image(url, look, Around(page, element, look) if page is not None else None)
            elif loaded:
                judgement = load(url, Around(page, element, None) if page is not None else None)
            else:
                judgement = link(url, partial(words_of, view, carrier, value, words), protected)
            if judgement is None or judgement.kind is _SUSPECT:
                self.unjudged.append(NEW(Unjudged, (part.index, address)))
                if judgement is None:
                    if not everything:
                        continue
                    judgement = _PLAIN
            if len(self.findings) >= MAX_FINDINGS:
                self.obstacles["findings"] = None
                return
            kind, vendor, target, purposes, evidence = judgement
            if target is not None and own and target.startswith(own) and self.asked(target) is _QUESTION:
                # A tool put its own redirect in front, which would count who wants to answer.
                kind, target = Kind.QUESTION, None
            if evidence == UNSURE:
                self.unsure.append(_Unsure(len(self.findings), part.index, view, page, address))
            elif vendor and kind in TELLING and not part.forwarded:
                self.vendors.add(vendor)
            told = (vendor, target, purposes, evidence)
            self.findings.append(
                NEW(Finding, (part.index, kind, carrier, element, value, closing, words, quote, url, *told))
            )

    def asked(self, url: str) -> Judgement:
        """What a link to an address of the gate is; whether the mail asks for consent is noted."""
        if not url.startswith(self.asking):
            return _OWN
        self.asks = True
        is_placeholder = url.startswith(self.placeholder) and url[len(self.placeholder) :][:1] in _AFTER_PLACEHOLDER
        return _QUESTION if is_placeholder else _OWN

    def settle(self, tools: frozenset[str]) -> None:
        """Decide what weak patterns left open, now that it is known which vendors show in the mail.

        Args:
            tools: their ids.
        """
        dropped: set[int] = set()
        for place, part, view, page, address in self.unsure:
            finding = self.findings[place]
            if finding.vendor in tools:
                self.findings[place] = finding._replace(evidence=_BY_THE_MAIL)
                continue
            judgement = self._without_weak(view, page, address)
            if judgement is None or judgement.kind is _SUSPECT:
                self.unjudged.append(Unjudged(part, address))
                if judgement is None:
                    if not self.everything:
                        dropped.add(place)
                        continue
                    judgement = _PLAIN
            self.findings[place] = finding._replace(**judgement._asdict())
        if dropped:
            self.findings = [finding for place, finding in enumerate(self.findings) if place not in dropped]
        if self.unsure:
            self.unjudged.sort(key=lambda unjudged: (unjudged.part, unjudged.address.value.start))

    def _without_weak(self, view: bytes, page: Page | None, address: Address) -> Judgement | None:
        look = address.look
        if look is not None:
            around = Around(page, address.element, look) if page is not None else None
            return self.catalogue.image(address.url, look, around, weak=False)
        if address.load:
            around = Around(page, address.element, None) if page is not None else None
            return self.catalogue.load(address.url, around, weak=False)
        words = partial(words_of, view, address.carrier, address.value, address.words)
        return self.catalogue.link(address.url, words, self.protected, weak=False)


def words_of(view: bytes, carrier: Carrier, value: Span, words: Span | None) -> str:
    """What a reader takes for the meaning of a link: its own words, or what stands before it in running text.

    In running text that is the line up to the address, and where nothing stands there the line above.
    """
    if carrier is not Carrier.TEXT or words is not None:
        return visible_words(view, words) if words is not None else ""
    before = view[max(0, value.start - _WORDS_BEFORE) : value.start].rstrip(b" \t\r\n<([")
    line = before[before.rfind(b"\n") + 1 :]
    if b"://" in line:  # what stands before another address is that one's
        line = line.rpartition(b"://")[2].partition(b" ")[2]
    return line.decode("utf-8", "replace").lower()


def protected_addresses(headers: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
    """Addresses by which the recipient acts on the list (RFC 2369, RFC 8058); blanks in them are folding."""
    return frozenset(
        "".join(url.split())
        for name in _LIST_FIELDS
        for value in headers.get(name, ())
        for url in _BRACKETED.findall(value)
    )


def _primary(value: str) -> str:
    """Primary subtag of a language tag of two letters, lower case; empty for anything else."""
    found = _LANGUAGE.match(value)
    return found[1].lower() if found else ""


def _seal(raw: bytes, parts: tuple[Part, ...]) -> str:
    """Whether anything in the message is encrypted, else signed, else neither."""
    seal = ""
    for part in parts:
        if not part.sealed or part.forwarded:
            continue
        if part.media_type == "multipart/signed":
            seal = "signed"
        elif part.media_type in SEALS:
            declared = content_fields(raw, *part.header).get(b"type", b"")
            if parameters(declared).get("smime-type", b"").lower() != b"signed-data":
                return "encrypted"
            seal = "signed"
        elif part.view is not None:
            armour = INLINE_SEAL.search(part.view)
            if armour is not None:
                if armour[1] == b"MESSAGE":
                    return "encrypted"
                seal = "signed"
    return seal


def _anchors(raw: bytes, parts: tuple[Part, ...], ends: Mapping[int, int]) -> tuple[Anchor, ...]:
    """Where the footer goes: into every body that a client may choose; nowhere when one of them cannot be read.

    A reader who sees the one body that lacks it would be tracked without a way out.
    """
    children: dict[int, list[Part]] = {}
    for part in parts:
        children.setdefault(part.parent, []).append(part)
    bodies = _bodies(raw, parts[0], children)
    if any(part.index not in ends or not _has_body(raw, part) for part in bodies):
        return ()
    return tuple(Anchor(part.index, ends[part.index], part.media_type != "text/plain") for part in bodies)


def _bodies(raw: bytes, part: Part, children: Mapping[int, list[Part]]) -> list[Part]:
    """The texts below a part that a reader sees as the message, as against attachments."""
    if part.media_type in ("text/plain", "text/html", "text/x-amp-html"):
        return [] if part.attachment else [part]
    if part.media_type in MESSAGES:
        return []
    inner = children.get(part.index, [])
    if part.media_type == "multipart/alternative":
        return [body for child in inner for body in _bodies(raw, child, children)]
    if part.media_type == "multipart/related":
        return _bodies(raw, _root(raw, part, inner), children) if inner else []
    blank: list[Part] = []
    for child in inner:
        if not _named(raw, child):
            bodies = _bodies(raw, child, children)
            if any((body.view or b"?").strip() for body in bodies):
                return bodies
            blank = blank or bodies
    return blank


def _has_body(raw: bytes, part: Part) -> bool:
    """Whether an empty line ends the header: where none does, what is added would be header."""
    header = raw[part.header.start : part.header.end]
    return header.endswith((b"\n\n", b"\n\r\n")) or header in (b"\n", b"\r\n")


def _root(raw: bytes, part: Part, inner: list[Part]) -> Part:
    """The part of a multipart/related that is shown: the one its ``start`` names, else the first (RFC 2387)."""
    start = parameters(content_fields(raw, *part.header).get(b"type", b"")).get("start", b"").strip(b"<> ")
    if start:
        for child in inner:
            if content_fields(raw, *child.header).get(b"id", b"").strip(b"<> ") == start:
                return child
    return inner[0]


def _named(raw: bytes, part: Part) -> bool:
    """Whether a part has a file name: a text file beside the body, though shown."""
    declared = content_fields(raw, *part.header)
    return "filename" in parameters(declared.get(b"disposition", b"")) or (
        "name" in parameters(declared.get(b"type", b"")) and not part.media_type.startswith("multipart/")
    )
