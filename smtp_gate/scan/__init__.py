"""Reading a message once: its parts and every address in them, as spans of bytes. Pure."""
