"""What ``serve`` decides before anything runs."""

from __future__ import annotations

import pytest

from smtp_gate.cli.serve import _machine_name
from smtp_gate.errors import ConfigError


@pytest.mark.parametrize("name", ["mta.acme.example", "localhost", "web_1.acme.example"])
def test_the_machines_name_is_taken(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.getfqdn", lambda: name)
    assert _machine_name("config.yaml") == name


@pytest.mark.parametrize("name", ["", "my host", "::1", "mäh", "x\r\ny"])
def test_a_machine_name_that_is_none_is_told_at_start(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.getfqdn", lambda: name)
    with pytest.raises(ConfigError, match=r"config.yaml: listen.hostname: the machine's own name .* give one here"):
        _machine_name("config.yaml")
