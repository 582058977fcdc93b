"""Which attribute values are web addresses, and how a browser reads them (WHATWG URL, basic parser).

Only what can be asked of a web server is an address here: ``http``, ``https`` and ``//host``. ``cid:``, ``data:``,
``mailto:`` and ``tel:`` are not, nor are ``#fragments`` and relative addresses, unless a ``<base>`` says what these
are relative to.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urljoin

from smtp_gate.scan.references import attribute_value

PLAIN_ADDRESS = rb"https?://[!#-%'.0-\[\]-~][!#-%'-\[\]-~]*"
"""An address that says what is written: lower-case scheme, no reference, blank, control, quote, backslash or
octet above 127."""
Resolve = Callable[[str], str]
"""Makes a web address of a text, as :func:`absolute` does; empty when it is none."""
_PLAIN = re.compile(PLAIN_ADDRESS)
_AS_READ = re.compile(rb"https?://[!-.0-\[\]-~][!-\[\]-~]*")
"""The same once references are resolved."""
_OTHER = re.compile(rb"#|(?i:cid|data|mailto|tel):")
_SCHEME = re.compile(r"(?:(https?):[/\\]*|[/\\]{2,})(?=[^/\\])", re.IGNORECASE)
_ANY_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*:")
_BREAKS = str.maketrans("", "", "\t\n\r")
_TRIMMED = "".join(map(chr, range(0x21)))
"""C0 controls and the blank."""


def web_address(view: bytes, start: int, end: int, resolve: Resolve) -> str:
    """The web address in the attribute value ``view[start:end]``; empty when it is none.

    Args:
        view: the HTML.
        start: where the value begins.
        end: where it ends.
        resolve: :func:`absolute`, or what :func:`against` gives.
    """
    address = obvious(view, start, end)
    if address is not None:
        return address
    raw = view[start:end]
    if raw.count(b"&") == raw.count(b"&amp;"):
        text = raw.replace(b"&amp;", b"&")
        if _AS_READ.fullmatch(text) is not None:
            return text.decode("ascii")
    return resolve(attribute_value(raw))


def obvious(view: bytes, start: int, end: int) -> str | None:
    """The web address in ``view[start:end]`` if it says what is written; empty if it surely is none; else None.

    Spares a picture in a ``data:`` URL the reading.
    """
    match = _PLAIN.fullmatch(view, start, end)
    if match is not None:
        return match[0].decode("ascii")
    return "" if _OTHER.match(view, start, end) is not None else None


def absolute(text: str) -> str:
    r"""The web address in ``text``, whose references or escapes are resolved; empty when it is none.

    A browser drops tabs and line breaks everywhere and controls and blanks at both ends, takes ``\`` for ``/`` up
    to the query, any number of slashes behind the scheme, and the scheme in any case. ``//host`` has the scheme of
    the page; a mail has none, and https is what is assumed.
    """
    text = text.strip(_TRIMMED)
    if "\n" in text or "\t" in text or "\r" in text:
        text = text.translate(_BREAKS)
    match = _SCHEME.match(text)
    if match is None:
        return ""
    rest = text[match.end() :]
    if "\\" in rest:
        place = re.search(r"[?#]|\Z", rest)
        cut = place.start() if place else len(rest)
        rest = rest[:cut].replace("\\", "/") + rest[cut:]
    return f"{(match[1] or 'https').lower()}://{rest}"


def against(base: str) -> Resolve:
    """Resolves addresses against the one of a ``<base>``, as :func:`absolute` makes it."""

    def resolve(text: str) -> str:
        found = absolute(text)
        if found:
            return found
        text = text.strip(_TRIMMED).translate(_BREAKS)
        if not text or _ANY_SCHEME.match(text) is not None:
            return ""
        try:
            return absolute(urljoin(base, text.replace("\\", "/")))
        except ValueError:  # brackets round what is no IPv6 address
            return ""

    return resolve
