"""Where tags, comments and raw text stand in HTML: the tokenizer's rules of the WHATWG standard, as byte spans.

One compiled pattern does the work. It holds to three rules, since it reads hostile mail:

- No alternative fails late. What is optional stays optional to the end of input, so nothing is ever tried twice
  and the time is linear.
- No group repeats without bound: ``re`` keeps some 180 bytes for each turn of a repeated group, 360 MB for a
  million attributes. A tag or comment that needs more turns is carried on in Python.
- No possessive quantifier or atomic group: they are wrong in CPython before 3.11.5 (gh-106052).

Bytes are enough in every charset whose markup characters are single ASCII octets (UTF-8, ISO-8859, Windows,
Big5, Shift_JIS, GB18030); the others are transcoded before they come here.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from smtp_gate.scan.urls import PLAIN_ADDRESS

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLANK = rb"\t\n\f\r "
_NAME = rb"[a-zA-Z][^" + _BLANK + rb"/>]*"
_KEY = rb"[^" + _BLANK + rb"/>][^" + _BLANK + rb"/>=]*"
_EQUALS = rb"[" + _BLANK + rb"]*=[" + _BLANK + rb"]*"
_BARE = rb"[^" + _BLANK + rb">\"'][^" + _BLANK + rb">]*"
_TAG_REST = (
    # how nearly every attribute is written; then the general rule, which takes over wherever this one stops
    rb"(?: [a-z]+=\"[^\"]*\"){0,32}"
    rb"(?:[" + _BLANK + rb"/]*" + _KEY + rb"(?:" + _EQUALS + rb"(?:\"[^\"]*\"?|'[^']*'?|" + _BARE + rb"|))?){0,64}"
    rb"[" + _BLANK + rb"/]*(>)?"
)

_GHOST = (
    rb"<(?:/?t(?:able|body|[rdh])|/?div|/?p|/?span|/?center|br)"
    # no ">" in a value: the comment around it would end at its "-->"
    rb"(?: +(?!ba)[a-z-]+=\"[^\"&(>]*\"){0,16} ?/?>[" + _BLANK + rb"]*"
)
"""A tag of the tables that only Outlook reads, which hold a layout together and nothing else."""
_QUIET = (
    rb"(?:(?:t(?:[dhr]|able|body|head)|div|p|span|br|center|font|b|i|u|strong|em|h[1-6r]|[uo]l|li|small|su[bp])"
    rb"(?: +(?!ba)[a-z-]+=\"[^\"&(]*\"){0,16}[ /]*>"
    rb"|/(?!body>|html>)[b-z][a-z0-9:]*>|!--<!\[endif\]-->|!\[endif\]-->"
    rb"|!--\[if [^\]>]*\]>[" + _BLANK + rb"]*(?:" + _GHOST + rb"){0,12}<!\[endif\]-->)"
)
"""Tags that surely hold nothing, as most mails write most of theirs: no ``background``, and neither a parenthesis
nor a reference that could become one, without which CSS loads nothing. They are passed over in C; whatever is
written in another way takes the general road, with the same outcome."""

START, START_CLOSED, END, END_CLOSED, END_BOGUS, COMMENT, CONDITION, COMMENT_CLOSED, BOGUS = range(1, 10)
"""Groups of :data:`MARKUP`; the last one that took part (``lastindex``) says what a match is."""
_TOKEN = (
    rb"(?:(" + _NAME + rb")" + _TAG_REST + rb"|/(?:(" + _NAME + rb")" + _TAG_REST + rb"|()(?:>|[^a-zA-Z>][^>]*>?))"
    # <!--> and <!---> are whole comments; any other one ends at --> or --!>, wherever that stands
    rb"|!--(?:-?>|()(\[[iI][fF][^\]>]*\]>)?[^-]*(?:-(?!-!?>)[^-]*){0,200}(--!?>)?)"
    # doctype, CDATA, processing instruction, <![if ...]>: in HTML they all end at the first >
    rb"|[!?]()[^>]*>?)"
)
MARKUP = re.compile(rb"<" + _TOKEN)
"""One token at each ``<`` that begins one; a ``<`` that begins none is text and passed over."""
_LOUD_MARKUP = re.compile(rb"<(?:" + _QUIET + rb"[^<]*<){0,50}" + _TOKEN)
"""The same, with the quiet tags before it swallowed."""

ATTRIBUTE = re.compile(rb"(" + _KEY + rb")(?:" + _EQUALS + rb"(?:\"([^\"]*)\"?|'([^']*)'?|(" + _BARE + rb")|))?")
"""The attributes between a tag's name and its ``>``, one after the other: name, then the value by its quotes."""

USUAL_LINK = re.compile(
    rb"(?: +(?!ba|ping|href|attr)[a-z-]+=\"[^\"&(]*\"){0,16} +href="
    # an address that says what is written, or any other
    rb"(?:\"(" + PLAIN_ADDRESS + rb")\"|\"([^\"]*)\")"
    rb"(?: +(?!ba|ping|href|attr)[a-z-]+=\"[^\"&(]*\"){0,16} *>"
)
"""An ``<a>`` behind its name, if it is written as most are and has no address but its ``href``."""
USUAL_IMAGE = re.compile(
    rb"(?: +(?:"
    # each of these once: of two attributes with the same name the first counts, and the general rule knows that
    rb"(?(1)(?!)|src=\"(" + PLAIN_ADDRESS + rb")\")"
    rb"|(?(2)(?!)|width=\"([0-9]{1,4})\")"
    rb"|(?(3)(?!)|height=\"([0-9]{1,4})\")"
    rb"|(?(4)(?!)|alt=\"([^\"&]*)\")"
    rb"|(?(5)(?!)|style=\"([^\"&(]*)\")"
    rb"|(class|id)=\"[^\"]*\""
    rb"|(?:border|title|align|vspace|hspace|role|loading)=\"[^\"]*\""
    rb")){1,16}[ /]*>"
)
"""An ``<img>`` behind its name, if it is written as most are and has no address but its ``src``."""
MAY_LOAD = re.compile(rb"[(&]|[bB][aA][cC][kK][gG]")
"""What a tag that is not passed over as quiet must hold, or it is quiet too."""

_REST_OF_TAG = re.compile(_TAG_REST)
_END_OF_COMMENT = re.compile(rb"--!?>")
_RAW_END = {
    name: re.compile(
        rb"</" + b"".join(b"[%c%c]" % (letter, letter - 32) for letter in name) + rb"[" + _BLANK + rb"/>]"
    )
    for name in (b"style", b"title", b"textarea", b"xmp", b"iframe", b"noembed", b"noframes")
}
"""noscript is not among them: no mail client runs scripts, so what stands in it is shown."""
_SCRIPT_STEP = re.compile(rb"<!--(-*>)?|-->|<(/?)[sS][cC][rR][iI][pP][tT][" + _BLANK + rb"/>]")
_GREATER = ord(">")
_STARTS = (START_CLOSED, START)
_ENDS = (END_CLOSED, END)
_COMMENTS = frozenset([COMMENT, CONDITION, COMMENT_CLOSED])

RAW_TEXT = frozenset([*_RAW_END, b"script", b"plaintext"])
"""Elements whose content is text up to their end tag."""
CONDITIONAL = b"[if"
"""Name of the token for a downlevel-hidden conditional comment; no tag can be called so."""
SWALLOWED = b""
"""Name of the token for an unfinished tag, comment or raw text, which takes the rest of the input."""
_ASKED_ENDS = {b"a": b"/a", b"body": b"/body", b"html": b"/html"}


def tokens(  # noqa: C901, PLR0912 - the hot loop: a call for each kind would cost more than what it does
    view: bytes, start: int, end: int
) -> Iterator[tuple[bytes, int, int, int, int]]:
    """The tokens of ``view[start:end]`` in order: start tags, some end tags, conditional comments.

    A tag that the end of input cuts off is no tag (the standard drops it); :data:`SWALLOWED` says where it
    began. Linear in time, constant in memory.

    Yields:
        A plain tuple (this is the hot path) of

        - name in lower case: of a start tag; ``b"/a"``, ``b"/body"`` or ``b"/html"`` (other end tags are left
          out); :data:`CONDITIONAL`; :data:`SWALLOWED`;
        - offset of its ``<``;
        - offset behind its ``>``;
        - where its inside begins: attributes of a start tag, content of a conditional comment;
        - where its content ends: raw text (which begins behind the ``>``) or content of a conditional comment;
          for all others the same as the offset behind ``>``.
    """
    asked = _ASKED_ENDS.get
    resume: int | None = start
    while resume is not None:
        at, resume = resume, None
        for match in _LOUD_MARKUP.finditer(view, at, end):
            kind = match.lastindex
            if kind in _STARTS:
                begin, inner = match.span(START)
                stop = match.end()
                if kind == START:
                    stop = resume = _tag_end(view, stop, end)
                name = match[START].lower()
                if name in RAW_TEXT and stop >= 0:
                    content = resume = raw_end(view, name, stop, end)
                    yield name, begin - 1, stop, inner, content
                    stop = -1 if content == end else stop
                elif stop >= 0:
                    yield name, begin - 1, stop, inner, stop
            elif kind in _ENDS:
                begin, stop = match.start(END) - 1, match.end()
                if kind == END:
                    stop = resume = _tag_end(view, stop, end)
                name = asked(match[END].lower(), b"")
                if name and stop >= 0:
                    yield name, begin - 1, stop, stop, stop
            elif kind is None:
                continue
            elif kind in _COMMENTS:
                begin, stop = match.start(COMMENT) - 3, match.end()
                content = match.start(COMMENT_CLOSED)
                if kind != COMMENT_CLOSED:
                    close = _END_OF_COMMENT.search(view, stop, end)
                    content, stop = close.span() if close else (-1, -1)
                    resume = stop
                if match[CONDITION] is not None and stop >= 0:
                    yield CONDITIONAL, begin - 1, stop, match.end(CONDITION), content
            else:
                begin, stop = match.start(kind) - 1, match.end()
                if view[stop - 1] != _GREATER:
                    stop = -1
            if stop < 0:
                yield SWALLOWED, begin - 1, end, end, end
                return
            if resume is not None:
                break


def texts(view: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Begin and end of each run of text in ``view[start:end]``, in order: no tag, comment or raw text is in it."""
    at = start
    while at < end:
        match = MARKUP.search(view, at, end)
        if match is None:
            yield at, end
            return
        if match.start() > at:
            yield at, match.start()
        at = match.end()
        kind = match.lastindex
        if kind in (START, END):
            at = _tag_end(view, at, end)
        elif kind in (COMMENT, CONDITION):
            close = _END_OF_COMMENT.search(view, at, end)
            at = close.end() if close else -1
        if at < 0:
            return
        name = match[START]
        if name is not None and name.lower() in RAW_TEXT:
            at = raw_end(view, name.lower(), at, end)


def raw_end(view: bytes, name: bytes, start: int, end: int) -> int:
    """Where the raw text of element ``name`` that begins at ``start`` ends: at its end tag, else at ``end``."""
    if name == b"script":
        return _script_end(view, start, end)
    pattern = _RAW_END.get(name)
    found = pattern.search(view, start, end) if pattern else None
    return found.start() if found else end


def _script_end(view: bytes, start: int, end: int) -> int:
    """The same for a script, where ``<!-- <script>`` hides the next end tag ("script data double escaped")."""
    escaped = doubly = False
    for step in _SCRIPT_STEP.finditer(view, start, end):
        if step[2] is None:
            escaped = step[0].startswith(b"<") and step[1] is None
            doubly = doubly and escaped
        elif doubly:
            doubly = not step[2]
        elif step[2]:
            return step.start()
        else:
            doubly = escaped
    return end


def _tag_end(view: bytes, at: int, end: int) -> int:
    """Where a tag of very many attributes ends, from behind some of them; -1 when the input ends before it."""
    while at < end:
        rest = _REST_OF_TAG.match(view, at, end)
        if rest is None:
            break
        at = rest.end()
        if rest[1] is not None:
            return at
    return -1
