"""A real PostgreSQL for tests: on a free port of 127.0.0.1, in a temporary folder, gone afterwards.

``with PostgresServer() as server:`` and then ``server.url``, or a database of one test: ``server.new()``. It can be
stopped and started again on the same port (all that was committed is there), killed without a word, and frozen
(SIGSTOP): connections stay open, nothing answers. It refuses to run as root, so root lends it another user.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import psycopg

from tests.redis_server import free_port

if TYPE_CHECKING:
    from types import TracebackType

START_TIMEOUT = 30.0
"""Seconds until it must let us in; the machine of a test run is a busy one."""
PASSWORD = "s3cret"
OPTIONS = {
    "fsync": "off",  # nothing here outlives the machine
    "full_page_writes": "off",
    "max_connections": "60",
    "shared_buffers": "16MB",
    "autovacuum": "off",
}


class PostgresServer:
    """One server, with a superuser ``postgres`` who needs a password.

    Args:
        options: settings of the server, in place of those above.

    Attributes:
        port: TCP port, the same through all restarts.
    """

    def __init__(self, **options: str) -> None:
        self.port = 0
        self._options = OPTIONS | options
        self._folder = Path(tempfile.mkdtemp(prefix="smtp-gate-postgres-"))
        self._user = "postgres" if os.geteuid() == 0 else None
        self._process: subprocess.Popen[bytes] | None = None
        self._number = 0

    @property
    def url(self) -> str:
        """Of a database that is always there."""
        return self.url_of("postgres")

    def url_of(self, name: str, user: str = "postgres", password: str = PASSWORD) -> str:
        """As it is written in the configuration."""
        return f"postgresql://{user}:{password}@127.0.0.1:{self.port}/{name}"

    def new(self, template: str = "template0") -> str:
        """The address of a database of its own, empty or like another one."""
        self._number += 1
        name = f"test{self._number}"
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url_of(name)

    def drop(self, url: str) -> None:
        """Give a database back, whoever is connected to it."""
        self.run(f"DROP DATABASE IF EXISTS {url.rpartition('/')[2]} WITH (FORCE)")

    def run(self, statement: str) -> None:
        """One statement of the superuser."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def start(self) -> Self:
        """Start it and wait until it lets us in; nothing where it runs."""
        if self._process is not None:
            return self
        if not self.port:
            self._make()
        fixed = self.port
        for _ in range(10):
            self.port = fixed or free_port()
            if self._try_to_start():
                return self
        raise RuntimeError(f"postgres does not start, see {self._folder / 'log'}")

    def stop(self) -> None:
        """Shut it down, whoever is connected; :meth:`start` brings it back on the same port."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """End all of it as a power cut would."""
        if self._process is not None:
            for child in self._children():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Keep the connections and answer nothing any more."""
        assert self._process is not None, "the server is not running"
        for process in (self._process.pid, *self._children()):
            os.kill(process, signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on, and answer all that piled up."""
        assert self._process is not None, "the server is not running"
        for process in (*self._children(), self._process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)

    def close(self) -> None:
        """End it and remove its folder."""
        self.kill()
        shutil.rmtree(self._folder, ignore_errors=True)

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

    def _make(self) -> None:
        if self._user is not None:
            account = pwd.getpwnam(self._user)
            os.chown(self._folder, account.pw_uid, account.pw_gid)
        secret = self._folder / "password"
        secret.write_text(PASSWORD)
        secret.chmod(0o644)
        words = ["--pgdata", "data", "--username", "postgres", "--pwfile", "password", "--auth", "scram-sha-256"]
        words += ["--encoding", "UTF8", "--locale", "C.UTF-8", "--no-sync", "--no-instructions"]
        with (self._folder / "log").open("ab") as log:
            subprocess.run(
                [_program("initdb"), *words], user=self._user, extra_groups=self._groups(), cwd=self._folder,
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, check=True, env=_environment(),
            )  # fmt: skip

    def _try_to_start(self) -> bool:
        options = self._options | {
            "port": str(self.port),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": "",
        }
        words = [f"--{name}={value}" for name, value in options.items()]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [_program("postgres"), "-D", "data", *words], user=self._user, extra_groups=self._groups(),
                cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=_environment(),
            )  # fmt: skip
        end = time.monotonic() + START_TIMEOUT
        while self._process.poll() is None and time.monotonic() < end:
            with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url, connect_timeout=5):
                return True
            time.sleep(0.02)
        self._end(signal.SIGKILL)
        return False

    def _groups(self) -> list[int] | None:
        return None if self._user is None else []

    def _children(self) -> list[int]:
        assert self._process is not None
        listed = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        with contextlib.suppress(OSError):
            return [int(pid) for pid in listed.read_text().split()]
        return []

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self.thaw()
        self._process.send_signal(number)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None
        (self._folder / "data" / "postmaster.pid").unlink(missing_ok=True)


def _program(name: str) -> str:
    """Debian keeps the servers of each version out of the search path."""
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))
    return str(found[-1]) if found else name


def _environment() -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", "/usr/bin:/bin"), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
