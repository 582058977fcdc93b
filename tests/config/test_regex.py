"""An expression that somebody wrote into a file cannot make the gate slow."""

from __future__ import annotations

import pytest

from smtp_gate.config.regex import compile_bounded


@pytest.mark.parametrize(
    "text",
    [
        r"/o/[0-9a-f]{32}",
        r"/(?:a/|b/)*[\w-]{8,}",
        r"(?:[^#]*&)?x=(?:a+|b+|c+|d+)",
        r"[()*+]+\(\*\)",
        r"[]a]+",
        r"(?P<name>a+)b",
        r"(?i)a+$",
        r"(?:a{1,5}){2}",
        r"(?=a)b*?",
        r"a\++[+]+",
        r"(?:[^#]*&)?(?:a+x){2}",
        r"(?:[^#]*&)?x+?",
    ],
)
def test_bounded_expressions_are_taken(text: str) -> None:
    assert compile_bounded(text).pattern == text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("(", "no regular expression"),
        ("(a+)+", "repeat inside a repeat"),
        ("(?:a|b*)*x", "repeat inside a repeat"),
        ("((a+)b)+", "repeat inside a repeat"),
        ("(?:a{2,}){3,}", "repeat inside a repeat"),
        (r"(a)\1", "back reference"),
        ("(?P<x>a)(?P=x)", "back reference"),
        ("(?>a+)", "back reference or an atomic group"),
        ("a++", "possessive repeat"),
        ("a?+", "possessive repeat"),
        ("a{1,2}+", "possessive repeat"),
        ("(?:a+x){2,4}", "more than 3 open repeats"),
        (r".*a.*b.*c.*", "more than 3 open repeats"),
    ],
)
def test_others_are_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        compile_bounded(text)
