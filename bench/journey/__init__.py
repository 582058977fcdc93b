"""``make journey``: what a person lives through, from the question to the withdrawal, and how fast that holds."""
