"""A client that sends what it is told and hears what is answered, nothing between."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from collections.abc import AsyncIterator


class Wire:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def reply(self) -> bytes:
        """The lines of one reply; empty when the server closed."""
        lines = []
        while True:
            async with asyncio.timeout(5):
                line = await self.reader.readline()
            lines.append(line)
            if line[3:4] != b"-":
                return b"".join(lines)

    async def ask(self, *commands: bytes) -> bytes:
        """Send commands one after the other; the reply to the last."""
        said = b""
        for command in commands:
            self.writer.write(command + b"\r\n")
            said = await self.reply()
        return said

    async def until_data(self, *recipients: bytes) -> None:
        """Greeting, sender, recipients, DATA."""
        await self.reply()
        commands = [b"RCPT TO:<%b>" % recipient for recipient in recipients or (b"b@x",)]
        assert (await self.ask(b"EHLO x", b"MAIL FROM:<a@x>", *commands, b"DATA")).startswith(b"354")

    async def closed(self) -> bool:
        """Whether the server says nothing more and closes within five seconds."""
        async with asyncio.timeout(5):
            try:
                return await self.reader.read() == b""
            except ConnectionError:
                return True

    async def encrypt(self, context: ssl.SSLContext) -> None:
        """STARTTLS is answered; now do the handshake."""
        async with asyncio.timeout(5):
            await self.writer.start_tls(context)


@asynccontextmanager
async def connect(port: int) -> AsyncIterator[Wire]:
    """A connection to 127.0.0.1 that is closed at the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Wire(reader, writer)
    finally:
        writer.close()
