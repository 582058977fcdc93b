"""The gate: one message's journey, with everything it needs handed in.

``ruleset`` is what a mail is judged by, ``variant`` what one recipient gets, ``journey`` the order of the steps,
``report`` what is told of it. The gate knows no socket of its own, no file and no clock but the one handed in.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtp_gate import limits
from smtp_gate.delivery.next_hop import Capabilities
from smtp_gate.gate.journey import Journey
from smtp_gate.gate.ruleset import Ruleset
from smtp_gate.observe import log, metrics

if TYPE_CHECKING:
    from collections.abc import Callable

    from smtp_gate.consent.asked import Asked
    from smtp_gate.consent.store import ConsentStore
    from smtp_gate.delivery.accepted import AcceptedRecord
    from smtp_gate.delivery.pool import Pool
    from smtp_gate.model import Client, Sender
    from smtp_gate.observe.audit import Auditor
    from smtp_gate.witnesses.aliases import Aliases
    from smtp_gate.witnesses.learning import Learning

__all__ = ["Gate", "Journey", "Ruleset"]


class Gate:
    """One process's gate.

    Args:
        ruleset: what mails are judged by; replaced as a whole by a reload.
        store: who agreed to what.
        pool: connections to the next hops.
        accepted: what earlier attempts came to.
        hostname: our name in Received fields.
        now: the date and time for Received fields (RFC 5322 section 3.3).
        max_size: octets of the largest message.
        aliases: knows where hosts lead by their names in DNS; None where nobody asks.
        learning: learns which addresses differ from copy to copy; None where nobody does.
        auditor: has a sample of what leaves read again; None where nobody does.
        asked: knows when people were asked for consent; None where nobody does.

    Attributes:
        ruleset: assign a new one to reload; messages under way keep the one they began with.
        aliases: the same.
    """

    def __init__(
        self,
        *,
        ruleset: Ruleset,
        store: ConsentStore,
        pool: Pool,
        accepted: AcceptedRecord,
        hostname: str,
        now: Callable[[], str],
        max_size: int = limits.MAX_MESSAGE_SIZE,
        aliases: Aliases | None = None,
        learning: Learning | None = None,
        auditor: Auditor | None = None,
        asked: Asked | None = None,
    ) -> None:
        self.ruleset = ruleset
        self.aliases = aliases
        self.learning = learning
        self.auditor = auditor
        self.asked = asked
        self.store = store
        self.pool = pool
        self.accepted = accepted
        self.hostname = hostname
        self.now = now
        self._max_size = max_size
        self._store_answers = True

    def capabilities(self) -> Capabilities:
        """What may be offered to clients: nothing that the next hop does not take.

        A mail grows by footer and wrapped addresses, so a margin below the next hop's SIZE stays free.
        """
        hop = self.pool.capabilities()
        room = hop.size - hop.size // 20 - limits.SIZE_MARGIN if hop.size else self._max_size
        return Capabilities(
            size=max(0, min(self._max_size, room)),
            eightbit=hop.eightbit,
            smtputf8=hop.smtputf8,
            dsn=hop.dsn,
            pipelining=False,
        )

    def begin(self, client: Client, sender: Sender) -> Journey:
        """Start a transaction; nothing happens before its first recipient."""
        return Journey(self, client, sender)

    def store_said(self, trouble: str) -> None:
        """Tell the operator when the consent store stops answering, and when it answers again.

        Args:
            trouble: reason of a look-up that failed; empty for one that did not.
        """
        if trouble:
            metrics.store_failure(trouble)
        if self._store_answers == bool(trouble):
            self._store_answers = not trouble
            if trouble:
                log.store_down(reason=trouble)
            else:
                log.store_up()
