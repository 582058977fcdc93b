"""A vendor file written from what was learnt: ready to be kept, and to be read by a person first."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import yaml

from smtp_gate.trackers.learnt import Form
from smtp_gate.trackers.skeleton import CODE, HOLE, TARGET

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from smtp_gate.trackers.learnt import Lesson

_PIECES = re.compile(r"(\{\}|\{#\})")
_HOLES = {HOLE: "[^/?&]{1,500}", CODE: "[A-Z0-9-]{1,24}"}
_LABELS = {HOLE: "[a-z0-9_-]{1,63}", CODE: "[a-z0-9_-]{1,63}"}
_MADE_UP = {HOLE: ("demo1a7x", "demo2b8y"), CODE: ("10001", "10002")}
_LEAD = "https%3A%2F%2Fshop.example%2Fautumn"


def vendor_file(host: str, lessons: Iterable[tuple[Lesson, str]], day: str) -> str:
    """YAML for one host of which something was learnt that acts.

    Args:
        host: as in the lessons' skeletons.
        lessons: all that was learnt on it, each with why it acts; empty for what is only seen.
        day: ``YYYY-MM-DD``.

    Returns:
        A file that the catalogue reads as it is, with what is only seen as comments.
    """
    found = list(lessons)
    entry: dict[str, Any] = {
        "id": "learnt_" + re.sub(r"[^a-z0-9]+", "_", host.lower()).strip("_"),
        "name": f"learnt on {host}",
    }
    for shelf, form in (("pixels", Form.PIXEL), ("links", Form.LINK)):
        patterns = [_pattern(lesson, day) for lesson, reason in found if reason and lesson.form is form]
        if patterns:
            entry[shelf] = patterns
    lines = []
    if HOLE not in host and CODE not in host:
        lines = [
            f"# If {host} is a vendor's tracking host of yours, say that instead, in the configuration:",
            f"#   trackers: {{domains: {{VENDOR: [{host}]}}}}",
        ]
    for lesson, reason in found:
        if not reason:
            lines.append(f"# only seen, a {lesson.form.value} that differs from reader to reader: {lesson.shape}")
            names = [name for name, value in _parameters(lesson.shape) if name and value != TARGET]
            if names and lesson.form is Form.LINK:
                lines.append(f"#   if it names the reader and nothing else: parameters: [{', '.join(names)}]")
    return "\n".join([*lines, yaml.safe_dump(entry, sort_keys=False, allow_unicode=True, width=1000)])


def _pattern(lesson: Lesson, day: str) -> Mapping[str, Any]:
    """One pattern of the file."""
    host, _, rest = lesson.shape.partition("/")
    path, _, _ = ("/" + rest).partition("?")
    parameters = _parameters(lesson.shape)
    pattern: dict[str, Any] = {"name": "learnt"}
    if HOLE in host or CODE in host:
        pattern["host_pattern"] = f"^{_filled(host, _LABELS)}$"
    else:
        pattern["hosts"] = [f"={host}"]
    pattern["path"] = _filled(path, _HOLES) + (
        rf"\?(?:[^#]{{0,999}}&)?{re.escape(parameters[0][0])}=" if parameters and parameters[0][0] else r"(?:\?|$)"
    )
    tally = lesson.tally
    pattern["fact"] = {
        "confidence": "real_mail",
        "source": f"learnt from mail of {lesson.domain}, {tally.copies} copies or more, {tally.values} values",
        "checked": day,
    }
    examples = [_example(lesson.shape, number) for number in (0, 1)]
    pattern["examples"] = examples
    lead = next((name for name, value in parameters if value == TARGET and name), "")
    if lead and lesson.form is Form.LINK:
        target = {"url": examples[0], "target": "https://shop.example/autumn"}
        pattern["targets"] = [{"from": f"query:{lead}", "steps": ["urldecode"], "examples": [target]}]
    return pattern


def _parameters(shape: str) -> list[tuple[str, str]]:
    """Names and holes of the query in a skeleton."""
    query = shape.partition("?")[2]
    pairs = (piece.partition("=") for piece in query.split("&") if piece)
    return [(name, value) if sign else ("", name) for name, sign, value in pairs]


def _filled(text: str, holes: Mapping[str, str]) -> str:
    """A piece of a skeleton as an expression."""
    return "".join(holes.get(piece) or re.escape(piece) for piece in _PIECES.split(text))


def _example(shape: str, number: int) -> str:
    head, sign, query = shape.partition("?")
    filled = _PIECES.sub(lambda hole: _MADE_UP[hole[0]][number], head + sign + query)
    return "https://" + re.sub(r"=@(?=&|$)", f"={_LEAD}", filled)
