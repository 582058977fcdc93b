"""MAIL and RCPT lines: addresses byte for byte, parameters only where the next hop offers their extension."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from smtp_gate import replies

if TYPE_CHECKING:
    from smtp_gate.delivery.connection import Connection
    from smtp_gate.model import Recipient, Sender
    from smtp_gate.replies import Reply

_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_PARAMETER = re.compile(rb"[A-Za-z0-9][A-Za-z0-9-]*(?:=[\x21-\x3c\x3e-\x7e\x80-\xff]+)?")
"""esmtp-param of RFC 5321 section 4.1.1.2; octets above ASCII are SMTPUTF8's (RFC 6533)."""
_DSN = frozenset((b"RET", b"ENVID", b"NOTIFY", b"ORCPT"))


def unsafe(sender: Sender, recipient: Recipient) -> Reply | None:
    """Why these cannot be written into a command, so that the next hop never sees them; None when they can.

    The front door has parsed them already. What would end a command early is refused here once more, since
    nothing behind this can.
    """
    if not _clean(sender.address, sender.parameters):
        return replies.BAD_SENDER
    if not recipient.address or not _clean(recipient.address, recipient.parameters):
        return replies.BAD_RECIPIENT
    if not sender.smtputf8 and not (sender.address.isascii() and recipient.address.isascii()):
        return replies.UTF8_NEEDED
    return None


def lacking(sender: Sender, connection: Connection) -> Reply | None:
    """What this next hop would have to offer for the transaction; None when it offers enough."""
    if sender.smtputf8 and not connection.capabilities.smtputf8:
        return replies.UTF8_NEEDED
    return None


def mail_line(sender: Sender, size: int, connection: Connection) -> bytes:
    """``MAIL FROM:<...>`` with its parameters, without CRLF; ``SIZE`` when `size` is known and it is offered."""
    parameters = _offered(sender.parameters, connection)
    if sender.smtputf8 and b"SMTPUTF8" not in {parameter.upper() for parameter in parameters}:
        parameters.append(b"SMTPUTF8")
    if size and connection.announces_size:
        parameters.append(b"SIZE=%d" % size)
    return b" ".join((b"MAIL FROM:<" + sender.address + b">", *parameters))


def rcpt_line(recipient: Recipient, connection: Connection) -> bytes:
    """``RCPT TO:<...>`` with its parameters, without CRLF."""
    line = b"RCPT TO:<" + recipient.address + b">"
    if recipient.parameters:
        line = b" ".join((line, *_offered(recipient.parameters, connection)))
    return line


def _clean(address: bytes, parameters: tuple[bytes, ...]) -> bool:
    return not _CONTROL.search(address) and all(_PARAMETER.fullmatch(parameter) for parameter in parameters)


def _offered(parameters: tuple[bytes, ...], connection: Connection) -> list[bytes]:
    """Those whose extension is offered.

    A relay without DSN gets the mail without its parameters (RFC 3461 section 5.2.2); without 8BITMIME it is
    asked nothing about the body, and 8-bit content is refused before it is sent.
    """
    capabilities = connection.capabilities
    kept = []
    for parameter in parameters:
        keyword = parameter.partition(b"=")[0].upper()
        if keyword == b"BODY":
            offered = capabilities.eightbit
        elif keyword in _DSN:
            offered = capabilities.dsn
        else:
            offered = True
        if offered:
            kept.append(parameter)
    return kept
