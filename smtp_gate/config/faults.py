"""What pydantic complains of, said the way an administrator can act on: place, key, value, cure, choices."""

from __future__ import annotations

import difflib
import re
from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from smtp_gate.config.yaml_file import dotted
from smtp_gate.errors import ConfigError

if TYPE_CHECKING:
    from smtp_gate.config.yaml_file import Document

_SHAPES = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": "keys with values",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_type": "keys with values",
    "path_type": "a path",
    "string_type": "text; put it in quotes",
}
"""What pydantic calls a shape, as an administrator would."""
_CREDENTIALS = re.compile(r"(//)[^/@\s'\"]*(?=@)|(password=)[^&\s'\"]*")
MAX_SHOWN = 80
"""Characters of a value in a message: one line of a terminal holds place, key and value."""


def said(document: Document, model: type[BaseModel], fault: Any) -> ConfigError:
    """One complaint as our errors are written.

    Args:
        document: the file.
        model: what the whole file is read into; names the keys that may stand at a place.
        fault: one item of ``ValidationError.errors()``.
    """
    path = _path(document.data, fault["loc"], missing=fault["type"] == "missing")
    key, value = dotted(path), fault["input"]
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "extra_forbidden":
        known = known_keys(model, path[:-1])
        return ConfigError(document.place(path), key, f"is no key here; {choose(str(path[-1]), known)}")
    if kind == "missing":
        return ConfigError(document.place(path[:-1]), key, "is missing")
    if fault["loc"][-1:] == ("[key]",):
        return ConfigError(document.place(path), key, f"{_short(path[-1])} {_told(fault)}")
    if value is None:
        problem = "is empty; give it a value or leave it out"
    elif kind in ("literal_error", "enum"):
        choices = [choice.strip("' ") for choice in context["expected"].replace(" or ", ", ").split(",")]
        problem = f"{_short(value)} is no choice; {choose(str(value), choices)}"
    elif kind == "value_error":
        # What concerns several keys at once is said without their values.
        problem = _told(fault) if isinstance(value, dict) else f"{_short(value)} {_told(fault)}"
    elif kind == "too_short":
        problem = "is empty; give at least one"
    elif kind == "string_too_short":
        problem = "is empty"
    elif kind in _SHAPES:
        problem = f"{_short(value)} should be {_SHAPES[kind]}"
    else:
        problem = f"{_short(value)} {_told(fault)}"
    return ConfigError(document.value_place(path), key, problem)


def _told(fault: Any) -> str:
    """The sentence of a check of ours, or pydantic's."""
    error = fault.get("ctx", {}).get("error")
    return str(fault["msg"]).replace("Input should be", "should be") if error is None else str(error)


def _path(data: Any, loc: tuple[str | int, ...], *, missing: bool) -> tuple[str | int, ...]:
    """Where in the file a complaint is about: pydantic's path without the names of its own validators."""
    path: tuple[str | int, ...] = ()
    for number, piece in enumerate(loc):
        here = isinstance(data, dict | list) and (
            piece in data if isinstance(data, dict) else isinstance(piece, int) and piece < len(data)
        )
        if here:
            data = data[piece]
            path = (*path, piece)
        elif missing and number == len(loc) - 1:
            path = (*path, piece)
    return path


def known_keys(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """Keys that may stand at a path of the file."""
    kinds: list[Any] = [model]
    for piece in path:
        kinds = [inner for kind in kinds for inner in _inside(kind, piece)]
    return [key for kind in kinds for each in _choices(kind) for key in _fields(each)]


def _choices(annotation: Any) -> list[Any]:
    """The types that an annotation such as ``Model | None`` stands for."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return _choices(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return [choice for inner in get_args(annotation) for choice in _choices(inner)]
    return [annotation]


def _inside(annotation: Any, piece: str | int) -> list[Any]:
    """What may stand at a key or item of a value of that type."""
    found = []
    for choice in _choices(annotation):
        fields = _fields(choice)
        if piece in fields:
            found.append(fields[str(piece)])
        elif get_origin(choice) is dict:
            found.append(get_args(choice)[1])
        elif get_origin(choice) in (list, tuple):
            found.append(get_args(choice)[0])
    return found


def _fields(kind: Any) -> dict[str, Any]:
    """Keys of a model with their types; nothing for what is no model."""
    if not (isinstance(kind, type) and issubclass(kind, BaseModel)):
        return {}
    return {field.alias or name: field.annotation for name, field in kind.model_fields.items()}


def choose(value: str, choices: list[str]) -> str:
    """The choices, with the nearest one first where one is near."""
    near = difflib.get_close_matches(value, choices, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}choose one of: {', '.join(choices)}" if choices else "nothing may stand here"


def _short(value: Any) -> str:
    text = _CREDENTIALS.sub(r"\1\2***", repr(value))
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."
