"""Reading the configuration file: all its errors at once, and what no single key can know."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from smtp_gate.config.faults import said
from smtp_gate.config.settings import Settings
from smtp_gate.config.yaml_file import Document, dotted, read_yaml
from smtp_gate.errors import ConfigError, ConfigFileError
from smtp_gate.policy.rules import OnOpaqueLink

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

Place = tuple[str | int, ...]
"""A key in the file, as :mod:`smtp_gate.config.yaml_file` counts it."""
MAX_CONFIG_FILE = 1_048_576
"""Octets; a file of thousands of rules is smaller."""


def load_settings(path: Path) -> Settings:
    """Read and check one configuration file; paths in it are relative to its folder.

    Raises:
        ConfigFileError: with every error of the file.
    """
    return read_settings(_text(path), str(path)).located(path.resolve().parent)


def read_settings(text: str, name: str) -> Settings:
    """Read and check the text of a configuration.

    Args:
        text: YAML.
        name: what messages call the file.

    Raises:
        ConfigFileError: with every error of the file.
    """
    document = read_yaml(text, name)
    if not isinstance(document.data, dict):
        raise ConfigFileError((ConfigError(document.place(()), "", "the file must be keys with values"),))
    try:
        settings = Settings.model_validate(document.data)
    except ValidationError as error:
        raise ConfigFileError(tuple(said(document, Settings, fault) for fault in error.errors())) from None
    faults = tuple(_told(document, _across(settings)))
    if faults:
        raise ConfigFileError(faults)
    return settings


def check_vendors(settings: Settings, vendors: Iterable[str], name: str) -> None:
    """Whether rules name only vendors that the catalogue has; ``trackers.domains`` is its loader's matter.

    Raises:
        ConfigFileError: with every vendor that it has not, and the choices.
    """
    known = sorted(vendors)
    faults = [
        ConfigError(
            name,
            f"policy.rules[{number}].when.tool",
            f"{tool!r} is no vendor of the catalogue; choose one of: {', '.join(known)}",
        )
        for number, rule in enumerate(settings.policy.rules)
        for tool in rule.when.tool
        if tool not in known
    ]
    if faults:
        raise ConfigFileError(tuple(faults))


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            octets = file.read(MAX_CONFIG_FILE + 1)
    except OSError as error:
        raise ConfigFileError((ConfigError(str(path), "", f"cannot be read: {error.strerror}"),)) from None
    if len(octets) > MAX_CONFIG_FILE:
        raise ConfigFileError((ConfigError(str(path), "", f"is larger than {MAX_CONFIG_FILE} octets"),))
    try:
        return octets.decode()
    except UnicodeDecodeError:
        raise ConfigFileError((ConfigError(str(path), "", "is not UTF-8 text"),)) from None


def _told(document: Document, faults: Iterable[tuple[Place, str]]) -> Iterator[ConfigError]:
    for path, problem in faults:
        yield ConfigError(document.place(path), dotted(path), problem)


def _across(settings: Settings) -> Iterator[tuple[Place, str]]:
    """What no single key can know: path and problem of each."""
    if not settings.listen.smtp and not settings.listen.lmtp:
        yield ("listen",), "names no address; give smtp or lmtp"
    if settings.web is not None and settings.keys is None:
        yield (
            ("web",),
            "needs keys: its links are sealed; make a file with `smtp-gate keys new` and name it in keys",
        )
    if settings.web is None:
        opaque: list[tuple[Place, OnOpaqueLink | None]] = [
            (("policy", "on_opaque_link"), settings.policy.on_opaque_link)
        ]
        opaque += [
            (("policy", "rules", number, "on_opaque_link"), rule.on_opaque_link)
            for number, rule in enumerate(settings.policy.rules)
        ]
        for path, value in opaque:
            if value is OnOpaqueLink.ASK:
                yield (
                    path,
                    "'ask' leads people to a page of the gate and needs web; else choose text, reject or pass",
                )
    yield from _twice(settings)


def _twice(settings: Settings) -> Iterator[tuple[Place, str]]:
    names: dict[str, int] = {}
    for number, rule in enumerate(settings.policy.rules):
        if rule.name in names:
            yield (
                ("policy", "rules", number, "name"),
                f"{rule.name!r} is the name of rule {names[rule.name]} already",
            )
        names.setdefault(rule.name, number)
    owners: dict[str, str] = {}
    for controller, values in settings.controllers.items():
        for number, sender in enumerate(values.senders):
            if owners.setdefault(sender, controller) != controller:
                yield (
                    ("controllers", controller, "senders", number),
                    f"{sender!r} belongs to controller {owners[sender]!r} already; consent is given to one of them",
                )
