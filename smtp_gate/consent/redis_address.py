"""Where Redis is: one server, a master that Sentinels know, or a Cluster; read from ``consent.cache``.

* ``redis://host:6379/0``, ``rediss://`` with TLS, ``unix:///run/redis.sock``;
* ``redis+sentinel://h1:26379,h2:26379/mymaster/0``, ``rediss+sentinel://``: hosts of Sentinels, name of the master,
  database; ``?sentinel_username=`` and ``?sentinel_password=`` where the Sentinels ask for one;
* ``redis+cluster://h1:6379,h2:6379``, ``rediss+cluster://``: any of the nodes; the others are learnt from them.

User, password and the library's other options stand where they stand in the library's own addresses.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from redis.asyncio.connection import Connection, SSLConnection, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from smtp_gate.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from redis.asyncio.connection import AbstractConnection

KEY = "consent.cache"
"""The key of the configuration that names the cache."""
_REDIS, _SENTINEL = 6379, 26_379


class Host(NamedTuple):
    """Name or address, and port."""

    name: str
    port: int


class Address(NamedTuple):
    """What an address says.

    Attributes:
        kind: ``single``, ``sentinel`` or ``cluster``.
        hosts: Sentinels, or nodes of a Cluster; empty for a single server.
        service: name of the master for Sentinels.
        make: kind of connection.
        options: for making connections to servers; host and port are in it for a single one only.
        sentinel: options for connections to Sentinels.
    """

    kind: str
    hosts: tuple[Host, ...]
    service: str
    make: Callable[..., AbstractConnection]
    options: Mapping[str, Any]
    sentinel: Mapping[str, Any]


def parse_address(url: str) -> Address:
    """Read an address and try what it says as far as that needs no server.

    Raises:
        ConfigError: when it is no such address; the text does not hold it, since a password may stand in it.
    """
    try:
        return _parsed(url)
    except (ValueError, TypeError):
        problem = (
            "is not an address of Redis; write redis://host:6379/0, "
            "redis+sentinel://host:26379,host:26379/master/0 or redis+cluster://host:6379,host:6379"
        )
        raise ConfigError("", KEY, problem) from None


def unhurried() -> dict[str, Any]:
    """Of every connection: the library's own waiting and trying again is off, each caller has its limit."""
    # The library would try ten times, over seconds in which the mail's client waits.
    return {
        "socket_connect_timeout": None,
        "socket_timeout": None,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
    }


def _parsed(url: str) -> Address:
    scheme, _, rest = url.partition("://")
    transport, _, kind = scheme.lower().partition("+")
    if not kind:
        options: dict[str, Any] = {**parse_url(url), **unhurried()}
        make = options.pop("connection_class", Connection)
        make(**options)  # or an unknown option would be found by the first mail
        return Address("single", (), "", make, options, {})
    if kind not in ("sentinel", "cluster") or transport not in ("redis", "rediss"):
        raise ValueError
    # Several hosts are no host of RFC 3986, and newer libraries refuse brackets among them.
    end = next((at for at, sign in enumerate(rest) if sign in "/?#"), len(rest))
    user, at, names = rest[:end].rpartition("@")
    pieces = urlsplit(f"//placeholder{rest[end:]}")
    default = _SENTINEL if kind == "sentinel" else _REDIS
    hosts = tuple(_host(name, default) for name in names.split(","))
    service, _, database = pieces.path.removeprefix("/").partition("/")
    if (kind == "sentinel") != bool(service) or (database and not database.isdecimal()):
        raise ValueError
    # One of them in the library's own form: it reads users, passwords and options.
    path = f"/{database or 0}?{pieces.query}"
    options = {**parse_url(f"{transport}://{user}{at}placeholder:1{path}"), **unhurried()}
    make = options.pop("connection_class", Connection)
    for key in ("host", "port"):
        del options[key]
    sentinel = {key: options.pop(f"sentinel_{key}", None) for key in ("username", "password")}
    sentinel = {key: text for key, text in sentinel.items() if text is not None}
    make(**options, host="localhost", port=1)
    if make is SSLConnection:
        sentinel |= {key: value for key, value in options.items() if key.startswith("ssl_")} | {"ssl": True}
    return Address(kind, hosts, unquote(service), make, options, sentinel)


def _host(text: str, port: int) -> Host:
    pieces = urlsplit(f"//{text}")
    if not pieces.hostname or pieces.path or pieces.query:
        raise ValueError
    return Host(pieces.hostname, pieces.port or port)
