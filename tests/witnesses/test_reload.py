"""``trackers.cname`` and ``trackers.learn`` of the running gate: taken in force and given up by a reload."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Self

from smtp_gate.limits import LEARN_COPIES
from tests.campaigns import LEMLIST
from tests.hop_thread import HopThread
from tests.name_server import NameServer, Says
from tests.serve_process import ServeProcess, eventually

if TYPE_CHECKING:
    from types import TracebackType


class NameServerThread:
    """A name server beside the test."""

    def __init__(self, records: dict[str, str]) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self.server = NameServer(records)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.server.__aenter__(), self._loop).result(20)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self.server.__aexit__(None, None, None), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()


def test_dns_is_asked_while_the_configuration_says_so() -> None:
    records = {LEMLIST.host: LEMLIST.alias, LEMLIST.alias: Says.NO_DATA, "www.acme.example": Says.NO_DATA}
    recipient = LEMLIST.recipient(0).decode()
    with NameServerThread(records) as dns, HopThread() as hop, ServeProcess(hop.url, workers=1) as serve:

        def is_seen() -> bool:
            assert serve.send(LEMLIST.copy(0), recipient) == 250
            return LEMLIST.host.encode() not in hop.contents(recipient)[-1]

        assert not is_seen()
        assert dns.server.asked == []
        serve.write(trackers={"cname": True, "dns": dns.server.address})
        serve.hup()
        eventually(is_seen)
        serve.write(trackers=None)
        serve.hup()
        assert not is_seen()


def test_what_is_learnt_is_acted_upon_while_the_configuration_says_so() -> None:
    host = LEMLIST.host.encode()
    with HopThread() as hop, ServeProcess(hop.url, workers=2) as serve:

        def is_seen(number: int) -> bool:
            recipient = LEMLIST.recipient(number).decode()
            assert serve.send(LEMLIST.copy(number), recipient) == 250
            return host not in hop.contents(recipient)[-1]

        for number in range(LEARN_COPIES):
            assert not is_seen(number)
        eventually(lambda: LEMLIST.host in serve.cli("trackers", "learned", "--json").stdout, 30)
        assert not is_seen(50)
        serve.write(trackers={"learn": "act"})
        serve.hup()
        eventually(lambda: all(is_seen(number) for number in range(60, 66)), 20)
        serve.write(trackers={"learn": "off"})
        serve.hup()
        assert not is_seen(70)
