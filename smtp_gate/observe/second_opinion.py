"""A reader that shares no line with the hot path: ``email``, BeautifulSoup and lxml look at a mail that left.

It finds addresses the way an ordinary program would, and asks the catalogue about each; what it finds and the gate
did not is a bug of the gate. Slow and forgiving on purpose.
"""

from __future__ import annotations

import re
import warnings
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, NamedTuple

from bs4 import BeautifulSoup, Comment, MarkupResemblesLocatorWarning

from smtp_gate.model import Kind, Look
from smtp_gate.trackers import UNSURE

if TYPE_CHECKING:
    from collections.abc import Iterator
    from email.message import EmailMessage

    from smtp_gate.trackers import Catalogue

LOADED = ("src", "background", "poster", "data", "lowsrc", "dynsrc")
"""Attributes that are fetched when the mail is shown."""
IN_STYLE = re.compile(r"""url\(\s*['"]?(https?:[^'")\s]+)""", re.IGNORECASE)
IN_TEXT = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)
WORDS_BEFORE = 80
"""Characters in front of an address in plain text that may say what it is for."""
TRACKS = (Kind.PIXEL, Kind.LINK, Kind.PERSONAL)


class Left(NamedTuple):
    """One tracker that a mail still holds.

    Attributes:
        where: element and attribute, or ``text``.
        vendor: catalogue id.
        kind: what it is.
        url: the address; for tests and the local terminal only, never for a log.
    """

    where: str
    vendor: str
    kind: Kind
    url: str


def trackers_left(raw: bytes, catalogue: Catalogue) -> list[Left]:
    """Every catalogued tracker in a mail that a vendor would hear of.

    Args:
        raw: the mail as it left.
        catalogue: with the gate's own address, so that wrapped addresses are known as ours.
    """
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
    found = []
    for part in message.walk():
        if part.get_content_disposition() == "attachment":
            continue
        for where, url, words, loaded in _addresses(part):
            if not loaded:
                judged = catalogue.link(url, lambda words=words: words, protected)  # type: ignore[misc]
            elif where == "img src":
                judged = catalogue.image(url, Look(None, None, (), None, responsive=False))
            else:
                judged = catalogue.load(url)
            if judged is None or (judged.evidence == UNSURE and judged.vendor not in tools):
                continue
            if judged.kind in TRACKS:
                found.append(Left(where, judged.vendor, judged.kind, url))
    return found


def _addresses(part: EmailMessage) -> Iterator[tuple[str, str, str, bool]]:
    """Where, address, visible words, whether it is fetched on display."""
    kind = part.get_content_type()
    if kind == "text/plain":
        text = _text(part)
        for found in IN_TEXT.finditer(text):
            # In plain text the words of a link are what stands before it: "Unsubscribe: https://...".
            before = text[max(0, found.start() - WORDS_BEFORE) : found.start()].rpartition("\n\n")[2]
            yield "text", found[0].rstrip(".,;:!?)]"), before.strip().lower(), False
    elif kind == "text/html":
        yield from _in_markup(_text(part))


def _in_markup(markup: str) -> Iterator[tuple[str, str, str, bool]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MarkupResemblesLocatorWarning)
        soup = BeautifulSoup(markup, "lxml")
    for element in soup.find_all(name=True):
        for name in ("href", "action", *LOADED):
            value = str(element.get(name) or "").strip()
            if value.lower().startswith(("http:", "https:")):
                loaded = name in LOADED or element.name == "link"
                yield f"{element.name} {name}", value, element.get_text(" ").strip().lower(), loaded
        for url in IN_STYLE.findall(str(element.get("style") or "")):
            yield f"{element.name} style", url, "", True
        if element.name == "style":
            for url in IN_STYLE.findall(element.get_text()):
                yield "style", url, "", True
    for comment in soup.find_all(string=lambda text: isinstance(text, Comment)):
        inside = re.match(r"\[if [^\]]*\]>(.*)<!\[endif\]$", str(comment), re.DOTALL | re.IGNORECASE)
        if inside:
            yield from _in_markup(inside[1])


def _text(part: EmailMessage) -> str:
    try:
        return str(part.get_content())
    except (LookupError, ValueError, KeyError):
        payload = part.get_payload(decode=True)
        return payload.decode("latin-1") if isinstance(payload, bytes) else ""
