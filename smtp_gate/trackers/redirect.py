"""Redirects that nobody catalogued: an address inside the address, and what speaks for a click that is counted.

An address inside an address is no evidence: pages to share, sign-ins that come back and translations have one too.
It takes a word of clicking, in the path or as the host's first label, and something that can stand for one person
beside the target; and the target must stand where redirects have it. Nothing here is asked when the catalogue has
answered.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from smtp_gate.trackers.address import proper
from smtp_gate.trackers.pixel import has_token

if TYPE_CHECKING:
    from collections.abc import Iterator

_MARKS = ("http", "aHR0c", "eyJ", "68747470", "NB2HI4")
"""How ``http`` begins in clear or percent-encoded, in base64, as JSON in base64, in hex, in base32."""
_WEB = re.compile(r"https?:/{1,2}[^/]", re.IGNORECASE)
_WEB_ENCODED = re.compile(r"https?(?::|%(?:25){0,2}3A)", re.IGNORECASE)
_IN_PATH = re.compile(r"/(?=https?:/)", re.IGNORECASE)
_ONE_SLASH = re.compile(r"(https?:)/(?!/)", re.IGNORECASE)
MAX_NESTED = 3
"""Objects inside objects of a JSON that are searched; Mandrill's has two."""
MAX_UNQUOTED = 3
"""Times that a value is percent-decoded; two are seen where one redirect hands on to another."""

_TARGET_NAMES = """
    url urls uri u link links l lnk target targeturl tgt t dest destination d to redirect redirectto redir rd rdr r
    href h go goto out q p page fl ytl murl ued e x k a c landing landingpage lp location loc forward fwd jump site
    deeplink mpre
"""
_LEADS = frozenset(_TARGET_NAMES.split())
"""Names under which redirects carry their target, in lower case without dashes; see also the endings below."""
_LEADS_ENDINGS = ("url", "link", "uri", "href", "target", "dest", "destination", "redirect")
_BACK = re.compile(
    r"return|back|cancel|success|fail|error|continue|next|log[io]|sign|auth|referr?er|origin|source|canonical|"
    r"im(?:g|age)|pic|photo|logo|icon|thumb|media|feed|share|privacy|terms|unsub|opt"
)
"""Names of addresses that are shown, or returned to, or that mean something else than "go there"."""
_NOT_A_NAME = re.compile(r"[^a-z0-9]+")

_CLICK = re.compile(
    r"(?:.*(?:click|redir|lnk).*|(?:e?mail[_-]?)?(?:link|track)(?:s|er|ing|ed)?(?:[_-]?link)?|"
    r"(?:c|cl|clk|ck|ct|ctt|cta|l|lt|r|rd|rdr|t|tl|tr|trk|trace|tn|out|outbound|go|goto|ls|visit|u|l0|cl0))"
    r"(?:\.[a-z]{2,4})?",
    re.IGNORECASE | re.DOTALL,
)
"""A path segment that speaks of clicking."""
MAX_SEGMENT = 40
"""Characters of a path segment that is taken for a word."""
_LABEL = re.compile(
    r"(?:e?mail)?(?:clicks?|clk|links?|lnks?|track(?:ing|er)?|trk|redirect|redir|ctr?|[cetrl]|go|url\d*|ablink)\d*\."
)
"""A host's first label that speaks of clicking."""
_OTHERS = re.compile(
    r"(?:^|/)(?:share(?:r|s|d)?|sharing|share[_-]?[a-z]{1,20}|intent|translate|web/[0-9]{4,14}|wayback|"
    r"(?:auto)?log-?(?:in|out)|sign-?(?:in|out|up)|oauth2?|auth|authorize|sso|saml2?|adfs|cas|callback|session|"
    r"magic(?:[_-]?[a-z]{1,20})?|passwordless|otp|checkout|payments?)(?=[/?.]|$)",
    re.IGNORECASE,
)
"""Paths of pages that take an address to do something else with it than to go there."""
_PUBLISHERS = """
    awin1.com viglink.com skimresources.com linksynergy.com tradedoubler.com prf.hn dpbolvw.net anrdoezrs.net
    jdoqocy.com tkqlhce.com kqzyfj.com shareasale.com pxf.io sjv.io webgains.com effiliation.com
    s.click.aliexpress.com
"""
_PUBLISHER = re.compile(rf"(?:^|\.)(?:{'|'.join(map(re.escape, _PUBLISHERS.split()))})$")
"""Affiliate networks: their identifier is the publisher's, the same for every recipient, and earns the publisher's
due."""
_WHO = re.compile(
    r"[?&](?:amp;)?(?:(?:user|contact|subscriber|recipient|member|customer|lead|message|mail|email|sub|msg)[_-]?(?:id|key|hash)?"
    r"|[ursm]id|ukey)=[^&]",
    re.IGNORECASE,
)
"""Parameters that name a person or one copy of a mail, whatever their value looks like."""


class Embedded(NamedTuple):
    """An address that stands inside another one.

    Attributes:
        target: the proper address.
        beside: path and query without it.
        told: whether what holds the target holds further values, as a JSON with an identifier does.
    """

    target: str
    beside: str
    told: bool


def holds_address(rest: str) -> bool:
    """Whether anything in path and query can be an address; asked of every plain link, so it is cheap."""
    return any(mark in rest for mark in _MARKS)


def embedded(rest: str) -> Embedded | None:
    """The one address that path and query hold where redirects have it; None when there is none, or several.

    Args:
        rest: path and query of an address.
    """
    found: Embedded | None = None
    for one in (*_of_path(rest), *_of_query(rest)):
        if found is not None and found.target != one.target:
            return None
        found = found or one
    return found


def evidence(host: str, inside: Embedded) -> tuple[str, ...]:
    """Codes of what speaks for a counted click: ``redirect``, then ``path`` or ``host``, then ``token``.

    Args:
        host: lower-case host of the address.
        inside: what it holds.

    Returns:
        Empty for a link that merely has another one inside.
    """
    if is_other(host, inside):
        return ()
    path = inside.beside.partition("?")[0]
    if any(_CLICK.fullmatch(segment) for segment in path.split("/") if 0 < len(segment) <= MAX_SEGMENT):
        word = "path"
    elif _LABEL.match(host) is not None:
        word = "host"
    else:
        return ()
    # In a query any value counts for a picture; for a link it must look like an identifier, as in a path.
    if not (inside.told or _WHO.search(inside.beside) or has_token(inside.beside.replace("?", "/") + "/")):
        return ()
    return ("redirect", word, "token")


def is_other(host: str, inside: Embedded) -> bool:
    """Whether it is a page to share, sign in or pay, or an affiliate's link: none of them is a click to unwrap."""
    path = inside.beside.partition("?")[0]
    return _OTHERS.search(path) is not None or _PUBLISHER.search(host) is not None


def _of_path(rest: str) -> Iterator[Embedded]:
    path = rest.partition("?")[0]
    clear = _IN_PATH.search(path)
    if clear is not None:
        place = clear.end()
        target = proper(_ONE_SLASH.sub(r"\1//", rest[place:], count=1))
        if target is not None:
            yield Embedded(target, rest[:place], told=False)
        path = path[:place]
    place = 0
    for segment in path.split("/"):
        if len(segment) > len("http://a"):
            read = _read(segment, named=False)
            if read is not None:
                yield Embedded(read[0], rest[:place] + rest[place + len(segment) :], read[1])
        place += len(segment) + 1


def _of_query(rest: str) -> Iterator[Embedded]:
    place = rest.find("?") + 1
    if not place:
        return
    for piece in rest[place:].split("&"):
        name, sign, value = piece.removeprefix("amp;").partition("=")
        if not sign or not _plain_name(name):
            name, value = "", piece
        if len(value) > len("http://a") and not _BACK.search(name.lower()):
            read = _read(value, named=bool(name) and not _leads(name))
            if read is not None:
                yield Embedded(read[0], rest[:place] + rest[place + len(piece) :], read[1])
        place += len(piece) + 1


def _plain_name(name: str) -> bool:
    return 0 < len(name) <= MAX_SEGMENT and _WEB_ENCODED.match(name) is None


def _leads(name: str) -> bool:
    plain = _NOT_A_NAME.sub("", name.lower())
    return plain in _LEADS or plain.endswith(_LEADS_ENDINGS)


def _read(value: str, *, named: bool) -> tuple[str, bool] | None:
    """The address in a value or segment, and whether more was told with it.

    Args:
        value: as it stands.
        named: whether its name is not one of a target: then an address in clear means something else.
    """
    if _WEB_ENCODED.match(value) is not None:
        target = None if named else _unquoted(value)
        return None if target is None else (target, False)
    if "%" in value:
        value = unquote(value)
    if value.startswith("eyJ"):
        pieces = value.split(
            "."
        )  # a JWT has its claims second (RFC 7519 section 3.1), shorter forms have them first
        payload = _unpacked(pieces[1] if len(pieces) > 2 else pieces[0])  # noqa: PLR2004 - the same
        return None if payload is None else _of_json(payload)
    text = _unpacked(value)
    target = _unquoted(text) if text is not None and _WEB_ENCODED.match(text) else None
    return None if target is None else (target, False)


def _unquoted(text: str) -> str | None:
    for _ in range(MAX_UNQUOTED):
        if _WEB.match(text) is not None:
            return proper(text)
        text = unquote(text)
    return None


def _unpacked(value: str) -> str | None:
    """What base64 of either alphabet, hex or base32 of an address or a JSON says."""
    try:
        if value.startswith(("aHR0c", "eyJ")):
            plain = value.rstrip("=").replace("-", "+").replace("_", "/")
            octets = binascii.a2b_base64(plain + "=" * (-len(plain) % 4), strict_mode=True)
        elif value.startswith("68747470"):
            octets = binascii.unhexlify(value)
        elif value.startswith("NB2HI4"):
            plain = value.rstrip("=")
            octets = base64.b32decode(plain + "=" * (-len(plain) % 8))
        else:
            return None
        return octets.decode("utf-8")
    except (binascii.Error, ValueError):
        return None


def _of_json(text: str) -> tuple[str, bool] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    found = dict.fromkeys(_targets(value, MAX_NESTED))
    if len(found) != 1:
        return None
    return next(iter(found)), len(value) > 1


def _targets(value: Any, depth: int) -> Iterator[str]:
    """Addresses under the names that redirects use."""
    if not isinstance(value, dict) or not depth:
        return
    for name, inner in value.items():
        if isinstance(inner, dict):
            yield from _targets(inner, depth - 1)
        elif isinstance(inner, str) and _WEB_ENCODED.match(inner):
            if not _BACK.search(name.lower()) and _leads(name):
                target = _unquoted(inner)
                if target is not None:
                    yield target
        elif isinstance(inner, str) and inner.startswith("{"):
            try:
                yield from _targets(json.loads(inner), depth - 1)
            except (ValueError, RecursionError):
                continue
