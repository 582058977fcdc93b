"""A real Postfix in a folder of its own: the company's MTA in front of the gate, in tests and benchmarks.

Postfix needs root to start; the tests run as root in CI, and whoever runs them as another user sees them
skipped with that reason.
"""

from __future__ import annotations

import os
import shutil
import smtplib
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

needs_root = pytest.mark.skipif("CI" not in os.environ and os.getuid() != 0, reason="Postfix starts as root only")

ENVIRONMENT = os.environ | {"PATH": os.environ.get("PATH", "") + ":/usr/sbin:/sbin"}
QUEUES = ("maildrop", "incoming", "active", "deferred")

MAIN = """compatibility_level = 3.6
queue_directory = {folder}/spool
data_directory = {folder}/data
mail_owner = postfix
setgid_group = postdrop
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
myhostname = mta.acme.example
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
mynetworks = 127.0.0.0/8
smtpd_relay_restrictions = permit_mynetworks, reject
alias_maps =
alias_database =
local_recipient_maps =
disable_dns_lookups = yes
smtp_host_lookup = native
lmtp_host_lookup = native
smtp_tls_security_level = none
append_dot_mydomain = no
maillog_file = {folder}/data/maillog
maillog_file_prefixes = {folder}
minimal_backoff_time = 2s
maximal_backoff_time = 2s
queue_run_delay = 2s
notify_classes =
"""


def free_port() -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Postfix:
    """One Postfix instance; use it in a ``with`` statement.

    Args:
        settings: lines for ``main.cf``, such as ``relayhost = [127.0.0.1]:10025``.
        services: lines for ``master.cf``.

    Attributes:
        port: where it takes mail on loopback.
    """

    def __init__(self, settings: Sequence[str], services: Sequence[str] = ()) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="smtp-gate-postfix-"))
        self._folder.chmod(0o755)
        self.port = free_port()
        for part in ("etc", "spool", "data"):
            (self._folder / part).mkdir()
        shutil.chown(self._folder / "data", "postfix")
        stock = Path("/usr/share/postfix/master.cf.dist").read_text(encoding="utf-8").splitlines()
        # No chroot: the folder holds none of the files that a chrooted daemon looks for.
        kept = [line.replace(" - y ", " - n ") for line in stock if not line.startswith(("smtp      inet", "#"))]
        front = f"127.0.0.1:{self.port} inet n - n - - smtpd"
        (self._folder / "etc/master.cf").write_text("\n".join([front, *kept, *services, ""]), encoding="utf-8")
        main = MAIN.format(folder=self._folder) + "\n".join([*settings, ""])
        (self._folder / "etc/main.cf").write_text(main, encoding="utf-8")

    def __enter__(self) -> Self:
        self._tell("start")
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return self
        self.__exit__(None, None, None)
        raise RuntimeError("Postfix did not start:\n" + self.log())

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._tell("stop", check=False)
        shutil.rmtree(self._folder, ignore_errors=True)

    def submit(self, sender: str, recipients: Sequence[str], content: bytes) -> None:
        """Hand one message to Postfix over SMTP."""
        with smtplib.SMTP("127.0.0.1", self.port, timeout=20) as client:
            refused = client.sendmail(sender, list(recipients), content)
            assert not refused

    def flush(self) -> None:
        """Try everything in the queue now."""
        self._run("postqueue", "-f")

    def queued(self) -> int:
        """How many messages are in its queues."""
        return sum(
            len(files) for name in QUEUES for _, _, files in os.walk(self._folder / "spool" / name)
        )  # fmt: skip

    def wait_until_empty(self, seconds: float = 60) -> None:
        """Return once everything has left; fails after so many seconds."""
        end = time.monotonic() + seconds
        while self.queued():
            assert time.monotonic() < end, f"{self.queued()} messages stay in the queue:\n{self.log()[-4000:]}"
            time.sleep(0.05)

    def log(self) -> str:
        """What Postfix logged so far."""
        path = self._folder / "data/maillog"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def _tell(self, word: str, *, check: bool = True) -> None:
        self._run("postfix", word, check=check)

    def _run(self, command: str, *words: str, check: bool = True) -> None:
        subprocess.run(
            [command, "-c", str(self._folder / "etc"), *words], check=check, env=ENVIRONMENT, capture_output=True
        )
