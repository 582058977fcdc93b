"""What page templates of the user's own must be: every page does what ours does, and loads and runs nothing.

A page is ours in other words. So each is rendered beside ours, in every language and for all that it may have to
show, and must hold the same forms, boxes and buttons: the way out first of all.
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from jinja2 import TemplateError
from lxml import etree
from lxml.html import HTMLParser, document_fromstring

from smtp_gate.config.translations import translations
from smtp_gate.errors import ConfigError, ConfigFileError
from smtp_gate.limits import MAX_PAGE
from smtp_gate.model import EVERYTHING, NOTHING, Purpose
from smtp_gate.web.pages import PAGES, Pages, Shown

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lxml.html import HtmlElement

    from smtp_gate.config.settings import Settings
    from smtp_gate.web.notice import ControllerNotice

Control = tuple[object, ...]
"""A form, or a field or button of one."""
PARTS = ("page", "purposes")
"""Templates that others are made of."""
_T = "T"
"""Stands for a person's token."""
_PERSON = Shown(
    masked="a\N{HORIZONTAL ELLIPSIS}@example.com", granted=Purpose(17), asked=EVERYTHING, token=_T, seal="S"
)
_STATES = (
    _PERSON,
    Shown(token=_T, seal="S", again=True, known=False),
    Shown(token=_T, mail="unable"),
    replace(_PERSON, granted=NOTHING, mail="sent", vendor="Outreach", host="t.example", action="../a/x", agree=_T),
)
"""All that a page may have to show."""
_LINK = re.compile(r"https://|http://|mailto:|\.\./[ws]/T$|$")
_FORBIDDEN = frozenset(
    ["script", "iframe", "object", "embed", "link", "base", "video", "audio", "frame", "template", "noscript"]
)


def check_templates(settings: Settings, notices: dict[str, ControllerNotice]) -> None:
    """Look at the page templates of each controller that has its own.

    Args:
        settings: names their folders.
        notices: the controllers, with their looks.

    Raises:
        ConfigFileError: with the first thing that is wrong with each controller's.
    """
    errors = []
    for name, controller in settings.controllers.items():
        brand = notices[name].brand
        folder = controller.brand.templates if controller.brand else None
        if folder is None or brand is None:
            continue
        for file, problem in _problems(notices[name], [file for file, _ in brand.templates]):
            errors.append(ConfigError(str(folder / file), f"controllers.{name}.brand.templates", problem))
            break
    if errors:
        raise ConfigFileError(tuple(errors))


def _problems(notice: ControllerNotice, files: list[str]) -> Iterator[tuple[str, str]]:
    known = [f"{name}.html" for name in (*PARTS, *PAGES)]
    for file in files:
        if file not in known:
            yield file, f"is no page of ours; name it one of {', '.join(known)}"
            return
    if not files:
        yield "", f"holds no template; name them {', '.join(known)}"
        return
    try:
        own = Pages([notice])
    except TemplateError as error:
        yield _blamed("", files), f"is no Jinja template: {error}"
        return
    ours = Pages([replace(notice, brand=None)])
    whole = any(f"{part}.html" in files for part in PARTS)
    for page in PAGES:
        if whole or f"{page}.html" in files:
            for problem in _beside(own, ours, page, notice):
                yield _blamed(page, files), problem


def _beside(own: Pages, ours: Pages, page: str, notice: ControllerNotice) -> Iterator[str]:
    """What is wrong with one page beside ours."""
    plain = replace(notice, brand=None)
    for language in translations():
        for shown in _STATES:
            try:
                markup = own.markup(page, language, notice, shown)
            except Exception as error:  # noqa: BLE001 - a template can fail in as many ways as code can
                yield f"cannot be rendered: {str(error) or type(error).__name__} (page {page} in {language})"
                return
            for problem in _look(markup, ours.markup(page, language, plain, shown)):
                yield f"{problem} (page {page} in {language})"


def _blamed(page: str, files: list[str]) -> str:
    """The file in which a page's fault most likely is."""
    wanted = [f"{page}.html", "purposes.html", "page.html"]
    return next((file for file in wanted if file in files), files[0])


def _look(markup: str, example: str) -> Iterator[str]:
    """What is wrong with a page beside ours."""
    if len(markup.encode()) > MAX_PAGE:
        yield f"becomes larger than {MAX_PAGE} octets"
    page, ours = _read(markup), _read(example)
    style = _style(ours)
    for node in page.iter(etree.Element):
        yield from _harm(node, style)
    for tag in ("title", "main", "h1"):
        if next(page.iter(tag), None) is None:
            yield f"lacks <{tag}>; extend page.html, or hold all that it holds"
    if page.get("lang") != ours.get("lang"):
        yield 'lacks lang="{{ language }}" on <html>, which readers of the screen speak by'
    yield from _missing(_controls(ours), _controls(page))
    if not all(button.text_content().strip() for button in page.iter("button")):
        yield "has a button without words"


def _missing(wanted: list[Control], there: list[Control]) -> Iterator[str]:
    """What people could do on our page and not on theirs, or the other way round."""
    for control in wanted:
        if control not in there:
            yield f"lacks {_told(control)}, which our page has"
    for control in there:
        if control not in wanted:
            yield f"holds {_told(control)}, which our page has not"
    if wanted != there:
        yield "holds its forms, boxes and buttons in another order or number than our page"


def _harm(node: HtmlElement, style: str) -> Iterator[str]:
    if node.tag in _FORBIDDEN:
        yield f"holds <{node.tag}>; a page loads and runs nothing"
    if node.tag == "style" and (node.text or "") != style:
        yield "has a style block of its own, which browsers refuse; write {{ style }} alone, and use brand.colours"
    for name, value in node.attrib.items():
        if name.startswith("on") or name in ("style", "srcset", "background", "formaction", "ping", "target"):
            yield f"has the attribute {name}, which browsers refuse or which loads, runs or diverts; take it out"
        if name == "hidden":
            yield "hides a part of itself; everybody must see it"
        if name == "src" and not re.match(r"\.\./b/", str(value)):
            yield "loads a picture that is not brand.logo; write {{ logo }}"
        if name == "href" and not _LINK.match(str(value)):
            yield f"has a link that is no web or mail address: {value!r}"


def _read(markup: str) -> HtmlElement:
    return document_fromstring(markup.encode(), parser=HTMLParser(encoding="utf-8"))


def _style(page: HtmlElement) -> str:
    return "".join(style.text or "" for style in page.iter("style"))


def _controls(page: HtmlElement) -> list[Control]:
    """Forms, and the fields and buttons in them, in their order."""
    found: list[Control] = []
    for form in page.iter("form"):
        found.append(("form", form.get("method", "get").lower(), form.get("action", "")))
        found += [
            (
                field.tag,
                field.get("type", ""),
                field.get("name", ""),
                field.get("value", ""),
                "checked" in field.attrib,
            )
            for field in form.iter("input", "button", "select", "textarea")
        ]
    return found


def _told(control: Control) -> str:
    if control[0] == "form":
        return f'<form method="{control[1]}" action="{control[2]}">'
    return f'<{control[0]} type="{control[1]}" name="{control[2]}" value="{control[3]}">'
