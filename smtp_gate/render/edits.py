"""What has to be written for a finding and its verdict, as replacements of spans of the part's view.

This module alone decides what each action does to each carrier; how the replacement gets into the encoded part is
not its matter.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from smtp_gate.decision import Action
from smtp_gate.errors import SpliceError
from smtp_gate.model import OPENINGS, Carrier, Kind
from smtp_gate.render.address import in_attribute, in_css, in_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smtp_gate.model import Finding, Span
    from smtp_gate.tokens.mint import Mint

_TAG_NAME = re.compile(rb"<([a-zA-Z][^\s/>]*)")
_END_TAG = re.compile(rb"\s{0,100}</([a-zA-Z][^\s>]*)\s{0,100}>")
_QUOTE = rb"(?:[\"']|&(?:quot|apos|#0{0,4}3[49]|#[xX]0{0,4}2[27]);?)"
_ATTRIBUTE_BEFORE = re.compile(rb"\s{0,100}[^\s/>=\"'<&;]{1,40}\s{0,100}=\s{0,100}(" + _QUOTE + rb")?\Z")
"""Name, equals sign and quote of an attribute, up to its value; in a page inside an attribute the quote is a
reference."""
_CLOSING = re.compile(_QUOTE)
_STAYS_THERE = frozenset([Action.WRAP, Action.INVITE])
_PAIRS = {b"<": b">", b"(": b")", b"[": b"]"}


class Edit(NamedTuple):
    """``view[start:end]`` becomes ``new``."""

    start: int
    end: int
    new: bytes


def edits_of(finding: Finding, action: Action, view: bytes, mint: Mint | None) -> tuple[Edit, ...]:
    """The edits that carry out a verdict.

    Args:
        finding: what it is about.
        action: what becomes of it.
        view: of the part it stands in.
        mint: makes the gate's addresses; needed for WRAP, MINIMISE, ASK and INVITE only.

    Returns:
        No edit for KEEP; two for a link that goes while its words stay; else one. What a click only reports to
        (``ping``) goes, unless it is wrapped.

    Raises:
        SpliceError: reason ``target`` or ``mint``: the action needs an address that there is not.
    """
    if action is Action.KEEP:
        return ()
    if action is Action.STRIP or action is Action.TEXT:
        return _removal(finding, view)
    if finding.carrier is Carrier.ATTRIBUTE and finding.element == finding.value and action not in _STAYS_THERE:
        return _removal(finding, view)  # one of several that a click reports to: its target awaits no report
    url = _new_address(finding, action, mint)
    start, end = finding.value
    if finding.carrier is Carrier.CSS:
        return (Edit(start, end, in_css(url)),)
    if finding.carrier is Carrier.TEXT:
        return (Edit(start, end, in_text(url, finding.quote)),)
    whole = finding.carrier is not Carrier.ATTRIBUTE or finding.element.end == end
    return (Edit(start, end, in_attribute(url, finding.quote, whole=whole)),)


def _new_address(finding: Finding, action: Action, mint: Mint | None) -> str:
    if action is Action.UNWRAP or action is Action.CLEAN:
        if finding.target is None:
            raise SpliceError(finding.part, "target")
        return finding.target
    if mint is None:
        raise SpliceError(finding.part, "mint")
    if action is Action.MINIMISE:
        return mint.opening()
    if action is Action.ASK:
        return mint.ask(finding)
    if action is Action.INVITE:
        return mint.invite()
    return mint.pixel(finding) if finding.kind in OPENINGS else mint.link(finding)


def _removal(finding: Finding, view: bytes) -> tuple[Edit, ...]:
    """An element, attribute, candidate or address that goes."""
    element = finding.element
    if finding.carrier is Carrier.ANCHOR:
        start_tag = Edit(element.start, element.end, b"")
        closing = finding.closing
        return (start_tag,) if closing is None else (start_tag, Edit(closing.start, closing.end, b""))
    if finding.carrier is Carrier.IMAGE:
        whole = finding.kind is not Kind.PICTURE  # what can be looked at keeps its place in the layout
        return (Edit(element.start, _end_of_element(view, element), b"") if whole else _address_out(finding, view),)
    if finding.carrier is Carrier.CSS:
        # "none" is valid for every property that takes one image, and makes an @import or src void; an empty
        # url() would load the page itself in old engines.
        return (Edit(element.start, element.end, b"none"),)
    if finding.carrier is Carrier.TEXT:
        start, end = finding.value
        if start and _PAIRS.get(view[start - 1 : start]) == view[end : end + 1]:
            return (Edit(start - 1, end + 1, b""),)
        return (Edit(start, end, b""),)
    return (Edit(element.start, element.end, b""),)


def _address_out(finding: Finding, view: bytes) -> Edit:
    """The attribute with a picture's address goes; its place, with size and words, stays."""
    start, end = finding.value
    before = _ATTRIBUTE_BEFORE.search(view, finding.element.start, start)
    if before is None:
        return Edit(start, end, b"")
    closing = _CLOSING.match(view, end) if before[1] else None
    return Edit(before.start(), closing.end() if closing else end, b"")


def _end_of_element(view: bytes, tag: Span) -> int:
    """Where an image ends: behind its tag, or behind the end tag that AMP and XHTML put right after it."""
    name = _TAG_NAME.match(view, tag.start)
    closing = _END_TAG.match(view, tag.end)
    if name and closing and closing[1].lower() == name[1].lower():
        return closing.end()
    return tag.end


def in_order(part: int, edits: Iterable[Edit]) -> list[Edit]:
    """Edits sorted and without overlap: what lies inside a span that changes anyway goes with it.

    An image that is removed takes an address in its style along; of two edits of the same span the shorter text
    stays, which is the removal.

    Raises:
        SpliceError: reason ``overlap``: two spans cross, or an insertion would be lost.
    """
    kept: list[Edit] = []
    for edit in sorted(edits, key=_place):
        last = kept[-1] if kept else None
        if last is None or edit.start >= last.end:
            kept.append(edit)
        elif edit.end > last.end or edit.start == edit.end:
            raise SpliceError(part, "overlap")
    return kept


def _place(edit: Edit) -> tuple[int, bool, int, int, bytes]:
    """Order of edits: an insertion goes before what it stands in front of, a longer span before what is in it."""
    return edit.start, edit.end > edit.start, -edit.end, len(edit.new), edit.new


def apply(view: bytes, edits: Iterable[Edit]) -> bytes:
    """The view with all edits made; they are in order and do not overlap."""
    pieces = []
    done = 0
    for start, end, new in edits:
        pieces += [view[done:start], new]
        done = end
    pieces.append(view[done:])
    return b"".join(pieces)
