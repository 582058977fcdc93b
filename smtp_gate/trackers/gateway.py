"""Addresses that a security service or a mail client put round a link on its way in: what stands inside.

They protect a reader and are no tracker of the sender, so a plain link inside one stays as it is. They leave the
company in replies and forwards, and often hold a link that was tracked before: then what is inside counts.
"""

from __future__ import annotations

import base64
import binascii
import re
from types import MappingProxyType
from typing import TYPE_CHECKING
from urllib.parse import unquote

from smtp_gate.trackers.decode import compile_decoder
from smtp_gate.trackers.vendor import Decoder

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    Reader = Callable[[str], str | None]

_URLDEFENSE_2 = re.compile(r"/v2/url\?(?:[^&]*&)*?(?:amp;)?u=([^&]*)")
_URLDEFENSE_3 = re.compile(r"/v3/__(.+?)__;([A-Za-z0-9_=-]*)!")
_REPLACED = re.compile(r"\*(?:\*([A-Za-z0-9_-]))?")
_ONE_SLASH = re.compile(r"(https?:)/(?!/)", re.IGNORECASE)
_RUNS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_SHORTEST_RUN = 2


def _query(name: str, *steps: str) -> Reader:
    return compile_decoder(Decoder(f"query:{name}", ("urldecode", *steps), ()))


def _path(shape: str, *steps: str) -> Reader:
    return compile_decoder(Decoder(f"path:{shape}", steps, ()))


def _urldefense_2(rest: str) -> str | None:
    """``-`` stands for the percent sign, ``_`` for the slash."""
    match = _URLDEFENSE_2.match(rest)
    return unquote(match[1].translate({ord("-"): "%", ord("_"): "/"})) if match else None


def _urldefense_3(rest: str) -> str | None:
    """``*`` stands for one character that was taken out, ``**`` and a letter for a run of them."""
    match = _URLDEFENSE_3.match(rest)
    if match is None:
        return None
    try:
        taken = base64.urlsafe_b64decode(match[2] + "=" * (-len(match[2]) % 4)).decode("utf-8")
    except (binascii.Error, ValueError):
        return None
    place = 0

    def put_back(star: re.Match[str]) -> str:
        nonlocal place
        count = _RUNS.index(star[1]) + _SHORTEST_RUN if star[1] else 1
        place += count
        return taken[place - count : place]

    whole = _REPLACED.sub(put_back, match[1])
    return _ONE_SLASH.sub(r"\1//", whole, count=1) if place == len(taken) else None


GATEWAYS: Mapping[str, tuple[Reader, ...]] = MappingProxyType(
    {
        "safelinks.protection.outlook.com": (_query("url"),),
        "urldefense.com": (_urldefense_3, _urldefense_2),
        "urldefense.proofpoint.com": (_urldefense_2, _urldefense_3),
        "clicktime.symantec.com": (_query("u"),),
        "trendmicro.com": (_path(r"/wis/clicktime/v\d/query\?(?:[^&]*&)*?url=([^&]*)", "urldecode"),),
        "linkprotect.cudasvc.com": (_query("a"),),
        "secure-web.cisco.com": (_path(r"/[^/]*/(https?(?:%3A|:)[^/?]*)", "urldecode"),),
        "protection.sophos.com": (_query("u", "base64"),),
        "fireeye.com": (_path(r"/v\d/url\?(?:[^&]*&)*?u=([^&]*)", "urldecode"),),
        "deref-gmx.net": (_query("redirectUrl"),),
        "deref-gmx.com": (_query("redirectUrl"),),
        "deref-web.de": (_query("redirectUrl"),),
        "deref-web-02.de": (_query("redirectUrl"),),
        "deref-mail.com": (_query("redirectUrl"),),
        "google.com": (_path(r"/url\?(?:[^&]*&)*?(?:amp;)?(?:q|url)=([^&]*)", "urldecode"),),
        "bing.com": (_path(r"/ck/a\?(?:[^&]*&)*?(?:amp;)?u=a1([^&]*)", "base64"),),
    }
)
"""Host, with all below it -> readers of what stands inside, tried in order."""
