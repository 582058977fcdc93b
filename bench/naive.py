"""The proxy one would write in an afternoon: stock aiosmtpd, ``email``, BeautifulSoup, aiosmtplib's ``sendmail``.

It looks nobody up, wraps nothing and adds no footer: less work than the gate does. One process; the benchmark
starts as many as there are cores, all on one port.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from email import message_from_bytes, policy
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib
from aiosmtpd.smtp import SMTP
from bs4 import BeautifulSoup

if TYPE_CHECKING:
    from aiosmtpd.smtp import Envelope, Session


def rewrite(raw: bytes) -> bytes:
    """Unwrap each tracked link, drop each tracking pixel, write the message back."""
    message = message_from_bytes(raw, policy=policy.SMTP)
    for part in message.walk():
        if part.get_content_type() != "text/html":
            continue
        soup = BeautifulSoup(part.get_content(), "lxml")
        for anchor in soup.find_all("a", href=True):
            query = parse_qs(urlsplit(str(anchor["href"])).query)
            if "redirectUrl" in query:
                from base64 import b64decode  # noqa: PLC0415 - as one would write it

                anchor["href"] = unquote(b64decode(query["redirectUrl"][0] + "===").decode())
        for image in soup.find_all("img", width="1"):
            image.decompose()
        part.set_content(str(soup), subtype="html", charset="utf-8", cte="quoted-printable")
    return message.as_bytes()


class Forward:
    """aiosmtpd's handler: rewrite, send on with a new connection, answer what the next hop said."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Called by aiosmtpd at the end of a message."""
        assert isinstance(envelope.content, bytes)  # noqa: S101 - aiosmtpd's decode_data is off
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=self._port, start_tls=False) as hop:
            _, text = await hop.sendmail(envelope.mail_from or "", envelope.rcpt_tos, rewrite(envelope.content))
        return f"250 {text}"


class Server(SMTP):
    """Stock aiosmtpd, but for the line limit: with its own 1001 octets it would bounce real mail."""

    line_length_limit = 1 << 16


async def main(listen: int, forward: int) -> None:
    """Serve until killed."""
    door = socket.socket()
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    door.bind(("127.0.0.1", listen))
    handler = Forward(forward)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Server(handler), sock=door)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
