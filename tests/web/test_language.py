"""The browser's wish goes before the controller's language, and every language says all there is to say."""

from __future__ import annotations

import re

import pytest

from smtp_gate.web.language import choose, load_words

WORDS = load_words()


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
    assert choose(accept, WORDS, preferred) == chosen


def test_all_languages_have_the_same_words_with_the_same_places_in_them() -> None:
    def shape(value: object) -> object:
        if isinstance(value, dict):
            return {key: shape(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [shape(inner) for inner in value]
        return set(re.findall(r"\{\w*\}", str(value)))

    assert sorted(WORDS) == ["en", "fr"]
    assert shape(WORDS["fr"]) == shape(WORDS["en"])


def test_no_text_is_the_same_in_two_languages() -> None:
    same = {"contact"}
    for page, words in WORDS["en"].items():
        for key, text in words.items():
            assert (WORDS["fr"][page][key] == text) == (key in same), (page, key)
