"""An endpoint for tests, on a port of this machine: keeps what it gets, answers as told."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from smtp_gate.consent import Choice
from smtp_gate.hooks.endpoint import Endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRET = b"s" * 32


@dataclass
class Receiver:
    """What came, and what is answered.

    Attributes:
        answers: status codes for the next calls; 204 when there are none left.
        got: path, header fields and body of each call.
        port: where it listens.
    """

    answers: list[int] = field(default_factory=list)
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    port: int = 0

    def endpoint(self, controller: str = "acme", path: str = "/hook?a=b") -> Endpoint:
        """As the configuration would name it."""
        return Endpoint(
            "0" * 31 + "1", f"http://127.0.0.1:{self.port}{path}", controller, SECRET, frozenset(Choice)
        )


@contextmanager
def receiving(*answers: int) -> Iterator[Receiver]:
    """A receiver that runs."""
    receiver = Receiver(list(answers))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.got.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            status = receiver.answers.pop(0) if receiver.answers else 204
            self.send_response(status)
            if status in (301, 302, 307, 308):
                self.send_header("Location", f"http://127.0.0.1:{receiver.port}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:  # nothing of a call is printed
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        receiver.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield receiver
        finally:
            server.shutdown()
            thread.join()
