"""Every sentence that people read stands in every language, whole, with its places, in good typography."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from smtp_gate.config.translations import FOLDER, direction, footer_wording, translations, wordings
from smtp_gate.config.values import Language
from smtp_gate.render.wording import ENGLISH

if TYPE_CHECKING:
    from babel.messages.catalog import Catalog

ROOT = Path(__file__).parent.parent.parent
METHODS = [
    ("render/**.py", "python"),
    ("config/**.py", "python"),
    ("web/templates/**.html", "jinja2"),
    ("web/templates/**.txt", "jinja2"),
]
SENTENCES = {str(sentence) for _, _, sentence, _, _ in extract_from_dir(ROOT / "smtp_gate", METHODS)}
OTHERS = [language for language in get_args(Language) if language != "en"]
PLACE = re.compile(r"%\(\w+\)s")
NARROW = "\u202f"
SAME = {("nl", "Contact"), ("fr", "Contact")}
"""Sentences that are the same in another language."""


def catalog(language: str) -> Catalog:
    """The file of a language, as it is written."""
    with (FOLDER / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def test_there_is_a_file_for_each_language_that_can_be_chosen() -> None:
    assert sorted(translations()) == sorted(get_args(Language))
    assert len(get_args(Language)) == 8


@pytest.mark.parametrize("language", OTHERS)
def test_each_sentence_is_translated_and_nothing_else_is(language: str) -> None:
    assert len(SENTENCES) > 40
    messages = [message for message in catalog(language) if message.id]
    assert {message.id for message in messages} == SENTENCES, "run make translations, and translate what is new"
    assert [message.id for message in messages if message.fuzzy or not message.string] == []
    assert catalog(language).obsolete == {}


@pytest.mark.parametrize("language", OTHERS)
def test_each_translation_has_the_places_of_its_sentence(language: str) -> None:
    for message in catalog(language):
        if message.id:
            wanted, there = (set(PLACE.findall(str(text))) for text in (message.id, message.string))
            assert wanted == there, message.id
            assert "%" not in PLACE.sub("", str(message.string)), "a sign that fills nothing"


@pytest.mark.parametrize("language", OTHERS)
def test_no_sentence_is_left_in_english(language: str) -> None:
    words = translations()[language].gettext
    same = {sentence for sentence in SENTENCES if words(sentence) == sentence}
    assert {(language, sentence) for sentence in same if PLACE.sub("", sentence) != ":"} <= SAME


@pytest.mark.parametrize("language", OTHERS)
def test_translations_keep_their_languages_typography(language: str) -> None:
    words = translations()[language].gettext
    for sentence in SENTENCES:
        text = words(sentence)
        assert text == text.strip()
        assert "  " not in text
        assert not set("'\"") & set(text), "typewriter signs"
        assert text[-1:] in ".?:" or text[-1:] == sentence[-1:] or text[-1:].isalpha(), text
        assert (text[-1] == ".") is (sentence[-1] == "."), text
        for sign in re.finditer(r"[:;?!]", text):
            before = text[: sign.start()][-1:]
            assert (before == NARROW) is (language == "fr"), text
            assert before != " "
        if language == "es":
            assert text.count("?") == text.count("¿")
        if language == "pl":
            assert not re.search(r"(?<!\w)[aiouwzAIOUWZ] ", text), "a short word does not end a line"


@pytest.mark.parametrize("language", OTHERS)
def test_ending_the_tracking_is_never_called_unsubscribing(language: str) -> None:
    words = translations()[language].gettext
    said = " ".join(words(sentence) for sentence in SENTENCES).lower()
    for word in ("désinscri", "désabonn", "abmeld", "abbestell", "anular", "baja", "cancellar", "disiscri"):
        assert word not in said
    for word in ("afmeld", "uitschrijv", "wypis", "rezygn", "cancelar", "unsubscri", "anonym", "obligat"):
        assert word not in said


def test_the_footers_language_is_the_mails_then_the_controllers_then_english() -> None:
    assert footer_wording("de", "fr").language == "de"
    assert footer_wording("ar", "fr").language == "fr"
    assert footer_wording("", "pl").language == "pl"
    assert footer_wording("ar", "") == ENGLISH
    assert set(wordings()) == set(get_args(Language))
    assert wordings()["en"] == ENGLISH


def test_a_language_knows_which_way_it_is_written() -> None:
    assert {direction(language) for language in get_args(Language)} == {"ltr"}
    assert direction("ar") == "rtl"
