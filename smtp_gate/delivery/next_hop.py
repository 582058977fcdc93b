"""How a next hop is written in the configuration, and what one can take."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl, urlsplit

from smtp_gate.limits import MAX_MESSAGE_SIZE

SMTP_PORT = 25
SMTPS_PORT = 465


class Tls(StrEnum):
    """How far the connection to a next hop must be encrypted; the words of the configuration."""

    NONE = "none"
    """Never: for a next hop on the same machine or wire."""
    OPPORTUNISTIC = "opportunistic"
    """When it is offered, whoever shows which certificate; in clear otherwise (RFC 7435)."""
    REQUIRED = "required"
    """With a certificate that verifies, or nothing is sent."""


@dataclass(frozen=True, slots=True)
class NextHop:
    """One mail server that mail is handed to.

    Attributes:
        host: name or IP address.
        port: TCP port.
        tls: how far it must be encrypted.
        implicit: TLS from the first byte (``smtps://``, RFC 8314) instead of STARTTLS.
        ca: PEM file of the authorities that are trusted; None means the system's.
    """

    host: str
    port: int = SMTP_PORT
    tls: Tls = Tls.OPPORTUNISTIC
    implicit: bool = False
    ca: Path | None = None

    @property
    def name(self) -> str:
        """``host:port``: how log and metrics call it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read ``smtp://relay.example.net:25?tls=required&ca=/etc/ssl/relay.pem`` or ``smtps://...``.

        Raises:
            ValueError: with a sentence that names the value and the cure.
        """
        shown = repr(_without_password(url))
        pieces = urlsplit(url)
        if pieces.scheme not in ("smtp", "smtps"):
            raise ValueError(f"{shown}: a next hop starts with smtp:// or smtps://")
        if not pieces.hostname or pieces.path not in ("", "/") or pieces.fragment or "@" in pieces.netloc:
            raise ValueError(f"{shown}: a next hop is smtp://HOST[:PORT][?tls=...], nothing else")
        try:
            given = pieces.port
        except ValueError:
            given = 0
        if given == 0:
            raise ValueError(f"{shown}: the port is a number from 1 to 65535")
        implicit = pieces.scheme == "smtps"
        options = _options(shown, pieces.query)
        try:
            tls = Tls(options.pop("tls", "required" if implicit else "opportunistic"))
        except ValueError:
            raise ValueError(f"{shown}: tls is one of {', '.join(Tls)}") from None
        verify = options.pop("verify", None)
        ca = options.pop("ca", None)
        if options:
            raise ValueError(f"{shown}: unknown option {min(options)!r}; there are tls, ca and verify")
        if implicit and tls is Tls.NONE:
            raise ValueError(f"{shown}: smtps:// is TLS, tls=none contradicts it")
        if verify not in (None, "yes", "no") or (verify is not None and (verify == "yes") != (tls is Tls.REQUIRED)):
            raise ValueError(f"{shown}: a certificate is verified with tls=required and only there")
        if ca is not None and tls is not Tls.REQUIRED:
            raise ValueError(f"{shown}: ca=FILE needs tls=required")
        port = given or (SMTPS_PORT if implicit else SMTP_PORT)
        return cls(pieces.hostname, port, tls, implicit, None if ca is None else Path(ca))


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a next hop takes (its EHLO answer), or what all of several take.

    Attributes:
        size: octets of the largest message; :data:`MAX_MESSAGE_SIZE` when it names none. The margin for what the
            gate adds is not taken off.
        eightbit: 8BITMIME (RFC 6152).
        smtputf8: SMTPUTF8 (RFC 6531).
        dsn: DSN (RFC 3461).
        pipelining: PIPELINING (RFC 2920).
    """

    size: int = MAX_MESSAGE_SIZE
    eightbit: bool = False
    smtputf8: bool = False
    dsn: bool = False
    pipelining: bool = False

    def __and__(self, other: Capabilities) -> Capabilities:
        """What both take."""
        return Capabilities(
            min(self.size, other.size),
            self.eightbit and other.eightbit,
            self.smtputf8 and other.smtputf8,
            self.dsn and other.dsn,
            self.pipelining and other.pipelining,
        )


CONSERVATIVE = Capabilities()
"""What is assumed before any next hop answered."""


def _options(shown: str, query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, strict_parsing=True, keep_blank_values=True) if query else []
    except ValueError:
        raise ValueError(f"{shown}: options are written ?name=value&name=value") from None
    options = dict(pairs)
    if len(options) != len(pairs):
        raise ValueError(f"{shown}: an option is given twice")
    return options


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"
