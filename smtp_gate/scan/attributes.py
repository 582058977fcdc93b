"""How addresses are written in attributes: one alone, candidates, lists, CSS, after a number of seconds.

Which attribute of which element is read in which of these ways stands in :mod:`smtp_gate.scan.elements`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from smtp_gate.model import Address, Carrier, Look, Span
from smtp_gate.scan.look import look_of
from smtp_gate.scan.made import Made
from smtp_gate.scan.references import attribute_value, decoded, resolved
from smtp_gate.scan.style import style_addresses, unfolded_style
from smtp_gate.scan.tokens import ATTRIBUTE
from smtp_gate.scan.urls import Resolve, web_address

if TYPE_CHECKING:
    from collections.abc import Mapping

QUOTES = (b"", b"", b'"', b"'", b"")
"""The quote of a value by its group in :data:`smtp_gate.scan.tokens.ATTRIBUTE`."""

_IMAGE = Carrier.IMAGE
_ATTRIBUTE = Carrier.ATTRIBUTE
Attributes = dict[bytes, re.Match[bytes]]
"""Lower-case names of one tag to matches of :data:`smtp_gate.scan.tokens.ATTRIBUTE`."""


class Tag(NamedTuple):
    """One start tag.

    Attributes:
        view: the HTML.
        span: of the whole tag.
        attributes: all that it has.
        resolve: makes web addresses of what stands in them.
    """

    view: bytes
    span: Span
    attributes: Attributes
    resolve: Resolve


Reader = Callable[[Tag, re.Match[bytes], list[Address]], None]
"""Reads one attribute that has a value: takes the tag and the match of this attribute, and adds the addresses in
it to the list."""

NEW = tuple.__new__
"""Makes a named tuple without the function in Python that its class would call: every mail has dozens of them."""
LOOKS = frozenset([b"width", b"height", b"style", b"alt", b"class", b"id", b"hidden"])
"""Attributes that tell how an image presents itself."""
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
_STEP = re.compile(rb"[^;" + _BLANK + rb"]+")
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


def addresses_of(tag: Tag, wanted: Mapping[bytes, Reader]) -> list[Address]:
    """The web addresses in the attributes of one start tag, in the order they stand.

    Args:
        tag: the tag.
        wanted: which attributes are read, and how: an entry of :mod:`smtp_gate.scan.elements`.
    """
    found: list[Address] = []
    for name, match in tag.attributes.items():
        read = wanted.get(name)
        if read is not None and match.lastindex != 1:
            read(tag, match, found)
    return found


def usual_image(begin: int, stop: int, match: re.Match[bytes]) -> Address:
    """The picture of a tag that :data:`smtp_gate.scan.tokens.USUAL_IMAGE` matched with an address."""
    address, width, height, alt, style, named = match.groups()
    text = None if alt is None else attribute_value(alt)
    if style is None:
        across = None if width is None else float(width)
        down = None if height is None else float(height)
        hidden = ("zero_size",) if across == 0 or down == 0 else ()
        look = NEW(Look, (across, down, hidden, text, named is not None))
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
    value = NEW(Span, match.span(1))
    element = NEW(Span, (begin, stop))
    return NEW(Address, (_IMAGE, element, value, None, None, b'"', address.decode("ascii"), look, True))


def image(tag: Tag, match: re.Match[bytes], found: list[Address]) -> None:
    """The picture of an element that can go as a whole."""
    group = match.lastindex or 0
    value = Span(*match.span(group))
    url = web_address(tag.view, *value, tag.resolve)
    if url:
        attributes = tag.attributes
        look = look_of({name: value_of(attributes, name) for name in attributes if name in LOOKS})
        found.append(Address(_IMAGE, tag.span, value, None, None, QUOTES[group], url, look, load=True))


def pixel(tag: Tag, match: re.Match[bytes], found: list[Address]) -> None:
    """``<amp-pixel src>``, which shows nothing and is there to count."""
    image(tag, match, found)
    if found and found[-1].look is not None:
        found[-1] = found[-1]._replace(look=found[-1].look._replace(width=1.0, height=1.0))


def _single(tag: Tag, match: re.Match[bytes], found: list[Address], *, load: bool) -> None:
    group = match.lastindex or 0
    value = Span(*match.span(group))
    url = web_address(tag.view, *value, tag.resolve)
    if url:
        attribute = Span(*match.span())
        found.append(Address(_ATTRIBUTE, attribute, value, None, None, QUOTES[group], url, None, load=load))


def load(tag: Tag, match: re.Match[bytes], found: list[Address]) -> None:
    """One address that showing the mail fetches."""
    _single(tag, match, found, load=True)


def click(tag: Tag, match: re.Match[bytes], found: list[Address]) -> None:
    """One address that is fetched on a click, or only stands there."""
    _single(tag, match, found, load=False)


def related(tag: Tag, match: re.Match[bytes], found: list[Address]) -> None:
    """``<link href>``: ``rel`` says whether it is fetched."""
    relations = value_of(tag.attributes, b"rel").lower().split()
    _single(tag, match, found, load=not _IDLE_RELATIONS.issuperset(relations))


def animated(tag: Tag, match: re.Match[bytes], found: list[Address]) -> None:
    """``from``, ``to``, ``by``, ``values`` of an SVG animation: addresses parted by ``;`` if it moves ``href``."""
    moved = value_of(tag.attributes, b"attributename").strip().lower()
    if moved not in ("href", "xlink:href"):
        css(tag, match, found)
        return
    text, span, quote = written(tag.view, match)
    for one in _STEP.finditer(text):
        url = tag.resolve(decoded(one[0]))
        if url:
            place = span(*one.span())
            found.append(Address(_ATTRIBUTE, place, place, None, None, quote, url, None, load=True))


def css(tag: Tag, match: re.Match[bytes], found: list[Address]) -> None:
    """CSS declarations, or one value of such, which load nothing without a parenthesis."""
    view = tag.view
    start, end = match.span(match.lastindex or 0)
    if view.find(b"&", start, end) >= 0:
        text, span, _quote = written(view, match)
        found += unfolded_style(text, span, tag.resolve)
    elif view.find(b"(", start, end) >= 0:
        found += style_addresses(view, start, end, tag.resolve)


def candidates(tag: Tag, match: re.Match[bytes], found: list[Address]) -> None:
    """``srcset``; an element is one candidate with its descriptor and comma, so that the others can stay."""
    text, span, quote = written(tag.view, match)
    at = 0
    while (one := _CANDIDATE.match(text, at)) is not None:
        start, at = one.span(1)
        end = start + len(one[1].rstrip(b","))
        if end == at and (rest := _DESCRIPTORS.match(text, at)) is not None:
            at = rest.end()
        url = tag.resolve(decoded(text[start:end]))
        if url:
            found.append(
                Address(_ATTRIBUTE, span(start, at), span(start, end), None, None, quote, url, None, load=True)
            )


def reports(tag: Tag, match: re.Match[bytes], found: list[Address]) -> None:
    """``ping``: addresses that a click reports to, parted by blanks."""
    _listed(tag, match, found, load=False)


def loads(tag: Tag, match: re.Match[bytes], found: list[Address]) -> None:
    """Addresses parted by blanks that showing the mail asks."""
    _listed(tag, match, found, load=True)


def _listed(tag: Tag, match: re.Match[bytes], found: list[Address], *, load: bool) -> None:
    text, span, quote = written(tag.view, match)
    for word in _WORD.finditer(text):
        url = tag.resolve(decoded(word[0]))
        if url:
            place = span(*word.span())
            found.append(Address(_ATTRIBUTE, place, place, None, None, quote, url, None, load=load))


def refresh(tag: Tag, match: re.Match[bytes], found: list[Address]) -> None:
    """``<meta content="5; url=...">`` if ``http-equiv`` says so."""
    if value_of(tag.attributes, b"http-equiv").strip().lower() != "refresh":
        return
    text, span, quote = written(tag.view, match)
    one = _REFRESH.match(text)
    if one is None or one.lastindex is None:
        return
    url = tag.resolve(decoded(one[one.lastindex]))
    if url:
        value = span(*one.span(one.lastindex))
        attribute = Span(*match.span())
        found.append(Address(_ATTRIBUTE, attribute, value, None, None, quote, url, None, load=True))


def written(view: bytes, match: re.Match[bytes]) -> tuple[bytes, Callable[[int, int], Span], bytes]:
    """An attribute's value with references resolved, the way from its offsets to spans of the view, its quote."""
    group = match.lastindex or 0
    start, end = match.span(group)
    if view.find(b"&", start, end) < 0:
        return view[start:end], lambda first, last: Span(start + first, start + last), QUOTES[group]
    made = Made()
    resolved(view[start:end], made, start, text=False)
    return made.text(), made.span, QUOTES[group]
