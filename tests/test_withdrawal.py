"""Withdrawal by the page: old pixels are dead, old links lead to the plain target, the next mail is untracked."""

from __future__ import annotations

import re
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from smtp_gate.model import Purpose
from tests.hop_thread import HopThread
from tests.redis_server import RedisServer
from tests.serve_process import ServeProcess, eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

ALICE = "alice@example.com"
TARGET = "https://www.acme.example/offer"
MAIL = (
    b"From: Acme <news@acme.example>\r\nTo: alice@example.com\r\nSubject: Autumn\r\n"
    b"MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<html><body>"
    b'<a href="https://acme.lt.acemlnd.com/Prod/link-tracker?redirectUrl=aHR0cHMlM0ElMkYlMkZ3d3cuYWNtZS5leGFtcGxlJTJGb2ZmZXI'
    b'&amp;sig=Aa&amp;iat=1">offer</a>'
    b'<img src="http://127.0.0.1:%d/seen/4f3a9b8c7d6e5f40" width="1" height="1" alt=""></body></html>\r\n'
)


class Vendor:
    """A vendor's server on this machine, which counts what it is asked."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        vendor = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                vendor.paths.append(self.path)
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Answer)
        self.port: int = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    """The vendor, stopped afterwards."""
    made = Vendor()
    yield made
    made.server.shutdown()
    made.server.server_close()


def door(content: bytes, letter: str) -> str:
    """The gate's address of one kind in a mail."""
    found: list[bytes] = re.findall(rb"http://127\.0\.0\.1:\d+/" + letter.encode() + rb"/[\w-]+", content)
    return found[0].decode()


def dead(serve: ServeProcess, pixel: str) -> bool:
    """Whether a pixel's address gives the picture that tells nobody anything."""
    answer = serve.get(pixel)
    return answer.status_code == 200 and answer.headers["content-type"] == "image/gif" and len(answer.content) == 43


@pytest.mark.parametrize("cached", [True, False], ids=["redis", "ledger"])
def test_a_withdrawal_reaches_the_mails_already_delivered(vendor: Vendor, cached: bool) -> None:
    with (
        RedisServer() as redis,
        HopThread() as hop,
        ServeProcess(hop.url, cache=redis.url if cached else "") as serve,
    ):
        serve.agrees(ALICE, Purpose(31))
        assert serve.send(MAIL % vendor.port, ALICE) == 250
        [old] = hop.contents(ALICE)
        assert b"/seen/" not in old, "the vendor's address is not in the mail, even with consent"
        pixel, link, page = door(old, "p"), door(old, "l"), door(old, "w")

        assert httpx.get(pixel, follow_redirects=True, timeout=20).status_code == 200
        assert vendor.paths == ["/seen/4f3a9b8c7d6e5f40"]
        assert serve.get(link).headers["location"].startswith("https://acme.lt.acemlnd.com/")

        for method in ("GET", "HEAD", "OPTIONS"):
            serve.get(page, method)
        assert serve.get(pixel).status_code == 302, "looking at the page withdraws nothing"

        first, second = serve.workers()
        with serve.only(first):
            assert serve.get(page, "POST").status_code == 200
        # The one that did not hear it, then the one that did.
        for number, worker in enumerate((second, first), start=1):
            with serve.only(worker):
                took = eventually(lambda: dead(serve, pixel), 5)
                assert serve.send(MAIL % vendor.port, ALICE) == 250
                assert took < 5
                assert serve.get(link).headers["location"] == TARGET
                new = hop.contents(ALICE)[number]
                assert TARGET.encode() in new
                assert b"<img" not in new
                assert serve.public_url.encode() not in new
        assert vendor.paths == ["/seen/4f3a9b8c7d6e5f40"], "the vendor heard nothing more"


def test_a_withdrawal_survives_a_redis_that_forgets_and_a_gate_that_starts_anew(vendor: Vendor) -> None:
    with RedisServer() as redis, HopThread() as hop, ServeProcess(hop.url, cache=redis.url) as serve:
        serve.agrees(ALICE, Purpose(31))
        eventually(lambda: redis.say("GET", "smtp_gate:{0}:live").strip().endswith(b" 1 1"))
        granted = redis.say("KEYS", "smtp_gate:{0}:*:*").split(b"\r\n")[2]
        # Octets that may hold a line end themselves.
        field = redis.say("HKEYS", granted).split(b"\r\n", 2)[2][:-2]
        value = redis.say("HGET", granted, field).split(b"\r\n", 1)[1][:-2]
        assert serve.send(MAIL % vendor.port, ALICE) == 250
        [old] = hop.contents(ALICE)
        pixel = door(old, "p")
        assert serve.get(pixel).status_code == 302
        assert serve.get(door(old, "w"), "POST").status_code == 200
        eventually(lambda: redis.say("GET", "smtp_gate:{0}:live").strip().endswith(b" 2 1"))
        # A fail-over to a replica that lags: the cache says again what was withdrawn.
        redis.say("HSET", granted, field, value)
        for worker in serve.workers():
            with serve.only(worker):
                eventually(lambda: dead(serve, pixel), 5)
        assert serve.stop() == 0
        serve.start()
        assert dead(serve, pixel), "the first answer after a start"
        redis.stop()
        redis.start()
        for _ in range(10):
            assert dead(serve, pixel)
            assert serve.send(MAIL % vendor.port, ALICE) == 250
            assert b"<img" not in hop.contents(ALICE)[-1]
