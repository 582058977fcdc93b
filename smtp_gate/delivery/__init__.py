"""The next hop: connections, transactions, and what was accepted already."""
