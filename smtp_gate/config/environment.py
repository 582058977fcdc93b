"""Secrets that come from the environment: ``${REDIS_PASSWORD}`` in the few values that may hold one.

Where ``REDIS_PASSWORD`` is not set and ``REDIS_PASSWORD_FILE`` is, it is what stands in that file: containers and
systemd hand out secrets like that.

Elsewhere ``${...}`` is text like any other: a rule must not mean something else on another machine.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from smtp_gate.config.yaml_file import dotted
from smtp_gate.errors import ConfigError, ConfigFileError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from smtp_gate.config.yaml_file import Document

EXPANDED = (("consent", "ledger"), ("consent", "cache"))
"""Keys of the configuration whose values are looked into."""
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def expanded(
    document: Document, environment: Mapping[str, str], places: Sequence[tuple[str, ...]] = EXPANDED
) -> Any:
    """The document's data with variables put in.

    A variable that is the whole value is put in as it is; inside an address it is percent-encoded, so that a
    password may hold any character.

    Args:
        document: the file.
        environment: names and values.
        places: paths of the values that are looked into; ``*`` is every key.

    Raises:
        ConfigFileError: a variable is not set, or its file cannot be read; the message names it and shows no value.
    """
    data = document.data
    faults: list[ConfigError] = []

    def walked(value: Any, place: tuple[str, ...], path: tuple[str, ...]) -> Any:
        if not place:
            if not isinstance(value, str):
                return value
            secrets = {}
            for name in _VARIABLE.findall(value):
                try:
                    secrets[name] = _secret(name, environment)
                except ValueError as error:
                    faults.append(ConfigError(document.value_place(path), dotted(path), str(error)))
            return _put_in(value, secrets)
        if not isinstance(value, dict):
            return value
        keys = list(value) if place[0] == "*" else [place[0]] if place[0] in value else []
        return {**value, **{key: walked(value[key], place[1:], (*path, key)) for key in keys}}

    for place in places:
        data = walked(data, place, ())
    if faults:
        raise ConfigFileError(tuple(faults))
    return data


def _secret(name: str, environment: Mapping[str, str]) -> str:
    if name in environment:
        return environment[name]
    file = environment.get(f"{name}_FILE", "")
    if not file:
        raise ValueError(f"{name} is not set in the environment")
    try:
        return Path(file).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else "no text"
        raise ValueError(f"the file of {name}_FILE cannot be read: {why}") from None


def _put_in(value: str, secrets: Mapping[str, str]) -> str:
    whole = _VARIABLE.fullmatch(value)
    if whole:
        return secrets.get(whole[1], "")
    return _VARIABLE.sub(lambda variable: quote(secrets.get(variable[1], ""), safe=""), value)
