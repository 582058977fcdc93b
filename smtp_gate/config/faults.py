"""What pydantic complains of, said the way an administrator can act on: place, key, value, cure, choices."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel

from smtp_gate.config.yaml_file import dotted
from smtp_gate.errors import ConfigError

if TYPE_CHECKING:
    from smtp_gate.config.yaml_file import Document

MAX_SHOWN = 80
"""Characters of a value in a message: one line of a terminal holds place, key and value."""


def said(document: Document, model: type[BaseModel], fault: Any) -> ConfigError:
    """One complaint as our errors are written.

    Args:
        document: the file.
        model: what the whole file is read into; names the keys that may stand at a place.
        fault: one item of ``ValidationError.errors()``.
    """
    path = tuple(piece for piece in fault["loc"] if not str(piece).startswith(("function-", "list[", "str")))
    key, value = dotted(path), fault["input"]
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "extra_forbidden":
        known = known_keys(model, path[:-1])
        return ConfigError(document.place(path), key, f"is no key here; {_choose(str(path[-1]), known)}")
    if kind == "missing":
        return ConfigError(document.place(path[:-1]), key, "is missing")
    if kind in ("literal_error", "enum"):
        choices = [choice.strip("' ") for choice in context["expected"].replace(" or ", ", ").split(",")]
        problem = f"{_short(value)} is no choice; {_choose(str(value), choices)}"
    elif kind == "value_error":
        # What concerns several keys at once is said without their values.
        problem = str(context["error"]) if isinstance(value, dict) else f"{_short(value)} {context['error']}"
    elif kind == "too_short":
        problem = "is empty; give at least one"
    elif kind == "string_too_short":
        problem = "is empty"
    else:
        problem = f"{_short(value)} should be {str(fault['msg']).removeprefix('Input should be ')}"
    return ConfigError(document.value_place(path), key, problem)


def known_keys(model: type[BaseModel], path: tuple[str | int, ...]) -> list[str]:
    """Keys that may stand at a path of the file."""
    here: type[BaseModel] | None = model
    step: Any = model
    for piece in path:
        if here is not None and isinstance(piece, str):
            fields = {field.alias or name: field for name, field in here.model_fields.items()}
            step = fields[piece].annotation if piece in fields else step
        inside = _models(step)
        here = inside[0] if inside else None
    return [field.alias or name for name, field in here.model_fields.items()] if here else []


def _models(annotation: Any) -> list[type[BaseModel]]:
    """Models somewhere inside an annotation such as ``dict[str, Model]`` or ``Model | None``."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models(inner)]


def _choose(value: str, choices: list[str]) -> str:
    near = difflib.get_close_matches(value, choices, n=1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    return f"{hint}choose one of: {', '.join(choices)}" if choices else "nothing may stand here"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."
