"""The parent of ``serve``: workers are replaced, told to reload, told to stop; systemd hears of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROGRAM = """
    import os, signal, sys, time
    from smtp_gate.cli.supervisor import Supervisor

    def write(*words):
        os.write(1, (" ".join(str(word) for word in words) + "\\n").encode())

    def work(ready):
        stop = []
        signal.signal(signal.SIGTERM, lambda *_: stop.append(1))
        signal.signal(signal.SIGHUP, lambda *_: write("reloaded", os.getpid()))
        if {broken}:
            return 1
        write("working", os.getpid())
        ready()
        while not stop:
            time.sleep(0.01)
        return 0

    sys.exit(Supervisor({workers}, work, lambda: {may_reload}, lambda event, number: write(event, number)).run())
"""


class Running:
    """A supervisor in a process of its own, with the lines it wrote."""

    def __init__(
        self, *, workers: int = 2, may_reload: bool = True, broken: bool = False, notify: str = ""
    ) -> None:
        source = textwrap.dedent(PROGRAM).format(workers=workers, may_reload=may_reload, broken=broken)
        self.process = subprocess.Popen(
            [sys.executable, "-c", source],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | ({"NOTIFY_SOCKET": notify} if notify else {}),
        )
        self.lines: list[str] = []

    def read_until(self, enough: Callable[[list[str]], bool]) -> list[str]:
        """Read lines until they are enough."""
        assert self.process.stdout is not None
        while not enough(self.lines):
            line = self.process.stdout.readline()
            assert line, f"ended with {self.process.wait()} after {self.lines}"
            self.lines.append(line.strip())
        return self.lines

    def pids(self) -> list[int]:
        """Process ids of the workers that said they work, oldest first."""
        return [int(line.split()[1]) for line in self.lines if line.startswith("working")]

    def stop(self) -> int:
        """SIGTERM, then the exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(10)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


def test_all_workers_are_ready_before_it_says_so_and_stop_when_told() -> None:
    running = Running(workers=3)
    lines = running.read_until(lambda lines: "ready 3" in lines)
    assert [line.split()[0] for line in lines] == ["working", "working", "working", "ready"]
    assert running.stop() == 0
    for pid in running.pids():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_a_worker_that_dies_is_replaced() -> None:
    running = Running(workers=1)
    running.read_until(lambda lines: "ready 1" in lines)
    os.kill(running.pids()[0], signal.SIGKILL)
    running.read_until(lambda _: len(running.pids()) == 2)
    assert f"worker_lost {running.pids()[0]}" in running.lines
    assert running.stop() == 0


def test_it_gives_up_when_workers_keep_dying() -> None:
    running = Running(workers=1)
    running.read_until(lambda lines: "ready 1" in lines)
    for count in range(6):
        running.read_until(lambda _, count=count: len(running.pids()) == count + 1)  # type: ignore[misc]
        time.sleep(0.05)
        os.kill(running.pids()[-1], signal.SIGKILL)
    assert running.process.wait(10) == 70
    assert running.process.stdout is not None
    running.process.stdout.close()


def test_a_worker_that_cannot_start_ends_the_service() -> None:
    running = Running(workers=2, broken=True)
    assert running.process.wait(10) == 70
    assert running.process.stdout is not None
    running.process.stdout.close()


@pytest.mark.parametrize(("may_reload", "told"), [(True, 2), (False, 0)])
def test_a_reload_reaches_every_worker_only_when_the_new_rules_are_good(may_reload: bool, told: int) -> None:
    running = Running(workers=2, may_reload=may_reload)
    running.read_until(lambda lines: "ready 2" in lines)
    running.process.send_signal(signal.SIGHUP)
    if told:
        running.read_until(lambda lines: sum(line.startswith("reloaded") for line in lines) == told)
    else:
        time.sleep(0.3)
    assert running.stop() == 0
    assert sum(line.startswith("reloaded") for line in running.lines) == told


def test_systemd_hears_of_ready_reload_and_stop(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind(str(tmp_path / "notify"))
        channel.settimeout(10)
        running = Running(workers=1, notify=str(tmp_path / "notify"))
        assert channel.recv(100) == b"READY=1"
        running.process.send_signal(signal.SIGHUP)
        assert [channel.recv(100), channel.recv(100)] == [b"RELOADING=1", b"READY=1"]
        assert running.stop() == 0
        assert channel.recv(100) == b"STOPPING=1"


def test_workers_of_a_killed_parent_end_by_themselves() -> None:
    running = Running()
    running.read_until(lambda lines: len(running.pids()) == 2 and any(line.startswith("ready") for line in lines))
    running.process.kill()
    running.process.wait(10)
    assert running.process.stdout is not None
    assert running.process.stdout.read() == "", "the pipe is at its end only when all its writers are gone"
    running.process.stdout.close()
