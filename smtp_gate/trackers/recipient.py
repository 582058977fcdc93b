"""Which addresses of a mail hold the address of somebody it goes to, in whatever form.

A mail client cannot know this, the gate can: it heard RCPT. What holds the recipient's own address is personal,
whoever made it. Looked for are the address in clear or percent-encoded, its hex, its base64 at any alignment, its
MD5, SHA-1 and SHA-256, and all of these inside what a long token decodes to (base64, base32, hex, zlib, twice).
A fragment is not looked at: no client sends it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import zlib
from functools import cached_property, partial
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from smtp_gate.limits import MAX_INFLATED, MAX_URL

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

_IN_TOKENS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+_-")
_PARTED = str.maketrans({chr(code): " " for code in range(128) if chr(code) not in _IN_TOKENS})
_PARTED_VALUES = {code: " " for code in _PARTED if code != ord("/")}
"""What parts tokens; a slash does in a path, not in a value, where it is a digit of base64."""
SHORTEST = 6
"""Octets of an address that is looked for (``a@b.fr``): what is shorter, or its hex, may stand anywhere."""
TOKEN = 16
"""Characters from which a token is opened; shorter ones are words and counters, and hide ten octets at most."""
DIGEST = 22
"""Characters from which a token may be a digest: MD5 in base64."""
_WRITTEN = re.compile(r"[A-Za-z]?[a-z_-]+|[A-Z_-]+|[0-9_-]+")
"""A run of small letters, of capitals or of digits: words and numbers, which nothing was encoded into."""
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_BASE32 = re.compile(r"[A-Z2-7]+|[a-z2-7]+")
_TO_STANDARD = str.maketrans("-_", "+/")
_PIECE = re.compile(r"[?&](?:amp;)?[^&]*")
_VALUE = re.compile(r"[?&;]([^=&;]{1,64})=([^&;]*)")
_BEFORE = "(?<![a-z0-9._+-])"
"""What stands before an address in clear: ``alice@`` is not found in ``malice@``."""
_DIGESTS: Mapping[str, Callable[[bytes], hashlib._Hash]] = {
    "md5": partial(hashlib.md5, usedforsecurity=False),
    "sha1": partial(hashlib.sha1, usedforsecurity=False),
    "sha256": hashlib.sha256,
}
"""What vendors write people's addresses as; nothing is secured with them here."""
_ALIGNMENTS = 3
"""Base64 writes three octets as four characters, so that an address may begin at three places."""
_DEPTH = 2
"""Tokens in tokens that are opened: base64 in JSON in base64 is the deepest that is known of a vendor."""


class _Views(NamedTuple):
    """One text as each form is looked for in it.

    Attributes:
        exact: with the standard base64 alphabet.
        plain: percent-decoded twice, lower case.
        opened: what its long tokens decode to, lower case, a line each.
        raw: the same in its own case, for digests as octets.
        digest: whether a token is long enough to be one.
    """

    exact: str
    plain: str
    opened: bytes
    raw: bytes
    digest: bool


class _Mark:
    """One recipient's address as each form writes it."""

    def __init__(self, address: bytes) -> None:
        text = address.decode("utf-8", "surrogateescape")
        self.clear = text.lower()
        self.local, _, self.domain = self.clear.partition("@")
        self.octets = self.clear.encode("utf-8", "surrogateescape")
        self._forms = (self.octets,) if address == self.octets else (self.octets, address)
        self.hexes = [form.hex() for form in self._forms]
        self.aligned = [_aligned(form, before) for form in self._forms for before in range(_ALIGNMENTS)]

    @cached_property
    def digests(self) -> list[tuple[str, str, bytes]]:
        """Name, hex and octets of each digest; few mails hold anything that could be one."""
        made = [(name, digest(form).digest()) for form in self._forms for name, digest in _DIGESTS.items()]
        return [(name, octets.hex(), octets) for name, octets in made]

    def form(self, views: _Views) -> str:
        """The code of the form in which this address stands in a text; empty for none."""
        if self.clear in views.plain and re.search(_BEFORE + re.escape(self.clear), views.plain):
            return "address"
        for text in self.hexes:
            if text in views.plain:
                return "hex"
        for text in self.aligned:
            if text in views.exact:
                return "base64"
        if self.octets in views.opened:
            return "encoded"
        return (self._digest(views) if views.digest else "") or self._in_two_values(views.plain)

    def _digest(self, views: _Views) -> str:
        for name, text, octets in self.digests:
            if text in views.plain:
                return name
            if octets in views.raw or text.encode("ascii") in views.opened:
                return "encoded"
        return ""

    def _in_two_values(self, plain: str) -> str:
        if self.local not in plain or self.domain not in plain:
            return ""
        values = {value for _, value in _VALUE.findall(plain)}
        return "parts" if self.local in values and self.domain in values else ""


class Recipients:
    """The people one mail goes to.

    Args:
        addresses: their paths as the client gave them.
    """

    def __init__(self, addresses: Sequence[bytes]) -> None:
        self._marks = [
            _Mark(address)
            for address in dict.fromkeys(addresses)
            if address.count(b"@") == 1 and len(address) >= SHORTEST
        ]

    def personal(self, urls: Iterable[str]) -> dict[str, str]:
        """Those of some addresses that hold a recipient's, with the code of its form.

        Args:
            urls: as a client would read them.

        Returns:
            Address to ``address``, ``hex``, ``base64``, ``md5``, ``sha1``, ``sha256``, ``encoded`` (inside what a
            token decodes to) or ``parts`` (local part and domain as two values).
        """
        sent = {url: _sent(url) for url in urls}
        if not self._marks or not sent:
            return {}
        heads, queries = zip(*sent.values(), strict=True)
        # All at once first: nearly every mail ends here.
        if not self._form(_views("\n".join(heads), "\n".join(queries))):
            return {}
        return {url: form for url, (head, query) in sent.items() if (form := self._form(_views(head, query)))}

    def without(self, url: str) -> str | None:
        """An address without the query parameters that hold a recipient's; None when that is not enough."""
        whole, hash_sign, fragment = url.partition("#")
        path, _, query = whole.partition("?")
        if not query or self._form(_views(path, "")):
            return None
        kept = [piece for piece in _PIECE.findall("?" + query) if not self._form(_views("", piece))]
        if self._form(_views("", "".join(kept))):  # two values that together name somebody
            kept = [piece for piece in kept if not self._names_half(piece)]
        rest = "".join(kept)
        if rest and rest[0] == "&":
            rest = "?" + rest[5 if rest.startswith("&amp;") else 1 :]
        return path + rest + hash_sign + fragment

    def _names_half(self, piece: str) -> bool:
        value = unquote(piece.partition("=")[2]).lower()
        return any(value in (mark.local, mark.domain) for mark in self._marks)

    def _form(self, views: _Views) -> str:
        """The code of the first form in which any recipient's address stands there; empty for none."""
        return next((form for mark in self._marks if (form := mark.form(views))), "")


def _sent(url: str) -> tuple[str, str]:
    """What of an address goes over the wire, as far as it is judged: up to the query, and the query."""
    head, _, query = url.partition("#")[0][:MAX_URL].partition("?")
    return head, "?" + query if query else ""


def _aligned(octets: bytes, before: int) -> str:
    """The characters of a base64 text that depend on these octets alone, when so many others stand before."""
    text = base64.b64encode(bytes(before) + octets).decode("ascii")
    first = (before * 8 + 5) // 6
    return text[first : (before + len(octets)) * 8 // 6]


def _views(head: str, query: str) -> _Views:
    text = f"{head}\n{query}"
    exact = text.translate(_TO_STANDARD)
    plain = text
    if "%" in text:
        head, query = _unescaped(head), _unescaped(query)
        plain = f"{head}\n{query}"
    tokens = _tokens(head, _PARTED) | _tokens(query, _PARTED_VALUES)
    raw = b"\n".join(_opened(tokens, _DEPTH)) if tokens else b""
    return _Views(exact, plain.lower(), raw.lower(), raw, any(len(token) >= DIGEST for token in tokens))


def _unescaped(text: str) -> str:
    return unquote(unquote(text, errors="surrogateescape"), errors="surrogateescape")


def _tokens(text: str, parting: Mapping[int, str]) -> set[str]:
    if not text.isascii():
        text = text.encode("ascii", "replace").decode("ascii")
    return {word for word in text.translate(parting).split() if len(word) >= TOKEN and not _WRITTEN.fullmatch(word)}


def _opened(tokens: set[str], depth: int) -> Iterator[bytes]:
    """What tokens decode to, and the tokens in that."""
    for token in tokens:
        for data in _decoded(token):
            yield data
            if depth > 1 and data.isascii():
                yield from _opened(_tokens(data.decode("ascii"), _PARTED_VALUES), depth - 1)


def _decoded(token: str) -> Iterator[bytes]:
    if _HEX.fullmatch(token):
        yield from _inflated(bytes.fromhex(token))
    if _BASE32.fullmatch(token):
        whole = token[: len(token) - len(token) % 8] if len(token) % 8 in (1, 3, 6) else token
        yield from _inflated(base64.b32decode(whole + "=" * (-len(whole) % 8), casefold=True))
    token = token.translate(_TO_STANDARD)
    whole = token[:-1] if len(token) % 4 == 1 else token
    yield from _inflated(binascii.a2b_base64(whole + "=" * (-len(whole) % 4)))


def _inflated(data: bytes) -> Iterator[bytes]:
    yield data
    if data[:1] == b"\x78":  # the first octet of a zlib stream with the usual window
        try:
            yield zlib.decompressobj().decompress(data, MAX_INFLATED)
        except zlib.error:
            return
