"""Which rule and which controller a mail falls under; once for each message.

The From field names the sender that people see; the envelope's sender stands in where it names nobody we know. What
looks like an address in a display name is none. The first rule that matches counts, and a mail that none matches is
of the class ``unknown``, the strictest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from smtp_gate.decision import MailClass
from smtp_gate.policy.rules import (
    Condition,
    Controller,
    Forwarded,
    OnOpaqueLink,
    OnSealed,
    OnUnreadable,
    OnVisibleTrackedImage,
    ReadReceipts,
    Rule,
    SecurityPixels,
    Treat,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from smtp_gate.model import Scan
    from smtp_gate.policy.rules import Policy

DEFAULT_RULE = "default"
_MAX_FROM = 4096
"""Characters of a From field that are read."""
_MAILBOX = re.compile(
    r'"(?:[^"\\]|\\.){0,256}"|\((?:[^()\\]|\\.){0,256}\)|<(?P<angle>[^<>]*)>|(?P<end>[,;:])|(?P<bare>[^"(<,;:]+)|.',
    re.DOTALL,
)
"""Pieces of RFC 5322 section 3.4: quoted strings and comments are passed over, an address in angles counts."""
_ADDRESS = re.compile(r"[^\s<>\"(),:;@]+@[^\s<>\"(),:;@]+")
_DEFAULT = Rule(DEFAULT_RULE, Condition(), MailClass.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Treatment:
    """What was found for one message; the same for all its recipients.

    Attributes:
        rule: name of the rule.
        mail_class: its class.
        controller: who answers for the mail; None when the sender belongs to none, and then nothing is kept.
        pixels: whether pixel consent counts.
        clicks: whether click consent counts.
        allow_pixels: globs of pixels that stay without consent.
        on_opaque_link: in force for this message.
        infer_from_text: in force for this message.
        on_visible_tracked_image: in force for this message.
        on_sealed: in force for this message.
        on_unreadable: in force for this message.
        forwarded: in force for this message.
        read_receipts: in force for this message.
        can_keep: whether a tracker can be kept at all.
    """

    rule: str
    mail_class: MailClass
    controller: Controller | None
    pixels: Treat
    clicks: Treat
    allow_pixels: tuple[str, ...]
    on_opaque_link: OnOpaqueLink
    infer_from_text: bool
    on_visible_tracked_image: OnVisibleTrackedImage
    on_sealed: OnSealed
    on_unreadable: OnUnreadable
    forwarded: Forwarded
    read_receipts: ReadReceipts
    can_keep: bool


def treat(policy: Policy, sender: bytes, scan: Scan) -> Treatment:
    """The treatment of one message.

    Args:
        policy: rules and controllers.
        sender: path of the MAIL command; ``b""`` for the null sender.
        scan: the message; its headers and tools are looked at.
    """
    authors = addresses(scan.headers.get("from", ()))
    envelope = [sender.decode("utf-8", "replace").lower()] if sender else []
    senders = [*authors, *envelope]
    rule = next((rule for rule in policy.rules if _holds(rule.when, senders, scan)), _DEFAULT)
    on_opaque_link = rule.on_opaque_link or policy.on_opaque_link
    on_visible_tracked_image = rule.on_visible_tracked_image or policy.on_visible_tracked_image
    on_sealed = rule.on_sealed or policy.on_sealed
    forwarded = rule.forwarded or policy.forwarded
    read_receipts = rule.read_receipts or policy.read_receipts
    mail_class = MailClass.CONSENT_REQUEST if scan.asks else rule.mail_class
    if mail_class is MailClass.CONSENT_REQUEST:
        # Consent that was asked for by a mail that tracks is void; nothing passes here.
        on_opaque_link = OnOpaqueLink.TEXT if on_opaque_link is OnOpaqueLink.PASS else on_opaque_link
        if on_visible_tracked_image is OnVisibleTrackedImage.KEEP:
            on_visible_tracked_image = OnVisibleTrackedImage.STRIP
        on_sealed = OnSealed.PASS_IF_UNTRACKED if on_sealed is OnSealed.PASS else on_sealed
        forwarded = Forwarded.REWRITE
        read_receipts = ReadReceipts.STRIP
    return Treatment(
        rule=rule.name,
        mail_class=mail_class,
        controller=_controller(policy, authors, envelope),
        pixels=rule.pixels,
        clicks=rule.clicks,
        allow_pixels=rule.allow_pixels if policy.security_pixels is SecurityPixels.LISTED else (),
        on_opaque_link=on_opaque_link,
        infer_from_text=policy.infer_from_text if rule.infer_from_text is None else rule.infer_from_text,
        on_visible_tracked_image=on_visible_tracked_image,
        on_sealed=on_sealed,
        on_unreadable=policy.on_unreadable,
        forwarded=forwarded,
        read_receipts=read_receipts,
        can_keep=policy.can_keep,
    )


def sender_domain(sender: bytes, scan: Scan) -> str:
    """Lower-case domain of whom people see as the sender; the envelope's where the From field names nobody.

    Args:
        sender: path of the MAIL command.
        scan: the message; only its headers are looked at.
    """
    authors = addresses(scan.headers.get("from", ()))
    address = authors[0] if authors else sender.decode("utf-8", "replace").lower()
    return address.rpartition("@")[2]


def _controller(policy: Policy, authors: list[str], envelope: list[str]) -> Controller | None:
    """Who answers for a mail; None for nobody, and for authors of two controllers: whose consent would count?"""
    for senders in (authors, envelope):
        owners = [owner for owner in policy.controllers if any(owns(owner, address) for address in senders)]
        if owners:
            return owners[0] if len(owners) == 1 else None
    return None


def owns(controller: Controller, address: str) -> bool:
    """Whether a lower-case address is one of the controller's senders."""
    domain = address.rpartition("@")[2]
    for pattern in controller.senders:
        local, _, wanted = pattern.rpartition("@")
        if (not local or local == "*" or address == pattern) and fits(wanted, domain):
            return True
    return False


def fits(glob: str, text: str) -> bool:
    """Whether a text is what a glob says, as a whole; ``*`` is any run of characters, ``?`` is one."""
    return _compiled(glob).fullmatch(text) is not None


@lru_cache(maxsize=4096)
def _compiled(glob: str) -> re.Pattern[str]:
    # Each run between stars is found at its first place and no other is tried (lookahead with a back reference):
    # a glob with many stars stays linear on any text.
    pieces = [re.escape(piece).replace(r"\?", ".") for piece in re.split(r"\*+", glob)]
    pattern = pieces[0]
    for number, piece in enumerate(pieces[1:-1]):
        pattern += f"(?=(?P<g{number}>.*?{piece}))(?P=g{number})"
    if len(pieces) > 1:
        pattern += f".*{pieces[-1]}"
    return re.compile(pattern, re.DOTALL | re.IGNORECASE)


def addresses(values: Iterable[str]) -> list[str]:
    """Addresses of From fields, lower case; what stands in display names, quotes and comments is none."""
    found = []
    for value in values:
        text, angle, bare = _as_utf8(value[:_MAX_FROM]), "", ""
        for piece in _MAILBOX.finditer(text + ","):
            kind = piece.lastgroup
            if kind == "angle":
                angle = piece["angle"].strip()
            elif kind == "bare":
                bare += piece["bare"]
            elif kind == "end":
                plain = _ADDRESS.search(bare) if bare.count("@") == 1 else None
                address = angle or (plain[0] if plain else "")
                if "@" in address:
                    found.append(address.lower())
                angle = bare = ""
    return found


def _as_utf8(text: str) -> str:
    """Header text as RFC 6532 means it; scanned headers are latin-1."""
    if text.isascii():
        return text
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def _holds(when: Condition, senders: list[str], scan: Scan) -> bool:
    if when.sender and not any(fits(glob, address) for glob in when.sender for address in senders):
        return False
    if when.sender_domain and not any(
        fits(glob, address.rpartition("@")[2]) for glob in when.sender_domain for address in senders
    ):
        return False
    if when.tools and when.tools.isdisjoint(scan.tools):
        return False
    return all(any(fits(glob, value) for value in scan.headers.get(name, ())) for name, glob in when.headers)
