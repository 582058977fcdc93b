"""Signed heads of the ledger, kept in a file outside its database: what a cut tail or an old copy is told by.

A head says how many events there were at a time, and the hash of the last one, which stands for all before it. The
file is JSON lines, only ever added to, best on another disk or host. A head is signed with Ed25519 by a key derived
from the key ring; each line holds the public key, so whoever was given that key once can check all later heads with
any program. What is signed: ``["smtp_gate head 1", events, hash, time, key]`` as ``chain`` encodes records.
"""

from __future__ import annotations

import fcntl
import json
import os
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from cryptography.exceptions import InvalidSignature

from smtp_gate.consent.chain import encoded

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from smtp_gate.consent.clock import Clock
    from smtp_gate.consent.ledger import Ledger
    from smtp_gate.tokens import Keyring

LAYOUT = "smtp_gate head 1"
MAX_LINE = 1000
"""Octets: a line has less than half of it."""
_NAMES = {"events", "hash", "time", "key", "public", "signature"}


class NotAHead(ValueError):  # noqa: N818 - a verdict
    """A line of a file of heads that vouches for nothing; the text says why, and what to do."""


class OtherLedger(Exception):  # noqa: N818 - a state of the ledger
    """The ledger is not the one that a head was signed for.

    Attributes:
        seq: its last event.
        signed: the event that the head was signed at.
    """

    def __init__(self, seq: int, signed: int) -> None:
        super().__init__(f"event {signed} is not in the ledger as it was signed; the ledger ends at {seq}")
        self.seq = seq
        self.signed = signed


class Head(NamedTuple):
    """One signed head.

    Attributes:
        events: how many there were: the seq of the last one.
        hash: of the last event.
        time: when it was signed.
        key: id in the key ring.
        signature: 64 octets.
        public: 32 octets of the key that it can be checked with.
    """

    events: int
    hash: bytes
    time: datetime
    key: int
    signature: bytes
    public: bytes

    def plain(self) -> dict[str, str | int]:
        """For JSON."""
        return {
            "events": self.events,
            "hash": self.hash.hex(),
            "time": self.time.isoformat(),
            "key": self.key,
            "public": self.public.hex(),
            "signature": self.signature.hex(),
        }

    def line(self) -> bytes:
        """As it stands in a file."""
        return json.dumps(self.plain()).encode() + b"\n"


def sign(seq: int, last: bytes, time: datetime, keyring: Keyring) -> Head:
    """The head of a ledger that ends with an event, signed by the ring's newest key."""
    signer = keyring.signer(keyring.newest)
    assert signer is not None  # noqa: S101 - the ring was made with its newest key
    signature = signer.sign(_signed(seq, last, time, keyring.newest))
    return Head(seq, last, time, keyring.newest, signature, signer.public_key().public_bytes_raw())


def read_heads(path: Path, keyring: Keyring) -> dict[int, Head]:
    """All heads of a file, by the event they were signed at; a line that a crash left unfinished is none.

    Raises:
        NotAHead: for a line that the ring did not sign, a file without heads, or two that contradict each other.
        OSError: when it cannot be read.
    """
    found: dict[int, Head] = {}
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.endswith(b"\n"):
                break
            head = _checked(line, keyring, number)
            if found.setdefault(head.events, head).hash != head.hash:
                text = f"line {number}: event {head.events} was signed before, and was another one"
                raise NotAHead(f"{text}: the ledger was replaced, or written anew")
    if not found:
        raise NotAHead("there is no head in it, so it vouches for nothing")
    return found


def keep_head(path: Path, ledger: Ledger, keyring: Keyring, clock: Clock, least: float = 0.0) -> Head | None:
    """Add the head of now to a file, unless it is there already or another process is at it.

    Args:
        path: of the file, made when it is not there.
        ledger: whose head.
        keyring: signs.
        clock: what time it is.
        least: seconds since the last head; sooner, nothing is added.

    Returns:
        What was added; None for nothing.

    Raises:
        OtherLedger: when the last head in the file is not of this ledger.
        NotAHead: when the file's last line is none of ours.
        StoreUnavailable: when the ledger cannot be read.
        OSError: when the file cannot be written.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    with os.fdopen(descriptor, "r+b", buffering=0) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return None
        before = _last_line(file.seek, file.read, file.truncate)
        now = clock()
        seq, last = ledger.last()
        if before:
            head = _checked(before, keyring, -1)
            if ledger.hash_at(head.events) != head.hash:
                raise OtherLedger(seq, head.events)
            if head.events == seq or now - head.time < timedelta(seconds=least):
                return None
        if not seq:
            return None
        head = sign(seq, last, now, keyring)
        file.write(head.line())
        os.fsync(file.fileno())
        return head


def _signed(seq: int, last: bytes, time: datetime, key: int) -> bytes:
    return encoded(LAYOUT, (seq, last, time.isoformat(), key))


def _checked(line: bytes, keyring: Keyring, number: int) -> Head:
    place = f"line {number}" if number > 0 else "the last line"
    try:
        fields = json.loads(line[:MAX_LINE])
        if set(fields) != _NAMES or not isinstance(fields["events"], int) or not isinstance(fields["key"], int):
            raise ValueError  # noqa: TRY301 - the same as all else that is no head
        time = datetime.fromisoformat(fields["time"])
        octets = [bytes.fromhex(fields[name]) for name in ("hash", "signature", "public")]
        head = Head(fields["events"], octets[0], time, fields["key"], octets[1], octets[2])
    except (ValueError, TypeError, AttributeError):
        raise NotAHead(f"{place} is no signed head") from None
    signer = keyring.signer(head.key)
    if signer is None:
        raise NotAHead(f"{place} was signed with key {head.key}, which is not in the key file")
    try:
        signer.public_key().verify(head.signature, _signed(head.events, head.hash, head.time, head.key))
    except InvalidSignature:
        raise NotAHead(f"{place}: its signature is not by our key {head.key}") from None
    return head


def _last_line(
    seek: Callable[[int, int], int], read: Callable[[int], bytes], truncate: Callable[[int], int]
) -> bytes:
    """The last whole line of a file; what a crash left behind it is taken away."""
    end = seek(0, os.SEEK_END)
    seek(max(0, end - 2 * MAX_LINE), os.SEEK_SET)
    tail = read(2 * MAX_LINE)
    whole = tail[: tail.rfind(b"\n") + 1]
    if len(whole) < len(tail):
        truncate(end - len(tail) + len(whole))
    return whole[whole.rfind(b"\n", 0, -1) + 1 :]
