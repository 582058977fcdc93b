"""Who is told of decisions: an address that the configuration names, with the secret that signs what it gets."""

from __future__ import annotations

import hashlib
import os
import stat
from base64 import b64decode
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from smtp_gate.consent import Choice
from smtp_gate.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from smtp_gate.config.settings import WebhookSettings

PREFIX = "whsec_"
"""What a secret begins with, as the Standard Webhooks convention has it."""
LEAST, MOST = 24, 64
"""Octets of a secret, by the same convention."""


class Endpoint(NamedTuple):
    """One receiver.

    Attributes:
        id: 32 hex digits, the same as long as address and controller are.
        url: where it is reached.
        controller: whose decisions it is told.
        secret: signs what it gets.
        choices: which decisions.
        networks: private networks that its name may lead to.
    """

    id: str
    url: str
    controller: str
    secret: bytes
    choices: frozenset[Choice]
    networks: tuple[IPv4Network | IPv6Network, ...] = ()

    @property
    def host(self) -> str:
        """For log and metrics; it is of the configuration."""
        return urlsplit(self.url).hostname or ""

    def __repr__(self) -> str:
        return f"<Endpoint {self.host} of {self.controller}>"


def endpoint_of(settings: WebhookSettings) -> Endpoint:
    """The receiver that a section of the configuration describes.

    Raises:
        ConfigError: when its secret cannot be read.
    """
    name = hashlib.sha256(f"{settings.controller}\0{settings.url}".encode()).hexdigest()[:32]
    return Endpoint(
        name,
        settings.url,
        settings.controller,
        secret_of(settings.secret_file),
        frozenset(Choice(event) for event in settings.events),
        tuple(ip_network(network) for network in settings.networks),
    )


def secret_of(path: Path) -> bytes:
    """The secret of a file: ``whsec_`` and base64.

    Raises:
        ConfigError: when it cannot be read, others may read it, or it is none; the text holds nothing of it.
    """
    make = f"make it with: (umask 077; echo {PREFIX}$(openssl rand -base64 32) > {path})"
    try:
        with path.open("rb") as file:
            if os.fstat(file.fileno()).st_mode & (stat.S_IRWXO | stat.S_IWGRP):
                raise ConfigError(str(path), "", "can be read or changed by others; chmod 0600 it")
            text = file.read(1000).decode("ascii", "replace").strip()
    except FileNotFoundError:
        raise ConfigError(str(path), "", f"there is no such file; {make}") from None
    except OSError as error:
        raise ConfigError(str(path), "", f"cannot be read: {error.strerror}") from None
    try:
        octets = b64decode(text.removeprefix(PREFIX), validate=True) if text.startswith(PREFIX) else b""
    except ValueError:
        octets = b""
    if not LEAST <= len(octets) <= MOST:
        problem = f"is no secret, which is {PREFIX} and {LEAST} to {MOST} octets in base64; {make}"
        raise ConfigError(str(path), "", problem)
    return octets
