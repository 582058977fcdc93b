"""What an HTML text loads and links to, as BeautifulSoup and lxml see it.

Nothing here is shared with the gate's own reader: another parser, another reading of style sheets, another idea of
how large a picture is. Where the two disagree, one of them is wrong, and that is what the second opinion is for.
"""

from __future__ import annotations

import re
import warnings
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin

from bs4 import BeautifulSoup, Comment, MarkupResemblesLocatorWarning, Tag, XMLParsedAsHTMLWarning

from smtp_gate.model import Look

if TYPE_CHECKING:
    from collections.abc import Iterator

LOADED = frozenset(
    [
        *(
            "src",
            "srcset",
            "imagesrcset",
            "lowsrc",
            "dynsrc",
            "background",
            "poster",
            "data",
            "codebase",
            "classid",
        ),
        *("archive", "code", "o:href", "altimg", "manifest"),
    ]
)
"""Attributes that are fetched when the mail is shown, on whatever element."""
CLICKED = frozenset(["href", "xlink:href", "action", "formaction", "action-xhr", "ping"])
"""Attributes that are fetched on a click, but for the elements below."""
_FETCHES_HREF = frozenset(["link", "image", "use", "feimage", "script"])
_LISTS = frozenset(["srcset", "imagesrcset"])
_PICTURES = frozenset(["img", "image", "input", "amp-img", "amp-anim", "amp-pixel"])
"""Elements whose size and hiding say what they are for."""
_IDLE = frozenset(
    [
        *("alternate", "author", "bookmark", "canonical", "help", "license", "me", "next", "nofollow", "noopener"),
        *("noreferrer", "prev", "privacy-policy", "search", "tag", "terms-of-service"),
    ]
)
"""What ``rel`` may say without that anything is fetched."""
_WORDS_ONLY = frozenset(["textarea", "title", "xmp", "iframe", "noembed", "plaintext", "option"])
"""Elements whose content is text to every browser, whatever it looks like."""

_CONDITION = re.compile(r"\s*\[if\b[^\]]*\]>(.*)", re.DOTALL | re.IGNORECASE)
_CONDITION_END = re.compile(r"<!\s*\[endif\]\s*-*\s*\Z", re.IGNORECASE)
_REFRESH = re.compile(r"[\s\d.]*[;,\s]\s*(?:url\s*=)?\s*['\"]?(.*?)['\"]?\s*\Z", re.DOTALL | re.IGNORECASE)
_CANDIDATE = re.compile(r"[\s,]*(\S+)([^,]*)")
_CSS_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_CSS_ESCAPE = re.compile(r"\\(?:([0-9a-fA-F]{1,6})[ \t\r\n\f]?|(.))", re.DOTALL)
_CSS_ADDRESS = re.compile(
    r"""(?:(?:url|src|image)\s*\(|@import(?=\s*["']))\s*(?:"([^"]*)|'([^']*)|([^\s"'();]+))""", re.IGNORECASE
)
_CSS_SET = re.compile(r"image-set\(([^)]*)", re.IGNORECASE)
_CSS_STRING = re.compile(r"""["']\s*((?:https?:)?//[^"']+)["']""", re.IGNORECASE)
_NUMBER = re.compile(r"\s*\+?(\d*\.?\d+)\s*(px|pt|em|rem|%|)", re.IGNORECASE)
_UNITS = {"": 1.0, "px": 1.0, "pt": 4 / 3, "em": 16.0, "rem": 16.0}
_FAR = re.compile(r"-\s*(\d+)")
_FAR_AWAY = 500
"""CSS pixels out of its place at which nobody sees a picture."""
_FAINT = 0.02
_SURROGATES = 0xD800
_MAX_NESTED = 3
"""Documents inside documents (``srcdoc``, conditional comments) that are looked into."""


class Seen(NamedTuple):
    """One web address in a text.

    Attributes:
        where: element and attribute, ``style`` or ``text``.
        url: as a client would ask for it: blanks and line ends gone, ``//host`` made whole.
        words: what a reader takes for its meaning, lower case.
        loaded: whether showing the text fetches it.
        look: of a picture; None for everything else.
    """

    where: str
    url: str
    words: str
    loaded: bool
    look: Look | None = None


def web(text: str, base: str = "") -> str:
    """An address as a client asks for it; empty when it is none of the web.

    Args:
        text: attribute value or CSS address.
        base: what relative addresses are resolved against; empty when there is nothing.
    """
    url = re.sub(r"[\t\r\n]", "", text).strip("\x00\x01\x02\x03\x04\x05\x06\x07\x08\x0b\x0c\x0e\x0f \x1f")
    if re.match(r"https?:", url, re.IGNORECASE):
        scheme, _, rest = url.partition(":")
        return f"{scheme.lower()}://{rest.lstrip('/' + chr(92))}"
    if re.match(r"[/\\]{2}", url):
        return "https://" + url.lstrip("/\\")
    if base and url and not re.match(r"[a-z][a-z0-9+.-]*:|#", url, re.IGNORECASE):
        try:
            return urljoin(base, url)
        except ValueError:
            return ""
    return ""


def soup_of(markup: str) -> BeautifulSoup:
    """A text as a tree."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", MarkupResemblesLocatorWarning)
        warnings.simplefilter("ignore", XMLParsedAsHTMLWarning)
        return BeautifulSoup(markup, "lxml")


def in_markup(markup: str, nested: int = 0) -> Iterator[Seen]:
    """Every web address of an HTML text, in the order of its elements; those in comments for Outlook last."""
    soup = soup_of(markup)
    base = soup.find("base", href=True)
    root = web(str(base.get("href"))) if isinstance(base, Tag) else ""
    for element in soup.find_all(name=True):
        if element.name == "base" or element.find_parent(_WORDS_ONLY) is None:
            yield from _of_element(element, root, nested)
    if nested < _MAX_NESTED:
        for comment in soup.find_all(string=lambda text: isinstance(text, Comment)):
            inside = _CONDITION.match(str(comment))
            if inside:
                yield from in_markup(_CONDITION_END.sub("", inside[1]), nested + 1)


def _of_element(element: Tag, base: str, nested: int) -> Iterator[Seen]:
    name = element.name.lower()
    look = _look(element) if name in _PICTURES else None
    for attribute, value in element.attrs.items():
        text = " ".join(value) if isinstance(value, list) else str(value)
        if attribute == "style":
            yield from (Seen(f"{name} style", url, "", loaded=True) for url in in_style(text, base))
        elif attribute == "srcdoc" and nested < _MAX_NESTED:
            yield from in_markup(text, nested + 1)
        else:
            loaded = attribute in LOADED or (attribute in CLICKED and _fetches(element, name))
            shown = look if attribute in ("src", "href", "xlink:href") else None
            for url in _urls(attribute, text, base) if loaded or attribute in CLICKED else ():
                yield Seen(f"{name} {attribute}", url, "" if loaded else _words(element), loaded, shown)
    if name == "style":
        yield from (Seen("style", url, "", loaded=True) for url in in_style(element.get_text(), base))
    elif name == "meta" and str(element.get("http-equiv", "")).strip().lower() == "refresh":
        target = _REFRESH.match(str(element.get("content", "")))
        if target and (url := web(target[1], base)):
            yield Seen("meta refresh", url, "", loaded=True)
    elif name == "param" and (url := web(str(element.get("value", "")), base)):
        yield Seen("param value", url, "", loaded=True)


def _urls(attribute: str, text: str, base: str) -> Iterator[str]:
    """Addresses in one attribute, of which some hold several."""
    if attribute in _LISTS:
        words = [candidate[1].rstrip(",") for candidate in _CANDIDATE.finditer(text)]
    else:
        words = text.split() if attribute == "ping" else [text]
    yield from filter(None, (web(word, base) for word in words))


def _fetches(element: Tag, name: str) -> bool:
    """Whether an element's ``href`` is fetched without a click."""
    if name != "link":
        return name in _FETCHES_HREF
    return not _IDLE.issuperset(" ".join(map(str, element.get_attribute_list("rel"))).lower().split())


def _words(element: Tag) -> str:
    """Visible text of a link, else what stands for its picture."""
    text = element.get_text(" ").strip()
    if not text:
        text = " ".join(str(picture.get("alt") or "") for picture in element.find_all("img")).strip()
    return re.sub(r"\s+", " ", text).lower()


def in_style(text: str, base: str = "") -> list[str]:
    """Web addresses in CSS, whatever property or rule they stand in."""
    plain = _CSS_ESCAPE.sub(_unescape, _CSS_COMMENT.sub(" ", text))
    found = [web(one[1] or one[2] or one[3] or "", base) for one in _CSS_ADDRESS.finditer(plain)]
    sets = [url for candidates in _CSS_SET.findall(plain) for url in _CSS_STRING.findall(candidates)]
    return list(dict.fromkeys(filter(None, [*found, *map(web, sets)])))


def _unescape(match: re.Match[str]) -> str:
    if match[1] is None:
        return "" if match[2] in "\r\n\f" else match[2]
    number = int(match[1], 16)
    return chr(number) if 0 < number < _SURROGATES else ""


def _look(element: Tag) -> Look:
    """Size and hiding by the element's own attributes and style."""
    style: dict[str, str] = {}
    for declaration in _CSS_COMMENT.sub(" ", str(element.get("style") or "")).lower().split(";"):
        name, _, value = declaration.partition(":")
        style[name.strip()] = value.replace("!important", "").strip()
    width = _size(str(element.get("width") or ""), style.get("width"), style.get("max-width"))
    height = _size(str(element.get("height") or ""), style.get("height"), style.get("max-height"))
    hidden = [
        code
        for code, holds in (
            ("display", style.get("display") == "none"),
            ("visibility", style.get("visibility") in ("hidden", "collapse")),
            ("opacity", _faint(style.get("opacity", ""))),
            ("zero_size", width == 0 or height == 0),
            ("off_screen", any(_is_far(style.get(side, "")) for side in _SIDES)),
            ("hidden_attribute", element.has_attr("hidden")),
        )
        if holds
    ]
    alt = element.get("alt")
    named = element.has_attr("class") or element.has_attr("id")
    return Look(width, height, tuple(hidden), None if alt is None else str(alt), named)


_SIDES = ("left", "right", "top", "bottom", "margin-left", "margin-top")


def _size(*texts: str | None) -> float | None:
    """The smallest length that is given."""
    found = []
    for text in texts:
        number = _NUMBER.match(text or "")
        if number and (number[2] != "%" or float(number[1]) == 0):
            found.append(float(number[1]) * _UNITS.get(number[2].lower(), 1.0))
    return min(found, default=None)


def _faint(text: str) -> bool:
    number = _NUMBER.match(text)
    return number is not None and float(number[1]) <= (_FAINT * 100 if number[2] == "%" else _FAINT)


def _is_far(text: str) -> bool:
    number = _FAR.match(text)
    return number is not None and int(number[1]) >= _FAR_AWAY
