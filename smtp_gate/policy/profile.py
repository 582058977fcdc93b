"""What a country's law makes of the switches: the profiles, as values. Not legal advice.

A profile's value of a switch is the loosest that its law allows as far as we read it; docs/policy.md names the
source of each. Whoever sets a switch is believed, and is told when it is looser than that.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from smtp_gate.policy.rules import OnUnreadable, Policy, Profile, ReadReceipts, SecurityPixels

if TYPE_CHECKING:
    from collections.abc import Mapping

_FR = Policy()
_NO_WRITTEN_EXEMPTION = replace(_FR, security_pixels=SecurityPixels.STRIP)
"""Where no text that we know exempts pixels that secure a sign-in."""

PROFILES: Mapping[Profile, Policy] = {
    Profile.FR: _FR,
    Profile.IT: replace(_FR, profile=Profile.IT),
    Profile.UK: replace(_NO_WRITTEN_EXEMPTION, profile=Profile.UK),
    Profile.DE: replace(_NO_WRITTEN_EXEMPTION, profile=Profile.DE),
    Profile.STRICTEST: replace(
        _NO_WRITTEN_EXEMPTION,
        profile=Profile.STRICTEST,
        on_unreadable=OnUnreadable.REJECT,
        read_receipts=ReadReceipts.STRIP,
    ),
}
"""The switches of each profile; no rules and no controllers."""

LOOSEST_FIRST: Mapping[str, tuple[str, ...]] = {
    "on_opaque_link": ("pass", "ask", "text", "reject"),
    "on_visible_tracked_image": ("keep", "wrap", "strip"),
    "on_sealed": ("pass", "pass_if_untracked", "reject"),
    "on_unreadable": ("pass", "reject"),
    "forwarded": ("leave", "rewrite"),
    "read_receipts": ("keep", "strip"),
    "security_pixels": ("listed", "strip"),
    "role_addresses": ("consent", "untracked"),
}
"""Switches of :class:`Policy` that a profile decides, with their values in the order in which less gets through."""

MEASURING = frozenset({Profile.FR})
"""Where a text exempts the last day of opening, kept to find whom to stop writing to (``pixels: minimise``)."""


def looser(profile: Profile, switch: str, value: str) -> bool:
    """Whether a value lets more through than the profile's law allows."""
    order = LOOSEST_FIRST[switch]
    return order.index(value) < order.index(getattr(PROFILES[profile], switch))
