"""What ``serve`` decides before anything runs."""

from __future__ import annotations

import pytest

from smtp_gate.cli.serve import _machine_name
from smtp_gate.config.values import hostname
from smtp_gate.errors import ConfigError
from smtp_gate.model import Client
from smtp_gate.render.received import received


@pytest.mark.parametrize("name", ["mta.acme.example", "localhost", "web_1.acme.example"])
def test_the_machines_name_is_taken(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.getfqdn", lambda: name)
    assert _machine_name("config.yaml") == name


@pytest.mark.parametrize("name", ["", "my host", "::1", "mäh", "x\r\ny"])
def test_a_machine_name_that_is_none_is_told_at_start(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.getfqdn", lambda: name)
    with pytest.raises(ConfigError, match=r"config.yaml: listen.hostname: the machine's own name .* give one here"):
        _machine_name("config.yaml")


@pytest.mark.parametrize("name", ["mta.acme.example", "_gate", "gate_", "a", "a" * 253])
def test_every_name_that_the_configuration_takes_can_stand_in_a_received_field(name: str) -> None:
    assert name.encode() in received(Client("127.0.0.1"), hostname(name), "id", "Tue, 24 Nov 2026 08:00:00 +0000")
