"""Switches that let more through than the law of the chosen profile, as far as we read it: told, never refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtp_gate.config.yaml_file import dotted
from smtp_gate.decision import MailClass
from smtp_gate.errors import ConfigError
from smtp_gate.policy.profile import LOOSEST_FIRST, MEASURING, PROFILES, looser
from smtp_gate.policy.rules import Treat

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smtp_gate.config.contradictions import Place
    from smtp_gate.config.settings import Settings


def loosened(settings: Settings) -> list[ConfigError]:
    """One warning for each switch that is set looser than its profile, with its place, in the order of keys."""
    return [
        ConfigError(settings.place(path), dotted(path), problem) for path, problem in sorted(_loosened(settings))
    ]


def _loosened(settings: Settings) -> Iterator[tuple[Place, str]]:
    policy = settings.policy
    profile = policy.profile
    sections = [(("policy",), policy), *((("policy", "rules", n), rule) for n, rule in enumerate(policy.rules))]
    for place, section in sections:
        for switch in LOOSEST_FIRST:
            value = getattr(section, switch, None)
            if value is not None and looser(profile, switch, value):
                least = getattr(PROFILES[profile], switch).value
                problem = (
                    f"{value.value!r} lets more through than profile {profile.value} allows, which is {least!r}"
                )
                yield (*place, switch), problem
    security = policy.security_pixels or PROFILES[profile].security_pixels
    for number, rule in enumerate(policy.rules):
        if rule.pixels is Treat.MINIMISE and profile not in MEASURING:
            problem = f"'minimise' measures without consent, which no text under profile {profile.value} exempts"
            yield ("policy", "rules", number, "pixels"), problem
        if rule.mail_class is MailClass.AUTHENTICATION and rule.allow_pixels and security == "strip":
            problem = f"has no effect under profile {profile.value}; policy.security_pixels: listed lets them stay"
            yield ("policy", "rules", number, "allow_pixels"), problem
