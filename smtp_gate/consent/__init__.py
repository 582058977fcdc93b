"""Who agreed to what: the ledger that is the authority, and the stores that look-ups read.

``event`` is one decision, ``standing`` what a person's events amount to, ``ledger`` keeps both (``tables`` its
database), ``register`` takes decisions in, ``imports`` many of them (``mapping`` says what
their rows mean). Look-ups go to ``ledger_store``, or to
``redis_store``, which ``redis_cache`` fills and ``recent`` watches over. ``store`` is all that the gate knows.
"""

from smtp_gate.consent.clock import Clock, utc_now
from smtp_gate.consent.event import Choice, Entry, Event, Recorded, names_of, purposes_of
from smtp_gate.consent.ledger import Ledger
from smtp_gate.consent.ledger_store import LedgerStore
from smtp_gate.consent.recent import RecentWithdrawals
from smtp_gate.consent.redis_cache import RedisCache
from smtp_gate.consent.redis_store import RedisStore
from smtp_gate.consent.register import Register
from smtp_gate.consent.store import ConsentStore

__all__ = [
    "Choice",
    "Clock",
    "ConsentStore",
    "Entry",
    "Event",
    "Ledger",
    "LedgerStore",
    "RecentWithdrawals",
    "Recorded",
    "RedisCache",
    "RedisStore",
    "Register",
    "names_of",
    "purposes_of",
    "utc_now",
]
