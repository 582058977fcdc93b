"""``smtp-gate trackers learned``: what the store knows, as people and programs ask for it."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest
import yaml
from typer.testing import CliRunner

from smtp_gate.cli import app
from smtp_gate.cli.rooms import learning_store_of
from smtp_gate.config.load import load_settings
from smtp_gate.trackers.learnt import Form
from smtp_gate.witnesses.learning_store import Sighting, write_label
from tests.redis_server import RedisServer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIG = """
listen: {{smtp: "127.0.0.1:10025"}}
deliver: {{next_hops: ["smtp://127.0.0.1:25"]}}
consent: {{ledger: "sqlite:///consent.db"{cache}}}
trackers: {{learn: {learn}}}
"""
SEEN = [
    (Form.PIXEL, "hello.acme.example/{}"),
    (Form.LINK, "hello.acme.example/s/{}"),
    (Form.LINK, "shop.acme.example/orders/{#}"),
]


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


@pytest.fixture(params=["file", "redis"])
def config(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A configuration file, with each store."""
    cache = ""
    if request.param == "redis":
        cache = f', cache: "{request.getfixturevalue("redis_server").url}"'
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG.format(learn="observe", cache=cache))
    return path


def learn(config: Path) -> None:
    """Forty copies with each skeleton."""

    def marks(first: int) -> frozenset[bytes]:
        return frozenset(bytes([first, number]) * 4 for number in range(40))

    async def note() -> None:
        store = learning_store_of(load_settings(config))
        labels = [write_label("acme.example", form, shape) for form, shape in SEEN]
        await store.note(
            [
                Sighting(bytes([number] * 12), label, marks(1), marks(2), marks(3))
                for number, label in enumerate(labels)
            ]
        )
        await store.close()

    asyncio.run(note())


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(app, ["trackers", "learned", *words], env={"COLUMNS": "160"})
    assert result.exit_code == code, result.output
    return result.output


def test_before_anything_was_learnt(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG.format(learn="off", cache=""))
    text = run("--config", str(path))
    assert "trackers.learn is off" in text
    assert "Nothing was learnt yet." in text
    assert json.loads(run("--config", str(path), "--json")) == {"learn": "off", "learned": []}
    assert not list(tmp_path.glob("*learnt*")), "looking makes no file"


def test_what_was_learnt_and_what_it_counts_as(config: Path) -> None:
    learn(config)
    text = run("--config", str(config))
    assert [line.split() for line in text.splitlines()[1:]] == [
        ["acme.example", "link", "hello.acme.example/s/{}", "40", "40", "would", "be", "link", "(pixel_host)"],
        ["acme.example", "pixel", "hello.acme.example/{}", "40", "40", "would", "be", "pixel", "(load)"],
        ["acme.example", "link", "shop.acme.example/orders/{#}", "40", "40", "-"],
    ]
    config.write_text(config.read_text().replace("observe", "act"))
    assert "would" not in run("--config", str(config))
    told = json.loads(run("--config", str(config), "--json"))
    assert told["learn"] == "act"
    assert told["learned"][0] == {
        "sender_domain": "acme.example",
        "form": "link",
        "skeleton": "hello.acme.example/s/{}",
        "copies": 40,
        "values": 40,
        "counts_as": "link",
        "why": "pixel_host",
    }


def test_files_to_keep_it_in(config: Path) -> None:
    learn(config)
    [entry] = yaml.safe_load_all(run("--config", str(config), "--entry"))
    assert entry["id"] == "learnt_hello_acme_example"
    assert len(entry["pixels"]) == len(entry["links"]) == 1
    assert "leave out --json" in run("--config", str(config), "--entry", "--json", code=2)
