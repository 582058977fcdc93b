"""Whether a rewritten mail is the same mail outside what was decided, as parsers see it that are not ours.

Two questions. Byte by byte: does every changed octet lie in an edit that ``explain`` lists, the part decoded by the
standard library? And as a reader sees it: are part tree, header, attachments, text and untouched elements the same,
for the standard library's ``email`` with lxml and with html5lib?
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
import warnings
from collections import defaultdict
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

import html5lib
from lxml import etree

from smtp_gate.observe.markup import web
from smtp_gate.observe.second_opinion import text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from email.message import EmailMessage, Message

    from smtp_gate.model import Part, Scan

Element = tuple[str, tuple[tuple[str, str], ...]]
"""Name and attributes."""
FRAME = frozenset(["html", "head", "body"])
"""Elements whose place a parser makes up: a pixel in front of ``<head>`` opens the body, and without it the body
opens where it is written. What counts is that each is there with its attributes."""
_NO_PART = re.compile(r"[^!-~]+")
"""Blanks and control characters, which each parser leaves out in its own way."""
_WRITTEN = re.compile(r"https?://\S+")
_SILENT = frozenset(["script", "style"])


def faults(scan: Scan, after: bytes, account: dict[str, Any]) -> list[str]:
    """What is not as it should be, as codes; empty for a faithful mail.

    Args:
        scan: the mail as it came.
        after: the mail as it leaves.
        account: what ``explain --json`` says of it.
    """
    if after == scan.raw:
        return []
    edits: dict[int, list[tuple[int, int]]] = defaultdict(list)
    urls: set[str] = set()
    for row in account["addresses"]:
        edits[row["part"]] += [(start, end) for start, end in row["edits"]]
        if row["edits"]:
            urls.add(row["url"])
    found = list(_bytes(scan, after, edits))
    before, now = (message_from_bytes(raw, policy=policy.compat32) for raw in (scan.raw, after))
    if before.items() != now.items():
        found.append("headers")
    if _tree(before) != _tree(now):
        found.append("tree")
    written = any(row["edits"] and row["carrier"] == "text" for row in account["addresses"])
    return found + list(_seen(scan.raw, after, urls, written=written))


# --- octets ---------------------------------------------------------------------------------------------------
def _bytes(scan: Scan, after: bytes, edits: dict[int, list[tuple[int, int]]]) -> Iterator[str]:
    """Codes of octets that changed where no edit is listed."""
    edited = [part for part in scan.parts if edits.get(part.index)]
    done = at = 0
    bodies = []
    for place, part in enumerate(edited):
        head = scan.raw[done : part.body.start]
        if after[at : at + len(head)] != head:
            yield "octets_outside_parts"
            return
        at += len(head)
        done = part.body.end
        last = place == len(edited) - 1
        gap = scan.raw[done : len(scan.raw) if last else edited[place + 1].body.start]
        end = len(after) - len(gap) if last else after.find(gap, at)
        if end < at or after[end : end + len(gap)] != gap:
            yield "octets_outside_parts"
            return
        bodies.append((part, after[at:end]))
        at = end
    if not edited:
        yield "octets_without_edit"
    for part, body in bodies:
        yield from _part(scan.raw, part, body, sorted(edits[part.index]))


def _part(raw: bytes, part: Part, body: bytes, edits: list[tuple[int, int]]) -> Iterator[str]:
    old = raw[part.body.start : part.body.end]
    view, now = _decoded(old, part), _decoded(body, part)
    if view != part.view:
        yield "decoded_differently"
        return
    kept, done = [], 0
    for start, end in edits:
        if start >= done:
            kept.append(view[done:start])
        done = max(done, end)
    kept.append(view[done:])
    if not in_order(now, kept):
        yield "octets_outside_edits"
    if part.encoding == "quoted-printable" and not part.transcoded:
        if not _lines_kept(old, body, edits, quopri.decodestring):
            yield "lines_outside_edits"
    elif part.encoding != "base64" and not part.transcoded and not _lines_kept(old, body, edits, bytes):
        yield "lines_outside_edits"


def in_order(text: bytes, pieces: Sequence[bytes]) -> bool:
    """Whether a text is these pieces in order, with anything between two of them.

    The first stands at the begin and the last at the end; of those between, the earliest place is taken, which
    finds an arrangement whenever there is one.
    """
    first, *between = pieces
    if not text.startswith(first):
        return False
    if not between:
        return text == first
    last = between.pop()
    at = len(first)
    for piece in between:
        at = text.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return len(text) - at >= len(last) and text.endswith(last)


def _decoded(body: bytes, part: Part) -> bytes:
    if part.encoding == "quoted-printable":
        content = quopri.decodestring(body)
    elif part.encoding == "base64":
        try:
            content = base64.b64decode(body + b"===")
        except binascii.Error:
            return b""
    else:
        content = body
    if not part.transcoded:
        return content
    try:
        return content.decode(part.charset).encode()
    except (LookupError, UnicodeError):
        return b""


def _lines_kept(old: bytes, new: bytes, edits: list[tuple[int, int]], decode: Callable[[bytes], bytes]) -> bool:
    """Whether every encoded line that no edit touches stands in the new body as it was, in order."""
    at = 0
    lines = iter(new.splitlines(keepends=True))
    places = iter(edits)
    edit = next(places, None)
    for line in old.splitlines(keepends=True):
        begin, at = at, at + len(decode(line))
        while edit is not None and edit[1] < begin:
            edit = next(places, None)
        if edit is not None and edit[0] <= at and edit[1] >= begin:
            continue
        if not any(line == one for one in lines):
            return False
    return True


# --- what readers see -----------------------------------------------------------------------------------------
def _tree(message: Message) -> list[tuple[str, bytes | None]]:
    """Types and headers of all parts in order, and the bytes of all that is no text."""
    parts = []
    for part in message.walk():
        kind = part.get_content_type()
        payload = part.get_payload(decode=True)
        data = not kind.startswith(("text/", "multipart/", "message/"))
        attached = data or part.get_content_disposition() not in (None, "inline")
        fields = repr([(name, str(value)) for name, value in part.items()])
        parts.append((kind + fields, payload if attached and isinstance(payload, bytes) else None))
    return parts


def _seen(before: bytes, after: bytes, urls: set[str], *, written: bool) -> Iterator[str]:
    """Codes of what two tree parsers find different beside the elements that hold an edited address.

    Where an address that is written out in the text was edited, texts are compared without such addresses.
    """
    for one, other in zip(_pages(before), _pages(after), strict=False):
        if one == other:
            continue
        for name, parse in (("lxml", _by_lxml), ("html5lib", _by_html5lib)):
            (text, elements), (new_text, new_elements) = parse(one), parse(other)
            if _frame(elements) != _frame(new_elements):
                if name == "lxml":
                    continue  # libxml2 drops what follows a body that was opened too early; browsers do not
                yield f"frame_{name}"
            if written:
                text, new_text = _WRITTEN.sub("", text), _WRITTEN.sub("", new_text)
            if text != new_text:
                yield f"text_{name}"
            untouched = [one for one in elements if one[0] not in FRAME and not _touched(one, urls)]
            left = iter(new_elements)
            if not all(any(element == new for new in left) for element in untouched):
                yield f"elements_{name}"
            elif len(new_elements) > len(elements):
                yield f"new_elements_{name}"


def _frame(elements: list[Element]) -> set[Element]:
    return {one for one in elements if one[0] in FRAME}


def _touched(element: Element, urls: set[str]) -> bool:
    """Whether an attribute holds one of the addresses, with or without the scheme in front."""
    values = [_NO_PART.sub("", web(value) or value) for _, value in element[1]]
    return any(_NO_PART.sub("", url.partition(":")[2]) in value for value in values for url in urls)


def _pages(raw: bytes) -> list[str]:
    message: EmailMessage = message_from_bytes(raw, policy=policy.default)
    return [text_of(part) for part in message.walk() if part.get_content_type() in ("text/html", "text/x-amp-html")]


def _by_lxml(page: str) -> tuple[str, list[Element]]:
    parser = etree.HTMLParser(huge_tree=True, encoding="utf-8")
    return _read(etree.fromstring(page.encode("utf-8", "replace") or b" ", parser))


def _by_html5lib(page: str) -> tuple[str, list[Element]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return _read(html5lib.parse(page, treebuilder="etree", namespaceHTMLElements=False))


def _read(root: Any) -> tuple[str, list[Element]]:
    """Text outside styles, and the elements with their attributes, in document order.

    Blanks count as one: which of those around a lost picture a parser drops depends on where it has put the body.
    """
    texts: list[str] = []
    elements: list[Element] = []
    if root is None:
        return "", []
    stack: list[Any] = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, str):
            texts.append(node)
            continue
        if isinstance(node.tag, str):
            elements.append((node.tag, tuple((str(key), str(value)) for key, value in node.items())))
            if node.text and node.tag not in _SILENT:
                texts.append(node.text)
        for child in reversed(list(node)):
            if child.tail:
                stack.append(child.tail)
            stack.append(child)
    return " ".join("".join(texts).split()), elements
