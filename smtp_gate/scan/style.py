r"""The addresses in CSS: ``url()``, ``@import "..."``, strings in ``image-set()``, ``image()`` and ``src()``.

Comments and strings are passed over as the CSS syntax says, so that neither hides an address behind it, and
``content: "url(x)"`` is none. Escapes are resolved in names (``\75 rl(``) as in addresses. Like the HTML
tokenizer it is linear, and no repeated group is unbounded.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from smtp_gate.model import Address, Carrier, Span
from smtp_gate.scan.references import decoded
from smtp_gate.scan.urls import Resolve, absolute, obvious

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_ESCAPE = rb"\\(?:[0-9a-fA-F]{1,6}(?:\r\n|[\t\n\f\r ])?|[^\n\r\f0-9a-fA-F])"
_FEW = re.compile(
    rb"[/\"'@uU](?:(?<=/)\*|(?<=[\"'])|(?<=@)([iI][mM][pP][oO][rR][tT])(?![-\w\x80-\xff])"
    rb"|(?<=[uU])(?<![-\w\x80-\xff][uU])([rR][lL])(\()"
    rb"(?:([\"']?)(https?://[!#-&*-.0-\[\]-~][!#-&*-\[\]-~]*)\4\))?)"
)
"""What matters in most styles; an address that is written as most are is read at once. It begins with a set of
characters, which the search skips to."""
_ANY = re.compile(
    rb"/\*|[\"']|(@(?:[-\w\x80-\xff]+|" + _ESCAPE + rb"){1,64})|((?:[-\w\x80-\xff]+|" + _ESCAPE + rb"){1,64})(\()?"
)
"""Every name with its parenthesis, for a style with a backslash or with one of the rarer functions."""
_AT_RULE, _FUNCTION, _USUAL = 1, 3, 5
_RARE = re.compile(rb"\((?:(?<=[tTeEcC]\()|(?<=[dD][eE][rR]\())")
"""What may be the parenthesis of ``image-set(``, ``image(``, ``src(`` or ``AlphaImageLoader(``."""
_LOADING = frozenset(["image-set", "-webkit-image-set", "image", "src", "alphaimageloader"])
_BLANKS = re.compile(rb"[\t\n\f\r ]*")
_INSIDE = {
    ord('"'): re.compile(rb"(?:[^\\\n\r\f\"]+|\\(?:\r\n|[\s\S])){0,200}"),
    ord("'"): re.compile(rb"(?:[^\\\n\r\f']+|\\(?:\r\n|[\s\S])){0,200}"),
}
_BARE = re.compile(rb"(?:[^\\\t\n\f\r \"'()]+|\\[^\n\r\f]){0,200}")
_REMNANT = re.compile(rb"(?:[^\\)]+|\\[\s\S]){0,200}")
_CUSTOM = re.compile(rb"[\t\n\f\r ]*--[^:;{}]{0,200}:[^;{}]*\Z")
_REACH = 400
"""Octets in front of a string in which its declaration must begin."""
_PROPERTY_STARTS = (b";", b"{", b"}")
_RULE_END = re.compile(rb"[;{}]")
_BLOCK_END = re.compile(rb"[{}]")
_ESCAPED = re.compile(r"\\(?:([0-9a-fA-F]{1,6})(?:\r\n|[\t\n\f\r ])?|\r\n|[\n\r\f]|([\s\S]))")
_SLASH = ord("/")


def style_addresses(  # noqa: C901, PLR0912 - one lexer, and each kind of token decides where it goes on
    css: bytes, start: int, end: int, resolve: Resolve = absolute
) -> Iterator[Address]:
    """The web addresses that ``css[start:end]`` loads, in order; references must be resolved before.

    Args:
        css: what holds the style.
        start: where it begins.
        end: where it ends.
        resolve: makes web addresses of what stands there.

    Yields:
        Addresses with spans of ``css``: the element is the whole ``url(...)``, or the string with its quotes where
        no ``url()`` is round it; the quote is CSS's own.
    """
    rare = css.find(b"\\", start, end) >= 0 or _RARE.search(css, start, end) is not None
    lexer = _ANY if rare else _FEW
    loading = start  # a string that begins before this offset is an address
    resume: int | None = start
    while resume is not None:
        at, resume = resume, None
        for match in lexer.finditer(css, at, end):
            kind = match.lastindex
            begin = match.end()
            if kind == _USUAL:
                value = Span(*match.span(_USUAL))
                url = match[_USUAL].decode("ascii")
                yield Address(Carrier.CSS, Span(*match.span()), value, None, None, match[4], url, None, load=True)
            elif kind == _FUNCTION:
                name = _unescaped(css[match.start() : begin - 1]).lower()
                if name == "url":
                    value, quote, resume = _url(css, begin, end)
                    found = _address(css, Span(match.start(), resume), value, quote, resolve)
                    if found is not None:
                        yield found
                elif name in _LOADING and begin > loading:
                    loading = _until(_BLOCK_END, css, begin, end)
            elif kind == _AT_RULE:
                if begin > loading and _unescaped(match[0]).lower() == "@import":
                    loading = _until(_RULE_END, css, begin, end)
            elif kind is None and css[match.start()] == _SLASH:
                close = css.find(b"*/", begin, end)
                if close < 0:
                    return
                resume = close + 2
            elif kind is None:
                value, resume = _quoted(css, begin, end)
                if begin <= loading or _of_custom_property(css, start, value):
                    found = _address(css, Span(match.start(), resume), value, match[0], resolve)
                    if found is not None:
                        yield found
            if resume is not None:
                break


def unfolded_style(text: bytes, span: Callable[[int, int], Span], resolve: Resolve) -> list[Address]:
    """The addresses of a style that is not written as it is read.

    Args:
        text: as it is read.
        span: the way from its offsets to a span of the view.
        resolve: makes web addresses of what stands there.
    """
    return [
        one._replace(element=span(*one.element), value=span(*one.value))
        for one in style_addresses(text, 0, len(text), resolve)
    ]


def _of_custom_property(css: bytes, start: int, value: Span) -> bool:
    """Whether a string stands in ``--name: ...``, which ``image-set(var(--name))`` may load at another place."""
    if css.find(b"/", *value) < 0 and css.find(b"\\", *value) < 0:
        return False
    quote = value.start - 1
    low = max(start, quote - _REACH)
    begin = max(low, *(css.rfind(sign, low, quote) + 1 for sign in _PROPERTY_STARTS))
    return _CUSTOM.match(css, begin, quote) is not None


def _url(css: bytes, at: int, end: int) -> tuple[Span, bytes, int]:
    """What ``url(`` holds, from behind the parenthesis: value, quote, and the offset behind ``)``."""
    at = _run(_BLANKS, css, at, end)
    quote = css[at : min(at + 1, end)]
    if quote in (b'"', b"'"):
        value, stop = _quoted(css, at + 1, end)
    else:
        quote = b""
        stop = _run(_BARE, css, at, end)
        value = Span(at, stop)
    stop = _run(_BLANKS, css, stop, end)
    stop = _run(_REMNANT, css, stop, end)  # of a bad url; CSS passes over it, and so nothing here is read twice
    return value, quote, min(stop + 1, end)


def _quoted(css: bytes, at: int, end: int) -> tuple[Span, int]:
    """A string from behind its quote: its inside, and the offset behind the closing quote (or the bad line end)."""
    quote = css[at - 1]
    stop = _run(_INSIDE[quote], css, at, end)
    return Span(at, stop), stop + 1 if stop < end and css[stop] == quote else stop


def _run(pattern: re.Pattern[bytes], css: bytes, at: int, end: int) -> int:
    """Where a run of ``pattern`` ends, however many turns of the bounded pattern it takes."""
    while True:
        match = pattern.match(css, at, end)
        if match is None or match.end() == at:
            return at
        at = match.end()


def _until(pattern: re.Pattern[bytes], css: bytes, at: int, end: int) -> int:
    match = pattern.search(css, at, end)
    return match.start() if match else end


def _address(css: bytes, element: Span, value: Span, quote: bytes, resolve: Resolve) -> Address | None:
    url = obvious(css, value.start, value.end)
    if url is None:
        url = resolve(_unescaped(css[value.start : value.end]))
    return Address(Carrier.CSS, element, value, None, None, quote, url, None, load=True) if url else None


def _unescaped(raw: bytes) -> str:
    text = decoded(raw)
    return _ESCAPED.sub(_character, text) if "\\" in text else text


def _character(match: re.Match[str]) -> str:
    if match[1]:
        number = int(match[1], 16)
        if number == 0 or number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:  # noqa: PLR2004 - CSS Syntax 4.3.7
            return "\ufffd"
        return chr(number)
    return match[2] or ""  # nothing for an escaped line end
