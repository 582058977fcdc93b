"""What learning may know of its store: so many readers, so many values, and never which.

Neither store keeps a reader, a value or a hash of one: only sketches that count different ones (HyperLogLog in
Redis, bit maps in SQLite). The text of a skeleton is kept once it is learnt: then twenty readers' mails share it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Protocol

from smtp_gate.trackers.learnt import Form, Lesson, Tally

if TYPE_CHECKING:
    from collections.abc import Sequence

ID_SIZE = 12
"""Octets of a skeleton's id."""
MARK_SIZE = 8
"""Octets of what stands for a reader, a value, or both together."""


class Sighting(NamedTuple):
    """One skeleton as it was seen in some mails.

    Attributes:
        id: keyed hash of domain, form and shape.
        label: these in clear, as :func:`write_label` makes it.
        readers: keyed hashes of whom the copies were sent to.
        pairs: keyed hashes of reader and value together.
        values: keyed hashes of values.
    """

    id: bytes
    label: str
    readers: frozenset[bytes]
    pairs: frozenset[bytes]
    values: frozenset[bytes]


class LearningStore(Protocol):
    """Where sightings are counted: Redis, or a file of SQLite beside the ledger. Same tests for both."""

    async def note(self, sightings: Sequence[Sighting]) -> list[Tally]:
        """Count sightings, in one round trip.

        Args:
            sightings: at most ``MAX_LEARN_BATCH``, each id once.

        Returns:
            How each is counted now, in the same order.

        Raises:
            StoreUnavailable: nothing, or a part, was counted.
        """
        ...

    async def lessons(self) -> list[Lesson]:
        """All that was learnt and is not forgotten.

        Raises:
            StoreUnavailable: when that cannot be read.
        """
        ...

    async def close(self) -> None:
        """Give back connections and threads."""
        ...


def write_label(domain: str, form: Form, shape: str) -> str:
    """Domain, form and shape as one text."""
    return f"{domain}\n{form.value}\n{shape}"


def read_label(label: str, tally: Tally) -> Lesson | None:
    """What a label says; None for a text that is none."""
    pieces = label.split("\n")
    if len(pieces) != 3 or pieces[1] not in Form.__members__.values():  # noqa: PLR2004 - the three of a label
        return None
    domain, form, shape = pieces
    return Lesson(domain, Form(form), shape, tally)
