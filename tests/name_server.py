"""A DNS server on 127.0.0.1 for tests, in the test's own loop: answers CNAME questions from a dictionary.

::

    async with NameServer({"go.acme.example": "custom.lemlist.com"}) as dns:
        Resolver(dns.address)
"""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import TYPE_CHECKING, Self

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

if TYPE_CHECKING:
    from types import TracebackType


class Says(StrEnum):
    """Answers that are no alias."""

    NO_DATA = "no data"
    NOTHING = "nothing"
    """The question gets no answer at all."""
    FAILURE = "failure"
    """SERVFAIL."""
    RUBBISH = "rubbish"
    """Octets that are no DNS message."""


class NameServer(asyncio.DatagramProtocol):
    """One server; names that it does not know do not exist.

    Args:
        records: name without final dot -> name that it is an alias of, or one of :class:`Says`.
        ttl: of all records.

    Attributes:
        asked: names in the order of the questions, with their type.
    """

    def __init__(self, records: dict[str, str], ttl: int = 300) -> None:
        self.records = records
        self.asked: list[tuple[str, str]] = []
        self._ttl = ttl

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: self, ("127.0.0.1", 0))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._transport.close()
        await asyncio.sleep(0)

    @property
    def address(self) -> str:
        """As the configuration names it."""
        host, port = self._transport.get_extra_info("sockname")
        return f"{host}:{port}"

    def names(self) -> list[str]:
        """Names that were asked for."""
        return [name for name, _ in self.asked]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Called by asyncio for each question."""
        question = dns.message.from_wire(data)
        [asked] = question.question
        name = asked.name.to_text().rstrip(".")
        self.asked.append((name, dns.rdatatype.to_text(asked.rdtype)))
        found = self.records.get(name.lower())
        if found == Says.NOTHING:
            return
        if found == Says.RUBBISH:
            self._transport.sendto(data[:2] + b"\xff" * 9, addr)
            return
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        if found is None:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif found == Says.FAILURE:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif found != Says.NO_DATA:
            answer.answer.append(dns.rrset.from_text(asked.name, self._ttl, "IN", "CNAME", found + "."))
        self._transport.sendto(answer.to_wire(), addr)
