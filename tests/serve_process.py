"""The gate as it is run in earnest: ``smtp-gate serve`` with a configuration file, keys, workers, ports.

::

    with HopThread() as hop, ServeProcess(hop.url) as serve:
        serve.agrees("alice@example.com", Purpose.CLICKS)
        assert serve.send(content, "alice@example.com") == 250

Everything lies in one temporary folder. What it must share over restarts (ledger, keys, runtime folder) stays there
until the end, as it would on a machine with systemd.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import httpx
import yaml

from smtp_gate.cli.rooms import open_books
from smtp_gate.config.keys import new_keys
from smtp_gate.tokens import subject_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

    from smtp_gate.cli.rooms import Books
    from smtp_gate.model import Purpose

COMMAND = str(Path(sys.executable).with_name("smtp-gate"))
START_TIMEOUT = 40.0
"""Seconds; the machine of a test run is a busy one."""
EX_PORT_TAKEN = 71
SENDER = "news@acme.example"


def quiet_port() -> int:
    """A free port below those that outgoing connections get, so that it is still free after a restart."""
    while True:
        port = random.randint(15_000, 32_000)  # noqa: S311 - no secret
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def eventually(what: Callable[[], object], seconds: float = 10.0) -> float:
    """Wait until something is true; returns how long that took, fails after so many seconds."""
    began = time.monotonic()
    while not what():
        assert time.monotonic() < began + seconds, "it did not happen in time"
        time.sleep(0.02)
    return time.monotonic() - began


class ServeProcess:
    """One gate; use it in a ``with`` statement, or call :meth:`start` yourself.

    Args:
        hop: URL of the next hop.
        workers: processes.
        cache: URL of a Redis server; empty: look-ups in the ledger.
        config: further keys of the configuration, merged into the usual ones; None takes a key out.
        words: the command that runs it.

    Attributes:
        folder: all its files.
        config: the configuration file.
        smtp: port.
        lmtp: port.
        web: port of the web part.
        metrics: port of the numbers.
    """

    def __init__(
        self,
        hop: str,
        *,
        workers: int = 2,
        cache: str = "",
        config: dict[str, Any] | None = None,
        words: tuple[str, ...] = ("serve",),
    ) -> None:
        self._words = words
        self.folder = Path(tempfile.mkdtemp(prefix="smtp-gate-serve-"))
        self.config = self.folder / "config.yaml"
        self.keys = self.folder / "keys.yaml"
        self._hop = hop
        self._workers = workers
        self._cache = cache
        self._more = config or {}
        self._process: subprocess.Popen[bytes] | None = None
        self._log = self.folder / "log"
        self._log.touch()
        self._choose_ports()

    def _choose_ports(self) -> None:
        self.smtp, self.lmtp, self.web, self.metrics = (quiet_port() for _ in range(4))
        self.write()

    # --- configuration --------------------------------------------------------------------------------------------
    @property
    def public_url(self) -> str:
        """Where the web part answers."""
        return f"http://127.0.0.1:{self.web}"

    def settings(self) -> dict[str, Any]:
        """The configuration as values."""
        usual = {
            "listen": {
                "smtp": f"127.0.0.1:{self.smtp}",
                "lmtp": f"127.0.0.1:{self.lmtp}",
                "hostname": "gate.acme.example",
            },
            "workers": self._workers,
            "deliver": {"next_hops": [self._hop]},
            "consent": {"ledger": f"sqlite:///{self.folder}/consent.db", "cache": self._cache or None},
            "web": {"listen": f"127.0.0.1:{self.web}", "public_url": self.public_url},
            "keys": str(self.keys),
            "controllers": {"acme": {"name": "Acme", "senders": ["@acme.example"]}},
            "observe": {"log": "json", "metrics": f"127.0.0.1:{self.metrics}"},
        }
        return _merged(usual, self._more)

    def write(self, **more: Any) -> None:
        """Write the configuration file, with further keys from now on."""
        self._more = _merged(self._more, more)
        self.config.write_text(yaml.safe_dump(self.settings(), sort_keys=False), encoding="utf-8")

    def cli(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run another command, with this configuration file by environment."""
        return subprocess.run(
            [COMMAND, *words], capture_output=True, text=True, check=check, env=self._environment(), timeout=60
        )

    def agrees(self, address: str, purposes: Purpose, controller: str = "acme") -> None:
        """Record a person's consent in ledger and cache, as the command line does."""

        async def grant(books: Books) -> None:
            subject = subject_of(books.keyring, address.encode())
            await books.register.grant(
                controller, subject, purposes, method="test", source="test", address=address.encode()
            )
            if books.cache is not None:
                await books.cache.close()

        with open_books(self.config) as books:
            asyncio.run(grant(books))

    # --- the process ----------------------------------------------------------------------------------------------
    def start(self) -> Self:
        """Start it and wait until all its workers answer; a port that is taken at the first start is replaced."""
        if not self.keys.exists():
            new_keys(self.keys)
        first = self._log.stat().st_size == 0
        for _ in range(5):
            if self._try_to_start():
                return self
            assert self._process is not None
            if not first or self._process.returncode != EX_PORT_TAKEN:
                break
            self._choose_ports()
        raise RuntimeError(f"the gate did not start:\n{self.text()}")

    def _try_to_start(self) -> bool:
        begun = len(self.events("started"))
        process = self.launch()
        end = time.monotonic() + START_TIMEOUT
        while process.poll() is None and time.monotonic() < end:
            if len(self.events("started")) > begun:
                return True
            time.sleep(0.02)
        return False

    def launch(self) -> subprocess.Popen[bytes]:
        """Start it and wait for nothing."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [COMMAND, *self._words, "--config", str(self.config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environment(),
                start_new_session=True,
            )
        return self._process

    def exit_code(self, seconds: float = START_TIMEOUT) -> int:
        """Wait for its end."""
        assert self._process is not None
        return self._process.wait(seconds)

    @property
    def running(self) -> bool:
        """Whether the parent process is there."""
        return self._process is not None and self._process.poll() is None

    def workers(self) -> list[int]:
        """Process ids of the workers, oldest first."""
        assert self._process is not None
        pid = self._process.pid
        return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    @contextmanager
    def only(self, worker: int) -> Iterator[None]:
        """Let just one of the workers answer: the others are frozen meanwhile."""
        others = [pid for pid in self.workers() if pid != worker]
        for pid in others:
            os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            for pid in others:
                os.kill(pid, signal.SIGCONT)

    def hup(self) -> None:
        """SIGHUP: read the configuration again; returns when every worker has it, or it was refused."""
        before = len(self.events("reloaded")), len(self.events("reload_refused"))
        self._signal(signal.SIGHUP)
        eventually(
            lambda: (
                len(self.events("reloaded")) >= before[0] + self._workers
                or len(self.events("reload_refused")) > before[1]
            )
        )

    def stop(self) -> int:
        """SIGTERM, and wait; the exit code."""
        self._signal(signal.SIGTERM)
        return self.exit_code()

    def kill(self) -> None:
        """SIGKILL to all its processes at once."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.__exit__(None, None, None)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    # --- what it says ---------------------------------------------------------------------------------------------
    def text(self) -> str:
        """All that it wrote, from its first start on."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    def lines(self) -> list[dict[str, Any]]:
        """The JSON lines of its log."""
        return [
            json.loads(line) for line in self.text().splitlines() if line.startswith("{") and line.endswith("}")
        ]

    def events(self, name: str) -> list[dict[str, Any]]:
        """The log lines of one kind."""
        return [line for line in self.lines() if line["event"] == name]

    # --- its ports ------------------------------------------------------------------------------------------------
    def client(self, *, lmtp: bool = False) -> smtplib.SMTP:
        """A client that has said its greeting; use it in a ``with`` statement."""
        if lmtp:
            client: smtplib.SMTP = smtplib.LMTP("127.0.0.1", self.lmtp, "mta.acme.example")
            client.timeout = 60
        else:
            client = smtplib.SMTP("127.0.0.1", self.smtp, "mta.acme.example", timeout=60)
        client.ehlo()
        return client

    def send(self, content: bytes, *recipients: str, sender: str = SENDER) -> int:
        """One message over SMTP on a connection of its own; the code of the last reply.

        The content goes out as it is, CRLF line ends, only dot-stuffed.
        """
        with self.client() as client:
            return transact(client, content, recipients, sender)[0]

    def get(self, url: str, method: str = "GET", **fields: str) -> httpx.Response:
        """One request on a connection of its own, no redirect followed."""
        return httpx.request(method, url, headers=fields, timeout=20)

    def _environment(self) -> dict[str, str]:
        runtime = self.folder / "run"
        runtime.mkdir(exist_ok=True)
        return os.environ | {"SMTP_GATE_CONFIG": str(self.config), "RUNTIME_DIRECTORY": str(runtime)}


def transact(
    client: smtplib.SMTP, content: bytes, recipients: Sequence[str], sender: str = SENDER, *, ident: str = ""
) -> tuple[int, list[int]]:
    """MAIL, RCPT for each, content: the code after the dot (0 when no recipient was taken), and those at RCPT."""
    if ident:
        assert client.docmd("XFORWARD", f"IDENT={ident}")[0] == 250
    code, text = client.docmd("MAIL", f"FROM:<{sender}>")
    assert code == 250, text
    codes = [client.docmd("RCPT", f"TO:<{recipient}>")[0] for recipient in recipients]
    if not any(code == 250 for code in codes):
        client.rset()
        return 0, codes
    assert client.docmd("DATA")[0] == 354
    stuffed = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:]
    client.send(stuffed + (b".\r\n" if stuffed.endswith(b"\r\n") else b"\r\n.\r\n"))
    return client.getreply()[0], codes


def _merged(base: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in more.items():
        old = merged.get(key)
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(old, value) if isinstance(value, dict) and isinstance(old, dict) else value
    return merged
