"""How a client reads a web address: the host it would ask and what it would ask for.

Reading is forgiving, as browsers are (WHATWG URL Standard, section 4.4): a tracker behind odd spelling is still
one. Writing is strict: :func:`proper` lets nothing through that two programs could read differently.
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata
from urllib.parse import quote, unquote

_WEB = re.compile(r"[\x00-\x20]*(?:https?:[/\\]*|[/\\]{2})([^/\\?#]*)([^#]*)", re.IGNORECASE)
_PROXIED = re.compile(r"https?://ci\d+\.googleusercontent\.com/(?:proxy|meips)/[^#]*#(https?://.+)", re.DOTALL)
_OUTLOOK = re.compile(
    r"https?://imgproxy-prod\.services\.web\.outlook\.com/proxy/?\?(?:[^&#]*&)*?(?:amp;)?u=([^&#]*)", re.IGNORECASE
)
_STRIPPED = {ord(char): None for char in "\t\n\r"}
_PROPER = re.compile(
    r"https?://(?P<host>[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])"
    r"(?::[0-9]{1,5})?(?:[/?#][^\x00-\x1f\x7f\\]*)?",
    re.IGNORECASE,
)
_AS_IT_IS = "!#$%&'()*+,-./:;=?@[]^_{|}~"
"""Kept when a target is written out; what else is not a letter or digit is percent-encoded."""


_USUAL_HOST = re.compile(r"[a-z0-9_-]+(?:\.[a-z0-9_-]+)+")
_USUAL = re.compile(rf"https?://({_USUAL_HOST.pattern})(/[!\"$-\[\]-~]*)?(?:#[!-~]*)?")
"""An address as nearly all are written: it can be read only one way."""
_WRITTEN = re.compile(r"[!#-;=?-\[\]^_a-z{|}~]*")
"""What needs no percent-encoding: the letters, digits and signs above."""
_WELL_WRITTEN = re.compile(
    r"https?://(?:[a-z0-9][a-z0-9_-]{0,60}\.){1,3}[a-z][a-z0-9-]{0,59}[a-z0-9]" + rf"(?:[/?#]{_WRITTEN.pattern})?"
)
"""A target that is proper as it stands, as nearly all are."""


def split(url: str) -> tuple[str, str] | None:
    """The lower-case host, and path with query, of a web address; None for any other address.

    Args:
        url: as it stands in the mail, character references already resolved; ``//host/path`` counts as web.

    Returns:
        Host without user, port and final dot, and what follows it without fragment, beginning with ``/``.
    """
    usual = _USUAL.fullmatch(url)
    if usual is not None:
        host, rest = usual.groups()
        return host, rest or "/"
    return _split_unusual(url)


def is_usual_host(name: str) -> bool:
    """Whether what stands between ``://`` and ``/`` of an address is the host that a client asks, as it is."""
    return _USUAL_HOST.fullmatch(name) is not None


def _split_unusual(url: str) -> tuple[str, str] | None:
    if not url.isprintable():
        url = url.translate(_STRIPPED)
    match = _WEB.match(url)
    if match is None:
        return None
    host, rest = match.groups()
    host = host.lower()
    if not host.isascii() or "%" in host:
        host = unicodedata.normalize("NFKC", unquote(host)).replace("。", ".").lower()
    if "@" in host:
        host = host.rpartition("@")[2]
    if ":" in host and not host.endswith("]"):
        host = host.rpartition(":")[0]
    host = host.removesuffix(".")
    if not host:
        return None
    if "\\" in rest:
        path, mark, query = rest.partition("?")
        rest = path.replace("\\", "/") + mark + query
    if rest[:1] != "/":
        rest = "/" + rest
    return host, rest.rstrip(" ")


def behind_proxy(url: str) -> str:
    """The address that a webmail's picture proxy was given; ``url`` itself when there is no proxy.

    Replies and forwards carry pictures as Gmail wrote them: ``https://ci3.googleusercontent.com/meips/...#<real>``.
    What follows the number sign is never sent, yet the proxy fetches the real address. Outlook writes it as ``u=``.
    """
    match = _PROXIED.match(url) if "#http" in url else None
    if match is not None:
        return match[1]
    match = _OUTLOOK.match(url) if "imgproxy" in url else None
    if match is None:
        return url
    inner = unquote(match[1])
    return inner if _WEB.match(inner) is not None else url


def proper(text: str) -> str | None:
    """A decoded target as an address that every program reads the same way; None when it is none.

    ``//host`` becomes ``https://host``; blanks, quotes, angle brackets and characters beyond ASCII are
    percent-encoded as a browser would. Refused: other schemes, no host, a user before the host, control
    characters, backslashes.
    """
    if _WELL_WRITTEN.fullmatch(text) is not None:
        return text
    text = text.strip(" \t\r\n")
    if text.startswith("//"):
        text = "https:" + text
    match = _PROPER.fullmatch(text)
    if match is None:
        return None
    if not _is_host(match["host"]):
        return None
    end = match.end("host")
    if _WRITTEN.fullmatch(text, end) is not None:
        return text
    try:
        return text[:end] + quote(text[end:], safe=_AS_IT_IS)
    except UnicodeEncodeError:  # half of a surrogate pair
        return None


def _is_host(host: str) -> bool:
    try:
        if host[0] == "[":
            ipaddress.IPv6Address(host[1:-1])
        elif host.rpartition(".")[2].isdigit():
            ipaddress.IPv4Address(host)
        else:
            return ".." not in host
    except ValueError:
        return False
    return True
