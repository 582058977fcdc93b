"""Every SMTP reply the gate can give, in one table.

This module alone decides codes, enhanced status codes (RFC 3463) and texts. A text says what happened and what
the sender can do; it never holds exception text, a key, or somebody's address. Our own trouble is 4xx: a 5xx
tells a sender that the mail is lost, and only the next hop or a declared policy may say that.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_REPLY_LINE = 512
"""Octets of one reply line with CRLF: RFC 5321 section 4.5.3.1.5."""

_NOT_PRINTABLE = re.compile(rb"[^\x20-\x7e]+")
_ENHANCED = re.compile(r"^([245]\.\d{1,3}\.\d{1,3})(?:\s+|$)")


@dataclass(frozen=True, slots=True)
class Reply:
    r"""One answer to one command.

    Attributes:
        code: three-digit reply code, 2xx to 5xx.
        status: enhanced status code such as ``"4.3.0"``; empty where RFC 2034 gives none (greeting, EHLO, 354).
        text: printable US-ASCII; ``"\n"`` separates the lines of a multi-line reply.
    """

    code: int
    status: str
    text: str

    @property
    def accepted(self) -> bool:
        """Whether the command succeeded (2xx)."""
        return self.code < 300  # noqa: PLR2004 - RFC 5321 section 4.2.1

    @property
    def temporary(self) -> bool:
        """Whether the client should try again (4xx)."""
        return 400 <= self.code < 500  # noqa: PLR2004 - RFC 5321 section 4.2.1

    @property
    def permanent(self) -> bool:
        """Whether the client must give up (5xx)."""
        return self.code >= 500  # noqa: PLR2004 - RFC 5321 section 4.2.1

    def encode(self) -> bytes:
        """The reply as it goes on the wire: 7-bit, CRLF, ``code-`` on all lines but the last, 512 octets a line."""
        head = f"{self.code}".encode()
        mark = f"{self.status} ".encode() if self.status else b""
        lines = [
            _NOT_PRINTABLE.sub(b" ", line.encode("ascii", "replace")).rstrip() for line in self.text.split("\n")
        ]
        out = []
        for number, line in enumerate(lines):
            joint = b" " if number == len(lines) - 1 else b"-"
            out.append((head + joint + mark + line)[: MAX_REPLY_LINE - 2].rstrip() + b"\r\n")
        return b"".join(out)


OK = Reply(250, "2.0.0", "Ok")
SENDER_OK = Reply(250, "2.1.0", "Ok")
RECIPIENT_OK = Reply(250, "2.1.5", "Ok")
DELIVERED = Reply(250, "2.0.0", "Accepted by the next hop")
ALREADY_DELIVERED = Reply(250, "2.0.0", "Accepted by the next hop on an earlier attempt")
START_DATA = Reply(354, "", "End data with <CR><LF>.<CR><LF>")
GOODBYE = Reply(221, "2.0.0", "Bye")
TLS_READY = Reply(220, "2.0.0", "Ready to start TLS")
COMMANDS = Reply(214, "2.0.0", "See RFC 5321")
CANNOT_VERIFY = Reply(252, "2.0.0", "Cannot verify an address, send the mail and see")

SHUTTING_DOWN = Reply(421, "4.3.2", "Service is shutting down, try again later")
TOO_MANY_CONNECTIONS = Reply(421, "4.3.2", "Too many connections, try again later")
TOO_MANY_ERRORS = Reply(421, "4.7.0", "Too many errors on this connection")
TOO_MANY_MESSAGES = Reply(421, "4.3.2", "Message limit of this connection reached, open a new one")
IDLE_TOO_LONG = Reply(421, "4.4.2", "Timeout while waiting for the client")
TOO_SLOW = Reply(421, "4.4.2", "Message transfer took too long")

OWN_TROUBLE = Reply(451, "4.3.0", "Internal trouble, nothing was lost, try again later")
CONSENT_UNAVAILABLE = Reply(451, "4.3.0", "Consent store unavailable and policy says to wait, try again later")
NEXT_HOP_DOWN = Reply(451, "4.4.1", "Next hop does not answer, try again later")
NEXT_HOP_LOST = Reply(451, "4.4.2", "Connection to the next hop was lost, try again later")
NEXT_HOP_TLS = Reply(451, "4.7.5", "Next hop does not offer the TLS that is required, try again later")
NEXT_HOP_GARBLED = Reply(451, "4.5.0", "Next hop gave an unreadable answer, try again later")
OUT_OF_TIME = Reply(451, "4.4.5", "Not enough time left to deliver safely, try again later")
PARTLY_DELIVERED = Reply(451, "4.5.0", "Accepted for some recipients only, try again for the others")
ATTEMPT_RUNNING = Reply(451, "4.5.0", "The same message is being delivered right now, try again later")
TOO_MANY_RECIPIENTS = Reply(452, "4.5.3", "Too many recipients, send the others in another transaction")
NO_MEMORY = Reply(452, "4.3.1", "Too much mail at the moment, try again later")

BAD_COMMAND = Reply(500, "5.5.2", "Command not recognised")
BAD_LINE = Reply(500, "5.5.2", "Command line too long, or bare CR, bare LF or a control character in it")
BAD_ARGUMENT = Reply(501, "5.5.4", "Syntax error in the parameters")
NOT_IMPLEMENTED = Reply(502, "5.5.1", "Command not implemented")
BAD_SEQUENCE = Reply(503, "5.5.1", "Bad sequence of commands")
BAD_SENDER = Reply(501, "5.1.7", "Bad sender address syntax")
BAD_RECIPIENT = Reply(501, "5.1.3", "Bad recipient address syntax")
BAD_PARAMETER = Reply(555, "5.5.4", "Parameter not recognised, or not offered by the next hop")
UTF8_NEEDED = Reply(550, "5.6.7", "Address has non-ASCII characters, SMTPUTF8 is needed and was not agreed")
NOT_SYNCHRONISED = Reply(554, "5.5.0", "Client sent commands before the answer to the last one")
NOT_HTTP = Reply(554, "5.5.1", "This is a mail server")
NOT_ALLOWED = Reply(550, "5.7.1", "This client may not send mail through here")
NO_SERVICE = Reply(554, "5.7.1", "This client may not send mail through here")
TLS_NEEDED = Reply(530, "5.7.0", "Must issue a STARTTLS command first")
TOO_BIG = Reply(552, "5.3.4", "Message is larger than the limit")
BARE_LINE_ENDS = Reply(550, "5.5.2", "Message has a bare CR or LF (RFC 5321 section 2.3.8)")
NUL_OCTET = Reply(550, "5.6.0", "Message has a NUL octet (RFC 5322 section 2.2 allows none)")
LINE_TOO_LONG = Reply(500, "5.6.0", "Message has a line over the limit")
HEADER_TOO_BIG = Reply(550, "5.6.0", "Message header is larger than the limit")
LOOP = Reply(554, "5.4.6", "Mail loop: too many Received fields")
NOT_8BIT = Reply(554, "5.6.3", "Message has 8-bit data and the next hop does not take it")
OPAQUE_LINK = Reply(
    550, "5.7.1", "A tracked link hides its target and the recipient did not agree to tracked links"
)
SEALED_TRACKER = Reply(
    550, "5.7.1", "A signed or encrypted mail holds a tracker that the recipient did not agree to"
)
NOBODY_ASKS = Reply(550, "5.7.1", "Mail asks for consent, and its sender belongs to no controller who could get it")
ASKED_MANY = Reply(550, "5.7.1", "Mail asks for consent at an address that several people read")
ASKED_LATELY = Reply(
    550, "5.7.1", "Mail asks for consent, and the recipient was asked or answered too short a time ago"
)
UNREADABLE = Reply(550, "5.6.0", "Mail cannot be searched for trackers and policy refuses such mail")


def greeting(hostname: str, *, lmtp: bool) -> Reply:
    """What is said first on a connection."""
    return Reply(220, "", f"{hostname} {'LMTP' if lmtp else 'ESMTP'} smtp_gate")


def hello(hostname: str, extensions: Sequence[str] = ()) -> Reply:
    """The answer to HELO, EHLO and LHLO: who we are, then one line for each extension that is offered."""
    return Reply(250, "", "\n".join((hostname, *extensions)))


def relayed(code: int, text: str) -> Reply:
    r"""The next hop's reply as ours: class kept, text made printable, anything that is no reply is 451.

    Args:
        code: what the next hop answered; only 2xx, 4xx and 5xx are answers to a mail command.
        text: its text, lines separated by ``"\n"``, with or without an enhanced status code in front.

    Returns:
        A reply of the same code; :data:`NEXT_HOP_GARBLED` for a code outside the three classes. An enhanced
        status code of another class than the code's is replaced by ``X.0.0`` (RFC 2034 section 4).
    """
    digit = code // 100
    if digit not in (2, 4, 5):
        return NEXT_HOP_GARBLED
    lines = [
        " ".join(_NOT_PRINTABLE.sub(b" ", line.encode("ascii", "replace")).decode().split())
        for line in text.split("\n")
    ]
    found = _ENHANCED.match(lines[0])
    status = found[1] if found and found[1][0] == str(digit) else f"{digit}.0.0"
    texts = [_ENHANCED.sub("", line) for line in lines]
    return Reply(code, status, "\n".join(texts).strip() or "Next hop gave no reason")
