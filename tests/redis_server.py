"""A real redis-server for tests: on a free port of 127.0.0.1, in a temporary folder, gone afterwards.

``with RedisServer() as server:`` and then ``server.url``. It can be stopped and started again on the same port
(empty, unless ``keep=True``), killed without a word, and frozen (SIGSTOP): connections stay open, nothing answers.
"""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from types import TracebackType

START_TIMEOUT = 20.0
"""Seconds until it must answer PING; the machine of a test run is a busy one."""


class RedisServer:
    """One server process.

    Args:
        options: further command line words, such as ``"--maxmemory", "1mb"``.
        keep: whether what is stored outlives :meth:`stop` (append-only file, every write synced).

    Attributes:
        port: TCP port, the same through all restarts.
        folder: what the server writes lies here.
    """

    def __init__(self, *options: str, keep: bool = False) -> None:
        self.port = 0
        self._options = options
        self._keep = keep
        self.folder = Path(tempfile.mkdtemp(prefix="smtp-gate-redis-"))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """As it is written in the configuration."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> Self:
        """Start it and wait until it answers."""
        fixed = self.port
        for _ in range(10):
            self.port = fixed or free_port()
            if self._try_to_start():
                return self
        raise RuntimeError(f"redis-server does not start, see {self.folder / 'log'}")

    def stop(self) -> None:
        """Shut it down; :meth:`start` brings it back on the same port."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a power cut would."""
        self._end(signal.SIGKILL)

    def come_back_as(self, other: RedisServer) -> None:
        """End as a power cut would, and come back on the same port with what another server holds.

        That is a failover to a replica, as those see it who go by the address.
        """
        assert other.say("SAVE").startswith(b"+OK")
        self.kill()
        shutil.copy(other.folder / "dump.rdb", self.folder)
        self.start()

    def freeze(self) -> None:
        """Keep the connections and answer nothing any more."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on, and answer all that piled up."""
        self._signal(signal.SIGCONT)

    def say(self, *words: bytes | str) -> bytes:
        """Send one command over a connection of its own; returns the reply as it came, at most 64 KiB of it."""
        command = b"*%d\r\n" % len(words)
        for word in words:
            octets = word.encode() if isinstance(word, str) else word
            command += b"$%d\r\n%s\r\n" % (len(octets), octets)
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
            connection.sendall(command)
            return connection.recv(65536)

    def close(self) -> None:
        """End it and remove its folder."""
        self._end(signal.SIGKILL)
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _try_to_start(self) -> bool:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(self._words(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        end = time.monotonic() + START_TIMEOUT
        while self._process.poll() is None and time.monotonic() < end:
            with contextlib.suppress(OSError):
                if not self.say("PING").startswith((b"-LOADING", b"-MASTERDOWN")) and self._process.poll() is None:
                    return True
            time.sleep(0.01)
        self._end(signal.SIGKILL)
        return False

    def _words(self) -> list[str]:
        storage = ["--appendonly", "yes", "--appendfsync", "always"] if self._keep else ["--appendonly", "no"]
        place = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.folder)]
        return ["redis-server", *place, "--save", "", *storage, *self._options]

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "the server is not running"
        self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        self._process.send_signal(signal.SIGCONT)  # a frozen process sees no other signal than SIGKILL
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None


def free_port() -> int:
    """A port nobody listens on now; somebody may take it before the server does, hence the tries above."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
