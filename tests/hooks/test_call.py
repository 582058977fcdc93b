"""A call goes where the configuration says and nowhere else, and every failure has its name."""

from __future__ import annotations

import socket
from ipaddress import ip_network
from typing import Any

import pytest

from smtp_gate.hooks.call import NotTold, call
from tests.hooks.receiver import Receiver, receiving


@pytest.mark.parametrize("status", [301, 302, 307, 308, 400, 410, 500, 503])
def test_what_is_not_2xx_is_a_failure_and_no_redirect_is_followed(status: int) -> None:
    with receiving(status) as receiver, pytest.raises(NotTold, match=f"http_{status}"):
        call(receiver.endpoint(), b"{}", {})
    assert [path for path, _, _ in receiver.got] == ["/hook?a=b"]


@pytest.mark.parametrize("status", [200, 202, 204])
def test_2xx_is_enough(status: int) -> None:
    with receiving(status) as receiver:
        call(receiver.endpoint(), b"{}", {"webhook-id": "x"})
    assert receiver.got[0][1]["webhook-id"] == "x"


def test_what_does_not_answer_has_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smtp_gate.hooks.call.HOOK_TIMEOUT", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        receiver = Receiver(port=silent.getsockname()[1])
        with pytest.raises(NotTold, match="timeout"):
            call(receiver.endpoint(), b"{}", {})
        secure = receiver.endpoint()._replace(url=f"https://127.0.0.1:{receiver.port}/")
        with pytest.raises(NotTold, match="timeout"):
            call(secure, b"{}", {})
    with pytest.raises(NotTold, match="refused"):
        call(receiver.endpoint(), b"{}", {})
    with receiving() as plain, pytest.raises(NotTold, match="tls"):
        call(plain.endpoint()._replace(url=f"https://127.0.0.1:{plain.port}/"), b"{}", {})


@pytest.mark.parametrize("address", ["127.0.0.1", "10.1.2.3", "192.168.1.1", "169.254.169.254", "::1", "fd00::1"])
def test_a_name_that_leads_into_a_private_network_is_not_called(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with receiving() as receiver:

        def found(*_: Any, **__: Any) -> list[Any]:
            return [(0, 0, 0, "", ("93.184.216.34", 0)), (0, 0, 0, "", (address, 0))]

        monkeypatch.setattr(socket, "getaddrinfo", found)
        endpoint = receiver.endpoint()._replace(url=f"http://crm.example:{receiver.port}/")
        with pytest.raises(NotTold, match="private"):
            call(endpoint, b"{}", {})
    assert receiver.got == []


def test_a_private_network_that_the_configuration_names_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as receiver:
        real = socket.getaddrinfo

        def found(host: str, *rest: Any, **more: Any) -> list[Any]:
            return real("127.0.0.1" if host == "crm.example" else host, *rest, **more)

        monkeypatch.setattr(socket, "getaddrinfo", found)
        endpoint = receiver.endpoint()._replace(url=f"http://crm.example:{receiver.port}/")
        call(endpoint._replace(networks=(ip_network("127.0.0.0/8"),)), b"{}", {})
    assert receiver.got[0][1]["host"] == f"crm.example:{receiver.port}"
