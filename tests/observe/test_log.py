"""The log: one line a message, and nothing personal however it is called."""

from __future__ import annotations

import contextlib
import inspect
import io
import json
import logging
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from smtp_gate.decision import MailClass
from smtp_gate.observe import log

if TYPE_CHECKING:
    from collections.abc import Iterator

MESSAGE: dict[str, Any] = {
    "message": "1vN4qk-000abc",
    "ident": "4F9D1C0",
    "protocol": "LMTP",
    "mail_class": MailClass.NEWSLETTER,
    "rule": "sales tools (2)",
    "size": 61_234,
    "recipients": 3,
    "variants": 2,
    "actions": {"hubspot": {"strip": 1, "unwrap": 40}},
    "consent": {"granted": 1, "unknown": 2},
    "replies": {250: 2, 550: 1},
    "milliseconds": {"total": 4.236, "scan": 1.5},
    "next_hop": "relay.example.net:25",
}
PERSONAL = [
    "alice@example.com",
    "<alice@example.com>",
    "https://t.example/o/abc",
    "t.example/o/abc",
    "Your order: 4 items, shipped today",
    "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdEfGh",
    "x" * 200,
    "two\nlines",
    "a\x1b[31m",
]


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    out = io.StringIO()
    monkeypatch.setattr("sys.stderr", out)
    log.configure(json=True)
    return out


def events() -> list[str]:
    """Every function that writes a line."""
    return [
        name
        for name, function in vars(log).items()
        if inspect.isfunction(function)
        and function.__module__ == log.__name__
        and not name.startswith("_")
        and name != "configure"
    ]


def arguments(function: Any, text: str) -> dict[str, Any]:
    """A value for each parameter of an event, with `text` wherever a text fits."""
    fitting = {
        "str": text,
        "int": 7,
        "bool": True,
        "Iterable[str]": (text,),
        "MailClass": MailClass.UNKNOWN,
        "Mapping[str, int]": {text: 1},
        "Mapping[int, int]": {250: 1},
        "Mapping[str, float]": {text: 1.0},
        "Mapping[str, Mapping[str, int]]": {text: {text: 1}},
    }
    return {
        name: fitting[parameter.annotation] for name, parameter in inspect.signature(function).parameters.items()
    }


def strings(value: Any) -> list[str]:
    """Every text in a line, keys too."""
    if isinstance(value, dict):
        return [string for pair in value.items() for item in pair for string in strings(item)]
    return [str(value)]


def test_a_message_is_one_line_of_json(lines: io.StringIO) -> None:
    log.message_done(**MESSAGE)
    [line] = lines.getvalue().splitlines()
    said = json.loads(line)
    assert said.pop("timestamp").endswith("Z")
    assert said == {
        "event": "message",
        "level": "info",
        "message": "1vN4qk-000abc",
        "ident": "4F9D1C0",
        "protocol": "LMTP",
        "mail_class": "newsletter",
        "rule": "sales tools (2)",
        "size": 61_234,
        "recipients": 3,
        "variants": 2,
        "actions": {"hubspot": {"strip": 1, "unwrap": 40}},
        "consent": {"granted": 1, "unknown": 2},
        "replies": {"250": 2, "550": 1},
        "ms": {"total": 4.24, "scan": 1.5},
        "next_hop": "relay.example.net:25",
    }


@pytest.mark.parametrize("text", PERSONAL)
@pytest.mark.parametrize("event", events())
def test_no_event_lets_personal_data_through(lines: io.StringIO, event: str, text: str) -> None:
    function = getattr(log, event)
    function(**arguments(function, text))
    [line] = lines.getvalue().splitlines()
    assert not any(text in string for string in strings(json.loads(line)))


@pytest.mark.parametrize("event", events())
def test_every_event_takes_named_values_only(event: str) -> None:
    for parameter in inspect.signature(getattr(log, event)).parameters.values():
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
        assert parameter.annotation != "Any"


def test_a_librarys_text_does_not_get_in(lines: io.StringIO) -> None:
    try:
        int("bob@example.com")
    except ValueError:
        logging.getLogger("mail.log").exception("%r said %s", ("192.0.2.1", 25), "MAIL FROM:<alice@example.com>")
    [line] = lines.getvalue().splitlines()
    said = json.loads(line)
    assert said["logger"] == "mail.log"
    assert said["kind"] == "ValueError"
    assert said["place"].startswith("test_log:")
    assert "alice" not in line
    assert "bob" not in line


@pytest.mark.parametrize(("level", "count"), [("debug", 2), ("info", 2), ("warning", 1), ("error", 0)])
def test_the_level_is_kept(monkeypatch: pytest.MonkeyPatch, level: str, count: int) -> None:
    out = io.StringIO()
    monkeypatch.setattr("sys.stderr", out)
    log.configure(json=True, level=level)
    log.store_up()
    log.store_down(reason="timeout")
    assert len(out.getvalue().splitlines()) == count


def test_a_terminal_gets_words_instead_of_json(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    monkeypatch.setattr("sys.stderr", out)
    log.configure()
    log.store_up()
    assert "store_up" in out.getvalue()
    assert "{" not in out.getvalue()


def test_a_log_that_cannot_be_written_costs_lines_and_raises_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with open("/dev/full", "w", encoding="utf-8", buffering=1) as full:  # noqa: PTH123 - a device
        monkeypatch.setattr("sys.stderr", full)
        log.configure(json=True)
        for _ in range(1000):
            log.message_done(**MESSAGE)
        with contextlib.suppress(OSError):
            full.close()
    log.message_done(**MESSAGE)
