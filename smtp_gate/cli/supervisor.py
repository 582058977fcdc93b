"""The parent process of ``serve``: binds the ports, keeps the workers alive, passes signals on.

The parent binds and listens, the workers inherit the sockets and accept: a port that is taken is noticed before
anything runs, and an idle worker takes the next connection. The parent opens no database, store or next hop.
"""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections import deque
from typing import TYPE_CHECKING

from smtp_gate.limits import RESPAWN_LIMIT, RESPAWN_WINDOW, SHUTDOWN_GRACE

if TYPE_CHECKING:
    from collections.abc import Callable

READY = b"r"
"""What a worker writes into its pipe once it answers."""


def notify(state: str) -> None:
    """Tell systemd about us (sd_notify(3)): ``READY=1``, ``RELOADING=1``, ``STOPPING=1``; nothing without it."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):  # the abstract name space
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.sendto(state.encode(), address)


class Supervisor:
    """Runs a number of equal workers until it is told to stop.

    Args:
        workers: how many processes.
        work: what a worker does; gets a function to call once it is ready, and returns its exit code. It sees
            SIGHUP (reload) and SIGTERM (drain and stop).
        may_reload: asked at SIGHUP before the workers are told: False keeps the old rules everywhere.
        said: called with the name of an event (``ready``, ``worker_lost``, ``stopped`` ...) and a number.
    """

    def __init__(
        self,
        workers: int,
        work: Callable[[Callable[[], None]], int],
        may_reload: Callable[[], bool],
        said: Callable[[str, int], None],
    ) -> None:
        self._wanted = workers
        self._work = work
        self._may_reload = may_reload
        self._said = said
        self._running: set[int] = set()
        self._losses: deque[float] = deque(maxlen=RESPAWN_LIMIT)
        self._stopping = False
        self._hurry = 0.0
        # Nobody writes into it. Only the parent holds the writing end, so that a worker reads its end from it.
        self._lifeline = os.pipe()

    def run(self) -> int:
        """Start the workers and watch them; the exit code is 0 after SIGTERM, 70 when they keep dying."""
        wanted = {signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD}
        signal.pthread_sigmask(signal.SIG_BLOCK, wanted)
        for _ in range(self._wanted):
            if not self._start(wanted):
                self._stop(signal.SIGTERM)
                return self._last_words(70)
        notify("READY=1")
        self._said("ready", len(self._running))
        while self._running or not self._stopping:
            happened = signal.sigtimedwait(wanted, 1.0)
            number = happened.si_signo if happened else 0
            if number in (signal.SIGTERM, signal.SIGINT):
                self._stop(signal.SIGTERM)
            elif number == signal.SIGHUP:
                self._reload()
            if self._stopping and time.monotonic() > self._hurry:
                self._stop(signal.SIGKILL)
            if not self._reap(wanted):
                self._stop(signal.SIGTERM)
                return self._last_words(70)
        return self._last_words(0)

    def _start(self, blocked: set[signal.Signals]) -> bool:
        """Fork one worker and wait until it is ready; False when it ended instead."""
        inward, outward = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(inward)
            os.close(self._lifeline[1])
            threading.Thread(target=_outlive_nobody, args=(self._lifeline[0],), daemon=True).start()
            signal.pthread_sigmask(signal.SIG_UNBLOCK, blocked)

            def ready() -> None:
                os.write(outward, READY)
                os.close(outward)

            code = 70
            try:
                code = self._work(ready)
            finally:
                os._exit(code)
        os.close(outward)
        self._running.add(child)
        with os.fdopen(inward, "rb") as pipe:
            return pipe.read(1) == READY

    def _reload(self) -> None:
        notify("RELOADING=1")
        if self._may_reload():
            self._tell(signal.SIGHUP)
        notify("READY=1")

    def _stop(self, number: signal.Signals) -> None:
        if not self._stopping:
            notify("STOPPING=1")
            self._hurry = time.monotonic() + SHUTDOWN_GRACE
        self._stopping = True
        self._tell(number)

    def _tell(self, number: signal.Signals) -> None:
        for child in self._running:
            os.kill(child, number)

    def _reap(self, blocked: set[signal.Signals]) -> bool:
        """Collect the dead and replace them; False when too many died too fast."""
        while self._running:
            child, _ = os.waitpid(-1, os.WNOHANG)
            if child == 0:
                return True
            self._running.discard(child)
            if self._stopping:
                continue
            self._said("worker_lost", child)
            now = time.monotonic()
            if len(self._losses) == RESPAWN_LIMIT and now - self._losses[0] < RESPAWN_WINDOW:
                return False
            self._losses.append(now)
            self._start(blocked)
        return True

    def _last_words(self, code: int) -> int:
        while self._running:
            child, _ = os.waitpid(-1, 0)
            self._running.discard(child)
        self._said("stopped", code)
        return code


def _outlive_nobody(lifeline: int) -> None:
    """Drain and stop once the parent is gone, however it went: the ports must be free for the next one."""
    os.read(lifeline, 1)
    os.kill(os.getpid(), signal.SIGTERM)
