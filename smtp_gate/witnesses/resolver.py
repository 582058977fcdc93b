"""DNS by dnspython: one question for a CNAME record, its answers and errors in our words.

The record itself is asked for, not the address behind it: then only the DNS servers of the host's own domain see a
question, not those of the vendor that it leads to.
"""

from __future__ import annotations

import dns.asyncresolver
import dns.exception
import dns.name
import dns.rdatatype
import dns.resolver

from smtp_gate.errors import ConfigError
from smtp_gate.limits import ALIAS_MEMORY_NONE, ALIAS_TIMEOUT
from smtp_gate.witnesses.aliases import Alias, NoAnswerError

KEY = "trackers.dns"


class Resolver:
    """DNS as the system or the configuration names it.

    Args:
        server: ``ADDRESS:PORT``; empty for the system's own.

    Raises:
        ConfigError: when the system names none.
    """

    def __init__(self, server: str = "") -> None:
        try:
            self._resolver = dns.asyncresolver.Resolver(configure=not server)
        except dns.exception.DNSException:
            problem = "the system names no DNS server (/etc/resolv.conf); write one here, such as 192.0.2.53:53"
            raise ConfigError("", KEY, problem) from None
        if server:
            address, _, port = server.rpartition(":")
            self._resolver.nameservers = [address.strip("[]")]
            self._resolver.port = int(port)
        self._resolver.lifetime = ALIAS_TIMEOUT

    async def alias(self, name: str) -> Alias:
        """As :meth:`Names.alias`."""
        try:
            asked = dns.name.from_text(name)
        except dns.exception.DNSException:
            return Alias("", ALIAS_MEMORY_NONE)  # nothing of that name can exist
        try:
            answer = await self._resolver.resolve(asked, dns.rdatatype.CNAME, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN:
            return Alias("", ALIAS_MEMORY_NONE)
        except dns.exception.Timeout:
            raise TimeoutError from None
        except (dns.exception.DNSException, OSError, ValueError):
            raise NoAnswerError from None
        records = answer.rrset
        if records is None or not records:
            return Alias("", ALIAS_MEMORY_NONE)
        return Alias(str(records[0]).rstrip(".").lower(), float(records.ttl))
