"""What look-ups read and what takes decisions in, in one process: with Redis or without."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from smtp_gate.consent import LedgerStore, RecentWithdrawals, RedisCache, RedisStore, Register

if TYPE_CHECKING:
    from smtp_gate.config.settings import Settings
    from smtp_gate.consent import ConsentStore, Ledger


class Stores(NamedTuple):
    """The three ends of one ledger.

    Attributes:
        recent: withdrawals that a cache may lack; None without a cache.
        look_ups: who agreed to what.
        register: takes decisions in, and keeps the cache in step.
    """

    recent: RecentWithdrawals | None
    look_ups: ConsentStore
    register: Register


def stores_of(settings: Settings, ledger: Ledger) -> Stores:
    """Opened lazily: nothing is connected to yet."""
    if settings.consent.cache is None:
        return Stores(None, LedgerStore(ledger.reader()), Register(ledger))
    recent = RecentWithdrawals(ledger)
    store = RedisStore(settings.consent.cache, recent)
    return Stores(recent, store, Register(ledger, RedisCache(settings.consent.cache), recent=recent))
