"""The browser's wish goes before the controller's language."""

from __future__ import annotations

import pytest

from smtp_gate.web.language import choose

KNOWN = {"en", "fr"}


@pytest.mark.parametrize(
    ("accept", "preferred", "chosen"),
    [
        ("", "fr", "fr"),
        ("", "de", "en"),
        ("", "", "en"),
        ("fr-FR,fr;q=0.9,en;q=0.8", "en", "fr"),
        ("en-GB,en;q=0.9,fr;q=0.8", "fr", "en"),
        ("de,fr;q=0.5,en;q=0.7", "fr", "en"),
        ("fr;q=0,en;q=0.1", "fr", "en"),
        ("FR", "en", "fr"),
        ("de;q=1", "fr", "fr"),
        ("*", "fr", "fr"),
        (";;,,q=;en;q=x, fr ; q=0.3 ", "en", "fr"),
        ("e" * 100_000, "fr", "fr"),
        ("," * 500 + "fr", "en", "en"),
    ],
)
def test_a_language_is_chosen(accept: str, preferred: str, chosen: str) -> None:
    assert choose(accept, KNOWN, preferred) == chosen
