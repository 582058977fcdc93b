"""What may stand in a ``Location`` field, whatever a token says.

A token is authenticated, yet what was sealed came out of a mail that somebody else wrote. Only an address that
every browser reads as plain http or https of a named host gets through, as printable ASCII.
"""

from __future__ import annotations

import re

from smtp_gate.limits import MAX_URL

_CONTROL_OR_BACKSLASH = re.compile(r"[\x00-\x1f\x7f-\x9f\\]")
_ADDRESS = re.compile(r"(https?)://([^/?#]+)(.*)", re.IGNORECASE | re.DOTALL)
_AUTHORITY = re.compile(r"([A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,253})|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{1,5}))?")
_NOT_PRINTABLE = re.compile(r"[^\x21-\x7e]+")
_DEVIATING = re.compile("[\u00df\u1e9e\u03c2\u200c\u200d]")
"""Letters that the codec at hand reads otherwise than browsers do (UTS 46 section 2.1): another host."""
_MAX_PORT = 65535


def location(url: str) -> str | None:
    """The address as it goes into a redirect; None when it must not.

    Refused are other schemes, control characters and line breaks, backslashes, user names, hosts that are no
    host, and what is longer than ``MAX_URL``. Blanks and letters outside ASCII are percent-encoded as a browser
    would, a host's letters by IDNA.
    """
    if len(url) > MAX_URL or _CONTROL_OR_BACKSLASH.search(url):
        return None
    found = _ADDRESS.fullmatch(url)
    if not found:
        return None
    authority = found[2] if found[2].isascii() else _ascii_host(found[2])
    parts = _AUTHORITY.fullmatch(authority)
    if not parts or ".." in authority or int(parts[2] or 0) > _MAX_PORT:
        return None
    try:
        rest = _NOT_PRINTABLE.sub(_percent, found[3])
    except UnicodeEncodeError:
        return None
    if rest and rest[0] == "?":
        rest = "/" + rest
    return f"{found[1].lower()}://{authority}{rest}"


def _ascii_host(authority: str) -> str:
    host, colon, port = authority.partition(":")
    if _DEVIATING.search(host):
        return ""
    try:
        return host.encode("idna").decode() + colon + port
    except UnicodeError:
        return ""


def _percent(found: re.Match[str]) -> str:
    return "".join(f"%{octet:02X}" for octet in found[0].encode())
