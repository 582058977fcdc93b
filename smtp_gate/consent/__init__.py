"""Who agreed to what: the ledger that is the authority, and the stores that look-ups read."""
