"""The MIME structure of a message as spans, and the decoded text of the parts that are searched.

This module alone decides what is a part, which parts are text to search, and which stand under a seal (signature
or encryption) that an edit would break. A message inside the message (``message/rfc822`` and its like) is entered
when a client shows it; not as an attachment, and not in a delivery report, where it is evidence. Nothing is copied
but the text of the parts that are read.
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from smtp_gate.limits import MAX_DEPTH, MAX_PARTS, MAX_TEXT_PART
from smtp_gate.model import CALENDARS, PAGES, Part, Span
from smtp_gate.scan.headers import body_start, content_fields, parameters, token
from smtp_gate.transfer import IDENTITY, decode, guess, searchable, to_utf8

TEXTS: Final = frozenset({"text/plain", "text/markdown", "text/x-markdown", "text/enriched", "text/richtext"})
"""Media types whose text is read as it runs."""
STYLES: Final = "text/css"
READ: Final = PAGES | CALENDARS | TEXTS | {STYLES}
"""Media types whose text is searched and edited; of any other text it is only told whether a tracker is in it."""

MESSAGES: Final = frozenset({"message/rfc822", "message/global", "message/news"})
"""Media types that hold a whole message (RFC 2046 section 5.2.1, RFC 6532 section 3.7, RFC 5537 section 4.1)."""

SEALS: Final = frozenset(
    {
        "multipart/signed",
        "multipart/encrypted",
        "application/pkcs7-mime",
        "application/x-pkcs7-mime",
        "application/pgp-encrypted",
        "application/ms-tnef",
        "application/vnd.ms-tnef",
    }
)
"""Media types whose content is signed, encrypted, or a sealed box of its own kind (Outlook's TNEF)."""

INLINE_SEAL: Final = re.compile(rb"^-----BEGIN PGP (SIGNED MESSAGE|MESSAGE)-----[ \t]*\r?$", re.MULTILINE)
"""RFC 9580 section 6.2: armour that begins a line of a text."""

_ENCODINGS = {"": "7bit", "7-bit": "7bit", "8-bit": "8bit", "quoted-printable": "quoted-printable"} | {
    name: name for name in (*IDENTITY, "base64")
}
_CHARSET = re.compile(r"[a-z0-9][a-z0-9._:+-]{0,63}\Z")
_MAX_BOUNDARY = 200
"""Octets; RFC 2046 allows 70, and a search for a very long one is slow."""
_MAX_DELIMITERS = 20 * MAX_PARTS
"""Lines of a message that may begin like a delimiter: each costs a microsecond, at every depth anew."""
_ROOM_TO_DECODE = 4 * MAX_TEXT_PART
"""Encoded octets beyond which a text is too large without decoding it: quoted-printable makes three of one."""


class _Entity(NamedTuple):
    """Where one more part stands, and what it inherits."""

    start: int
    end: int
    depth: int
    parent: int
    default_type: str
    sealed: bool
    forwarded: bool = False
    report: bool = False


def walk(raw: bytes) -> tuple[tuple[Part, ...], tuple[str, ...]]:
    """Split a message into its parts.

    Args:
        raw: any bytes; CRLF or LF line ends.

    Returns:
        The parts in the order they stand, the message itself first; and the codes of what was not searched, as in
        :attr:`smtp_gate.model.Scan.obstacles`. ``parts`` is also said of a multipart that cannot be told apart.
    """
    walker = _Walker(raw)
    walker.enter(_Entity(0, len(raw), 0, -1, "text/plain", sealed=False))
    return tuple(walker.parts), tuple(walker.obstacles)


def split(raw: bytes, body: Span, boundary: bytes, limit: int) -> tuple[list[Span], int]:
    """Spans between the delimiter lines of a multipart body, each without the line break before the next.

    RFC 2046 section 5.1.1: a delimiter stands at the start of a line, with nothing but white space behind it, so
    that a longer boundary with the same beginning is none. A missing close delimiter ends with the body.

    Args:
        raw: the message.
        body: where the multipart's body stands.
        boundary: as declared, not empty.
        limit: how many lines that begin like a delimiter are looked at.

    Returns:
        The spans, and the number of lines that were looked at; no span when the limit was reached.
    """
    start, end = body
    line = b"--" + boundary
    spans: list[Span] = []
    begin = -1
    seen = 0
    at = start if raw.startswith(line, start, end) else raw.find(b"\n" + line, start, end) + 1 or -1
    while at >= 0:
        seen += 1
        if seen > limit:
            return [], seen
        behind = at + len(line)
        closing = raw.startswith(b"--", behind, end)
        stop = raw.find(b"\n", behind, end)
        stop = end if stop < 0 else stop + 1
        if not raw[behind + 2 * closing : stop].strip(b" \t\r\n"):
            if begin >= 0:
                last = at - 2 if raw.startswith(b"\r\n", at - 2) else at - 1
                spans.append(Span(begin, max(begin, last)))
            begin = stop
            if closing:
                return spans, seen
        at = raw.find(b"\n" + line, stop - 1, end) + 1 or -1
    if begin >= 0:
        spans.append(Span(begin, end))
    return spans, seen


class _Walker:
    """One walk through one message."""

    __slots__ = ("budget", "obstacles", "parts", "raw")

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        self.budget = _MAX_DELIMITERS
        self.parts: list[Part] = []
        self.obstacles: dict[str, None] = {}

    def enter(self, entity: _Entity) -> None:
        """Add one part, then the parts in it."""
        if len(self.parts) >= MAX_PARTS:
            self.obstacles["parts"] = None
            return
        raw = self.raw
        body = Span(body_start(raw, entity.start, entity.end), entity.end)
        declared = content_fields(raw, entity.start, body.start)
        content_type = declared.get(b"type", b"")
        media_type = token(content_type) or entity.default_type
        if "/" not in media_type:
            media_type = "text/plain"  # RFC 2045 section 5.2
        options = parameters(content_type)
        charset = options.get("charset", b"").strip().decode("latin-1").lower()
        if not _CHARSET.match(charset):
            charset = ""
        attachment = b"disposition" in declared and token(declared[b"disposition"]) not in ("", "inline")
        encoding = _ENCODINGS.get(token(declared.get(b"transfer-encoding", b"")), "unknown")
        sealed = entity.sealed or media_type in SEALS
        view, transcoded = None, False
        if media_type in READ and not attachment:
            view, transcoded, encoding = self.read(body, encoding, charset)
            if view is not None and b"-----BEGIN PGP " in view and INLINE_SEAL.search(view) is not None:
                sealed = True
        index = len(self.parts)
        self.parts.append(
            Part(
                index=index,
                parent=entity.parent,
                header=Span(entity.start, body.start),
                body=body,
                media_type=media_type,
                charset=charset,
                encoding=encoding,
                attachment=attachment,
                sealed=sealed,
                transcoded=transcoded,
                view=view,
                forwarded=entity.forwarded,
            )
        )
        if media_type.startswith("multipart/"):
            default = "message/rfc822" if media_type == "multipart/digest" else "text/plain"
            report = media_type == "multipart/report"
            inside = _Entity(body.start, body.end, entity.depth, index, default, sealed, entity.forwarded, report)
            self.divide(inside, options)
        elif media_type in MESSAGES and not attachment and not entity.report:
            self.open(
                _Entity(body.start, body.end, entity.depth + 1, index, "text/plain", sealed, forwarded=True),
                encoding,
            )

    def open(self, message: _Entity, encoding: str) -> None:
        """Enter a message inside the message."""
        if encoding not in IDENTITY:  # RFC 2046 section 5.2.1 allows no other
            self.obstacles["encoding"] = None
        elif message.depth > MAX_DEPTH:
            self.obstacles["depth"] = None
        else:
            self.enter(message)

    def divide(self, around: _Entity, options: dict[str, bytes]) -> None:
        """Enter the parts of a multipart."""
        boundary = options.get("boundary", b"").rstrip()
        spans: list[Span] = []
        if 0 < len(boundary) <= _MAX_BOUNDARY:
            spans, seen = split(self.raw, Span(around.start, around.end), boundary, self.budget)
            self.budget -= seen
        if not spans:
            if self.raw[around.start : around.end].strip():
                self.obstacles["parts"] = None
            return
        if around.depth >= MAX_DEPTH:
            self.obstacles["depth"] = None
            return
        for span in spans:
            self.enter(around._replace(start=span.start, end=span.end, depth=around.depth + 1))

    def read(self, body: Span, encoding: str, charset: str) -> tuple[bytes | None, bool, str]:
        """The text of a part, whether it was transcoded, and its encoding: ``unknown`` where it is broken.

        The text is None, and there is an obstacle, when it cannot be searched.
        """
        if body.end - body.start > _ROOM_TO_DECODE:
            self.obstacles["size"] = None
            return None, False, encoding
        view = decode(self.raw[body.start : body.end], encoding)
        if view is None:
            # A tracker that is seen here does not leave: what cannot be taken out is refused.
            self.obstacles["encoding"] = None
            view = guess(self.raw[body.start : body.end], encoding)
            encoding = "unknown"
        transcoded = not searchable(charset)
        if transcoded:
            view = to_utf8(view, charset)
            if view is None:
                self.obstacles["charset"] = None
                return None, False, encoding
        if len(view) > MAX_TEXT_PART:
            self.obstacles["size"] = None
            return None, False, encoding
        return view, transcoded, encoding
