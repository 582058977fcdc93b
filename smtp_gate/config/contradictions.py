"""What no single key can know: keys that contradict each other, and what is said twice or can never count."""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtp_gate.config.yaml_file import dotted
from smtp_gate.policy.rules import Condition, OnOpaqueLink

if TYPE_CHECKING:
    from collections.abc import Iterator

    from smtp_gate.config.settings import Settings

Place = tuple[str | int, ...]
"""A key in the file, as :mod:`smtp_gate.config.yaml_file` counts it."""
MAX_OWN_ADDRESS = 90
"""Characters of the public URL and of a controller's id in base64: with the longest token below a line of 998."""


def contradictions(settings: Settings) -> Iterator[tuple[Place, str]]:
    """Path and problem of each pair of keys that do not go together."""
    listens = bool(settings.listen.smtp or settings.listen.lmtp)
    if not listens and (settings.deliver is not None or settings.web is None):
        yield ("listen",), "names no address; give smtp or lmtp"
    if settings.deliver is None and (listens or settings.web is None):
        yield ("deliver",), "is missing; name where mail goes in deliver.next_hops"
    if settings.consent.heads and settings.keys is None:
        problem = "needs keys, which sign; make a file with `smtp-gate keys new` and name it in keys"
        yield ("consent", "heads"), problem
    yield from _web(settings)
    yield from _webhooks(settings)
    yield from _used_twice(settings)
    yield from _rules(settings)
    yield from _owners(settings)


def _web(settings: Settings) -> Iterator[tuple[Place, str]]:
    """What needs the web part, and what it needs."""
    web = settings.web
    if web is None:
        opaque: list[tuple[Place, OnOpaqueLink | None]] = [
            (("policy", "on_opaque_link"), settings.policy.on_opaque_link)
        ]
        opaque += [
            (("policy", "rules", number, "on_opaque_link"), rule.on_opaque_link)
            for number, rule in enumerate(settings.policy.rules)
        ]
        for path, value in opaque:
            if value is OnOpaqueLink.ASK:
                problem = "'ask' leads people to a page of the gate and needs web; else choose text, reject or pass"
                yield path, problem
        return
    if settings.keys is None:
        problem = "needs keys: its links are sealed; make a file with `smtp-gate keys new` and name it in keys"
        yield ("web",), problem
    for name in settings.controllers:
        over = len(web.public_url) + len(name) * 4 // 3 - MAX_OWN_ADDRESS
        if over > 0:
            problem = (
                f"is {over} characters too long with the controller id {name!r}: sealed addresses must fit a line"
            )
            yield ("web", "public_url"), problem


def _webhooks(settings: Settings) -> Iterator[tuple[Place, str]]:
    """Endpoints of nobody, and the same one twice."""
    seen: dict[tuple[str, str], int] = {}
    for number, hook in enumerate(settings.webhooks):
        if hook.controller not in settings.controllers:
            choices = ", ".join(settings.controllers) or "none"
            problem = f"{hook.controller!r} is no controller of this file; choose one of: {choices}"
            yield ("webhooks", number, "controller"), problem
        first = seen.setdefault((hook.controller, hook.url), number)
        if first != number:
            yield (
                ("webhooks", number, "url"),
                f"{hook.url!r} is told of {hook.controller!r} by webhooks[{first}] already",
            )


def _used_twice(settings: Settings) -> Iterator[tuple[Place, str]]:
    first: dict[str, str] = {}
    for path, bind in _binds(settings):
        if first.setdefault(bind, dotted(path)) != dotted(path):
            yield path, f"{bind!r} is the address of {first[bind]} already"


def _rules(settings: Settings) -> Iterator[tuple[Place, str]]:
    names: dict[str, int] = {}
    everything = ""
    for number, rule in enumerate(settings.policy.rules):
        place: Place = ("policy", "rules", number)
        if rule.name in names:
            yield (*place, "name"), f"{rule.name!r} is the name of rule {names[rule.name]} already"
        elif everything:
            yield place, f"{rule.name!r} is never reached: {everything!r} before it matches every mail"
        names.setdefault(rule.name, number)
        if rule.when.value() == Condition():
            everything = everything or rule.name


def _owners(settings: Settings) -> Iterator[tuple[Place, str]]:
    """Two controllers for one sender: whose consent would count?"""
    owners: list[tuple[str, str]] = []
    for controller, values in settings.controllers.items():
        for number, sender in enumerate(values.senders):
            owner, pattern = next((owned for owned in owners if overlap(sender, owned[1])), ("", ""))
            if owner:
                same = "" if sender == pattern else f" as {pattern!r}"
                problem = (
                    f"{sender!r} belongs to controller {owner!r} already{same}; consent is given to one of them"
                )
                yield ("controllers", controller, "senders", number), problem
        owners += [(controller, sender) for sender in values.senders]


def _binds(settings: Settings) -> Iterator[tuple[Place, str]]:
    for name, binds in (("smtp", settings.listen.smtp), ("lmtp", settings.listen.lmtp)):
        for number, bind in enumerate(binds):
            yield ("listen", name, number), bind
    if settings.web is not None:
        yield ("web", "listen"), settings.web.listen
    if settings.observe.metrics is not None:
        yield ("observe", "metrics"), settings.observe.metrics


def overlap(one: str, other: str) -> bool:
    """Whether some address can be a sender by both patterns, as :class:`Controller` has them."""
    local, _, domain = one.rpartition("@")
    other_local, _, other_domain = other.rpartition("@")
    if local != other_local and not {"", "*"} & {local, other_local}:
        return False
    return domain == other_domain or _below(domain, other_domain) or _below(other_domain, domain)


def _below(domain: str, pattern: str) -> bool:
    """Whether a domain is one of ``*.example.com``."""
    return pattern.startswith("*") and domain.endswith(pattern[1:])
