"""What a tracker is: the catalogue of vendors, their addresses, decoders of their targets. Pure."""

from smtp_gate.trackers.compiled import UNSURE, Catalogue

__all__ = ["UNSURE", "Catalogue"]
