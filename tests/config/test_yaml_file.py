"""The sober YAML: what plain text means, where things stand, and what is refused."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from smtp_gate.config.yaml_file import MAX_NESTING, dotted, read_yaml
from smtp_gate.errors import ConfigFileError


def test_plain_text_means_what_yaml_1_2_says() -> None:
    text = "a: 100\nb: true\nc: null\nd: '100'\ne: 1.5\nf: no\ng: 12:30\nh: 0x10\ni: ~\nj: on\n"
    assert read_yaml(text, "x").data == {
        "a": 100,
        "b": True,
        "c": None,
        "d": "100",
        "e": 1.5,
        "f": "no",
        "g": "12:30",
        "h": 16,
        "i": None,
        "j": "on",
    }


def test_places_are_those_of_keys_and_values() -> None:
    document = read_yaml("a:\n  - b: 1\n    c: two\n", "x.yaml")
    assert document.place(("a", 0, "c")) == "x.yaml:3:5"
    assert document.value_place(("a", 0, "c")) == "x.yaml:3:8"
    assert document.place(("a", 0, "missing")) == "x.yaml:2:5"
    assert dotted(("a", 0, "c")) == "a[0].c"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("# only words\n", "the file is empty"),
        ("a: 1\na: 2\n", "x:2:1: a: 'a' is given twice, first at line 1"),
        ("{a: 1, a: 2}\n", "x:1:8: a: 'a' is given twice, first at column 2"),
        ("a: &b 1\n", "anchor &b is not taken here"),
        ("a: *b\n", "alias *b is not taken here"),
        ("a: !!python/object/apply:os.system [x]\n", "tag 'tag:yaml.org,2002:python/object/apply:os.system'"),
        ("a: 1\n---\nb: 2\n", "x:2:1: a second document begins here"),
        ("[" * 100 + "]" * 100, f"nested deeper than {MAX_NESTING} levels"),
        ("? [a]\n: 1\n", "a key is text, not a list or mapping"),
        ("a:\n\t- b\n", "x:2:1: a tab; YAML is indented with spaces"),
        ("a: 'b\n", "x:2:1: is no YAML"),
        ("a: \x00\n", "x:1:4: is no YAML: a character that must not be in it"),
    ],
)
def test_what_is_refused_is_named_with_its_place(text: str, said: str) -> None:
    with pytest.raises(ConfigFileError) as refused:
        read_yaml(text, "x")
    assert said in str(refused.value)


def test_what_follows_an_alias_is_not_misread() -> None:
    with pytest.raises(ConfigFileError) as refused:
        read_yaml("a: &x 1\nb: *x\nc: 1\nd: 1\n", "x")
    assert [error.place for error in refused.value.errors] == ["x:1:4", "x:2:4"]


def test_without_libyaml_the_same_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a: 1\nb: [x, ~, 'true']\nc: no\nd: |\n  e\n"
    fast = read_yaml(text, "x")
    monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    assert read_yaml(text, "x") == fast


def test_a_list_inside_a_list_at_the_limit_is_taken() -> None:
    depth = MAX_NESTING
    assert read_yaml("[" * depth + "]" * depth, "x").data is not None


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(10**15), 10**15) | st.text("abc: #-'\"é", max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abcd", min_size=1), inner, max_size=3),
        max_leaves=8,
    )
)
def test_what_pyyaml_writes_is_read_back(data: object) -> None:
    text = yaml.safe_dump({"root": data}, allow_unicode=True, default_flow_style=None)
    if "&id" not in text:
        assert read_yaml(text, "x").data == {"root": data}


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        assert read_yaml(text, "x").name == "x"
    except ConfigFileError as refused:
        places = {error.place.split(":")[0] for error in refused.errors}
    else:
        places = {"x"}
    assert places == {"x"}
