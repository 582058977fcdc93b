"""What a tracker is: the catalogue of vendors, their addresses, decoders of their targets. Pure."""

from smtp_gate.trackers.compiled import Catalogue

__all__ = ["Catalogue"]
