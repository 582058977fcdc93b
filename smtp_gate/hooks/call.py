"""One call of an endpoint: only where the configuration says, no redirect, no private network that is not named.

The name is looked up once, each address it has is held against what is allowed, and the connection goes to that
very address, so that a name cannot lead elsewhere between the look and the call. TLS still checks the name.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from smtp_gate.errors import GateError
from smtp_gate.limits import HOOK_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smtp_gate.hooks.endpoint import Endpoint

SUCCESS = range(200, 300)


class NotTold(GateError):  # noqa: N818 - a state of the receiver
    """An endpoint that did not take a letter.

    Attributes:
        reason: a code for log and metrics: ``timeout``, ``refused``, ``tls``, ``private``, ``name``, ``http_500``.
    """

    exit_code = 69

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def call(endpoint: Endpoint, body: bytes, fields: Mapping[str, str]) -> None:
    """Post a letter; returns when the endpoint took it (2xx). Blocks.

    Raises:
        NotTold: for everything else.
    """
    pieces = urlsplit(endpoint.url)
    host, secure = pieces.hostname or "", pieces.scheme == "https"
    path = (pieces.path or "/") + (f"?{pieces.query}" if pieces.query else "")
    try:
        place = _place(endpoint, host, pieces.port or (443 if secure else 80))
        raw = socket.create_connection(place, HOOK_TIMEOUT)
        connection = http.client.HTTPConnection(host, pieces.port, timeout=HOOK_TIMEOUT)
        with contextlib.closing(connection):
            connection.sock = ssl.create_default_context().wrap_socket(raw, server_hostname=host) if secure else raw
            connection.request("POST", path, body, dict(fields))
            status = connection.getresponse().status
    except TimeoutError:
        raise NotTold("timeout") from None
    except ssl.SSLError:
        raise NotTold("tls") from None
    except socket.gaierror:
        raise NotTold("name") from None
    except (OSError, http.client.HTTPException):
        raise NotTold("refused") from None
    if status not in SUCCESS:
        raise NotTold(f"http_{status}")


def _place(endpoint: Endpoint, host: str, port: int) -> tuple[str, int]:
    """The address to connect to.

    Raises:
        NotTold: ``private`` when the name leads into a private network that the configuration does not name.
    """
    with contextlib.suppress(ValueError):
        return str(ip_address(host)), port  # the configuration names it
    found = [str(info[4][0]) for info in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    for text in found:
        address = ip_address(text.partition("%")[0])
        named = host == "localhost" or any(address in network for network in endpoint.networks)
        if not address.is_global and not named:
            raise NotTold("private")
    return found[0], port
