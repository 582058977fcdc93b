"""Where the hosts of a mail lead by their CNAME records, within a time that no mail has to wait beyond.

This module alone decides how long a mail waits, what is remembered for how long, and how much is asked at a time. A
question that was not answered in time goes on, and the next mail has the answer. Only names of hosts are asked for.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple, Protocol

from smtp_gate.consent.breaker import Breaker
from smtp_gate.limits import (
    ALIAS_BUDGET,
    ALIAS_FAILED_MEMORY,
    ALIAS_MEMORY,
    ALIAS_MEMORY_LEAST,
    MAX_ALIAS_CHAIN,
    MAX_ALIASES,
    MAX_ALIASES_ASKED,
    MAX_ALIASES_PER_MAIL,
)
from smtp_gate.observe import metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


class Alias(NamedTuple):
    """One answer of DNS.

    Attributes:
        target: lower-case name that the name is an alias of, without its final dot; empty when it is none, or
            there is no such name.
        ttl: seconds that the answer may be kept.
    """

    target: str
    ttl: float


class NoAnswerError(Exception):
    """DNS answered with an error, or cannot be reached."""


class Names(Protocol):
    """DNS, as far as it is needed."""

    async def alias(self, name: str) -> Alias:
        """What one name is an alias of, one step far.

        Raises:
            NoAnswerError: when that cannot be known now.
            TimeoutError: when nothing came in ``ALIAS_TIMEOUT``.
        """
        ...


class _Known(NamedTuple):
    """Names that a host leads to, and the time until which that counts."""

    chain: tuple[str, ...]
    until: float


class Aliases:
    """What a process knows of hosts' aliases.

    Args:
        names: DNS.
        clock: seconds that only go forward.
    """

    def __init__(self, names: Names, clock: Callable[[], float] = time.monotonic) -> None:
        self._names = names
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._asked: dict[str, asyncio.Task[None]] = {}
        self._health = Breaker(clock)

    async def of(self, hosts: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
        """Where hosts lead, as far as it is known after ``ALIAS_BUDGET`` at most.

        Args:
            hosts: lower case; whether they may be asked for is decided elsewhere.

        Returns:
            Host to the names that it is an alias of, the next one first; hosts that are none, that are not known
            or not known yet are not in it. Beyond ``MAX_ALIASES_PER_MAIL`` unknown hosts the rest waits for the
            next mail. Where DNS was silent several times in a row, nobody waits until it answers again.
        """
        wanted = dict.fromkeys(hosts)
        now = self._clock()
        new = [host for host in wanted if (known := self._known.get(host)) is None or known.until <= now]
        asked = [task for host in new[:MAX_ALIASES_PER_MAIL] if (task := self._ask(host)) is not None]
        if asked and not self._health.open:
            _, late = await asyncio.wait(asked, timeout=ALIAS_BUDGET)
            metrics.aliases_late(len(late))
        now = self._clock()
        return {
            host: known.chain
            for host in wanted
            if (known := self._known.get(host)) is not None and known.chain and known.until > now
        }

    async def close(self) -> None:
        """Ask nothing any more."""
        for task in (asked := list(self._asked.values())):
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)

    def _ask(self, host: str) -> asyncio.Task[None] | None:
        """The one question about a host that is under way; None when too many are."""
        task = self._asked.get(host)
        if task is None and len(self._asked) < MAX_ALIASES_ASKED:
            task = asyncio.get_running_loop().create_task(self._follow(host))
            self._asked[host] = task
            task.add_done_callback(lambda _: self._asked.pop(host, None))
        return task

    async def _follow(self, host: str) -> None:
        """Ask from name to name, and remember."""
        chain: list[str] = []
        keep = ALIAS_MEMORY
        try:
            name = host
            # One question more than names: the last one learns that the chain ends.
            while len(chain) <= MAX_ALIAS_CHAIN:
                alias = await self._names.alias(name)
                keep = min(keep, max(alias.ttl, ALIAS_MEMORY_LEAST))
                name = alias.target
                if not name or name == host or name in chain:
                    break
                chain.append(name)
        except (NoAnswerError, TimeoutError) as problem:
            if isinstance(problem, TimeoutError):  # an error costs no time, silence would cost every mail
                self._health.failed()
            outcome, keep = "failed", ALIAS_FAILED_MEMORY
        else:
            self._health.succeeded()
            outcome = "alias" if chain else "none"
        metrics.alias(outcome)
        # What was found before a later name gave no answer still holds.
        self._known[host] = _Known(tuple(chain[:MAX_ALIAS_CHAIN]), self._clock() + keep)
        self._known.move_to_end(host)
        if len(self._known) > MAX_ALIASES:
            with suppress(KeyError):
                self._known.popitem(last=False)
