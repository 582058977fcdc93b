"""The sources that the documentation shows are sources."""

from __future__ import annotations

import re
from pathlib import Path

from smtp_gate.config.source import load_source

PAGE = Path(__file__).parent.parent.parent / "docs/consent.md"


def test_the_examples_of_the_documentation_are_taken(tmp_path: Path) -> None:
    blocks = [
        text for text in re.findall(r"```yaml\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL) if "map:" in text
    ]
    assert len(blocks) >= 3
    for number, text in enumerate(blocks):
        file = tmp_path / f"{number}.yaml"
        file.write_text(text)
        load_source(file, {"BREVO_KEY": "k", "CRM_PASSWORD": "p"})
