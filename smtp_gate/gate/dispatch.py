"""Sending one message's variants to the next hop, each recipient's answer kept apart.

This module alone decides when a tracked variant is tried again without trackers, and that nothing is begun for a
client that has left.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from smtp_gate import limits, replies

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from smtp_gate.delivery.pool import Pool
    from smtp_gate.delivery.transaction import HopTransaction
    from smtp_gate.gate.variant import Variant
    from smtp_gate.model import Recipient, Scan, Sender
    from smtp_gate.replies import Reply


class Group(NamedTuple):
    """Recipients that get the same bytes, as indices into the transaction's recipients.

    Attributes:
        variant: what they get.
        members: who, in order.
        untracked: makes the same message without any consent, for a tracked variant that the next hop refuses.
        scan: what the message holds.
    """

    variant: Variant
    members: list[int]
    untracked: Callable[[], Variant]
    scan: Scan


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One message on its way out.

    Attributes:
        pool: connections to the next hops.
        sender: the MAIL command.
        recipients: all of the client's transaction.
        trace: our Received field, the same on all variants.
        deadline: event loop time when our reply must be out.
        client_gone: whether the client has left; it will send all that was not begun again.
        failed: told of an exception of our own, which costs its group a 451 and the others nothing.
        left: told of each variant that the next hop accepted; None where nobody asks.
    """

    pool: Pool
    sender: Sender
    recipients: Sequence[Recipient]
    trace: bytes
    deadline: float
    client_gone: Callable[[], bool]
    failed: Callable[[Exception], None]
    left: Callable[[Scan, Variant], None] | None = None

    async def along(self, hop: HopTransaction, group: Group) -> dict[int, Reply]:
        """Send the one group on the transaction that took its recipients already."""
        if self.client_gone():
            await hop.abort()
            return dict.fromkeys(group.members, replies.OUT_OF_TIME)
        reply = await self._data(hop, group, group.variant)
        return await self._or_untracked(group, dict.fromkeys(group.members, reply))

    async def apart(self, groups: Sequence[Group], accepted: Callable[[int], None]) -> dict[int, Reply]:
        """Send each group in a transaction of its own, a few at a time.

        Args:
            groups: who gets what.
            accepted: told of each accepted recipient at once: whatever happens to the other groups, this one
                must not be sent twice.
        """
        answers: dict[int, Reply] = {}
        slots = asyncio.Semaphore(limits.MAX_PARALLEL_VARIANTS)

        async def one(group: Group) -> None:
            async with slots:
                try:
                    told = await self._or_untracked(group, await self._transact(group, group.variant))
                except Exception as problem:  # noqa: BLE001 - a task group would cancel the other groups' deliveries
                    self.failed(problem)
                    told = dict.fromkeys(group.members, replies.OWN_TROUBLE)
                answers.update(told)
                for number in group.members:
                    if answers[number].accepted:
                        accepted(number)

        async with asyncio.TaskGroup() as tasks:
            for group in groups:
                tasks.create_task(one(group))
        return answers

    async def _data(self, hop: HopTransaction, group: Group, variant: Variant) -> Reply:
        """The content, on a transaction that took its recipients; the next hop's answer."""
        reply = await hop.data(self.trace + variant.content, self.deadline)
        if self.left is not None and reply.accepted:
            self.left(group.scan, variant)
        return reply

    async def _or_untracked(self, group: Group, answers: dict[int, Reply]) -> dict[int, Reply]:
        """The mail matters more than the tracking: what is refused with trackers may pass without, tried once."""
        if not group.variant.decision.personal or not any(reply.permanent for reply in answers.values()):
            return answers
        variant = group.untracked()
        if variant.refusal is not None or variant.content == group.variant.content:
            return answers
        return await self._transact(group, variant)

    async def _transact(self, group: Group, variant: Variant) -> dict[int, Reply]:
        """MAIL, RCPT for each member, content; the answer of each member."""
        hop = self.pool.begin(self.sender, len(self.trace) + len(variant.content))
        told = await hop.rcpts([self.recipients[number] for number in group.members])
        answers = dict(zip(group.members, told, strict=True))
        taken = [number for number in group.members if answers[number].accepted]
        if not taken or self.client_gone():
            await hop.abort()
            return answers | dict.fromkeys(taken, replies.OUT_OF_TIME)
        reply = await self._data(hop, group, variant)
        return answers | dict.fromkeys(taken, reply)
