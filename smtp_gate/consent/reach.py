"""Whom a withdrawal reaches besides the address it was made for: the same mailbox under a plainer spelling.

Who takes consent back for ``anna+news@example.com`` is not to be tracked as ``anna@example.com``, as a list has it.
Each spelling gets an event of its own, whose reference says why it is there. Grants and refusals reach nobody else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace

import sqlalchemy as sa

from smtp_gate.consent.event import MAX_FIELD, Choice, Entry
from smtp_gate.consent.tables import addresses

Reached = Callable[[bytes], Sequence[bytes]]
"""Gives the subject ids that a withdrawal of an address also silences."""
NOTE = "withdrawn for another spelling of this address, with a tag or dots"
"""In the reference of such an event; the other spelling is not named."""


def reached_in(connection: sa.Connection, entries: Sequence[Entry], reached: Reached) -> list[Entry]:
    """The further entries of those that withdraw; an address that comes without is looked up."""
    found = []
    for entry in entries:
        if entry.event.decision is Choice.WITHDRAW:
            address = entry.address or _address(connection, entry.event.subject)
            found += [_for(entry, subject) for subject in reached(address)]
    return found


def _for(entry: Entry, subject: bytes) -> Entry:
    reference = entry.event.reference[: MAX_FIELD - len(NOTE) - 2]
    event = replace(entry.event, subject=subject, reference=f"{reference}; {NOTE}" if reference else NOTE)
    return Entry(event, b"", hashlib.sha256(entry.key + subject).digest()[:16] if entry.key else b"")


def _address(connection: sa.Connection, subject: bytes) -> bytes:
    query = sa.select(addresses.c.address).where(addresses.c.subject == subject)
    return connection.execute(query).scalar() or b""
