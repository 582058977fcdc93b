"""One message for one decision: the edits of all parts, the footer, spliced into the bytes that came.

This module alone decides that nothing leaves half done: every verdict is carried out, and a footer that belongs in
is in every body, or :class:`~smtp_gate.errors.SpliceError` is raised.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtp_gate import transfer
from smtp_gate.decision import Action
from smtp_gate.errors import SpliceError
from smtp_gate.render.edits import Edit, edits_of, in_order
from smtp_gate.render.footer import html_form, text_form
from smtp_gate.render.part import CRLF, line_end, splice

if TYPE_CHECKING:
    from smtp_gate.decision import Decision
    from smtp_gate.model import Anchor, Part, Scan
    from smtp_gate.render.footer import FooterText
    from smtp_gate.tokens.mint import Mint


def render(scan: Scan, decision: Decision, mint: Mint | None, footer: FooterText | None) -> bytes:
    """Write a message as decided.

    Args:
        scan: the message.
        decision: one verdict for each finding, in the same order.
        mint: makes addresses of the gate; needed when something is wrapped or asked.
        footer: what the footer says; needed when the decision has one.

    Returns:
        The message; ``scan.raw`` itself when nothing is edited. Outside the edited parts and header fields that go
        it is the same byte for byte, and in them outside the edited lines (base64: from the first edit on).

    Raises:
        SpliceError: an edit could not be written without touching what is not edited; reasons beside those of
            :func:`smtp_gate.render.part.splice`: ``sealed``, ``target``, ``mint``, ``overlap``, ``footer``.
    """
    edits: dict[int, list[Edit]] = {}
    parts = scan.parts
    for finding, verdict in zip(scan.findings, decision.verdicts, strict=True):
        if verdict.action is not Action.KEEP:
            made = edits_of(finding, verdict.action, parts[finding.part].view or b"", mint)
            edits.setdefault(finding.part, []).extend(made)
    if decision.footer:
        if footer is None or not scan.anchors:
            raise SpliceError(-1, "footer")
        for anchor in scan.anchors:
            edits.setdefault(anchor.part, []).append(_footer(scan, anchor, footer))
    gone = scan.receipts if decision.silent else ()
    if not edits and not gone:
        return scan.raw
    pieces = []
    done = 0
    for field in gone:
        pieces.append(scan.raw[done : field.start])
        done = field.end
    for index in sorted(edits):
        part = parts[index]
        if part.sealed or part.attachment or part.view is None:
            raise SpliceError(index, "sealed")
        pieces += [scan.raw[done : part.body.start], splice(scan.raw, part, in_order(index, edits[index]))]
        done = part.body.end
    pieces.append(scan.raw[done:])
    return b"".join(pieces)


def _footer(scan: Scan, anchor: Anchor, footer: FooterText) -> Edit:
    """The footer at one anchor, on lines of its own."""
    part = scan.parts[anchor.part]
    view = part.view or b""
    default = CRLF if part.encoding == "base64" else line_end(scan.raw)
    end = line_end(view, default)
    before = b"" if anchor.offset == 0 or view[anchor.offset - 1 : anchor.offset] == b"\n" else end
    if anchor.html:
        return Edit(anchor.offset, anchor.offset, before + html_form(footer, end))
    text = text_form(footer, end, "utf-8" if part.transcoded else _charset(part))
    if part.transcoded:
        content = transfer.decode(scan.raw[part.body.start : part.body.end], part.encoding) or b""
        if transfer.from_utf8(text, content, part.charset) is None:
            text = text_form(footer, end, "us-ascii")
    after = end if anchor.offset < len(view) else b""
    return Edit(anchor.offset, anchor.offset, before + end + text + after)


def _charset(part: Part) -> str:
    """The charset in which new text can be written into a part: one that it declares and can hold."""
    return part.charset if part.charset and part.encoding != "7bit" else "us-ascii"
