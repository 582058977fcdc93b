"""Real Redis beyond one server: a master with a replica and a Sentinel, and a Cluster of three masters.

All are processes on free ports of 127.0.0.1, with times of failure detection as short as they can be.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Self

from tests.redis_server import START_TIMEOUT, RedisServer, free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

SLOTS = 16_384
SERVICE = "mymaster"


def until(holds: Callable[[], bool], seconds: float = START_TIMEOUT) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            raise RuntimeError("it does not come to hold")
        time.sleep(0.02)


class Replica(RedisServer):
    """A server that follows another one; in sync when it has started.

    Args:
        master: port of the other one, or of a wire to it.
    """

    def __init__(self, master: int) -> None:
        super().__init__("--replicaof", f"127.0.0.1 {master}", "--repl-diskless-sync-delay", "0")

    def start(self) -> Self:
        """Start it and wait until it has all that the master has."""
        super().start()
        until(lambda: b"master_link_status:up" in self.say("INFO", "replication"))
        return self


class SentinelServer(RedisServer):
    """A Sentinel that decides alone, within a second, that a master is gone."""

    def __init__(self, master: int) -> None:
        super().__init__()
        self._master = master

    def _words(self) -> list[str]:
        file = self.folder / "sentinel.conf"
        file.write_text(
            f"port {self.port}\nbind 127.0.0.1\ndir {self.folder}\n"
            f"sentinel monitor {SERVICE} 127.0.0.1 {self._master} 1\n"
            f"sentinel down-after-milliseconds {SERVICE} 400\n"
            f"sentinel failover-timeout {SERVICE} 3000\n"
        )
        return ["redis-server", str(file), "--sentinel"]

    def start(self) -> Self:
        """Start it and wait until it knows the replica."""
        super().start()
        until(lambda: b"num-slaves\r\n$1\r\n1" in self.say("SENTINEL", "MASTER", SERVICE))
        return self

    def master(self) -> int:
        """Port of the master that it names now."""
        return int(self.say("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SERVICE).split(b"\r\n")[4])


class Watched:
    """A master, its replica and a Sentinel that watches both; use it with ``with``."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with self._stack as stack:
            self.master = stack.enter_context(RedisServer())
            self.replica = stack.enter_context(Replica(self.master.port))
            self.sentinel = stack.enter_context(SentinelServer(self.master.port))
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        """As it is written in the configuration; the first Sentinel is not there."""
        return f"redis+sentinel://127.0.0.1:1,127.0.0.1:{self.sentinel.port}/{SERVICE}/0"

    def fail_over(self) -> None:
        """Wait until the replica is the master."""
        until(lambda: self.sentinel.master() == self.replica.port)
        until(lambda: b"role:master" in self.replica.say("INFO", "replication"))


class RedisCluster:
    """Three masters with a third of the slots each, and a replica of the first; use it with ``with``.

    Args:
        replica: whether there is one.
    """

    def __init__(self, *, replica: bool = False) -> None:
        self._replica = replica
        self._stack = ExitStack()
        self.nodes: list[RedisServer] = []

    def __enter__(self) -> Self:
        with self._stack as stack:
            for _ in range(4 if self._replica else 3):
                options = ("--cluster-enabled", "yes", "--cluster-node-timeout", "500")
                bus = ("--cluster-port", str(free_port()), "--cluster-require-full-coverage", "no")
                self.nodes.append(stack.enter_context(RedisServer(*options, *bus)))
            self._meet()
            self._stack = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def url(self) -> str:
        """As it is written in the configuration: the last node and one that is not there; the others are learnt."""
        return f"redis+cluster://127.0.0.1:1,127.0.0.1:{self.nodes[-1].port}"

    def say(self, *words: bytes | str) -> list[bytes]:
        """Send one command to all masters."""
        return [node.say(*words) for node in self.nodes[:3]]

    def agree(self, nodes: list[RedisServer]) -> None:
        """Wait until these nodes say that all slots are served."""
        words = b"cluster_state:ok", b"cluster_slots_ok:%d" % SLOTS
        until(lambda: all(word in node.say("CLUSTER", "INFO") for node in nodes for word in words))

    def _meet(self) -> None:
        masters = self.nodes[:3]
        for number, node in enumerate(masters):
            share = [str(slot) for slot in range(SLOTS * number // 3, SLOTS * (number + 1) // 3)]
            assert node.say("CLUSTER", "ADDSLOTS", *share) == b"+OK\r\n"
            node.say("CLUSTER", "SET-CONFIG-EPOCH", str(number + 1))
        first = masters[0]
        bus = first.say("CONFIG", "GET", "cluster-port").split(b"\r\n")[4]
        for node in self.nodes[1:]:
            assert node.say("CLUSTER", "MEET", "127.0.0.1", str(first.port), bus) == b"+OK\r\n"
        self.agree(self.nodes)
        if self._replica:
            name = first.say("CLUSTER", "MYID").split(b"\r\n")[1]
            until(lambda: self.nodes[3].say("CLUSTER", "REPLICATE", name) == b"+OK\r\n")
            until(lambda: b"master_link_status:up" in self.nodes[3].say("INFO", "replication"))
