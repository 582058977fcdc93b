"""Secrets that come from the environment: ``${REDIS_PASSWORD}`` in the few values that may hold one.

Elsewhere ``${...}`` is text like any other: a rule must not mean something else on another machine.
"""

from __future__ import annotations

import re
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
        ConfigFileError: a variable is not set; the message names it and shows no value.
    """
    data = document.data
    faults: list[ConfigError] = []

    def walked(value: Any, place: tuple[str, ...], path: tuple[str, ...]) -> Any:
        if not place:
            if not isinstance(value, str):
                return value
            faults.extend(
                ConfigError(document.value_place(path), dotted(path), f"{name} is not set in the environment")
                for name in _VARIABLE.findall(value)
                if name not in environment
            )
            return _put_in(value, environment)
        if not isinstance(value, dict):
            return value
        keys = list(value) if place[0] == "*" else [place[0]] if place[0] in value else []
        return {**value, **{key: walked(value[key], place[1:], (*path, key)) for key in keys}}

    for place in places:
        data = walked(data, place, ())
    if faults:
        raise ConfigFileError(tuple(faults))
    return data


def _put_in(value: str, environment: Mapping[str, str]) -> str:
    whole = _VARIABLE.fullmatch(value)
    if whole:
        return environment.get(whole[1], "")
    return _VARIABLE.sub(lambda variable: quote(environment.get(variable[1], ""), safe=""), value)
