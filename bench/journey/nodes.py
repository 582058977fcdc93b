"""How long a withdrawal takes to hold on all nodes: three gates and two web parts, one PostgreSQL, one Redis.

Measured from the POST of the button to the answer of the last node that follows: a web part whose old pixel is
dead, a gate whose next mail is untracked. Three times over: with nothing else going on, while ``consent reload``
loads the cache anew, and with a Redis that is lost in the same second and comes back as a replica that never heard
of it.
"""

from __future__ import annotations

import re
import secrets
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, NamedTuple, Self

import httpx

from smtp_gate.cli.rooms import open_books
from smtp_gate.config.keys import new_keys
from smtp_gate.consent import Choice, Entry, Event
from smtp_gate.model import EVERYTHING
from tests.gate_room import TRACKED
from tests.hop_thread import HopThread
from tests.postgres_server import PostgresServer
from tests.redis_server import RedisServer
from tests.serve_process import COMMAND, ServeProcess, eventually

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

GATES, SITES = 3, 2
BAR = 5.0
"""Seconds within which every node must follow."""
PATIENCE = 20.0
"""Seconds after which a node that has not followed is given up."""
WATCHED = 8.0
"""Seconds from the POST in which every node is asked again and again."""
PEOPLE = 100_000
"""In the ledger, so that a reload takes its time."""
PORTION = 5000
ACCEPTED = 250
DEAD = 200
"""A live pixel leads on, with 302."""
BUILDING = "smtp_gate:{0}:building"
"""What is in Redis while a reload runs."""


class Outcome(NamedTuple):
    """One withdrawal.

    Attributes:
        during: what else went on.
        seconds: from the POST to each node's first following, slowest last.
        held: from the POST to the last answer of any node that still tracked, or did again: a node that followed
            by the cache may hear an older one from a cache that forgot, until it looks into the ledger.
    """

    during: str
    seconds: list[float]
    held: float

    @property
    def kept(self) -> bool:
        """Whether all followed in time, for good."""
        return self.held <= BAR


class Nodes:
    """All of them; use it in a ``with`` statement.

    Args:
        people: in the ledger beside those who withdraw.
    """

    def __init__(self, people: int) -> None:
        self._people = people
        self._stack = ExitStack()
        self._number = 0

    def __enter__(self) -> Self:
        enter = self._stack.enter_context
        try:
            self.postgres = enter(PostgresServer())
            self.redis = enter(RedisServer())
            self.hop = enter(HopThread())
            no_mail = {"listen": None, "deliver": None}
            first = ServeProcess("", workers=1, config=no_mail, words=("web",))
            self._stack.callback(first.__exit__, None, None, None)
            consent = {"ledger": self.postgres.new(), "cache": self.redis.url}
            shared = {"consent": consent, "keys": str(first.keys), "web": {"public_url": first.public_url}}
            first.write(**shared)
            self._fill(first)
            other = ServeProcess("", workers=1, config={**shared, **no_mail}, words=("web",))
            self.sites = [enter(first), enter(other)]
            self.gates = [
                enter(ServeProcess(self.hop.url, workers=1, config=shared, words=("serve", "--no-web")))
                for _ in range(GATES)
            ]
        except BaseException:
            self._stack.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def _fill(self, site: ServeProcess) -> None:
        """Other people's consent, so that loading takes a while."""
        new_keys(site.keys)
        now = datetime.now(UTC)
        with open_books(site.config) as books:
            for begin in range(0, self._people, PORTION):
                numbers = range(begin, min(begin + PORTION, self._people))
                books.ledger.append_many([Entry(_agreed(number.to_bytes(16, "big"), now)) for number in numbers])

    # --- withdrawals --------------------------------------------------------------------------------------------
    def quiet(self) -> Outcome:
        """With nothing else going on."""
        return self._withdrawn("nothing else", lambda: None)

    def reloading(self) -> Outcome:
        """While the cache is loaded anew."""
        words = [COMMAND, "consent", "reload", "--config", str(self.sites[0].config), "--json"]
        with ExitStack() as stack:
            loaders: list[subprocess.Popen[bytes]] = []

            def begin() -> None:
                loader = stack.enter_context(subprocess.Popen(words, stdout=subprocess.DEVNULL))
                loaders.append(loader)
                eventually(lambda: loader.poll() is not None or self._building(), PATIENCE)
                if loader.poll() is not None:
                    raise RuntimeError("consent reload was over before anybody could withdraw")

            outcome = self._withdrawn("consent reload", begin)
            if loaders[0].wait(PATIENCE * 3):
                raise RuntimeError("consent reload failed")
        return outcome

    def failing_over(self) -> Outcome:
        """While Redis is lost and comes back as the replica that never got the write."""
        with RedisServer("--replicaof", f"127.0.0.1 {self.redis.port}") as replica:

            def detach() -> None:
                wanted = _offset(self.redis, "master_repl_offset")
                eventually(lambda: _offset(replica, "slave_repl_offset") >= wanted, PATIENCE)
                replica.say("REPLICAOF", "NO", "ONE")

            return self._withdrawn(
                "failover of Redis that lost it", detach, meanwhile=lambda: self.redis.come_back_as(replica)
            )

    def _withdrawn(
        self, during: str, begin: Callable[[], None] = lambda: None, *, meanwhile: Callable[[], None] = lambda: None
    ) -> Outcome:
        """One person's withdrawal at one web part; all nodes are watched, each by a thread of its own.

        Args:
            during: what it is called.
            begin: done just before.
            meanwhile: done just after, while nodes are watched.
        """
        person = self._somebody()
        tracked = self._sent(self.gates[0], person)
        pixel, leave = (self._path(tracked, door) for door in ("p", "w"))
        follows: list[Callable[[], bool]] = [partial(self._dead, site, pixel) for site in self.sites]
        follows += [partial(self._untracked, gate, person) for gate in self.gates]
        if any(follow() for follow in follows):
            raise RuntimeError("somebody's consent did not hold before it was withdrawn")
        begin()
        with ThreadPoolExecutor(len(follows) + 1) as pool:
            begun = time.monotonic()

            def followed(follow: Callable[[], bool]) -> float:
                eventually(follow, PATIENCE)
                return time.monotonic() - begun

            httpx.post(f"{self._at(self._number)}{leave}", timeout=PATIENCE).raise_for_status()
            other = pool.submit(meanwhile)
            seconds = sorted(pool.map(followed, follows))
            other.result()
            held = seconds[-1]
            while time.monotonic() < begun + WATCHED:
                if not all(list(pool.map(lambda follow: follow(), follows))):
                    held = time.monotonic() - begun
        return Outcome(during, seconds, held)

    def _somebody(self) -> str:
        """A new person who agreed, as all nodes know."""
        self._number += 1
        person = f"person{self._number}@example.com"
        self.sites[0].agrees(person, EVERYTHING)
        for gate in self.gates:
            eventually(lambda gate=gate: not self._untracked(gate, person), PATIENCE)  # type: ignore[misc]
        return person

    # --- what nodes do ------------------------------------------------------------------------------------------
    def _sent(self, gate: ServeProcess, person: str) -> bytes:
        """A mail to them through one gate, as it arrives."""
        mark = secrets.token_hex(8).encode()
        if gate.send(TRACKED.replace(b"Subject: Autumn", b"Subject: " + mark), person) != ACCEPTED:
            raise RuntimeError("a gate refused a mail")
        return next(content for content in reversed(self.hop.contents(person)) if mark in content)

    def _untracked(self, gate: ServeProcess, person: str) -> bool:
        return b"/p/" not in self._sent(gate, person)

    def _dead(self, site: ServeProcess, pixel: str) -> bool:
        return httpx.get(f"http://127.0.0.1:{site.web}{pixel}", timeout=PATIENCE).status_code == DEAD

    def _at(self, number: int) -> str:
        return f"http://127.0.0.1:{self.sites[number % SITES].web}"

    def _path(self, mail: bytes, door: str) -> str:
        found = re.search(re.escape(self.sites[0].public_url).encode() + rf"(/{door}/[\w-]+)".encode(), mail)
        if found is None:
            raise RuntimeError(f"no address /{door}/ in the mail")
        return found[1].decode()

    def _building(self) -> bool:
        """Whether a reload runs."""
        return self.redis.say("EXISTS", BUILDING) == b":1\r\n"


def _offset(redis: RedisServer, name: str) -> int:
    """How far a server's stream of writes has come; -1 while it follows nobody yet."""
    found = re.search(rb"\r\n" + name.encode() + rb":(\d+)", redis.say("INFO", "replication"))
    return int(found[1]) if found else -1


def _agreed(subject: bytes, at: datetime) -> Event:
    return Event(
        controller="acme",
        subject=subject,
        purposes=EVERYTHING,
        decision=Choice.GRANT,
        at=at,
        method="journey",
        source="journey",
    )
