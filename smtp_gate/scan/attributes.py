"""Which attributes of which elements hold addresses, and how each is written.

An entry here is all that a new carrier needs. Any element may have ``background`` and ``style`` beside what its
own entry says.
"""

from __future__ import annotations

import re
from enum import Enum
from typing import TYPE_CHECKING

from smtp_gate.model import Address, Carrier, Span
from smtp_gate.scan.look import look_of
from smtp_gate.scan.references import attribute_value, decoded, unfolded
from smtp_gate.scan.style import style_addresses
from smtp_gate.scan.tokens import ATTRIBUTE
from smtp_gate.scan.urls import absolute, web_address

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

QUOTES = (b"", b"", b'"', b"'", b"")
"""The quote of a value by its group in :data:`smtp_gate.scan.tokens.ATTRIBUTE`."""


class Holds(Enum):
    """What an attribute holds."""

    LOAD = "load"
    """One address that showing the mail fetches."""
    CLICK = "click"
    """One address that is fetched on a click, or that only stands there."""
    CANDIDATES = "candidates"
    """Pictures to choose from: ``srcset``."""
    LIST = "list"
    """Addresses that a click reports to, parted by blanks: ``ping``."""
    STYLE = "style"
    """CSS declarations."""
    RELATED = "related"
    """One address; ``rel`` says whether it is fetched."""
    REFRESH = "refresh"
    """``5; url=...`` if ``http-equiv`` says so."""


ANYWHERE = {b"background": Holds.LOAD, b"style": Holds.STYLE}
_SOURCE = {b"src": Holds.LOAD}
_PICTURE = {
    b"src": Holds.LOAD,
    b"srcset": Holds.CANDIDATES,
    b"lowsrc": Holds.LOAD,
    b"dynsrc": Holds.LOAD,
    b"href": Holds.LOAD,
    b"xlink:href": Holds.LOAD,
}
_LINK = {b"href": Holds.CLICK, b"ping": Holds.LIST, b"xlink:href": Holds.CLICK}
_BUTTON = {b"formaction": Holds.CLICK}
_VML = {b"src": Holds.LOAD, b"href": Holds.CLICK, b"o:href": Holds.LOAD, b"altimg": Holds.LOAD}
_MEDIA = {b"src": Holds.LOAD, b"srcset": Holds.CANDIDATES, b"poster": Holds.LOAD}

ELEMENTS: Mapping[bytes, Mapping[bytes, Holds]] = {
    name: attributes | ANYWHERE
    for name, attributes in {
        b"a": _LINK,
        b"area": _LINK,
        b"amp-anim": _PICTURE,
        b"amp-img": _PICTURE,
        b"amp-list": _SOURCE,
        b"amp-pixel": _SOURCE,
        b"amp-state": _SOURCE,
        b"audio": _MEDIA,
        b"base": {b"href": Holds.CLICK},
        b"bgsound": _SOURCE,
        b"button": _BUTTON,
        b"embed": _SOURCE,
        b"feimage": _PICTURE,
        b"form": {b"action": Holds.CLICK, b"action-xhr": Holds.CLICK},
        b"frame": _SOURCE,
        b"iframe": _SOURCE,
        b"image": _PICTURE,
        b"img": _PICTURE,
        b"input": _SOURCE | _BUTTON,
        b"link": {b"href": Holds.RELATED, b"imagesrcset": Holds.CANDIDATES},
        b"meta": {b"content": Holds.REFRESH},
        b"object": {b"data": Holds.LOAD, b"codebase": Holds.LOAD, b"classid": Holds.LOAD},
        b"script": _SOURCE,
        b"source": _MEDIA,
        b"track": _SOURCE,
        b"use": {b"href": Holds.LOAD, b"xlink:href": Holds.LOAD},
        b"video": _MEDIA,
    }.items()
}
VML = _VML | ANYWHERE
"""For all elements whose name begins with ``v:`` or ``o:``."""

IMAGES = frozenset([b"img", b"image", b"amp-img", b"amp-anim", b"amp-pixel"])
"""Elements that can go as a whole; HTML reads ``image`` as ``img``."""
_LOOKS = frozenset([b"width", b"height", b"style", b"alt", b"class", b"id", b"hidden"])

_IDLE_RELATIONS = frozenset(
    [
        *("alternate", "author", "bookmark", "canonical", "help", "license", "me", "next", "nofollow"),
        *("noopener", "noreferrer", "prev", "privacy-policy", "search", "tag", "terms-of-service"),
    ]
)
"""What ``rel`` may say without that anything is fetched."""
_BLANK = rb"\t\n\f\r "
_CANDIDATE = re.compile(rb"[" + _BLANK + rb",]*([^" + _BLANK + rb"]+)")
_DESCRIPTORS = re.compile(rb"[^,(]*(?:\([^)]*\)?[^,(]*){0,8},?")
_WORD = re.compile(rb"[^" + _BLANK + rb"]+")
_REFRESH = re.compile(
    rb"["
    + _BLANK
    + rb"0-9.]*[;,"
    + _BLANK
    + rb"]["
    + _BLANK
    + rb"]*(?:[uU][rR][lL]["
    + _BLANK
    + rb"]*=["
    + _BLANK
    + rb"]*)?"
    rb"(?:\"([^\"]*)|'([^']*)|([\s\S]*))"
)

Attributes = dict[bytes, re.Match[bytes]]
"""Lower-case names to matches of :data:`smtp_gate.scan.tokens.ATTRIBUTE`."""


def attributes_of(view: bytes, inner: int, end: int) -> Attributes:
    """The attributes of a start tag; of two with the same name the first counts.

    Args:
        view: the HTML.
        inner: offset behind the tag's name.
        end: offset of the tag's ``>``.
    """
    found: Attributes = {}
    for match in ATTRIBUTE.finditer(view, inner, end):
        name = match[1].lower()
        if name not in found:
            found[name] = match
    return found


def value_of(attributes: Attributes, name: bytes) -> str:
    """An attribute's value with references resolved; empty when there is none."""
    match = attributes.get(name)
    if match is None:
        return ""
    return attribute_value(match[match.lastindex or 0]) if match.lastindex != 1 else ""


def addresses_of(
    view: bytes, name: bytes, tag: Span, attributes: Attributes, wanted: Mapping[bytes, Holds]
) -> Iterator[Address]:
    """The web addresses in the attributes of one start tag, in the order they stand.

    Args:
        view: the HTML.
        name: of the element, lower case.
        tag: the whole start tag.
        attributes: of the tag.
        wanted: the element's entry of :data:`ELEMENTS`, :data:`VML` or :data:`ANYWHERE`.
    """
    for key, match in attributes.items():
        holds = wanted.get(key)
        group = match.lastindex or 1
        if holds is None or group == 1:
            continue
        if holds is Holds.LOAD or holds is Holds.CLICK or holds is Holds.RELATED:
            value = Span(*match.span(group))
            url = web_address(view, *value)
            if not url:
                continue
            if key == b"src" and name in IMAGES:
                look = look_of({one: value_of(attributes, one) for one in attributes if one in _LOOKS})
                yield Address(Carrier.IMAGE, tag, value, None, None, QUOTES[group], url, look, load=True)
            else:
                load = holds is Holds.LOAD or (holds is Holds.RELATED and _fetched(attributes))
                yield Address(
                    Carrier.ATTRIBUTE, Span(*match.span()), value, None, None, QUOTES[group], url, None, load=load
                )
        else:
            yield from _READERS[holds](view, attributes, match)


def _fetched(attributes: Attributes) -> bool:
    return not _IDLE_RELATIONS.issuperset(value_of(attributes, b"rel").lower().split())


def _written(view: bytes, match: re.Match[bytes]) -> tuple[bytes, Callable[[int, int], Span], bytes]:
    """An attribute's value with references resolved, the way from its offsets to spans of the view, its quote."""
    group = match.lastindex or 0
    start, end = match.span(group)
    text, back = unfolded(view[start:end])
    return text, lambda first, last: Span(start + back(first), start + back(last)), QUOTES[group]


def _style(view: bytes, _: Attributes, match: re.Match[bytes]) -> Iterator[Address]:
    start, end = match.span(match.lastindex or 0)
    if view.find(b"&", start, end) < 0:
        if view.find(b"(", start, end) >= 0:
            yield from style_addresses(view, start, end)
        return
    text, span, _quote = _written(view, match)
    for found in style_addresses(text, 0, len(text)):
        yield found._replace(element=span(*found.element), value=span(*found.value))


def _candidates(view: bytes, _: Attributes, match: re.Match[bytes]) -> Iterator[Address]:
    """``srcset``; an element is one candidate with its descriptor and comma, so that the others can stay."""
    text, span, quote = _written(view, match)
    at = 0
    while (found := _CANDIDATE.match(text, at)) is not None:
        start, at = found.span(1)
        end = start + len(found[1].rstrip(b","))
        if end == at and (rest := _DESCRIPTORS.match(text, at)) is not None:
            at = rest.end()
        url = absolute(decoded(text[start:end]))
        if url:
            yield Address(
                Carrier.ATTRIBUTE, span(start, at), span(start, end), None, None, quote, url, None, load=True
            )


def _list(view: bytes, _: Attributes, match: re.Match[bytes]) -> Iterator[Address]:
    text, span, quote = _written(view, match)
    for word in _WORD.finditer(text):
        url = absolute(decoded(word[0]))
        if url:
            place = span(*word.span())
            yield Address(Carrier.ATTRIBUTE, place, place, None, None, quote, url, None, load=False)


def _refresh(view: bytes, attributes: Attributes, match: re.Match[bytes]) -> Iterator[Address]:
    if value_of(attributes, b"http-equiv").strip().lower() != "refresh":
        return
    text, span, quote = _written(view, match)
    found = _REFRESH.match(text)
    url = absolute(decoded(found[found.lastindex or 0])) if found else ""
    if found and url:
        value = span(*found.span(found.lastindex or 0))
        yield Address(Carrier.ATTRIBUTE, Span(*match.span()), value, None, None, quote, url, None, load=True)


_READERS: Mapping[Holds, Callable[[bytes, Attributes, re.Match[bytes]], Iterator[Address]]] = {
    Holds.STYLE: _style,
    Holds.CANDIDATES: _candidates,
    Holds.LIST: _list,
    Holds.REFRESH: _refresh,
}
