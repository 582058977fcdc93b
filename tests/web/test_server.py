"""The web part shares a loop, leaves signals alone, logs no request and stops without cutting one off."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import time
from typing import TYPE_CHECKING

import httpx
import pytest

from smtp_gate.web.server import WebServer
from tests.web.site import Site, listening, pixel, withdrawal

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send


async def test_a_request_under_way_is_finished_and_signals_stay_whose_they_are() -> None:
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def slow(scope: Scope, _: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        entered.set()
        await go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"whole"})

    before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
    with listening() as sock:
        port = sock.getsockname()[1]
        server = WebServer(slow)
        async with asyncio.TaskGroup() as tasks, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
            serving = tasks.create_task(server.serve(sock))
            asking = tasks.create_task(client.get("/"))
            await entered.wait()
            assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before
            server.stop()
            await asyncio.sleep(0.3)
            assert not serving.done()
            go_on.set()
            assert (await asking).text == "whole"
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", port), 1)


async def test_several_sockets_are_served_and_stopped_together_and_a_late_one_ends_at_once() -> None:
    site = Site()
    with listening() as one, listening() as other, listening() as late:
        server = WebServer(site.app)
        async with asyncio.TaskGroup() as tasks, httpx.AsyncClient() as client:
            for sock in (one, other):
                tasks.create_task(server.serve(sock))
            for sock in (one, other):
                answer = await client.post(f"http://127.0.0.1:{sock.getsockname()[1]}{withdrawal()}")
                assert answer.status_code == 200
            server.stop()
        await asyncio.wait_for(server.serve(late), 5)
    assert site.heard.hits == [("withdraw", "done")] * 2


async def test_another_application_takes_over_between_two_requests() -> None:
    site, other = Site(), Site()
    with listening() as sock:
        server = WebServer(site.app)
        address = f"http://127.0.0.1:{sock.getsockname()[1]}"
        async with asyncio.TaskGroup() as tasks, httpx.AsyncClient(base_url=address) as client:
            tasks.create_task(server.serve(sock))
            await client.post(withdrawal())
            server.app = other.app
            await client.post(withdrawal())
            server.stop()
    assert (len(site.people.withdrawn), len(other.people.withdrawn)) == (1, 1)


def test_nothing_is_logged_of_any_request(
    caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    site = Site()
    with site.served() as address, httpx.Client(base_url=address) as client:
        for path in (pixel(), withdrawal(), "/nothing", "/p/" + "A" * 9000):
            answer = client.get(path, headers={"X-Forwarded-For": "192.0.2.7"})
            assert "server" not in answer.headers
        site.people.failure = OSError(withdrawal())
        client.post(withdrawal())
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port))) as raw:
            raw.sendall(b"GET " + withdrawal().encode() + b" HTTP/9.9\r\n\r\n")
            raw.recv(1000)
    said = " ".join(record.getMessage() for record in caplog.records if record.name.startswith("uvicorn"))
    for text in (said, *capfd.readouterr()):
        assert pixel() not in text
        assert withdrawal()[3:30] not in text
        assert "127.0.0.1" not in text
        assert "192.0.2.7" not in text


def test_a_body_that_never_ends_is_not_waited_for() -> None:
    with Site().served() as address:
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), 5) as raw:
            head = f"POST {withdrawal()} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nList-"
            raw.sendall(head.encode())
            assert raw.recv(1000).startswith(b"HTTP/1.1 200 ")


def test_a_page_does_not_wait_for_the_packet_before_it_to_be_confirmed() -> None:
    with Site().served() as address, httpx.Client(base_url=address) as client:
        times = []
        for _ in range(9):
            client.get(withdrawal())
            start = time.perf_counter()
            client.get(withdrawal())
            times.append(time.perf_counter() - start)
    assert sorted(times)[4] < 0.035, "a delayed acknowledgement takes 40 ms"
