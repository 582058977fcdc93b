"""A message's content as it goes over the line."""

from __future__ import annotations

END = b".\r\n"
"""What follows the content; with the CRLF before it, it is the end (RFC 5321 section 4.1.1.4)."""


def stuffed(content: bytes) -> bytes:
    """Double the dot at the start of each line (RFC 5321 section 4.5.2).

    Args:
        content: CRLF line ends, no bare CR or LF; a last line without CRLF gets one, since the end needs it.

    Returns:
        What goes before :data:`END`; the very same object when there is nothing to double.
    """
    content = content.replace(b"\r\n.", b"\r\n..")
    if content.startswith(b"."):
        content = b"." + content
    if content and not content.endswith(b"\r\n"):
        content += b"\r\n"
    return content
