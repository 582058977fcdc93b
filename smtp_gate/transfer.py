"""RFC 2045 transfer encodings and charsets, decoded by one rule for whoever reads and whoever writes a part.

This module alone decides what the bytes of a part mean. Scanning counts its offsets in what is decoded here, and
rendering checks what it wrote with the same functions: an encoding that could be read in two ways is refused.
"""

from __future__ import annotations

import binascii
import codecs
import re
from typing import Final

IDENTITY: Final = frozenset({"7bit", "8bit", "binary"})
"""Encodings that encode nothing."""

_BLANKS = b" \t\r\n"
_FOREIGN = bytes(set(range(256)).difference(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="))
"""What a reader of base64 skips."""
_PADDED_SOFT_BREAK = re.compile(rb"=[ \t]+\r?\n")

_NOT_ASCII_BASED = re.compile(
    r"utf-?(?:16|32|7)(?![0-9])|ucs-?[24]|unicode-1-1-utf-7|iso-?2022-|csiso2022|hz(?:-gb-2312)?$"
    r"|ibm-?0?(?:37|273|424|500|1026|1140)$|cp0?(?:37|273|424|500|1026|1140)$|ebcdic",
)
_MARKED = (
    (codecs.BOM_UTF32_LE, "utf-32", "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32", "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16", "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16", "utf-16-be"),
)


def decode(body: bytes, encoding: str) -> bytes | None:
    """What a body holds.

    Args:
        body: as it stands in the message.
        encoding: as :attr:`smtp_gate.model.Part.encoding` names it.

    Returns:
        The decoded bytes; None when the encoding is unknown or the body is not clean enough to be edited.
    """
    if encoding in IDENTITY:
        return body
    if encoding == "quoted-printable":
        return decode_quoted_printable(body)
    if encoding == "base64":
        return decode_base64(body)
    return None


def decode_quoted_printable(body: bytes) -> bytes:
    """Decode as ``binascii`` does, but take a soft line break with transport padding for one.

    RFC 2045 section 6.7 (3) lets transports add white space at a line end; ``binascii`` would leave ``= `` and
    the line break in the text, in the middle of an address.
    """
    text = binascii.a2b_qp(body)
    # It shows in the text too, which has fewer equals signs to look at.
    if _PADDED_SOFT_BREAK.search(text) is None:
        return text
    return binascii.a2b_qp(_PADDED_SOFT_BREAK.sub(b"=\n", body))


def decode_base64(body: bytes) -> bytes | None:
    """Decode strictly, since ``binascii`` stops at padding in mid-stream and skips what is no base64.

    Returns:
        None when anything but base64 and white space stands in the body. Missing padding at the end is forgiven.
    """
    text = body.translate(None, _BLANKS)
    if len(text) % 4 and not text.endswith(b"="):
        text += b"=" * (-len(text) % 4)
    try:
        return binascii.a2b_base64(text, strict_mode=True)
    except binascii.Error:
        return None


def guess(body: bytes, encoding: str) -> bytes:
    """What a forgiving client would show of a body that :func:`decode` refuses; to be looked at, never edited.

    RFC 2045 section 6.8 has readers skip what is no base64, and many go on behind padding in mid-stream. A body in
    an encoding that nobody knows is shown as it stands.
    """
    if encoding != "base64":
        return body
    runs = [run for run in body.translate(None, _FOREIGN).split(b"=") if run]
    whole = [run[: len(run) - (len(run) % 4 == 1)] for run in runs]
    return b"".join(binascii.a2b_base64(run + b"=" * (-len(run) % 4)) for run in whole)


def searchable(charset: str) -> bool:
    """Whether ASCII stands for itself in a charset's bytes, so that markup can be searched without decoding.

    A name that nobody knows is taken for such a charset: nearly all are.
    """
    return _NOT_ASCII_BASED.match(charset) is None


def to_utf8(payload: bytes, charset: str) -> bytes | None:
    """Text of a charset that is not :func:`searchable`, as UTF-8.

    Returns:
        None when the charset is unknown, the bytes are not valid in it, or encoding anew would not give the
        same bytes: then no edit could leave the rest as it was.
    """
    name = _codec(payload, charset)
    if name is None:
        return None
    try:
        text = payload.decode(name)
        return text.encode() if text.encode(name) == payload else None
    except (UnicodeError, LookupError):
        return None


def from_utf8(view: bytes, payload: bytes, charset: str) -> bytes | None:
    """The way back of :func:`to_utf8`.

    Args:
        view: UTF-8, perhaps edited.
        payload: what the view was made from; its byte order mark tells the byte order.
        charset: as declared.

    Returns:
        None when the charset cannot hold the text.
    """
    name = _codec(payload, charset)
    if name is None:
        return None
    try:
        return view.decode().encode(name)
    except (UnicodeError, LookupError):
        return None


def _codec(payload: bytes, charset: str) -> str | None:
    """Name of the codec; None for one that gives no text, and for UTF-16 and -32 that hide their byte order.

    RFC 2781 section 4.3 takes big endian without a mark, browsers take little endian: no place to guess.
    """
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):  # a name may hold a NUL
        return None
    if name in ("utf-16", "utf-32"):
        return next((exact for mark, family, exact in _MARKED if family == name and payload.startswith(mark)), None)
    return name
