"""Reading the configuration file, and telling all its errors at once."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pydantic import ValidationError

from smtp_gate.config.contradictions import contradictions
from smtp_gate.config.environment import expanded
from smtp_gate.config.faults import choose, said
from smtp_gate.config.settings import Settings
from smtp_gate.config.yaml_file import dotted, read_yaml
from smtp_gate.errors import ConfigError, ConfigFileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

MAX_CONFIG_FILE = 1_048_576
"""Octets; a file of thousands of rules is smaller."""


def load_settings(path: Path, environment: Mapping[str, str] | None = None) -> Settings:
    """Read and check one configuration file; paths in it are relative to its folder.

    Args:
        path: of the file.
        environment: where ``${NAME}`` is looked up; the process's own when left out.

    Raises:
        ConfigFileError: with every error of the file.
    """
    values = os.environ if environment is None else environment
    return read_settings(file_text(path), str(path), values).located(path.resolve().parent)


def read_settings(text: str, name: str, environment: Mapping[str, str] | None = None) -> Settings:
    """Read and check the text of a configuration.

    Args:
        text: YAML.
        name: what messages call the file.
        environment: where ``${NAME}`` is looked up; nothing when left out.

    Raises:
        ConfigFileError: with every error of the file.
    """
    document = read_yaml(text, name)
    if not isinstance(document.data, dict):
        raise ConfigFileError((ConfigError(document.place(()), "", "the file must be keys with values"),))
    data = expanded(document, {} if environment is None else environment)
    try:
        settings = Settings.model_validate(data)
    except ValidationError as error:
        raise ConfigFileError(_in_order(said(document, Settings, fault) for fault in error.errors())) from None
    faults = [
        ConfigError(document.place(path), dotted(path), problem) for path, problem in contradictions(settings)
    ]
    if faults:
        raise ConfigFileError(_in_order(faults))
    settings.read_from(document)
    return settings


def check_vendors(settings: Settings, vendors: Iterable[str], name: str) -> None:
    """Whether rules name only vendors that the catalogue has; ``trackers.domains`` is its loader's matter.

    Raises:
        ConfigFileError: with every vendor that it has not, and the choices.
    """
    known = sorted(vendors)
    faults = []
    for number, rule in enumerate(settings.policy.rules):
        for tool in rule.when.tool:
            if tool not in known:
                path = ("policy", "rules", number, "when", "tool")
                problem = f"{tool!r} is no vendor of the catalogue; {choose(tool, known)}"
                faults.append(ConfigError(settings.place(path) or name, dotted(path), problem))
    if faults:
        raise ConfigFileError(tuple(faults))


def file_text(path: Path) -> str:
    """The text of a file that people write.

    Raises:
        ConfigFileError: when it cannot be read, is too large, or no UTF-8.
    """
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


def _in_order(errors: Iterable[ConfigError]) -> tuple[ConfigError, ...]:
    """By line and column, as they are mended."""
    return tuple(sorted(errors, key=lambda error: [int(number) for number in error.place.rsplit(":", 2)[1:]]))
