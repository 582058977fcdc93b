"""A footer in the user's own words: one Jinja template for HTML, one for plain text.

This module alone decides what a template is told (docs/policy.md, "Your own footer") and what it may call: it runs
in a sandbox, without anything random, so that the same mail is the same mail again. It is rendered once for what it
says; the reader's own withdrawal address takes the place of :data:`MARK` mail by mail.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

if TYPE_CHECKING:
    from jinja2 import Template

    from smtp_gate.render.footer import Said

MARK: Final = "https://withdraw.invalid/w/0"
"""The withdrawal address while the rest is made; nothing in it is escaped in HTML, and .invalid is nobody's."""


def _environment(*, html: bool) -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(autoescape=html, undefined=StrictUndefined, trim_blocks=True)
    del environment.filters["random"]
    environment.globals.clear()
    return environment


_HTML = _environment(html=True)
_TEXT = _environment(html=False)


class OwnFooter:
    """One controller's templates.

    Args:
        html: source of the HTML form; None for the gate's own.
        text: source of the plain text form; None for the gate's own.

    Raises:
        jinja2.TemplateSyntaxError: for a source that is no template.
    """

    __slots__ = ("_html", "_text")

    def __init__(self, html: str | None, text: str | None) -> None:
        self._html: Template | None = None if html is None else _HTML.from_string(html)
        self._text: Template | None = None if text is None else _TEXT.from_string(text)

    def html(self, said: Said) -> list[str] | None:
        """Lines of the HTML form with :data:`MARK` in them; None where it has no template."""
        return None if self._html is None else _lines(self._html.render(_told(said)))

    def text(self, said: Said) -> list[str] | None:
        """Lines of the plain text form, likewise."""
        return None if self._text is None else _lines(self._text.render(_told(said)))


def _told(said: Said) -> dict[str, Any]:
    """The names that a template may use."""
    return {
        "controller": said.controller,
        "language": said.wording.language,
        "withdraw_url": MARK,
        "privacy_url": said.privacy_url,
        "pixels": said.pixels,
        "clicks": said.clicks,
        "purposes": said.wording.aims(said.purposes),
        "claim": said.claim(said.controller),
        "aims": said.aims(),
        "end": said.wording.end,
        "stop": said.wording.stop,
        "privacy": said.wording.privacy,
    }


def _lines(rendered: str) -> list[str]:
    # Without blanks at the ends: format=flowed (RFC 3676) would join such lines.
    return [line.rstrip() for line in rendered.strip("\r\n").splitlines()]
