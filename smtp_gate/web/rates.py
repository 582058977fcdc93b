"""How often the same may be asked: by a network that asks for what is not there, for pages, with one token.

Nobody's address is kept: a client counts as its network, and what is counted is a keyed hash of that, in this
process's memory, for a minute. A reader is never held up by it: a pixel over its rate is a dead one, a link goes on
to its plain target or asks, and a withdrawal is not counted at all.
"""

from __future__ import annotations

import secrets
import time
from hashlib import blake2b
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

from starlette.datastructures import Headers

from smtp_gate.limits import (
    MAX_API_CALLS,
    MAX_HITS_PER_TOKEN,
    MAX_METERED,
    MAX_PAGES_PER_NETWORK,
    MAX_POSTS_PER_TOKEN,
    MAX_PROXY_HOPS,
    MAX_STRANGERS_PER_NETWORK,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from starlette.types import Scope

PERIOD = 60.0
"""Seconds in which the numbers above may be reached."""
_V4, _V6 = 3, 7
"""Octets of a network: /24 and /56, what one office or household has."""


class Meter:
    """Whether something happens more often than it may; each thing recovers by itself.

    Args:
        rate: times in a minute, also all at once.
        clock: seconds, never going back.
        when_full: the answer for what is not known yet while the memory is full.
    """

    __slots__ = ("_clock", "_due", "_step", "_tidied", "_when_full")

    def __init__(self, rate: int, clock: Callable[[], float] = time.monotonic, *, when_full: bool = False) -> None:
        self._step = PERIOD / rate
        self._clock = clock
        self._when_full = when_full
        # When a thing would have used up what it asked for, at exactly its rate: the generic cell rate algorithm.
        self._due: dict[bytes, float] = {}
        self._tidied = clock()

    def over(self, key: bytes) -> bool:
        """Count it once more; True when that is too often, and then it did not count."""
        now = self._clock()
        due = self._due.get(key)
        if due is None and len(self._due) >= MAX_METERED and not self._tidy(now):
            return self._when_full
        due = now if due is None or due < now else due
        if due + self._step > now + PERIOD:
            return True
        self._due[key] = due + self._step
        return False

    def _tidy(self, now: float) -> bool:
        """Forget what has recovered, at most once a second; whether that made room."""
        if now - self._tidied < 1:
            return False
        self._tidied = now
        self._due = {key: due for key, due in self._due.items() if due > now}
        return len(self._due) < MAX_METERED

    def __len__(self) -> int:
        return len(self._due)


class Rates:
    """What is counted in one process.

    Args:
        proxies: networks of the servers in front, whose X-Forwarded-For is believed.
        clock: seconds, never going back.
    """

    def __init__(self, proxies: Iterable[str] = (), clock: Callable[[], float] = time.monotonic) -> None:
        self._proxies = tuple(ip_network(proxy) for proxy in proxies)
        self._secret = secrets.token_bytes(16)
        self._strangers = Meter(MAX_STRANGERS_PER_NETWORK, clock, when_full=True)
        self._pages = Meter(MAX_PAGES_PER_NETWORK, clock)
        self._posts = Meter(MAX_POSTS_PER_TOKEN, clock)
        self._hits = Meter(MAX_HITS_PER_TOKEN, clock)
        self._calls = Meter(MAX_API_CALLS, clock)

    def stranger(self, scope: Scope) -> bool:
        """A client asked for what is not there, or with a token or key that is none; True when too often."""
        return self._strangers.over(self._network(scope))

    def page(self, scope: Scope) -> bool:
        """A client asks for a page; True when its network does so too often."""
        client = self._client(scope)
        # A web server in front that does not say for whom it asks: as one network, all readers would be held up.
        if client is not None and (client.is_loopback or self._trusted(client)):
            return False
        return self._pages.over(self._network(scope))

    def post(self, path: str) -> bool:
        """A form is sent to an address with a token; True when too often."""
        return self._posts.over(self._hash(path.encode("utf-8", "surrogatepass")))

    def hit(self, token: str) -> bool:
        """A pixel or link is asked for; True when too often for one mail program or reader."""
        return self._hits.over(self._hash(token.encode("utf-8", "surrogatepass")))

    def call(self, name: str) -> bool:
        """The API is called with a key of this name; True when too often."""
        return self._calls.over(name.encode())

    def _network(self, scope: Scope) -> bytes:
        address = self._client(scope)
        if address is None:
            return b""
        return self._hash(address.packed[: _V4 if isinstance(address, IPv4Address) else _V6])

    def _client(self, scope: Scope) -> IPv4Address | IPv6Address | None:
        """Who asks: the last address of X-Forwarded-For that is no proxy of ours, as far as those say."""
        peer = scope.get("client")
        client = _address(peer[0]) if peer else None
        if not self._proxies or client is None or not self._trusted(client):
            return client
        said = ",".join(Headers(scope=scope).getlist("x-forwarded-for")).split(",")
        for text in reversed(said[-MAX_PROXY_HOPS:]):
            address = _address(text.strip())
            if address is None:
                return client
            client = address
            if not self._trusted(client):
                return client
        return client

    def _trusted(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._proxies)

    def _hash(self, octets: bytes) -> bytes:
        return blake2b(octets, digest_size=8, key=self._secret).digest()


def _address(text: str) -> IPv4Address | IPv6Address | None:
    """An IP address, with brackets and port or without; what is IPv4 inside IPv6 is IPv4."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address
