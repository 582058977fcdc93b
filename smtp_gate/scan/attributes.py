"""Which attributes of which elements hold addresses, and how each is written.

An entry here is all that a new carrier needs. Any element may have ``background`` and ``style`` beside what its
own entry says.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from smtp_gate.model import Address, Carrier, Look, Span
from smtp_gate.scan.look import look_of
from smtp_gate.scan.references import attribute_value, decoded, unfolded
from smtp_gate.scan.style import style_addresses
from smtp_gate.scan.tokens import ATTRIBUTE
from smtp_gate.scan.urls import absolute, web_address

if TYPE_CHECKING:
    from collections.abc import Mapping

QUOTES = (b"", b"", b'"', b"'", b"")
"""The quote of a value by its group in :data:`smtp_gate.scan.tokens.ATTRIBUTE`."""

_IMAGE = Carrier.IMAGE
_ATTRIBUTE = Carrier.ATTRIBUTE
Attributes = dict[bytes, re.Match[bytes]]
"""Lower-case names of one tag to matches of :data:`smtp_gate.scan.tokens.ATTRIBUTE`."""


Reader = Callable[[bytes, Span, Attributes, re.Match[bytes], list[Address]], None]
"""Reads one attribute that has a value: takes the HTML, the tag's span, all its attributes and the match of this
one, and adds the addresses in it to the list."""

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
    rb"[" + _BLANK + rb"0-9.]*[;," + _BLANK + rb"][" + _BLANK + rb"]*"
    rb"(?:[uU][rR][lL][" + _BLANK + rb"]*=[" + _BLANK + rb"]*)?"
    rb"(?:\"([^\"]*)|'([^']*)|([\s\S]*))"
)


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
    if match is None or match.lastindex is None or match.lastindex == 1:
        return ""
    return attribute_value(match[match.lastindex])


def addresses_of(view: bytes, tag: Span, attributes: Attributes, wanted: Mapping[bytes, Reader]) -> list[Address]:
    """The web addresses in the attributes of one start tag, in the order they stand.

    Args:
        view: the HTML.
        tag: the whole start tag.
        attributes: of the tag.
        wanted: the element's entry of :data:`ELEMENTS`, :data:`VML` or :data:`ANYWHERE`.
    """
    found: list[Address] = []
    for name, match in attributes.items():
        read = wanted.get(name)
        if read is not None and match.lastindex != 1:
            read(view, tag, attributes, match, found)
    return found


def usual_image(begin: int, stop: int, match: re.Match[bytes]) -> Address:
    """The picture of a tag that :data:`smtp_gate.scan.tokens.USUAL_IMAGE` matched with an address."""
    address, width, height, alt, style, named = match.groups()
    text = None if alt is None else attribute_value(alt)
    if style is None:
        across = None if width is None else float(width)
        down = None if height is None else float(height)
        hidden = ("zero_size",) if across == 0 or down == 0 else ()
        look = Look(across, down, hidden, text, named is not None)
    else:
        values = {b"style": attribute_value(style)}
        if width is not None:
            values[b"width"] = width.decode("ascii")
        if height is not None:
            values[b"height"] = height.decode("ascii")
        if text is not None:
            values[b"alt"] = text
        if named is not None:
            values[b"class"] = ""
        look = look_of(values)
    value = Span(*match.span(1))
    return Address(_IMAGE, Span(begin, stop), value, None, None, b'"', address.decode("ascii"), look, True)  # noqa: FBT003


def _image(view: bytes, tag: Span, attributes: Attributes, match: re.Match[bytes], found: list[Address]) -> None:
    """The picture of an element that can go as a whole."""
    group = match.lastindex or 0
    value = Span(*match.span(group))
    url = web_address(view, *value)
    if url:
        look = look_of({name: value_of(attributes, name) for name in attributes if name in _LOOKS})
        found.append(Address(_IMAGE, tag, value, None, None, QUOTES[group], url, look, load=True))


def _single(view: bytes, match: re.Match[bytes], found: list[Address], *, load: bool) -> None:
    group = match.lastindex or 0
    value = Span(*match.span(group))
    url = web_address(view, *value)
    if url:
        attribute = Span(*match.span())
        found.append(Address(_ATTRIBUTE, attribute, value, None, None, QUOTES[group], url, None, load=load))


def _load(view: bytes, _tag: Span, _: Attributes, match: re.Match[bytes], found: list[Address]) -> None:
    """One address that showing the mail fetches."""
    _single(view, match, found, load=True)


def _click(view: bytes, _tag: Span, _: Attributes, match: re.Match[bytes], found: list[Address]) -> None:
    """One address that is fetched on a click, or only stands there."""
    _single(view, match, found, load=False)


def _related(view: bytes, _tag: Span, attributes: Attributes, match: re.Match[bytes], found: list[Address]) -> None:
    """``<link href>``: ``rel`` says whether it is fetched."""
    relations = value_of(attributes, b"rel").lower().split()
    _single(view, match, found, load=not _IDLE_RELATIONS.issuperset(relations))


def _style(view: bytes, _tag: Span, _: Attributes, match: re.Match[bytes], found: list[Address]) -> None:
    """CSS declarations, which load nothing without a parenthesis."""
    start, end = match.span(match.lastindex or 0)
    if view.find(b"&", start, end) >= 0:
        text, span, _quote = _written(view, match)
        found += [
            one._replace(element=span(*one.element), value=span(*one.value))
            for one in style_addresses(text, 0, len(text))
        ]
    elif view.find(b"(", start, end) >= 0:
        found += style_addresses(view, start, end)


def _candidates(view: bytes, _tag: Span, _: Attributes, match: re.Match[bytes], found: list[Address]) -> None:
    """``srcset``; an element is one candidate with its descriptor and comma, so that the others can stay."""
    text, span, quote = _written(view, match)
    at = 0
    while (one := _CANDIDATE.match(text, at)) is not None:
        start, at = one.span(1)
        end = start + len(one[1].rstrip(b","))
        if end == at and (rest := _DESCRIPTORS.match(text, at)) is not None:
            at = rest.end()
        url = absolute(decoded(text[start:end]))
        if url:
            found.append(
                Address(_ATTRIBUTE, span(start, at), span(start, end), None, None, quote, url, None, load=True)
            )


def _reports(view: bytes, _tag: Span, _: Attributes, match: re.Match[bytes], found: list[Address]) -> None:
    """``ping``: addresses that a click reports to, parted by blanks."""
    text, span, quote = _written(view, match)
    for word in _WORD.finditer(text):
        url = absolute(decoded(word[0]))
        if url:
            place = span(*word.span())
            found.append(Address(_ATTRIBUTE, place, place, None, None, quote, url, None, load=False))


def _refresh(view: bytes, _tag: Span, attributes: Attributes, match: re.Match[bytes], found: list[Address]) -> None:
    """``<meta content="5; url=...">`` if ``http-equiv`` says so."""
    if value_of(attributes, b"http-equiv").strip().lower() != "refresh":
        return
    text, span, quote = _written(view, match)
    one = _REFRESH.match(text)
    if one is None or one.lastindex is None:
        return
    url = absolute(decoded(one[one.lastindex]))
    if url:
        value = span(*one.span(one.lastindex))
        attribute = Span(*match.span())
        found.append(Address(_ATTRIBUTE, attribute, value, None, None, quote, url, None, load=True))


def _written(view: bytes, match: re.Match[bytes]) -> tuple[bytes, Callable[[int, int], Span], bytes]:
    """An attribute's value with references resolved, the way from its offsets to spans of the view, its quote."""
    group = match.lastindex or 0
    start, end = match.span(group)
    text, back = unfolded(view[start:end])
    return text, lambda first, last: Span(start + back(first), start + back(last)), QUOTES[group]


ANYWHERE: Mapping[bytes, Reader] = {b"background": _load, b"style": _style}
_SOURCE: Mapping[bytes, Reader] = {b"src": _load}
_PICTURE: Mapping[bytes, Reader] = {
    b"src": _image,
    b"srcset": _candidates,
    b"lowsrc": _load,
    b"dynsrc": _load,
    b"href": _load,
    b"xlink:href": _load,
}
_LINK: Mapping[bytes, Reader] = {b"href": _click, b"ping": _reports, b"xlink:href": _click}
_BUTTON: Mapping[bytes, Reader] = {b"formaction": _click}
_MEDIA: Mapping[bytes, Reader] = {b"src": _load, b"srcset": _candidates, b"poster": _load}

VML: Mapping[bytes, Reader] = {
    b"src": _load,
    b"href": _click,
    b"o:href": _load,
    b"altimg": _load,
    **ANYWHERE,
}
"""For all elements whose name begins with ``v:`` or ``o:``."""
ELEMENTS: Mapping[bytes, Mapping[bytes, Reader]] = {
    name: {**attributes, **ANYWHERE}
    for name, attributes in {
        b"a": _LINK,
        b"area": _LINK,
        b"amp-anim": _PICTURE,
        b"amp-img": _PICTURE,
        b"amp-list": _SOURCE,
        b"amp-pixel": _PICTURE,
        b"amp-state": _SOURCE,
        b"audio": _MEDIA,
        b"base": {b"href": _click},
        b"bgsound": _SOURCE,
        b"button": _BUTTON,
        b"embed": _SOURCE,
        b"feimage": _PICTURE,
        b"form": {b"action": _click, b"action-xhr": _click},
        b"frame": _SOURCE,
        b"iframe": _SOURCE,
        b"image": _PICTURE,
        b"img": _PICTURE,
        b"input": {**_SOURCE, **_BUTTON},
        b"link": {b"href": _related, b"imagesrcset": _candidates},
        b"meta": {b"content": _refresh},
        b"object": {b"data": _load, b"codebase": _load, b"classid": _load},
        b"script": _SOURCE,
        b"source": _MEDIA,
        b"track": _SOURCE,
        b"use": {b"href": _load, b"xlink:href": _load},
        b"video": _MEDIA,
    }.items()
}
