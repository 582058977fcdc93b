"""The numbers: every counter and histogram, named and described where it is declared.

Labels are codes and names from the configuration, never anything of a mail or a person. With
``PROMETHEUS_MULTIPROC_DIR`` set before this module is first imported (:mod:`smtp_gate.observe.shared`), the
processes of one gate count into one place and any of them can show the sum.
"""

from __future__ import annotations

import os
from functools import cache
from typing import TYPE_CHECKING

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smtp_gate.decision import MailClass

CONTENT_TYPE = CONTENT_TYPE_LATEST
"""Media type of :func:`exposition`."""

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 90.0)
_OCTETS = (4096, 16_384, 65_536, 131_072, 262_144, 1_048_576, 4_194_304, 16_777_216)

MESSAGES = Counter("smtp_gate_messages", "Messages with a final answer, by class of mail", ["mail_class"])
RECIPIENTS = Counter(
    "smtp_gate_recipients", "Recipients with a final answer, by class of the reply (2xx, 4xx, 5xx)", ["reply"]
)
VARIANTS = Counter("smtp_gate_variants", "Different forms of messages that were sent")
ACTIONS = Counter("smtp_gate_actions", "What became of trackers and personal links", ["vendor", "action"])
CONSENT = Counter("smtp_gate_consent_answers", "Why recipients are or are not tracked", ["reason"])
STEP_SECONDS = Histogram("smtp_gate_step_seconds", "Time of one message's steps", ["step"], buckets=_SECONDS)
MESSAGE_BYTES = Histogram("smtp_gate_message_bytes", "Size of messages as received", buckets=_OCTETS)

SESSIONS = Gauge("smtp_gate_sessions", "Open client connections", multiprocess_mode="livesum")
REFUSED_COMMANDS = Counter(
    "smtp_gate_refused_commands", "Commands refused by the listener, by reply code", ["code"]
)

HOP_CONNECTIONS = Counter(
    "smtp_gate_hop_connections",
    "Connections to a next hop, by outcome (connected, refused, timeout, tls ...)",
    ["hop", "outcome"],
)
MAYBE_DUPLICATES = Counter(
    "smtp_gate_maybe_duplicates", "Messages whose final answer from a next hop was lost", ["hop"]
)
SUPPRESSED = Counter(
    "smtp_gate_suppressed",
    "Recipients answered from the record of earlier attempts (accepted, refused, running)",
    ["outcome"],
)

ALIASES = Counter("smtp_gate_aliases", "CNAME look-ups, by outcome (alias, none, failed, late)", ["outcome"])
LEARNT = Counter(
    "smtp_gate_learnt",
    "Mails with addresses that differ from copy to copy, by form (pixel, picture, link) and outcome (observe, act)",
    ["form", "outcome"],
)
LEARNING_LOST = Counter("smtp_gate_learning_lost", "Times that what was seen could not be counted", ["reason"])
STORE_FAILURES = Counter("smtp_gate_store_failures", "Consent look-ups without an answer, by reason", ["reason"])
CACHE_FAILURES = Counter(
    "smtp_gate_cache_failures", "Looks, one a second, that found the cache not in step with the ledger", ["reason"]
)
HITS = Counter("smtp_gate_hits", "Requests at the web part, by kind and outcome", ["kind", "outcome"])
WEBHOOKS = Counter(
    "smtp_gate_webhooks",
    "Events that endpoints were told, by host and outcome (told, failed)",
    ["endpoint", "outcome"],
)
RELOADS = Counter("smtp_gate_reloads", "Reloads of the configuration, by outcome (done, refused)", ["outcome"])

AUDITED = Counter(
    "smtp_gate_audited",
    "Messages of the audit's sample, by outcome (clean, trackers, dropped, too_large, failed)",
    ["outcome"],
)
AUDIT_TRACKERS = Counter(
    "smtp_gate_audit_trackers",
    "Trackers in what left, as the second opinion finds them, by why (missed, policy, functional)",
    ["vendor", "kind", "why"],
)

# What is counted for each message, found without the library's lock and its check of the labels.
_of_class = cache(MESSAGES.labels)
_of_action = cache(ACTIONS.labels)
_of_reason = cache(CONSENT.labels)
_of_reply = cache(RECIPIENTS.labels)
_of_step = cache(STEP_SECONDS.labels)


def message_done(
    *,
    mail_class: MailClass,
    size: int,
    variants: int,
    actions: Mapping[str, Mapping[str, int]],
    consent: Mapping[str, int],
    replies: Mapping[int, int],
    milliseconds: Mapping[str, float],
) -> None:
    """Count one message; the arguments are those of :func:`smtp_gate.observe.log.message_done`."""
    _of_class(mail_class.value).inc()
    MESSAGE_BYTES.observe(size)
    VARIANTS.inc(variants)
    for vendor, by_action in actions.items():
        for action, count in by_action.items():
            _of_action(vendor, action).inc(count)
    for reason, count in consent.items():
        _of_reason(reason).inc(count)
    for code, count in replies.items():
        _of_reply(f"{code // 100}xx").inc(count)
    for step, time in milliseconds.items():
        _of_step(step).observe(time / 1000)


def hop_connection(hop: str, outcome: str) -> None:
    """Count one attempt to connect."""
    HOP_CONNECTIONS.labels(hop, outcome).inc()


def maybe_duplicate(hop: str) -> None:
    """Count one lost answer."""
    MAYBE_DUPLICATES.labels(hop).inc()


def suppressed(outcome: str) -> None:
    """Count one recipient that an earlier attempt answers."""
    SUPPRESSED.labels(outcome).inc()


def store_failure(reason: str) -> None:
    """Count one look-up without an answer."""
    STORE_FAILURES.labels(reason).inc()


def alias(outcome: str) -> None:
    """Count one CNAME look-up that ended."""
    ALIASES.labels(outcome).inc()


def aliases_late(count: int) -> None:
    """Count look-ups that a mail did not wait for any longer."""
    if count:
        ALIASES.labels("late").inc(count)


def learnt(form: str, outcome: str) -> None:
    """Count one mail with addresses that differ from copy to copy."""
    LEARNT.labels(form, outcome).inc()


def learning_lost(reason: str) -> None:
    """Count one time that the store of learning gave no answer."""
    LEARNING_LOST.labels(reason).inc()


def hit(kind: str, outcome: str) -> None:
    """Count one request at the web part."""
    HITS.labels(kind, outcome).inc()


def audited(outcome: str) -> None:
    """Count one message of the audit's sample."""
    AUDITED.labels(outcome).inc()


def audit_tracker(vendor: str, kind: str, why: str) -> None:
    """Count one tracker that is still in what left."""
    AUDIT_TRACKERS.labels(vendor, kind, why).inc()


def webhook(endpoint: str, outcome: str) -> None:
    """Count one call of an endpoint."""
    WEBHOOKS.labels(endpoint, outcome).inc()


def reload(outcome: str) -> None:
    """Count one reload."""
    RELOADS.labels(outcome).inc()


def exposition() -> bytes:
    """All numbers in Prometheus' text format, of all processes when they count together."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        multiprocess.MultiProcessCollector(registry)  # type: ignore[no-untyped-call] # the library has no types here
        return generate_latest(registry)
    return generate_latest(REGISTRY)


def process_ended(pid: int) -> None:
    """Take a dead process's gauges out of the sums; its counters stay."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        multiprocess.mark_process_dead(pid)  # type: ignore[no-untyped-call] # the library has no types here
