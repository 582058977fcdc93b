"""The log: one function for each event, one line for each message.

This module alone decides what can stand in a line. A caller hands over numbers, members of enumerations and
short codes; there is no function that takes a text. What does not look like a code (an address, a URL, a subject,
a token) is written as ``?``, so that a mistake elsewhere cannot put personal data here.
"""

from __future__ import annotations

import logging
import re
import sys
from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TextIO, cast

import structlog

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from smtp_gate.decision import MailClass

_CODE = re.compile(r"[\w.:\[\]-]{1,64}")
"""A code, a host:port, an id: no ``@``, no ``/``, no space."""
_NAME = re.compile(r"[\w.:()+-]+(?: [\w.:()+-]+){0,7}")
"""A rule's name, written by the administrator: a few words."""
_MAX_NAME = 48
_TOKEN = re.compile(r"[\w-]{41,}")
"""Tokens of the gate and of vendors are longer than any word that is meant to be read."""
_LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
LEVELS = tuple(_LEVELS)
"""What the log level can be."""

_log: structlog.typing.FilteringBoundLogger = structlog.get_logger()


def configure(*, json: bool | None = None, level: str = "info") -> None:
    """Set up the process's log on standard error; called once, at start.

    Libraries that log by :mod:`logging` come out as ``library`` lines with place and level only: their texts may
    hold addresses.

    Args:
        json: one JSON object a line; None: unless standard error is a terminal.
        level: one of :data:`LEVELS`.
    """
    if json is None:
        json = not sys.stderr.isatty()
    shared: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            *shared,
            structlog.processors.JSONRenderer()
            if json
            else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=structlog.WriteLoggerFactory(file=cast("TextIO", _Lossy(sys.stderr))),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_LibraryHandler()]
    root.setLevel(logging.WARNING)
    # aiosmtpd writes envelopes at its lower levels, and makes the texts even when nobody reads them.
    logging.getLogger("mail").setLevel(logging.ERROR)


# --- messages -------------------------------------------------------------------------------------------------
def message_done(
    *,
    message: str,
    ident: str,
    protocol: str,
    mail_class: MailClass,
    rule: str,
    size: int,
    recipients: int,
    variants: int,
    actions: Mapping[str, Mapping[str, int]],
    consent: Mapping[str, int],
    replies: Mapping[int, int],
    milliseconds: Mapping[str, float],
    next_hop: str,
) -> None:
    """The one line of a message, whatever became of it.

    Args:
        message: the gate's own id of it, as in its Received field.
        ident: the client's queue id; empty when it gave none.
        protocol: ``ESMTP``, ``LMTP`` ...
        mail_class: of the rule that matched.
        rule: that rule's name.
        size: octets as received.
        recipients: how many.
        variants: how many different forms were sent.
        actions: vendor id -> action -> how many findings.
        consent: reason of the consent answer -> how many recipients.
        replies: reply code -> how many recipients.
        milliseconds: step (``total``, ``scan``, ``names``, ``consent``, ``render``, ``deliver``) -> time.
        next_hop: its name; empty when none was asked.
    """
    _log.info(
        "message",
        message=_code(message),
        ident=_code(ident),
        protocol=_code(protocol),
        mail_class=mail_class.value,
        rule=_name(rule),
        size=int(size),
        recipients=int(recipients),
        variants=int(variants),
        actions={_code(vendor): _counts(by_action) for vendor, by_action in actions.items()},
        consent=_counts(consent),
        replies={f"{code:d}": int(count) for code, count in replies.items()},
        ms={_code(step): round(float(time), 2) for step, time in milliseconds.items()},
        next_hop=_code(next_hop),
    )


def message_failed(*, message: str, kind: str, place: str) -> None:
    """Something of ours went wrong with a message; the client was told to send it again.

    Args:
        message: the gate's own id of it.
        kind: name of the exception's class.
        place: module and line, never the exception's text.
    """
    _log.error("message_failed", message=_code(message), kind=_code(kind), place=_code(place))


def session_failed(*, kind: str, place: str) -> None:
    """Something of ours went wrong in a client's session; arguments as :func:`message_failed`."""
    _log.error("session_failed", kind=_code(kind), place=_code(place))


def web_failed(*, kind: str, place: str) -> None:
    """Something of ours went wrong in the web part; arguments as :func:`message_failed`."""
    _log.error("web_failed", kind=_code(kind), place=_code(place))


# --- webhooks -------------------------------------------------------------------------------------------------
def webhook_failed(*, endpoint: str, reason: str, attempts: int) -> None:
    """An endpoint that took what it was told does not any more; it is tried again.

    Args:
        endpoint: its host.
        reason: ``timeout``, ``refused``, ``tls``, ``name``, ``private``, ``http_500`` ...
        attempts: for this event.
    """
    _log.warning("webhook_failed", endpoint=_code(endpoint), reason=_code(reason), attempts=int(attempts))


def webhook_up(*, endpoint: str, attempts: int) -> None:
    """An endpoint takes what it is told again, at this attempt."""
    _log.info("webhook_up", endpoint=_code(endpoint), attempts=int(attempts))


def webhook_given_up(*, endpoint: str, reason: str, event: int) -> None:
    """An event that an endpoint did not take for days is passed over; its seq finds it in the ledger."""
    _log.error("webhook_given_up", endpoint=_code(endpoint), reason=_code(reason), ledger_event=int(event))


# --- next hops ------------------------------------------------------------------------------------------------
def hop_down(*, hop: str, reason: str, code: int) -> None:
    """A next hop that answered does not any more (or never did)."""
    _log.warning("hop_down", hop=_code(hop), reason=_code(reason), code=int(code))


def hop_up(*, hop: str, tls: bool) -> None:
    """A next hop answers, for the first time or again."""
    _log.info("hop_up", hop=_code(hop), tls=bool(tls))


def maybe_duplicate(*, hop: str) -> None:
    """A next hop got a whole message and its answer was lost: the client's retry may be a second copy."""
    _log.warning("next_hop_maybe_duplicate", hop=_code(hop))


def accepted_record_lost(*, kind: str) -> None:
    """The record of earlier acceptances cannot be used: a retry may make a duplicate, no mail is lost."""
    _log.warning("accepted_record_lost", kind=_code(kind))


# --- audit ----------------------------------------------------------------------------------------------------
def audit_missed(
    *, message: str, vendor: str, kind: str, carrier: str, evidence: Iterable[str], count: int
) -> None:
    """The second opinion found a tracker in what left that the gate should have taken out.

    Args:
        message: the gate's own id of the mail.
        vendor: catalogue id, or ``uncatalogued``.
        kind: ``pixel``, ``link`` or ``personal``.
        carrier: where it stands: an attribute's name, ``style``, ``text`` ...
        evidence: codes of what speaks against it.
        count: how many such ones.
    """
    _log.warning(
        "audit_missed",
        message=_code(message),
        vendor=_code(vendor),
        kind=_code(kind),
        carrier=_code(carrier),
        evidence=[_code(code) for code in evidence],
        count=int(count),
    )


def audit_failed(*, message: str, reason: str) -> None:
    """A mail of the sample could not be read again: ``timeout``, ``died``, or the name of an exception's class."""
    _log.warning("audit_failed", message=_code(message), reason=_code(reason))


# --- consent store --------------------------------------------------------------------------------------------
def store_down(*, reason: str) -> None:
    """The consent store gives no answer: mail goes on untracked (or waits, by policy)."""
    _log.warning("store_down", reason=_code(reason))


def store_up() -> None:
    """The consent store answers again."""
    _log.info("store_up")


def cache_behind(*, reason: str) -> None:
    """The cache cannot be brought in step with the ledger, or is not fit to be used."""
    _log.warning("cache_behind", reason=_code(reason))


def cache_in_step() -> None:
    """The cache is in step with the ledger again."""
    _log.info("cache_in_step")


def cache_setting(*, setting: str) -> None:
    """A setting of Redis should be another one."""
    _log.warning("cache_setting", setting=_code(setting))


def heads_failed(*, kind: str) -> None:
    """No signed head of the ledger could be written; it is tried again."""
    _log.error("heads_failed", kind=_code(kind))


def ledger_replaced(*, events: int, signed: int) -> None:
    """The ledger is not the one that was signed: its tail was cut off, or an older copy put in its place."""
    _log.error("ledger_replaced", events=int(events), signed=int(signed))


# --- the process ----------------------------------------------------------------------------------------------
def started(*, version: str, workers: int, listeners: int) -> None:
    """The gate takes mail from now on."""
    _log.info("started", version=_code(version), workers=int(workers), listeners=int(listeners))


def reloaded(*, rules: int) -> None:
    """A changed configuration is in force."""
    _log.info("reloaded", rules=int(rules))


def reload_refused(*, errors: int) -> None:
    """A changed configuration has errors; the old one stays in force. ``check-config`` tells which."""
    _log.error("reload_refused", errors=int(errors))


def worker_ended(*, worker: int, status: int) -> None:
    """A worker process ended unasked; another takes its place."""
    _log.error("worker_ended", worker=int(worker), status=int(status))


def shutting_down(*, running: int) -> None:
    """No new mail is taken; deliveries under way are finished."""
    _log.info("shutting_down", running=int(running))


def stopped(*, unfinished: int) -> None:
    """The process ends; what is unfinished stays with the client."""
    _log.info("stopped", unfinished=int(unfinished))


# --- inside ---------------------------------------------------------------------------------------------------
class _Lossy:
    """A stream that may fail: a full disk or a reader that has gone costs lines, never the answer to a mail."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Write it, or lose it."""
        with suppress(OSError, ValueError):
            self._stream.write(text)

    def flush(self) -> None:
        """Let it go out, or lose it."""
        with suppress(OSError, ValueError):
            self._stream.flush()


class _LibraryHandler(logging.Handler):
    """Lets a library say where and how loud, not what."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        kind = record.exc_info[0].__name__ if record.exc_info and record.exc_info[0] else ""
        _log.log(
            record.levelno,
            "library",
            logger=_code(record.name),
            place=_code(f"{record.module}:{record.lineno}"),
            kind=_code(kind),
        )


@lru_cache(1024)
def _code(value: str) -> str:
    return value if not value or (_CODE.fullmatch(value) and not _TOKEN.search(value)) else "?"


@lru_cache(256)
def _name(value: str) -> str:
    if not value:  # a message that ended before any rule was looked at
        return value
    if len(value) > _MAX_NAME or not _NAME.fullmatch(value) or _TOKEN.search(value):
        return "?"
    return value


def _counts(counts: Mapping[str, int]) -> dict[str, int]:
    return {_code(key): int(count) for key, count in counts.items()}
