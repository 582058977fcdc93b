"""YAML as the gate's files use it: plain data, and the line and column of every key and value.

This module alone decides which YAML is taken. It is the sober part of the language: mappings with text keys,
lists, text, numbers, ``true``/``false`` and ``null`` as in YAML 1.2's core schema (so ``no``, ``on`` and
``12:30`` are text). Refused are keys given twice (the last one would win silently), anchors and aliases (a small
file could grow to gigabytes), tags, a second document, and nesting deeper than :data:`MAX_NESTING`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import yaml

from smtp_gate.errors import ConfigError, ConfigFileError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

MAX_NESTING = 32
"""Levels of lists and mappings; our own files need six."""

_INT = re.compile(r"[-+]?[0-9]{1,18}|0o[0-7]{1,18}|0x[0-9a-fA-F]{1,15}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,18}|[0-9]{1,18}(\.[0-9]{0,18})?)([eE][-+]?[0-9]{1,3})?")
_WORDS: dict[str, bool | None] = {
    word: value
    for words, value in (("~ null Null NULL", None), ("true True TRUE", True), ("false False FALSE", False))
    for word in words.split()
} | {"": None}


class Mark(NamedTuple):
    """Where something stands in the file, both counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML file that was read.

    Attributes:
        name: what the file is called in messages.
        data: dicts with text keys, lists, text, int, float, bool and None.
        keys: path -> where its key stands (for an item of a list: where the item begins).
        values: path -> where its value begins.
    """

    name: str
    data: Any
    keys: Mapping[tuple[str | int, ...], Mark]
    values: Mapping[tuple[str | int, ...], Mark]

    def place(self, path: tuple[str | int, ...]) -> str:
        """``name:line:column`` of the key at ``path``; of the nearest one around it where it is not in the file."""
        return self._place(self.keys, path)

    def value_place(self, path: tuple[str | int, ...]) -> str:
        """``name:line:column`` of the value at ``path``; of the nearest one around it where there is none."""
        return self._place(self.values, path)

    def _place(self, marks: Mapping[tuple[str | int, ...], Mark], path: tuple[str | int, ...]) -> str:
        while path and path not in marks:
            path = path[:-1]
        mark = marks.get(path, Mark(1, 1))
        return f"{self.name}:{mark.line}:{mark.column}"


def read_yaml(text: str, name: str) -> Document:
    """Read one YAML document.

    Args:
        text: the file's text.
        name: what messages call the file.

    Raises:
        ConfigFileError: the text is no YAML, or YAML that is refused; with ``name:line:column`` of each fault.
    """
    try:
        return _Composer(name, _events(text, fast=True)).document()
    except yaml.YAMLError as fast:
        # libyaml reads ten times faster, PyYAML's own scanner explains better.
        try:
            _Composer(name, _events(text, fast=False)).document()
        except yaml.YAMLError as slow:
            raise ConfigFileError((_syntax_error(text, name, slow),)) from slow
        raise ConfigFileError((_syntax_error(text, name, fast),)) from fast


def dotted(path: tuple[str | int, ...]) -> str:
    """A path as messages write it: ``policy.rules[2].class``."""
    out = ""
    for piece in path:
        if isinstance(piece, int):
            out += f"[{piece}]"
        else:
            out += f".{piece}" if out else piece
    return out


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end was not reached yet; ``key`` is the pending key of a mapping."""

    path: tuple[str | int, ...]
    value: dict[str, Any] | list[Any]
    key: str | None = None


class _Composer:
    """Makes data of parser events, with a stack of its own, so that depth is a number and never a crash."""

    def __init__(self, name: str, events: Iterator[yaml.Event]) -> None:
        self._name = name
        self._events = events
        self._stack: list[_Open] = []
        self._keys: dict[tuple[str | int, ...], Mark] = {}
        self._values: dict[tuple[str | int, ...], Mark] = {}
        self._faults: list[ConfigError] = []
        self._root: Any = None
        self._documents = 0
        self._begun = False

    def document(self) -> Document:
        for event in self._events:
            self._take(event)
        if not self._begun and not self._faults:
            self._faults.append(ConfigError(self._name, "", "the file is empty"))
        if self._faults:
            raise ConfigFileError(tuple(self._faults))
        return Document(self._name, self._root, self._keys, self._values)

    def _take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._start(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._stack.pop()
        elif isinstance(event, yaml.AliasEvent):
            self._refuse(event, f"alias *{event.anchor} is not taken here; write the value out")
            raise ConfigFileError(tuple(self._faults))
        elif isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents == 2:  # noqa: PLR2004 - the second of anything
                self._refuse(event, "a second document begins here; one file holds one")

    def _scalar(self, event: yaml.ScalarEvent) -> None:
        self._check(event, event.anchor, None if event.implicit[0] or event.implicit[1] else event.tag)
        around = self._stack[-1] if self._stack else None
        if around is not None and isinstance(around.value, dict) and around.key is None:
            self._key(event, around)
            return
        plain = event.implicit[0] and not event.style  # libyaml says "" where PyYAML says None
        if not self._stack and plain and event.value == "":
            return  # nothing but comments
        self._put(event, _plain(event.value) if plain else event.value)

    def _key(self, event: yaml.ScalarEvent, around: _Open) -> None:
        path = (*around.path, event.value)
        mark = self._keys.get(path)
        if mark is not None:
            first = f"line {mark.line}" if mark.line != _mark(event).line else f"column {mark.column}"
            self._refuse(event, f"{event.value!r} is given twice, first at {first}", path)
        else:
            self._keys[path] = _mark(event)
        around.key = event.value

    def _start(self, event: yaml.CollectionStartEvent) -> None:
        self._check(event, event.anchor, None if event.implicit else event.tag)
        if len(self._stack) >= MAX_NESTING:
            self._refuse(event, f"nested deeper than {MAX_NESTING} levels")
            raise ConfigFileError(tuple(self._faults))
        around = self._stack[-1] if self._stack else None
        if around is not None and isinstance(around.value, dict) and around.key is None:
            self._refuse(event, "a key is text, not a list or mapping")
            raise ConfigFileError(tuple(self._faults))
        value: dict[str, Any] | list[Any] = {} if isinstance(event, yaml.MappingStartEvent) else []
        self._stack.append(_Open(self._put(event, value), value))

    def _put(self, event: yaml.Event, value: Any) -> tuple[str | int, ...]:
        """Put a value where it belongs; returns its path."""
        self._begun = True
        if not self._stack:
            path: tuple[str | int, ...] = ()
            if self._documents == 1:
                self._root = value
                self._keys[()] = _mark(event)
        else:
            around = self._stack[-1]
            if isinstance(around.value, list):
                path = (*around.path, len(around.value))
                around.value.append(value)
                self._keys[path] = _mark(event)
            else:
                key = around.key if around.key is not None else ""
                path = (*around.path, key)
                around.value[key] = value
                around.key = None
        self._values[path] = _mark(event)
        return path

    def _check(self, event: yaml.Event, anchor: str | None, tag: str | None) -> None:
        if anchor is not None:
            self._refuse(event, f"anchor &{anchor} is not taken here; write the value out where it is used")
        if tag is not None:
            self._refuse(event, f"tag {tag!r} is not taken here")

    def _refuse(self, event: yaml.Event, problem: str, path: tuple[str | int, ...] = ()) -> None:
        line, column = _mark(event)
        self._faults.append(ConfigError(f"{self._name}:{line}:{column}", dotted(path), problem))


def _mark(event: yaml.Event) -> Mark:
    start = event.start_mark
    return Mark(start.line + 1, start.column + 1) if start is not None else Mark(1, 1)


def _events(text: str, *, fast: bool) -> Iterator[yaml.Event]:
    loader: Callable[[str], Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader) if fast else yaml.SafeLoader
    parser = loader(text)
    try:
        while parser.check_event():
            yield parser.get_event()
    finally:
        parser.dispose()


def _plain(text: str) -> Any:
    """What unquoted text means."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text, 0 if text[:2] in ("0o", "0x") else 10)
    if _FLOAT.fullmatch(text):
        return float(text)
    return text


def _syntax_error(text: str, name: str, error: yaml.YAMLError) -> ConfigError:
    if isinstance(error, yaml.MarkedYAMLError):
        mark = error.problem_mark or error.context_mark
        if mark is None:
            return ConfigError(name, "", f"is no YAML: {error.problem or 'unreadable'}")
        place = f"{name}:{mark.line + 1}:{mark.column + 1}"
        lines = text.splitlines()
        if mark.line < len(lines) and lines[mark.line][mark.column : mark.column + 1] == "\t":
            return ConfigError(place, "", "a tab; YAML is indented with spaces")
        context = f" {error.context}" if error.context else ""
        since = f" (begun at line {error.context_mark.line + 1})" if error.context and error.context_mark else ""
        return ConfigError(place, "", f"is no YAML: {error.problem}{context}{since}")
    position = getattr(error, "position", 0)
    before = text[:position]
    line, column = before.count("\n") + 1, position - (before.rfind("\n") + 1) + 1
    return ConfigError(f"{name}:{line}:{column}", "", "is no YAML: a character that must not be in it")
