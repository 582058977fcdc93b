"""What follows from knowing where hosts lead by their names in DNS: a company's own tracking host is its vendor's.

This module alone decides which hosts are asked for, and that an address there is judged as on the vendor's own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtp_gate.scan.witness import heard
from smtp_gate.trackers.address import behind_proxy, split
from smtp_gate.trackers.host import may_be_asked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from smtp_gate.model import Address, Judgement, Scan
    from smtp_gate.trackers import Catalogue


def hosts_to_ask(scan: Scan) -> list[str]:
    """Hosts of the addresses that nothing spoke about, each once, in order; none that a person may stand in."""
    return [host for host in dict.fromkeys(_host(one.address) for one in scan.unjudged) if may_be_asked(host)]


def told_by_aliases(scan: Scan, catalogue: Catalogue, chains: Mapping[str, Sequence[str]]) -> Scan:
    """The scan with what DNS says of the hosts in it.

    Args:
        scan: the mail, as catalogue and look see it.
        catalogue: knows what vendors' customers' hosts lead to.
        chains: host to the names that it is an alias of.

    Returns:
        The same scan when no host leads to a vendor.
    """
    vendors = {
        host: vendor
        for host, chain in chains.items()
        if (vendor := next((owner for name in chain if (owner := catalogue.owner(name))), ""))
    }
    if not vendors:
        return scan

    def witness(address: Address) -> Judgement | None:
        vendor = vendors.get(_host(address))
        return None if vendor is None else catalogue.behind(vendor, address)

    return heard(scan, witness)


def _host(address: Address) -> str:
    """The host that a client asks, lower case; empty when it is no web address."""
    place = split(behind_proxy(address.url) if address.load else address.url)
    return "" if place is None else place[0]
