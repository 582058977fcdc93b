"""What an operator sees: one log line a message, counters."""
