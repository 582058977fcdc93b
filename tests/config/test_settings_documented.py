"""Every key is in the example and in the documentation, and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from smtp_gate.config.load import read_settings
from smtp_gate.config.settings import Settings
from smtp_gate.config.yaml_file import read_yaml

ROOT = Path(__file__).parent.parent.parent
EXAMPLE = (ROOT / "config.example.yaml").read_text(encoding="utf-8")
POLICY = (ROOT / "docs/policy.md").read_text(encoding="utf-8")


def models(annotation: Any) -> list[tuple[type[BaseModel], str]]:
    """Models inside an annotation, with how a path goes on to them."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [(annotation, "")]
    text = str(annotation)
    step = "[]" if text.startswith("list[") else ".ID" if text.startswith("dict[") else ""
    return [(model, step + more) for inner in get_args(annotation) for model, more in models(inner)]


def keys(model: type[BaseModel], head: str = "") -> set[str]:
    """Dotted names of all keys that hold a value."""
    found = set()
    for name, field in model.model_fields.items():
        here = head + (field.alias or name)
        inside = models(field.annotation)
        for inner, step in inside:
            found |= keys(inner, f"{here}{step}.")
        if not inside:
            found.add(here)
    return found


def test_the_documentation_has_every_key_and_no_other() -> None:
    told = set(re.findall(r"^\| `([a-zA-Z_.\[\]]+)` \| .* \| .* \|$", POLICY.split("## Keys")[1], re.MULTILINE))
    reasons = set(re.findall(r"^\| `(\w+)` \| ", POLICY.split("## Reasons")[1], re.MULTILINE))
    assert told - reasons == keys(Settings)


def shown(data: Any, known: set[str], head: str = "") -> set[str]:
    """Dotted names of all keys of a file, as :func:`keys` writes them."""
    if head in known:
        return {head}
    if isinstance(data, list):
        return {key for item in data for key in shown(item, known, f"{head}[]")}
    if not isinstance(data, dict):
        return {head}
    return {
        found
        for key, value in data.items()
        for found in shown(value, known, "controllers.ID" if head == "controllers" else f"{head}.{key}".lstrip("."))
    }


def test_the_example_is_a_good_file() -> None:
    read_settings(EXAMPLE, "config.example.yaml")


def test_the_example_shows_every_key_and_what_it_comments_out_is_good_too() -> None:
    text = re.sub(
        r"^(\s*)# (tls:|  certificate:|  key:|  required:|extra:|dns:|heads:|retention:|api_keys:|footer:"
        r"|transition_until:|webhooks:|  - url:|    controller:|    secret_file:|    events:|    networks:"
        r"|brand:|  logo:|  templates:|  colours:)",
        r"\1\2",
        EXAMPLE,
        flags=re.MULTILINE,
    )
    read_settings(text, "config.example.yaml")
    assert shown(read_yaml(text, "config.example.yaml").data, keys(Settings)) == keys(Settings)


def test_every_key_explains_itself_to_editors() -> None:
    silent = [
        f"{name}.{key}"
        for name, model in Settings.model_json_schema()["$defs"].items()
        for key, field in model.get("properties", {}).items()
        if "description" not in field and "$ref" not in field
    ]
    assert silent == []


def test_editors_know_that_one_value_may_stand_where_several_may() -> None:
    listen = Settings.model_json_schema()["$defs"]["Listen"]
    assert {"type": "string"} in listen["properties"]["smtp"]["anyOf"]
    assert listen["additionalProperties"] is False
