"""What is told of one message at its end: one log line and the counters, never anything personal."""

from __future__ import annotations

import secrets
from collections import Counter, defaultdict
from time import perf_counter
from typing import TYPE_CHECKING

from smtp_gate.decision import MailClass
from smtp_gate.model import Kind
from smtp_gate.observe import log, metrics

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smtp_gate.gate.variant import Variant
    from smtp_gate.model import Client, Scan
    from smtp_gate.replies import Reply

UNCATALOGUED = "uncatalogued"
"""Stands for the vendor of a tracker that nobody catalogued."""
SUSPECTED = "suspected"
"""Stands for the vendor of what may be a tracker, but is left alone."""
_NOBODY = (UNCATALOGUED, SUSPECTED)
_UNTOLD = frozenset((Kind.OWN, Kind.QUESTION, Kind.PLAIN))
"""Findings that are no tracker."""


class Report:
    """Collects counts and times while a message is on its way.

    Args:
        client: who brought it.
        size: octets as received.

    Attributes:
        message_id: the gate's own id of the message, in its Received field and in the log.
        consent: how many recipients for each reason of the consent answer.
        next_hop: name of the next hop that was asked; empty when none was.
    """

    def __init__(self, client: Client, size: int) -> None:
        self.message_id = secrets.token_hex(8)
        self.consent: Counter[str] = Counter()
        self.next_hop = ""
        self._client = client
        self._size = size
        # Not the event loop's clock: uvloop's counts in whole milliseconds.
        self._started = self._last = perf_counter()
        self._mail_class = MailClass.UNKNOWN
        self._rule = ""
        self._variants = 0
        self._actions: defaultdict[str, Counter[str]] = defaultdict(Counter)
        self._milliseconds: defaultdict[str, float] = defaultdict(float)

    def step(self, name: str) -> None:
        """The time since the last step belongs to this one: ``scan``, ``consent``, ``render``, ``deliver``."""
        now = perf_counter()
        self._milliseconds[name] += (now - self._last) * 1000
        self._last = now

    def composed(self, variant: Variant, scan: Scan) -> None:
        """One variant was made."""
        self._variants += 1
        self._mail_class = variant.decision.mail_class
        self._rule = variant.decision.rule
        # A newsletter has dozens of findings and few different ones.
        counts = Counter(
            [
                (finding.vendor or _NOBODY[finding.kind is Kind.SUSPECT], verdict.action)
                for finding, verdict in zip(scan.findings, variant.decision.verdicts, strict=True)
                if finding.kind not in _UNTOLD
            ]
        )
        for (vendor, action), count in counts.items():
            self._actions[vendor][action.value] += count
        for obstacle in scan.obstacles:
            self._actions["unsearched"][obstacle] += 1
        if variant.decision.silent:
            self._actions["receipts"]["strip"] += 1
        if variant.fallback:
            self._actions["fallback"][variant.fallback] += 1

    def asked_again(self, people: int) -> None:
        """So many were asked for consent a short time ago, or answered, and this mail asks again."""
        if people:
            self._actions["question"]["again"] += people

    def failed(self, problem: Exception) -> None:
        """Something of ours went wrong: the kind of exception and where it was raised, never its text."""
        trace = problem.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = f"{trace.tb_frame.f_globals.get('__name__', '')}:{trace.tb_lineno}" if trace else ""
        log.message_failed(message=self.message_id, kind=type(problem).__name__, place=where)

    def done(self, answers: Sequence[Reply]) -> None:
        """Write the line and count; called once, whatever became of the message."""
        self._milliseconds["total"] = (perf_counter() - self._started) * 1000
        codes = Counter(answer.code for answer in answers)
        log.message_done(
            message=self.message_id,
            ident=self._client.xforward.get("IDENT", ""),
            protocol=self._client.protocol,
            mail_class=self._mail_class,
            rule=self._rule,
            size=self._size,
            recipients=len(answers),
            variants=self._variants,
            actions=self._actions,
            consent=self.consent,
            replies=codes,
            milliseconds=self._milliseconds,
            next_hop=self.next_hop,
        )
        metrics.message_done(
            mail_class=self._mail_class,
            size=self._size,
            variants=self._variants,
            actions=self._actions,
            consent=self.consent,
            replies=codes,
            milliseconds=self._milliseconds,
        )
