"""The front door for mail: SMTP and LMTP, translating only."""
