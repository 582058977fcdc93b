"""Every key is in the example and in the documentation, and nothing else is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel

from smtp_gate.config.load import read_settings
from smtp_gate.config.settings import Settings

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


def test_the_example_is_a_good_file_and_shows_every_key() -> None:
    read_settings(EXAMPLE, "config.example.yaml")
    for key in keys(Settings):
        last = key.replace("[]", "").split(".")[-1]
        assert re.search(rf"[\s{{#]{last}:", EXAMPLE), f"{key} is not in the example"


def test_what_the_example_comments_out_is_good_too() -> None:
    text = re.sub(r"^(\s*)# (tls:|  certificate:|  key:|  required:|extra:)", r"\1\2", EXAMPLE, flags=re.MULTILINE)
    settings = read_settings(text, "config.example.yaml")
    assert settings.listen.tls is not None
    assert settings.trackers.extra is not None


def test_every_key_explains_itself_to_editors() -> None:
    silent = [
        f"{name}.{key}"
        for name, model in Settings.model_json_schema()["$defs"].items()
        for key, field in model.get("properties", {}).items()
        if "description" not in field and "$ref" not in field
    ]
    assert silent == []
