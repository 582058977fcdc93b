"""SIGHUP: a changed file is in force in every worker, a bad one changes nothing and is told with place and key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from smtp_gate.model import EVERYTHING
from tests.gate_room import OPAQUE, OPAQUE_ONLY, TRACKED
from tests.hop_thread import HopThread
from tests.serve_process import ServeProcess

if TYPE_CHECKING:
    from collections.abc import Iterator

ALICE = "alice@example.com"


@pytest.fixture(scope="module")
def running() -> Iterator[tuple[ServeProcess, HopThread]]:
    with HopThread() as hop, ServeProcess(hop.url) as serve:
        serve.agrees(ALICE, EVERYTHING)
        yield serve, hop


def sent_by_each_worker(serve: ServeProcess, hop: HopThread, raw: bytes, recipient: str) -> list[tuple[int, bytes]]:
    """The reply's code and what arrived, for each worker in turn."""
    heard = []
    for worker in serve.workers():
        with serve.only(worker):
            code = serve.send(raw, recipient)
            heard.append((code, hop.contents(recipient)[-1] if code == 250 else b""))
    return heard


def test_changed_rules_are_in_force_in_every_worker(running: tuple[ServeProcess, HopThread]) -> None:
    serve, hop = running
    [(first, content), (second, _)] = sent_by_each_worker(serve, hop, OPAQUE_ONLY, "bob@example.com")
    assert (first, second) == (250, 250)
    assert b"/a/" in content
    workers = serve.workers()
    serve.write(policy={"on_opaque_link": "reject"})
    serve.hup()
    assert [code for code, _ in sent_by_each_worker(serve, hop, OPAQUE_ONLY, "bob@example.com")] == [550, 550]
    serve.write(policy={"on_opaque_link": "pass"})
    serve.hup()
    for code, content in sent_by_each_worker(serve, hop, OPAQUE_ONLY, "bob@example.com"):
        assert code == 250
        assert OPAQUE in content
    assert serve.workers() == workers, "a reload is no restart"


def test_changed_keys_and_controllers_are_in_force_and_old_links_still_open(
    running: tuple[ServeProcess, HopThread],
) -> None:
    serve, hop = running
    [(_, before), _] = sent_by_each_worker(serve, hop, TRACKED, ALICE)
    serve.cli("keys", "rotate", "--keys", str(serve.keys))
    serve.write(controllers={"acme": {"name": "Acme Bicycles"}})
    serve.hup()
    for _, after in sent_by_each_worker(serve, hop, TRACKED, ALICE):
        assert b"Acme Bicycles" in b" ".join(after.split())
        assert set(doors(serve, before)).isdisjoint(doors(serve, after)), "the new key does not seal"
    for worker in serve.workers():
        with serve.only(worker):
            assert [serve.get(door).status_code for door in doors(serve, before)] == [302, 302, 200]
            page = serve.get(doors(serve, before)[-1])
            assert "Acme Bicycles" in page.text


def doors(serve: ServeProcess, content: bytes) -> list[str]:
    """All addresses of the gate in a mail, the withdrawal page last."""
    words = content.decode().split('"')
    return [word for word in words if word.startswith(serve.public_url + "/")]


BAD = {
    "unknown key": ("policy: {on_opaque_links: reject}\n", ":{line}:10: policy.on_opaque_links: "),
    "broken YAML": ("policy: [\n", ":{end}:1: "),
    "two at once": (
        "policy: {on_sealed: perhaps}\nobserve: {log: loud}\n",
        ":{line}:21: policy.on_sealed: ",
    ),
    "port out of range": ("observe: {metrics: '127.0.0.1:99999'}\n", ": observe.metrics: "),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_keeps_the_old_rules_and_is_told_with_place_and_key(
    running: tuple[ServeProcess, HopThread], name: str
) -> None:
    serve, hop = running
    good = {key: value for key, value in serve.settings().items() if key not in ("policy", "observe")}
    serve.write(policy={"on_opaque_link": "reject"})
    serve.hup()
    text, said = BAD[name]
    head = yaml.safe_dump(good, sort_keys=False)
    serve.config.write_text(head + text, encoding="utf-8")
    line = head.count("\n") + 1
    seen = len(serve.text())
    serve.hup()
    told = serve.text()[seen:]
    assert said.format(line=line, end=line + text.count("\n")) in told
    if name == "two at once":
        assert "observe.log: " in told
    assert '"event": "reload_refused"' in told
    assert '"event": "reloaded"' not in told
    for code, _ in sent_by_each_worker(serve, hop, OPAQUE_ONLY, "bob@example.com"):
        assert code == 550
    numbers = serve.get(f"http://127.0.0.1:{serve.metrics}/metrics").text
    assert 'smtp_gate_reloads_total{outcome="refused"}' in numbers


def test_a_key_file_that_became_unusable_keeps_the_old_keys(running: tuple[ServeProcess, HopThread]) -> None:
    serve, hop = running
    serve.write(policy={"on_opaque_link": "ask"})
    serve.keys.chmod(0o644)
    seen = len(serve.text())
    serve.hup()
    assert "keys.yaml: can be read or changed by others" in serve.text()[seen:]
    for _, content in sent_by_each_worker(serve, hop, TRACKED, ALICE):
        assert len(doors(serve, content)) == 3
    serve.keys.chmod(0o600)
    serve.hup()
    assert serve.events("reloaded")
