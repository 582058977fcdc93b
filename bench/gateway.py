"""``python bench/gateway.py``: hits at the pixel gateway beside a bare Starlette handler that returns the same GIF.

Both run in one process each, on the same server (``web/server.py``), and are asked in turn, round by round, by the
same client over the same number of kept connections. The gate does its whole job at each hit: it opens the token,
asks Redis, decides. Ratios are what counts, of rates and of the server's CPU; figures by themselves say more about
the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import os
import random
import socket
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import uvloop
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

sys.path.insert(0, str(Path(__file__).parent.parent))

from smtp_gate.consent import (
    Choice,
    Entry,
    Event,
    Ledger,
    RecentWithdrawals,
    RedisCache,
    RedisStore,
    Register,
)
from smtp_gate.model import Purpose
from smtp_gate.tokens import Keyring, PixelToken, seal, subject_of
from smtp_gate.web.app import web_app
from smtp_gate.web.notice import ControllerNotice
from smtp_gate.web.server import WebServer
from smtp_gate.web.tracked import DEAD, GIF
from tests.redis_server import RedisServer

RING = Keyring({1: b"k" * 64}, 1, b"s" * 64)
BATCH = 5000
ASKED = 20_000
"""Different pixels that are asked for: each far below its rate, and no cache of ours holds them all."""


class _Silent:
    def hit(self, kind: str, outcome: str) -> None:
        pass

    def trouble(self, kind: str, place: str) -> None:
        print("trouble", kind, place, file=sys.stderr)


def subject(number: int) -> bytes:
    """A person."""
    return subject_of(RING, b"p%d@reader.example" % number)


def record(ledger: Ledger, people: int) -> None:
    """Every other person agrees, the others took it back."""
    now = datetime(2026, 5, 1, tzinfo=UTC)
    for begin in range(0, people, BATCH):
        entries = []
        for number in range(begin, min(begin + BATCH, people)):
            event = Event(
                controller="acme",
                subject=subject(number),
                purposes=Purpose.PERFORMANCE,
                decision=Choice.WITHDRAW if number % 2 else Choice.GRANT,
                at=now,
                method="bench",
                source="bench",
                notice="v1",
            )
            entries.append(Entry(event))
        ledger.append_many(entries)


def serve_gate(door: socket.socket, redis: str, ledger_url: str) -> None:
    """The gate's web part, as it runs in earnest, but for its log."""

    async def run() -> None:
        ledger = Ledger(ledger_url)
        recent = RecentWithdrawals(ledger)
        await recent.poll()
        cache = RedisCache(redis)
        store = RedisStore(redis, recent)
        catalogue = SimpleNamespace(vendors=(), target=lambda _: None)
        controllers = {"acme": ControllerNotice("Acme")}
        app = web_app(catalogue, RING, store, Register(ledger, cache, recent=recent), controllers, log=_Silent())
        polling = asyncio.create_task(recent.run())  # noqa: TID251 - held until the process ends
        await WebServer(app).serve(door)
        polling.cancel()

    uvloop.run(run())


def serve_bare(door: socket.socket) -> None:
    """A handler that knows nothing."""

    async def gif(_: object) -> Response:
        return Response(GIF, 200, DEAD, "image/gif")

    uvloop.run(WebServer(Starlette(routes=[Route("/p/{token}", gif)])).serve(door))


async def ask(
    port: int, paths: list[str], seconds: float, status: bytes, connections: int
) -> tuple[list[float], int]:
    """Seconds of each answer, and how many were the one that is given when the store does not answer in time."""
    times: list[float] = []
    doubts: list[bool] = []
    end = time.perf_counter() + seconds

    async def one(seed: int) -> None:
        dice = random.Random(seed)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (begun := time.perf_counter()) < end:
            path = dice.choice(paths)
            writer.write(f"GET {path} HTTP/1.1\r\nHost: gate.example\r\nAccept: image/*\r\n\r\n".encode())
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith((b"HTTP/1.1 " + status, b"HTTP/1.1 200 ")):
                raise RuntimeError(f"an answer that should not be: {head!r}")
            doubts.append((b"no-store" in head and status == b"200") or not head.startswith(b"HTTP/1.1 " + status))
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            await reader.readexactly(int(length or 0))
            times.append(time.perf_counter() - begun)
        writer.close()

    await asyncio.gather(*(one(number) for number in range(connections)))
    return times, sum(doubts)


def cpu_of(pid: int) -> float:
    """Seconds of CPU that a process took so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(people: int, rounds: int, seconds: float, connections: int) -> dict[str, Any]:
    """Figures of one run."""
    fork = multiprocessing.get_context("fork")
    with tempfile.TemporaryDirectory() as folder, RedisServer() as redis:
        url = f"sqlite:///{folder}/consent.db"
        ledger = Ledger(url)
        record(ledger, people)

        async def fill() -> None:
            cache = RedisCache(redis.url)
            await cache.reload(ledger)
            await cache.close()

        asyncio.run(fill())
        ledger.close()
        doors = [socket.create_server(("127.0.0.1", 0), backlog=200) for _ in range(2)]
        ports = [door.getsockname()[1] for door in doors]
        servers = [
            fork.Process(target=serve_bare, args=(doors[0],), daemon=True),
            fork.Process(target=serve_gate, args=(doors[1], redis.url, url), daemon=True),
        ]
        for server in servers:
            server.start()
        numbers = random.Random(1).sample(range(people // 2), min(ASKED, people // 2))
        alive, dead = (
            [
                "/p/"
                + seal(
                    RING,
                    PixelToken(
                        "acme", subject(2 * n + odd), Purpose.PERFORMANCE, "acme", "https://t.example/o.gif"
                    ),
                )
                for n in numbers
            ]
            for odd in (0, 1)
        )
        ways = {"bare": (0, dead, b"200"), "dead": (1, dead, b"200"), "alive": (1, alive, b"302")}
        cpu = dict.fromkeys(ways, 0.0)
        doubts = dict.fromkeys(ways, 0)
        times: dict[str, list[float]] = {name: [] for name in ways}
        rates: dict[str, list[float]] = {name: [] for name in ways}
        try:
            for number, paths, status in ways.values():  # the first answer waits for the process to start
                uvloop.run(ask(ports[number], paths, 0.1, status, 1))
            for _ in range(rounds):
                for name, (number, paths, status) in ways.items():
                    before = cpu_of(servers[number].pid)
                    found, doubtful = uvloop.run(ask(ports[number], paths, seconds, status, connections))
                    cpu[name] += cpu_of(servers[number].pid) - before
                    times[name] += found
                    doubts[name] += doubtful
                    rates[name].append(len(found) / seconds)
        finally:
            for server in servers:
                server.kill()
                server.join()
            for door in doors:
                door.close()
    bare = statistics.median(rates["bare"])
    each = {name: cpu[name] / len(times[name]) for name in ways}
    return {"people": people, "connections": connections} | {
        name: {
            "per_second": round(statistics.median(rates[name])),
            "p50_ms": round(statistics.median(times[name]) * 1000, 2),
            "p99_ms": round(statistics.quantiles(times[name], n=100)[98] * 1000, 2),
            "ratio": round(statistics.median(rates[name]) / bare, 2),
            "doubt": round(doubts[name] / len(times[name]), 4),
            "cpu_us": round(each[name] * 1_000_000),
            "cpu_ratio": round(each[name] / each["bare"], 2),
        }
        for name in ways
    }


def main() -> None:
    """Measure and tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--people", type=int, default=200_000, help="how many Redis knows; 10000000 takes an hour")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--json", action="store_true")
    words = parser.parse_args()
    figures = measure(words.people, words.rounds, words.seconds, words.connections)
    if words.json:
        print(json.dumps(figures))
        return
    print(f"{figures['people']} people in Redis, {words.connections} connections, one process each")
    for name in ("bare", "dead", "alive"):
        print(f"{name:6} {figures[name]}")


if __name__ == "__main__":
    main()
