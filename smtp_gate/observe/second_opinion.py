"""A reader that shares no line with the hot path: ``email``, BeautifulSoup and lxml look at a mail that left.

It finds addresses the way an ordinary program would and asks two judges about each: the compiled catalogue, and a
plain reading of the same vendor files. What either of them finds and the gate did not is a bug of the gate. Slow
and forgiving on purpose.
"""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, NamedTuple

from smtp_gate.model import Kind
from smtp_gate.observe.markup import Seen, in_markup
from smtp_gate.observe.plain_reading import plain_reading
from smtp_gate.trackers import UNSURE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage

    from smtp_gate.model import Judgement
    from smtp_gate.trackers import Catalogue

IN_TEXT = re.compile(r"<(https?://[^<>\"]+)>|(https?://[^\s<>\"']+)", re.IGNORECASE)
"""An address in running text; one in angle brackets may be broken over lines (RFC 3986 appendix C)."""
WORDS_BEFORE = 80
"""Characters in front of an address in plain text that may say what it is for."""
TRACKS = frozenset([Kind.PIXEL, Kind.PICTURE, Kind.LINK, Kind.PERSONAL])
_MARKUP = frozenset(["text/html", "text/x-amp-html"])


class Left(NamedTuple):
    """One tracker that a mail still holds.

    Attributes:
        part: place of its part, ``1.2`` is the second part of the first; ``1`` for a mail of one part.
        where: element and attribute, or ``text``.
        vendor: catalogue id; empty when nobody catalogued it.
        kind: what it is.
        evidence: codes of what speaks against it.
        url: the address; for tests and the local terminal only, never for a log.
    """

    part: str
    where: str
    vendor: str
    kind: Kind
    evidence: tuple[str, ...]
    url: str


def trackers_left(raw: bytes, catalogue: Catalogue) -> list[Left]:
    """Every tracker in a mail that a vendor would hear of.

    Args:
        raw: the mail as it left.
        catalogue: with the gate's own address, so that wrapped addresses are known as ours.
    """
    plain = plain_reading(catalogue)
    message = message_from_bytes(raw, policy=policy.default)
    protected = frozenset(
        address
        for field in ("List-Unsubscribe", "List-Subscribe")
        for value in message.get_all(field, [])
        for address in re.findall(r"<([^>]+)>", str(value))
    )
    headers: dict[str, tuple[str, ...]] = {}
    for name, value in message.raw_items():  # email's own reading of structured fields fails on some
        headers[name.lower()] = (*headers.get(name.lower(), ()), " ".join(str(value).split()))
    tools = catalogue.tools(headers)
    judged = []
    for part, seen in addresses(message):
        judgement = _judged(seen, catalogue, protected, weak=True)
        if judgement is None:
            judgement = plain.loaded(seen.url) if seen.loaded else plain.clicked(seen.url, seen.words, protected)
        judged.append((part, seen, judgement))
        if judgement is not None and judgement.kind in TRACKS and judgement.evidence != UNSURE:
            tools |= {judgement.vendor}
    found = []
    for part, seen, judgement in judged:
        one = judgement
        if one is not None and one.evidence == UNSURE and one.vendor not in tools:
            one = _judged(seen, catalogue, protected, weak=False)
        if one is not None and one.kind in TRACKS:
            found.append(Left(part, seen.where, one.vendor, one.kind, one.evidence, seen.url))
    return found


def addresses(message: EmailMessage) -> Iterator[tuple[str, Seen]]:
    """Place of the part, and every web address in the texts that a reader is shown."""
    for place, part in _shown(message, ""):
        kind = part.get_content_type()
        if kind == "text/plain":
            yield from ((place, seen) for seen in in_text(text_of(part)))
        elif kind in _MARKUP:
            yield from ((place, seen) for seen in in_markup(text_of(part)))


def _judged(seen: Seen, catalogue: Catalogue, protected: frozenset[str], *, weak: bool) -> Judgement | None:
    if not seen.loaded:
        return catalogue.link(seen.url, lambda: seen.words, protected, weak=weak)
    if seen.look is not None:
        return catalogue.image(seen.url, seen.look, weak=weak)
    return catalogue.load(seen.url, weak=weak)


def _shown(part: EmailMessage, place: str) -> Iterator[tuple[str, EmailMessage]]:
    """The parts that are no attachment and stand in none; a message in a delivery report is evidence, not shown."""
    if part.get_content_disposition() not in (None, "inline"):
        return
    if part.is_multipart():
        for number, child in enumerate(part.get_payload(), 1):
            returned = part.get_content_type() == "multipart/report" and child.get_content_maintype() == "message"
            if not returned:
                yield from _shown(child, f"{place}.{number}" if place else str(number))
        return
    yield place or "1", part


def in_text(text: str) -> Iterator[Seen]:
    """Every web address in running text."""
    for found in IN_TEXT.finditer(text):
        # In plain text the words of a link are what stands before it: "Unsubscribe: https://...".
        before = text[max(0, found.start() - WORDS_BEFORE) : found.start()].rpartition("\n\n")[2]
        url = re.sub(r"\s", "", found[1]) if found[1] else found[2].rstrip(".,;:!?)]")
        yield Seen("text", url, before.strip().lower(), loaded=False)


def text_of(part: EmailMessage) -> str:
    """A text part's characters, whatever is wrong with it."""
    try:
        return str(part.get_content())
    except (LookupError, ValueError, KeyError, AttributeError):
        payload = part.get_payload(decode=True)
        return payload.decode("latin-1") if isinstance(payload, bytes) else ""
