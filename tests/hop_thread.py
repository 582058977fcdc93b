"""A :class:`~tests.next_hop.ScriptedHop` in a thread with a loop of its own, for tests that block."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Self

from tests.next_hop import ScriptedHop

if TYPE_CHECKING:
    from types import TracebackType

    from tests.next_hop import Message


class HopThread:
    """Use it in a ``with`` statement.

    Attributes:
        hop: script it and look at what it got; its lists only grow.
        url: as it is written in the configuration.
    """

    def __init__(self) -> None:
        self.hop = ScriptedHop()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.hop.url

    @property
    def messages(self) -> list[Message]:
        """What it accepted so far."""
        return self.hop.messages

    def contents(self, recipient: str) -> list[bytes]:
        """Contents that it accepted for a recipient, in order."""
        address = recipient.encode()
        return [message.content or b"" for message in self.hop.messages if address in message.recipients]

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self.hop.start(), self._loop).result(20)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self.hop.stop(), self._loop).result(20)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)
        self._loop.close()
