"""The wordings that people were shown: kept for good, found by controller, version and language.

An event names the version and language that was shown, and holds the hash of the text as it stood in the ledger
when the event was recorded. A text that comes later is shown with the proof, but no event vouches for it.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, NamedTuple

import sqlalchemy as sa

from smtp_gate.consent.clock import from_micros
from smtp_gate.consent.tables import CHUNK, head, notices

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from smtp_gate.consent.event import Event

NoticeKey = tuple[str, str, str]
"""Controller, version, language."""


class Notice(NamedTuple):
    """A wording.

    Attributes:
        controller: whose it is.
        version: as events name it.
        language: two letters; empty where events name none.
        text: all of it, as it was shown.
        sha256: of the text in UTF-8, as ``sha256sum`` of its file would say.
        recorded: when it came into the ledger.
    """

    controller: str
    version: str
    language: str
    text: str
    sha256: bytes
    recorded: datetime


class OtherWording(ValueError):  # noqa: N818 - a verdict
    """There is another text under the same version already."""


def sha256_of(text: str) -> bytes:
    """The hash of a wording."""
    return hashlib.sha256(text.encode()).digest()


def key_of(event: Event) -> NoticeKey:
    """Where the wording of an event is found."""
    return event.controller, event.notice, event.language


def add_notice(connection: sa.Connection, key: NoticeKey, text: str, now: int) -> bool:
    """Keep a wording; False when the same one is there already.

    Raises:
        OtherWording: when a different one is there under this version.
    """
    known = find_notices(connection, [key]).get(key)
    if known is not None:
        if known.text != text:
            raise OtherWording
        return False
    controller, version, language = key
    connection.execute(
        notices.insert(),
        {
            "controller": controller,
            "version": version,
            "language": language,
            "text": text,
            "sha256": sha256_of(text),
            "recorded": now,
        },
    )
    connection.execute(head.update().values(notices=head.c.notices + 1))
    return True


def find_notices(connection: sa.Connection, keys: Iterable[NoticeKey]) -> dict[NoticeKey, Notice]:
    """The wordings of some keys."""
    wanted = set(keys)
    versions = sorted({version for _, version, _ in wanted})
    found = {}
    for at in range(0, len(versions), CHUNK):
        query = sa.select(notices).where(notices.c.version.in_(versions[at : at + CHUNK]))
        for row in connection.execute(query):
            recorded = from_micros(row.recorded)
            notice = Notice(row.controller, row.version, row.language, row.text, row.sha256, recorded)
            if notice[:3] in wanted:
                found[notice[:3]] = notice
    return found


def languages_in(connection: sa.Connection, controller: str, version: str) -> list[str]:
    """The languages in which a version is kept, sorted."""
    query = sa.select(notices.c.language).where(notices.c.controller == controller, notices.c.version == version)
    return sorted(connection.execute(query).scalars())


class Wordings:
    """The hashes that new events hold, kept while no wording is added: an append then asks for none of them."""

    def __init__(self) -> None:
        self._hashes: dict[NoticeKey, bytes] = {}
        self._number = 0

    def of(self, connection: sa.Connection, number: int) -> Mapping[NoticeKey, bytes]:
        """All hashes; ``number`` is what the ledger's head says of them, in the same transaction."""
        if number != self._number:
            columns = (notices.c.controller, notices.c.version, notices.c.language, notices.c.sha256)
            rows = connection.execute(sa.select(*columns)).all()
            self._hashes = {(row.controller, row.version, row.language): row.sha256 for row in rows}
            self._number = number
        return self._hashes
