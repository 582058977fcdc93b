"""What an endpoint is told of one decision, and the signature by which it knows us.

The form is that of Standard Webhooks (standardwebhooks.com): ``webhook-id`` is the same whenever the same decision
is told again, ``webhook-signature`` is HMAC-SHA256 over id, time and body, so that none can be changed and
no old letter be told again much later.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from base64 import b64encode
from typing import TYPE_CHECKING, NamedTuple

from smtp_gate import __version__
from smtp_gate.consent import names_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smtp_gate.consent import Recorded


class Letter(NamedTuple):
    """One message to an endpoint, not signed yet."""

    id: str
    body: bytes


def letter_of(recorded: Recorded, address: bytes | None) -> Letter:
    """What is said of a decision; the address goes along, since the receiver knows people by nothing else."""
    seq, time, event = recorded
    data = {
        "event": seq,
        "controller": event.controller,
        "address": None if address is None else address.decode("utf-8", "replace"),
        "purposes": list(names_of(event.purposes)),
        "at": event.at.isoformat(),
        "method": event.method,
        "source": event.source,
        "reference": event.reference,
        "notice": event.notice,
        "language": event.language,
        "actor": event.actor,
        "expires": None if event.expires is None else event.expires.isoformat(),
    }
    return _letter(f"{event.controller}-{seq}", f"consent.{event.decision}", time.isoformat(), data)


def trial(time: str) -> Letter:
    """A message that says nothing, to see whether it arrives."""
    return _letter(f"test-{time}", "test", time, {})


def _letter(name: str, kind: str, time: str, data: Mapping[str, object]) -> Letter:
    body = json.dumps({"type": kind, "timestamp": time, "data": data}, ensure_ascii=False, separators=(",", ":"))
    return Letter(name, body.encode())


def signed(letter: Letter, secret: bytes, now: int) -> dict[str, str]:
    """The header fields of a letter that leaves now (seconds since 1970)."""
    text = b"%s.%d.%s" % (letter.id.encode(), now, letter.body)
    signature = b64encode(hmac.digest(secret, text, hashlib.sha256)).decode()
    return {
        "Content-Type": "application/json",
        "User-Agent": f"smtp-gate/{__version__}",
        "webhook-id": letter.id,
        "webhook-timestamp": str(now),
        "webhook-signature": f"v1,{signature}",
    }
