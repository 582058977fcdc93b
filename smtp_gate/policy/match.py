"""Which rule and which controller a mail falls under; once for each message.

The From field names the sender that people see; the envelope's sender stands in where it names nobody we know. The
first rule that matches counts, and a mail that none matches is of the class ``unknown``, the strictest.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from smtp_gate.model import MailClass
from smtp_gate.policy.rules import Condition, Controller, OnOpaqueLink, OnSealed, OnUnreadable, Rule, Treat

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smtp_gate.model import Scan
    from smtp_gate.policy.rules import Policy

DEFAULT_RULE = "default"
_ADDRESS = re.compile(r"[^\s<>\"(),:;]+@[^\s<>\"(),:;]+")
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
        on_sealed: in force for this message.
        on_unreadable: in force for this message.
        can_keep: whether a tracker can be kept at all.
    """

    rule: str
    mail_class: MailClass
    controller: Controller | None
    pixels: Treat
    clicks: Treat
    allow_pixels: tuple[str, ...]
    on_opaque_link: OnOpaqueLink
    on_sealed: OnSealed
    on_unreadable: OnUnreadable
    can_keep: bool


def treat(policy: Policy, sender: bytes, scan: Scan) -> Treatment:
    """The treatment of one message.

    Args:
        policy: rules and controllers.
        sender: path of the MAIL command; ``b""`` for the null sender.
        scan: the message; its headers and tools are looked at.
    """
    envelope = sender.decode("utf-8", "replace").lower()
    senders = [*_from(scan.headers), *([envelope] if envelope else [])]
    controller = next((owner for address in senders for owner in policy.controllers if owns(owner, address)), None)
    rule = next((rule for rule in policy.rules if _holds(rule.when, senders, scan)), _DEFAULT)
    return Treatment(
        rule=rule.name,
        mail_class=rule.mail_class,
        controller=controller,
        pixels=rule.pixels,
        clicks=rule.clicks,
        allow_pixels=rule.allow_pixels,
        on_opaque_link=rule.on_opaque_link or policy.on_opaque_link,
        on_sealed=rule.on_sealed or policy.on_sealed,
        on_unreadable=policy.on_unreadable,
        can_keep=policy.can_keep,
    )


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


def _from(headers: Mapping[str, tuple[str, ...]]) -> list[str]:
    """Addresses of the From field, lower case."""
    return [found.lower() for value in headers.get("from", ()) for found in _ADDRESS.findall(value)]


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
