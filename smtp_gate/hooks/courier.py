"""When endpoints are told: in the order of the ledger, one process at a time, again after a failure, for five days.

At least once: what was told and not written down, as in a crash, is told again with the same id.
"""

from __future__ import annotations

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NoReturn

from smtp_gate.consent.clock import micros, utc_now
from smtp_gate.consent.hook_state import HookState
from smtp_gate.errors import StoreUnavailable
from smtp_gate.hooks.call import NotTold, call
from smtp_gate.hooks.letter import letter_of, signed
from smtp_gate.limits import (
    HOOK_BATCH,
    HOOK_CALLS,
    HOOK_LEASE,
    HOOK_PAUSE_FIRST,
    HOOK_PAUSE_MOST,
    HOOK_PERIOD,
    MAX_HOOK_ATTEMPTS,
)
from smtp_gate.observe import log, metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from smtp_gate.consent import Clock, Ledger, Recorded
    from smtp_gate.hooks.endpoint import Endpoint

_LEASE = int(HOOK_LEASE * 1_000_000)


def pause(attempts: int) -> float:
    """Seconds after so many failures: doubled each time, up to an hour."""
    return float(min(HOOK_PAUSE_FIRST * 2 ** min(attempts - 1, 20), HOOK_PAUSE_MOST))


class Courier:
    """Tells endpoints what the ledger has.

    Args:
        ledger: whose events are told, and whose database holds the cursors.
        endpoints: who is told; may be replaced at a reload.
        clock: the time.
        post: takes a letter there; raises NotTold.

    Attributes:
        endpoints: those that are told from the next round on.
    """

    def __init__(
        self,
        ledger: Ledger,
        endpoints: Sequence[Endpoint],
        clock: Clock = utc_now,
        post: Callable[[Endpoint, bytes, Mapping[str, str]], None] = call,
    ) -> None:
        self._ledger = ledger
        self.endpoints = endpoints
        self._clock = clock
        self._post = post
        self._me = secrets.token_bytes(16)
        self._begun: set[str] = set()
        # Of its own: in those that all share, a few slow endpoints would hold up look-ups and withdrawals.
        self._threads = ThreadPoolExecutor(HOOK_CALLS, thread_name_prefix="webhook")

    def close(self) -> None:
        """Give the threads back; a call under way ends by its own limit."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def run(self) -> NoReturn:
        """Tell again and again, until cancelled; what is slow with one endpoint keeps no other waiting."""
        turns: dict[str, asyncio.Task[None]] = {}
        async with asyncio.TaskGroup() as tasks:
            while True:
                for endpoint in self.endpoints:
                    turn = turns.get(endpoint.id)
                    if turn is None or turn.done():
                        turns[endpoint.id] = tasks.create_task(self._turn(endpoint))
                await asyncio.sleep(HOOK_PERIOD)

    async def _turn(self, endpoint: Endpoint) -> None:
        try:
            await self.tell(endpoint)
        except StoreUnavailable:
            pass  # the ledger is away; what it has waits in it
        except Exception as error:  # noqa: BLE001 - one endpoint must not end the telling of all
            log.webhook_failed(endpoint=endpoint.host, reason=type(error).__name__, attempts=0)

    async def tell(self, endpoint: Endpoint) -> int:
        """One turn with an endpoint.

        Returns:
            How many events it took.

        Raises:
            StoreUnavailable: when the ledger does not answer.
        """
        if endpoint.id not in self._begun:
            await asyncio.to_thread(self._ledger.begin_hook, endpoint.id)
            self._begun.add(endpoint.id)
        state = await asyncio.to_thread(self._ledger.hook, endpoint.id)
        if await asyncio.to_thread(self._ledger.head) <= state.seq or micros(self._clock()) < state.due:
            return 0
        held = await asyncio.to_thread(self._ledger.hold_hook, endpoint.id, self._me, *self._span())
        return 0 if held is None else await self._walk(endpoint, held)

    async def _walk(self, endpoint: Endpoint, state: HookState) -> int:
        told = 0
        while True:
            found, seen = await asyncio.to_thread(
                self._ledger.hook_events, state.seq, endpoint.controller, endpoint.choices, HOOK_BATCH
            )
            for recorded, address in found:
                failed = await self._try(endpoint, recorded, address, state)
                state = failed or HookState(recorded.seq, 0, 0)
                told += failed is None
                if not await self._keep(endpoint, state, stay=failed is None) or failed is not None:
                    return told
            more = len(found) == HOOK_BATCH
            state = HookState(seen, 0, 0)
            if not await self._keep(endpoint, state, stay=more) or not more:
                return told

    async def _try(
        self, endpoint: Endpoint, recorded: Recorded, address: bytes | None, state: HookState
    ) -> HookState | None:
        """Tell one event; where the endpoint stands when it did not take it, None when it did or never will."""
        letter = letter_of(recorded, address)
        fields = signed(letter, endpoint.secret, int(self._clock().timestamp()))
        try:
            await asyncio.get_running_loop().run_in_executor(
                self._threads, self._post, endpoint, letter.body, fields
            )
        except NotTold as problem:
            metrics.webhook(endpoint.host, "failed")
            attempts = state.attempts + 1
            if attempts >= MAX_HOOK_ATTEMPTS:
                log.webhook_given_up(endpoint=endpoint.host, reason=problem.reason, event=recorded.seq)
                return None
            if attempts == 1:
                log.webhook_failed(endpoint=endpoint.host, reason=problem.reason, attempts=attempts)
            due = micros(self._clock()) + int(pause(attempts) * 1_000_000)
            return HookState(state.seq, attempts, due)
        metrics.webhook(endpoint.host, "told")
        if state.attempts:
            log.webhook_up(endpoint=endpoint.host, attempts=state.attempts + 1)
        return None

    async def _keep(self, endpoint: Endpoint, state: HookState, *, stay: bool) -> bool:
        until = self._span()[1] if stay else None
        return await asyncio.to_thread(self._ledger.keep_hook, endpoint.id, self._me, state, until)

    def _span(self) -> tuple[int, int]:
        now = micros(self._clock())
        return now, now + _LEASE
