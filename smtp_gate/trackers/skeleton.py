"""An address in two halves: what all copies of a campaign share, and what differs from reader to reader.

``https://go.acme.example/c/Xk3jd9QpTz?u=https%3A%2F%2Fshop.example`` has the skeleton ``go.acme.example/c/{}?u=@``
and the value ``Xk3jd9QpTz``. One mail cannot tell a reader's token from a campaign's; many copies can, when what is
held against each other is the same place. So nothing is decided here: what could vary is taken out, generously.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from smtp_gate.limits import MAX_URL
from smtp_gate.trackers.address import split
from smtp_gate.trackers.host import is_personal

HOLE = "{}"
"""Stands for a value with anything else than digits in it."""
CODE = "{#}"
"""Stands for digits, or few capitals with them: the number of an order, a parcel, a booking, or a reader's."""
TARGET = "@"
"""Stands for an address inside the address."""
MAX_SHAPE = 300
"""Characters of a skeleton; a longer one is no redirect's."""
REMEMBERED = 8192
"""Addresses whose skeleton is kept at hand: most of a campaign's stand in all its copies."""

_CLICK_WORDS = """
    c cc cl clk click clicks clicked ck ct ctt l ll lk lnk link links ls r rd rdr rl redir redirect redirects t tr
    trk track tracking tracked tracker o op open opened opens px pixel beacon wf
"""
CLICK_WORDS = frozenset(_CLICK_WORDS.split())
"""Path segments of redirects and opening counters; what comes behind one is a value, whatever its look."""
_TRACKING_LABELS = """
    ablink click clicks clk ct ctrk e em email go l link links lnk r rd redirect route t tr trail trk
"""
TRACKING_LABELS = frozenset(_TRACKING_LABELS.split())
"""First labels of hosts that serve redirects, as tools propose them to their customers; parcels have ``track.``."""
_SHARD = re.compile(r"(?:url|click|link|trk|em|t|r|e|l)[0-9]{1,5}")

_ENDING = re.compile(r"\.(?:gif|png|jpe?g|webp|svg|bmp|avif|php|aspx?|ashx|html?|jsp|do|css|js)$", re.IGNORECASE)
_WORDS = re.compile(r"(?:[A-Z]?[a-z]+|[A-Z]+)(?:[._-]{1,3}(?:[A-Z]?[a-z]+|[A-Z]+|[0-9]{1,4}))*[0-9]{0,2}")
"""Words with dashes and small numbers between: what people write."""
_NO_VOWEL = re.compile(r"[b-df-hj-np-tv-xzB-DF-HJ-NP-TV-XZ]{6,}")
_CODE = re.compile(r"[A-Z0-9-]{1,24}")
"""What people read out, or find on a parcel; redirects write longer ones, or small letters."""
_URL = re.compile(r"https?(?:://|%3a%2f%2f)", re.IGNORECASE)
MIN_DIGITS = 5
"""Digits in a row of words that make a value of it: a shop's orders, not its chapters."""
MIN_MIXED = 5
"""Characters from which letters and digits in one piece are a value."""


class Skeleton(NamedTuple):
    """The two halves.

    Attributes:
        shape: host, path and names of varying query parameters, with ``{}``, ``{#}`` and ``@`` for what was there.
        value: what stood in the holes, a line each.
    """

    shape: str
    value: str


@lru_cache(REMEMBERED)
def skeleton(url: str, *, loose: bool = False) -> Skeleton | None:
    """The halves of a web address; None when nothing in it could vary from reader to reader.

    Args:
        url: as a client would follow it; what is beyond ``MAX_URL`` is not looked at.
        loose: whether the last piece of the path is a value whatever it looks like: of random letters without a
            digit, some look like words.
    """
    place = split(url[:MAX_URL])
    if place is None:
        return None
    host, rest = place
    if rest == "/" and "." in host and host.isalpha():
        return None
    path, _, query = rest.partition("?")
    shown_host, held = _host(host)
    values = [held] if held else []
    eager = loose or is_tracking_host(host)
    segments = path.split("/")
    for at, segment in enumerate(segments):
        if segment:
            behind = at > 1 and segments[at - 1].lower() in CLICK_WORDS
            segments[at] = _segment(segment, values, eager=behind or (eager and at == len(segments) - 1))
    names = [shown for piece in query.split("&") if piece and (shown := _parameter(piece, values))] if query else ()
    if not values:
        return None
    shape = shown_host + "/".join(segments) + ("?" + "&".join(names) if names else "")
    return Skeleton(shape, "\n".join(values)) if len(shape) <= MAX_SHAPE else None


@lru_cache(REMEMBERED)
def _host(host: str) -> Skeleton:
    """The halves of a host; no value for nearly all."""
    values: list[str] = []
    labels = [_hole(label, values) if is_personal(label) else label for label in host.split(".")]
    return Skeleton(".".join(labels), "\n".join(values))


@lru_cache(REMEMBERED)
def is_tracking_host(host: str) -> bool:
    """Whether a host's first label is one that tools propose for redirects and pixels.

    Args:
        host: lower case; a company's own domain itself is none, however short.
    """
    label, _, domain = host.partition(".")
    return "." in domain and (label in TRACKING_LABELS or _SHARD.fullmatch(label) is not None)


def _segment(segment: str, values: list[str], *, eager: bool) -> str:
    """A path segment, with what varies taken out of it; an ending stays."""
    ending = _ENDING.search(segment)
    stem, tail = (segment, "") if ending is None else (segment[: ending.start()], ending[0].lower())
    if not stem or (stem.lower() in CLICK_WORDS and len(stem) > 1):
        return segment
    if _varies(stem) or (eager and len(stem) > 1):
        return _hole(stem, values) + tail
    return segment


def _parameter(piece: str, values: list[str]) -> str:
    """A query parameter as it stands in the skeleton; empty when it is the same for everybody."""
    name, sign, value = piece.partition("=")
    if not sign:
        name, value = "", piece
    if _URL.match(value):
        return name + sign + TARGET
    return name + sign + _hole(value, values) if _varies(value) else ""


def _hole(text: str, values: list[str]) -> str:
    values.append(text)
    return CODE if _CODE.fullmatch(text) is not None else HOLE


def _varies(text: str) -> bool:
    """Whether a piece could be a value: anything but words."""
    if _WORDS.fullmatch(text) is not None:
        return _NO_VOWEL.fullmatch(text) is not None
    if text.isdecimal():
        return len(text) >= MIN_DIGITS
    return len(text) >= MIN_MIXED or "@" in text
