"""What look-ups read and what takes decisions in, in one process: with Redis or without."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from smtp_gate.consent import Ledger, LedgerStore, RecentWithdrawals, RedisCache, RedisStore, Register
from smtp_gate.observe import log, metrics
from smtp_gate.tokens import reached_by

if TYPE_CHECKING:
    from smtp_gate.config.settings import Settings
    from smtp_gate.consent import ConsentStore
    from smtp_gate.tokens import Keyring


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


def gate_ledger(settings: Settings, keyring: Keyring | None) -> Ledger:
    """The ledger of a process that serves: it waits for a server that is away."""
    if keyring is None:
        return Ledger(settings.consent.ledger, patient=True)
    return Ledger(settings.consent.ledger, reached=partial(reached_by, keyring), patient=True)


def stores_of(settings: Settings, ledger: Ledger) -> Stores:
    """Opened lazily: nothing is connected to yet."""
    if settings.consent.cache is None:
        return Stores(None, LedgerStore(ledger.reader()), Register(ledger))
    recent = RecentWithdrawals(ledger)
    store = RedisStore(settings.consent.cache, recent)
    cache = RedisCache(settings.consent.cache)
    return Stores(recent, store, Register(ledger, cache, recent=recent, report=_Report()))


class _Report:
    """How the cache is, as counters and log lines."""

    def __init__(self) -> None:
        self._trouble = ""

    def state(self, trouble: str) -> None:
        """As :meth:`CacheReport.state`; said once."""
        if trouble:
            metrics.CACHE_FAILURES.labels(trouble).inc()
        if trouble in (self._trouble, "reload_running"):
            return  # another process is at it
        self._trouble = trouble
        if trouble:
            log.cache_behind(reason=trouble)
        else:
            log.cache_in_step()

    def unwise(self, setting: str) -> None:
        """As :meth:`CacheReport.unwise`."""
        log.cache_setting(setting=setting)
