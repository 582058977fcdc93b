"""Sealed addresses of the gate: who a link belongs to and what stands behind it. Pure."""
