"""A body has a size and a time; a head and a connection too, and who is slow holds nobody else up."""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING

import httpx
import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from smtp_gate import limits
from smtp_gate.web.intake import Intake
from smtp_gate.web.rates import Rates
from tests.web.site import Site, pixel, withdrawal

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request


async def _read(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())))


async def _ignore(_: Request) -> Response:
    return PlainTextResponse("taken")


def client() -> httpx.AsyncClient:
    """An application that reads bodies at two addresses and none at a third, behind the layer."""
    routes = [Route(path, _read, methods=["POST"]) for path in ("/c/x", "/api/v1/x")]
    routes.append(Route("/w/x", _ignore, methods=["POST"]))
    layer = Middleware(Intake, Rates(), lambda _: PlainTextResponse("busy", 429))
    app = Starlette(routes=routes, middleware=[layer])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gate.example")


@pytest.mark.parametrize(("path", "limit"), [("/c/x", limits.MAX_FORM_BODY), ("/api/v1/x", limits.MAX_API_BODY)])
async def test_a_body_that_is_read_has_a_size(path: str, limit: int) -> None:
    async with client() as asking:
        good = await asking.post(path, content=b"x" * limit)
        assert (good.status_code, good.text) == (200, str(limit))
        assert (await asking.post(path, content=b"x" * (limit + 1))).status_code == 413
        assert (await asking.post("/w/x", content=b"x" * 1_000_000)).text == "taken"


async def test_a_body_that_is_read_has_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smtp_gate.web.intake.WEB_BODY_TIME", 0.05)
    never = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"x"
        await never.wait()

    async with client() as asking:
        assert (await asking.post("/c/x", content=slow())).status_code == 408


def ended(raw: socket.socket) -> bool:
    """Whether the other side closed it, whatever it said before."""
    try:
        while raw.recv(10_000):
            pass
    except ConnectionResetError:
        return True
    return True


def test_a_connection_that_is_slow_with_its_head_or_an_unread_body_is_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("smtp_gate.web.server.WEB_HEAD_TIME", 0.2)
    beginnings = [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
        f"POST {withdrawal()} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nList".encode(),
        f"GET {pixel()} HTTP/1.1\r\nHost: x\r\n\r\n".encode(),
    ]
    with Site().served() as address:
        host, port = address.removeprefix("http://").split(":")
        for beginning in beginnings:
            with socket.create_connection((host, int(port)), 10) as raw:
                raw.sendall(beginning)
                if beginning.endswith((b"List", b"\r\n\r\n")):
                    assert raw.recv(10_000)
                    raw.sendall(b"GET")
                assert ended(raw), beginning


def test_two_hundred_slow_peers_hold_nobody_up() -> None:
    with Site().served() as address:
        host, port = address.removeprefix("http://").split(":")
        slow = [socket.create_connection((host, int(port)), 10) for _ in range(200)]
        try:
            for raw in slow:
                raw.sendall(b"GET / HTTP/1.1\r\nX-S")
            assert httpx.get(address + pixel(), timeout=10).status_code == 302
        finally:
            for raw in slow:
                raw.close()


def test_a_kept_connection_that_asks_in_time_is_served_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("smtp_gate.web.server.WEB_HEAD_TIME", 0.5)
    with Site().served() as address:
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), 10) as raw:
            for number in range(4):
                request = f"GET {pixel(f'https://t.example/{number}')} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
                raw.sendall(request[:20])
                raw.sendall(request[20:])
                assert b"302" in raw.recv(10_000)


@pytest.mark.parametrize(("size", "code"), [(limits.MAX_WEB_HEAD // 2, b"302"), (limits.MAX_WEB_HEAD * 6, b"400")])
def test_a_head_has_a_size(size: int, code: bytes) -> None:
    with Site().served() as address:
        host, port = address.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), 10) as raw:
            head = f"GET {pixel()} HTTP/1.1\r\nHost: x\r\nX-Long: ".encode() + b"x" * size
            raw.sendall(head if code == b"400" else head + b"\r\n\r\n")
            assert code in raw.recv(100).split(b"\r\n")[0]
