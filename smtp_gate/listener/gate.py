"""The gate as the front door sees it: nothing else of it is known here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable

    from smtp_gate.delivery.next_hop import Capabilities
    from smtp_gate.model import Client, Recipient, Sender
    from smtp_gate.replies import Reply


class Transaction(Protocol):
    """One mail transaction, from MAIL to its last reply; used by one session at a time."""

    async def recipient(self, recipient: Recipient) -> Reply:
        """What a RCPT command is answered; 2xx means the recipient is taken."""

    async def content(self, raw: bytes, client_gone: Callable[[], bool]) -> list[Reply]:
        """Deliver the message; the transaction is over then.

        Args:
            raw: the message with CRLF line ends, dots unstuffed, without a bare CR or LF.
            client_gone: whether the client has left, so that it will send the message again.

        Returns:
            One reply for each recipient that was taken, in order.
        """

    async def abandon(self) -> None:
        """End the transaction without a message: RSET, a new greeting, a refused message, a lost client."""


class Gate(Protocol):
    """What mail is handed to."""

    def capabilities(self) -> Capabilities:
        """What may be offered to a client now."""

    def begin(self, client: Client, sender: Sender) -> Transaction:
        """Open a transaction for a MAIL command that was understood."""
