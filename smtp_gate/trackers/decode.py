"""How the target of a redirect is read from its own address, without asking anybody.

A decoder begins with a piece of the address and applies small steps to it. Each step is bounded by the length of
what it gets, gives None where it cannot go on, and none raises. None makes more than it got but ``zlib``, which
stops at :data:`~smtp_gate.limits.MAX_INFLATED`, and ``prefix``, which adds what the catalogue says.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

from smtp_gate.limits import MAX_INFLATED, MAX_TARGET_REMEMBERED, TARGETS_REMEMBERED

if TYPE_CHECKING:
    from collections.abc import Callable

    from smtp_gate.trackers.vendor import Decoder

    Step = Callable[[bytes], bytes | None]

STARTS = "query:NAME, path:REGEX with one group"
STEPS = "urldecode, base64, base32, hex, zlib, sparkpost, json:KEY, jwt:KEY, param:KEY, prefix:TEXT"


def compile_decoder(decoder: Decoder) -> Callable[[str], str | None]:
    """A function that reads the target from path and query, still unchecked, or gives None.

    Raises:
        ValueError: for a start or a step that is none; the text names the choices.
    """
    start = _start(decoder.start)
    steps = tuple(_step(name) for name in decoder.steps)

    def decode(rest: str) -> str | None:
        match = start.match(rest)
        if match is None:
            return None
        text = match[1]
        return _known(steps, text) if len(text) <= MAX_TARGET_REMEMBERED else _decoded(steps, text)

    return decode


def _decoded(steps: tuple[Step, ...], text: str) -> str | None:
    data: bytes | None = text.encode("utf-8", "surrogatepass")
    for step in steps:
        if not data:
            return None
        data = step(data)
    if not data:
        return None
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return None


_known = lru_cache(TARGETS_REMEMBERED)(_decoded)
"""The same; most redirects write the target alike in all copies of a mailing, and the recipient beside it."""


def _start(text: str) -> re.Pattern[str]:
    kind, _, argument = text.partition(":")
    if kind == "query" and argument:
        # Matched from the start, so that what lies before the parameter is walked once.
        return re.compile(rf"[^?]*\?(?:[^&]*&)*?(?:amp;)?{re.escape(argument)}=([^&]*)")
    if kind == "path" and argument:
        try:
            pattern = re.compile(argument)
        except re.error as error:
            raise ValueError(f"{argument!r} is no regular expression: {error}") from error
        if pattern.groups == 1:
            return pattern
    raise ValueError(f"{text!r} is no place to begin; choose one of: {STARTS}")


def _step(text: str) -> Step:
    name, _, argument = text.partition(":")
    if name in _PLAIN and not argument:
        return _PLAIN[name]
    if name in _KEYED and argument:
        make = _KEYED[name]
        return make(argument)
    raise ValueError(f"{text!r} is no step; choose one of: {STEPS}")


def _urldecode(data: bytes) -> bytes:
    if b"%" not in data:
        return data
    if _NO_ESCAPE.search(data) is not None:
        return unquote_to_bytes(data)
    # The same escapes as those of quoted-printable but for their sign, and that is decoded in C.
    return binascii.a2b_qp(data.replace(b"=", b"=3D").replace(b"%", b"="))


def _base64(data: bytes) -> bytes | None:
    """Both alphabets, with or without padding."""
    data = data.rstrip(b"=").translate(_TO_STANDARD)
    try:
        return binascii.a2b_base64(data + b"=" * (-len(data) % 4), strict_mode=True)
    except (binascii.Error, ValueError):
        return None


def _base32(data: bytes) -> bytes | None:
    data = data.rstrip(b"=")
    try:
        return base64.b32decode(data + b"=" * (-len(data) % 8), casefold=True)
    except (binascii.Error, ValueError):
        return None


def _hex(data: bytes) -> bytes | None:
    try:
        return binascii.unhexlify(data)
    except (binascii.Error, ValueError):
        return None


def _zlib(data: bytes) -> bytes | None:
    """A whole zlib stream (RFC 1950) that holds no more than the limit."""
    stream = zlib.decompressobj()
    try:
        out = stream.decompress(data, MAX_INFLATED + 1)
    except zlib.error:
        return None
    return out if stream.eof and len(out) <= MAX_INFLATED else None


def _sparkpost(data: bytes) -> bytes | None:
    """The address in SparkPost's fields: the two high bits of a number tell how many octets of length follow it."""
    place = 0
    while place < len(data):
        width, number = divmod(data[place], _SPARKPOST_NUMBERS)
        if width > _SPARKPOST_WIDEST:
            return None  # encrypted, so the numbers mean nothing
        start = place + 1 + width
        if start > len(data):
            return None
        end = start + int.from_bytes(data[place + 1 : start], "little")
        if width and number == _SPARKPOST_TARGET:
            return data[start:end] if end <= len(data) else None
        place = end
    return None


def _json(key: str) -> Step:
    """The value of a key; an object or list is given on as JSON, so that steps follow one another into it."""

    def step(data: bytes) -> bytes | None:
        try:
            value = json.loads(data)
            found = value.get(key) if isinstance(value, dict) else None
            text = json.dumps(found) if isinstance(found, dict | list) else found
        except (ValueError, RecursionError):
            return None
        return text.encode("utf-8", "surrogatepass") if isinstance(text, str) else None

    return step


def _jwt(key: str) -> Step:
    """A claim of a JSON Web Token (RFC 7519). Who signed it does not matter: only an address is read."""
    claim = _json(key)

    def step(data: bytes) -> bytes | None:
        pieces = data.split(b".")
        payload = _base64(pieces[1]) if len(pieces) == _JWT_PIECES else None
        return claim(payload) if payload is not None else None

    return step


def _prefix(text: str) -> Step:
    before = text.encode()
    return lambda data: before + data


def _param(key: str) -> Step:
    prefix = key.encode() + b"="

    def step(data: bytes) -> bytes | None:
        for piece in data.rpartition(b"?")[2].split(b"&"):
            if piece.startswith(prefix):
                return _urldecode(piece[len(prefix) :])
        return None

    return step


_NO_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_TO_STANDARD = bytes.maketrans(b"-_", b"+/")
_SPARKPOST_NUMBERS = 64
_SPARKPOST_WIDEST = 2
_SPARKPOST_TARGET = 4
_JWT_PIECES = 3
_PLAIN: dict[str, Step] = {
    "urldecode": _urldecode,
    "base64": _base64,
    "base32": _base32,
    "hex": _hex,
    "zlib": _zlib,
    "sparkpost": _sparkpost,
}
_KEYED: dict[str, Callable[[str], Step]] = {"json": _json, "jwt": _jwt, "param": _param, "prefix": _prefix}
