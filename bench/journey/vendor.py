"""A vendor's servers on this machine: whatever host a browser asks, this one answers, and writes it down."""

from __future__ import annotations

import ssl
import threading
from base64 import b64decode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from tests.certificate import Certificate

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

PICTURE = b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


class Vendor:
    """Use it in a ``with`` statement, and a browser with :attr:`arguments`.

    Args:
        folder: for its certificate.

    Attributes:
        asked: ``https://host/path`` of each request, in order.
    """

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        vendor = self

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                vendor.asked.append(f"https://{self.headers.get('Host', '').partition(':')[0]}{self.path}")
                self.send_response(200)
                self.send_header("Content-Type", "image/gif")
                self.send_header("Content-Length", str(len(PICTURE)))
                self.end_headers()
                self.wfile.write(PICTURE)

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        certificate = Certificate.make(folder)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate.chain, certificate.key)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

    @property
    def arguments(self) -> tuple[str, ...]:
        """Of a browser for which every host but this machine's address is this server: nothing leaves."""
        port = self._server.server_address[1]
        return f"--host-resolver-rules=MAP * 127.0.0.1:{port}, EXCLUDE 127.0.0.1", "--ignore-certificate-errors"

    def heard(self, hosts: frozenset[str]) -> int:
        """How many requests came to some hosts."""
        return sum(url.split("/")[2] in hosts for url in self.asked)

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
