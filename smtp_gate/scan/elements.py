"""Which attributes of which elements hold addresses, and in which way each is written.

An entry here is all that a new carrier needs. Any element may have ``background``, ``style`` and what SVG takes for
a style (``fill``, ``mask`` ...) beside what its own entry says.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtp_gate.scan.attributes import (
    animated,
    candidates,
    click,
    css,
    image,
    load,
    loads,
    pixel,
    refresh,
    related,
    reports,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smtp_gate.scan.attributes import Reader

ANYWHERE: Mapping[bytes, Reader] = {
    b"background": load,
    b"style": css,
    **dict.fromkeys((b"clip-path", b"cursor", b"fill", b"filter", b"mask", b"stroke"), css),
    **dict.fromkeys((b"marker", b"marker-start", b"marker-mid", b"marker-end"), css),
}
_SOURCE: Mapping[bytes, Reader] = {b"src": load}
_PICTURE: Mapping[bytes, Reader] = {
    b"src": image,
    b"srcset": candidates,
    b"lowsrc": load,
    b"dynsrc": load,
    b"attributionsrc": loads,
}
_LINK: Mapping[bytes, Reader] = {
    b"href": click,
    b"ping": reports,
    b"xlink:href": click,
    b"attributionsrc": reports,
}
_BUTTON: Mapping[bytes, Reader] = {b"formaction": click}
_MEDIA: Mapping[bytes, Reader] = {b"src": load, b"srcset": candidates, b"poster": load}
_REFERRING: Mapping[bytes, Reader] = {b"href": load, b"xlink:href": load}
_ANIMATION: Mapping[bytes, Reader] = {
    **_REFERRING,
    **dict.fromkeys((b"from", b"to", b"by", b"values"), animated),
}

VML: Mapping[bytes, Reader] = {
    b"src": load,
    b"href": click,
    b"altimg": load,
    **dict.fromkeys((b"althref", b"o:althref", b"o:href", b"r:href"), load),
    **ANYWHERE,
}
"""For all elements with a prefix: ``v:fill``, ``o:OLEObject``, and any other that ``xmlns`` may give them."""
UNKNOWN: Mapping[bytes, Reader] = {
    b"href": click,
    b"xlink:href": click,
    b"src": load,
    b"altimg": load,
    **ANYWHERE,
}
"""For elements without an entry where SVG or MathML may be: in MathML any of them can be a link."""
ELEMENTS: Mapping[bytes, Mapping[bytes, Reader]] = {
    name: {**attributes, **ANYWHERE}
    for name, attributes in {
        b"a": _LINK,
        b"applet": {b"code": load, b"codebase": load, b"archive": load},
        b"area": _LINK,
        b"amp-anim": _PICTURE,
        b"amp-audio": _MEDIA,
        b"amp-iframe": _MEDIA,
        b"amp-img": _PICTURE,
        b"amp-list": _SOURCE,
        b"amp-pixel": {b"src": pixel},
        b"amp-state": _SOURCE,
        b"amp-video": _MEDIA,
        b"audio": _MEDIA,
        b"base": {b"href": click},
        b"bgsound": _SOURCE,
        b"button": _BUTTON,
        b"embed": _SOURCE,
        b"form": {b"action": click, b"action-xhr": click, b"verify-xhr": click},
        b"frame": _SOURCE,
        b"html": {b"manifest": load},
        b"iframe": _SOURCE,
        b"ilayer": _SOURCE,
        b"image": {**_PICTURE, b"href": image, b"xlink:href": image},
        b"img": _PICTURE,
        b"input": {**_SOURCE, **_BUTTON},
        b"isindex": {b"action": click},
        b"layer": _SOURCE,
        b"link": {b"href": related, b"imagesrcset": candidates},
        b"meta": {b"content": refresh},
        b"object": {b"data": load, b"codebase": load, b"classid": load, b"archive": loads},
        b"param": {b"value": load},
        b"portal": _SOURCE,
        b"script": {**_SOURCE, **_REFERRING, b"attributionsrc": loads},
        b"source": _MEDIA,
        b"track": _SOURCE,
        b"video": _MEDIA,
        b"xml": _SOURCE,
        # SVG; the tokenizer makes all names lower case
        **dict.fromkeys((b"altglyph", b"color-profile", b"cursor", b"feimage", b"filter"), _REFERRING),
        **dict.fromkeys((b"font-face-uri", b"glyphref", b"lineargradient", b"mpath", b"pattern"), _REFERRING),
        **dict.fromkeys((b"radialgradient", b"textpath", b"tref", b"use"), _REFERRING),
        **dict.fromkeys((b"animate", b"animatemotion", b"animatetransform", b"set"), _ANIMATION),
        # MathML
        b"math": {b"altimg": load, b"href": click, b"xlink:href": click},
        b"mglyph": _SOURCE,
    }.items()
}
