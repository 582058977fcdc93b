"""What the rest of the gate may know of consent: a question for all recipients of a mail, and its answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smtp_gate.model import Consent


class ConsentStore(Protocol):
    """Where consent is looked up: Redis beside the ledger, or the ledger itself. Same tests for both."""

    async def look_up(self, controller: str, subjects: Sequence[bytes]) -> list[Consent]:
        """What each person agreed to, in one round trip and at most ``STORE_TIMEOUT``.

        Args:
            controller: id of the controller whose consent counts.
            subjects: 16 octets each.

        Returns:
            As many as there are subjects, in the same order; unknown people and odd records are in it with
            nothing granted.

        Raises:
            StoreUnavailable: when there is no answer for anybody.
        """
        ...

    async def close(self) -> None:
        """Give back connections and threads."""
        ...
