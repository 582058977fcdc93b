"""How an address is written where another one stood: in an attribute, in CSS, in running text.

Text can stand in text: a page in an attribute (``srcdoc``) has quotes inside quotes. What is round an address is
told from outside in, and each level escapes what the one inside it wrote.

This module alone decides escaping. What it writes is printable ASCII, so that it fits every part, whatever its
charset and transfer encoding.
"""

from __future__ import annotations

import re
from urllib.parse import quote

_NOT_IN_URL = re.compile(r"[^!#-;=?-_a-~]")
_IN_URL = bytes(set(range(0x21, 0x7F)).difference(b'"<>`'))
"""What stays as it is: the same set."""
_NOT_BARE = re.compile(rb"[^A-Za-z0-9\-._~:/?#\[\]@!$&()*+,;%]")
_NOT_IN_CSS = re.compile(rb"[\"'()\\]")
_ESCAPED = {
    ord('"'): re.compile(rb"[&\"]"),
    ord("'"): re.compile(rb"[&']"),
    ord(" "): re.compile(rb"[&\"']"),
    ord("&"): re.compile(rb"&"),
}
"""By what is round a text: what must be a reference in it."""
_REFERENCES = {b"&": b"&amp;"}
_SPECIAL = re.compile(rb"[\\,;]")
"""What iCalendar escapes in a text (RFC 5545 section 3.3.11)."""
_BACKSLASH = ord("\\")
_HOST = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*:)?//([^/?#\\]*)")


def proper(url: str) -> bytes:
    """An address in printable ASCII, without blanks, double quotes, angle brackets or backticks.

    A host name outside ASCII is written as IDNA, anything else as percent-encoded UTF-8 (RFC 3987 section 3.1);
    what is ASCII stays as it is, since a vendor's or bucket's signature may cover it.
    """
    if url.isascii():
        text = url.encode("ascii")
        if not text.translate(None, _IN_URL):
            return text
    else:
        found = _HOST.match(url)
        if found and not found[2].isascii():
            url = url[: found.start(2)] + _idna(found[2]) + url[found.end(2) :]
    return _NOT_IN_URL.sub(lambda char: quote(char[0].encode("utf-8", "replace"), safe=""), url).encode("ascii")


def in_attribute(url: str, quoted: bytes, *, whole: bool = True) -> bytes:
    """An address as an attribute's value.

    Args:
        url: what a browser shall read.
        quoted: the quote round the value; ``b""`` for none, and then quotes are added where the address has
            something that an unquoted value must not hold (HTML standard, section 13.1.2.3). Inside another
            attribute the outer quotes come first, and a blank stands for none.
        whole: whether the address is the whole value, so that quotes can be added.
    """
    text = proper(url).replace(b"&", b"&amp;")
    quote = quoted[-1:]
    if quote == b"'":
        text = text.replace(b"'", b"&#39;")
    elif quote in (b"", b" ") and whole and _NOT_BARE.search(text) is not None:
        text = b'"' + text + b'"'
    for outer in reversed(quoted[:-1]):
        text = _escaped(text, outer)
    return text


def _escaped(text: bytes, level: int) -> bytes:
    """A text as it is written inside one of the quotes of :attr:`smtp_gate.model.Finding.quote`."""
    if level == _BACKSLASH:
        return _SPECIAL.sub(rb"\\\g<0>", text)
    return _ESCAPED[level].sub(lambda sign: _REFERENCES.get(sign[0]) or b"&#%d;" % sign[0][0], text)


def in_css(url: str) -> bytes:
    """An address inside ``url(...)`` or a CSS string, whatever quote is round it and round the style attribute."""
    return _NOT_IN_CSS.sub(lambda sign: b"%%%02X" % sign[0][0], proper(url))


def in_text(url: str, quoted: bytes = b"") -> bytes:
    """An address in running text.

    Args:
        url: what a reader shall see.
        quoted: ``&`` in the text of a page; what is round the page comes first, as in :func:`in_attribute`.
    """
    text = proper(url)
    for level in reversed(quoted):
        text = _escaped(text, level)
    return text


def _idna(host: str) -> str:
    """A host in its ASCII form; as it is when it has none, so that it is percent-encoded."""
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        return host
