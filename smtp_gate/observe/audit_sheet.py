"""What goes between the gate and the process that reads a sample of what left: plain values, pickled."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smtp_gate.trackers.evidence import Suspicion
    from smtp_gate.trackers.vendor import Vendor

MISSED = "missed"
"""Why a tracker left that the gate did not see, or thought it had taken out."""


class Files(NamedTuple):
    """What a catalogue is made of."""

    vendors: tuple[Vendor, ...]
    domains: Mapping[str, tuple[str, ...]]
    own: str
    suspicion: Suspicion


class Sheet(NamedTuple):
    """One mail to read: the gate's id of it, its bytes, and the addresses that were left in it on purpose.

    Attributes:
        left: address -> why (``policy``, ``functional``).
    """

    message: str
    content: bytes
    left: Mapping[str, str]


class Trace(NamedTuple):
    """One tracker that is still there, in codes.

    Attributes:
        vendor: catalogue id; empty when nobody catalogued it.
        kind: ``pixel``, ``link`` or ``personal``.
        carrier: attribute, ``style``, ``text`` ...
        evidence: codes of what speaks against it.
        why: :data:`MISSED`, or why it was left.
    """

    vendor: str
    kind: str
    carrier: str
    evidence: tuple[str, ...]
    why: str
