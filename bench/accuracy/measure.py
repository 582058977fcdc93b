"""One mail of the corpus, rewritten with nothing granted and read again by the independent parser."""

from __future__ import annotations

from collections import Counter
from email import message_from_bytes, policy
from functools import cache
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from bench.accuracy import fidelity
from bench.accuracy.rows import mark_of, recipient_of
from bench.accuracy.vendors import ids_of
from smtp_gate.cli.mail import account, rewritten
from smtp_gate.cli.rooms import ruleset_of
from smtp_gate.model import NOTHING, Carrier, Kind
from smtp_gate.observe.plain_reading import plain_reading
from smtp_gate.observe.second_opinion import TRACKS, addresses
from smtp_gate.scan.headers import fields
from smtp_gate.trackers.functional import by_path

if TYPE_CHECKING:
    from bench.accuracy.rows import Mail, Row
    from smtp_gate.gate.ruleset import Ruleset
    from smtp_gate.gate.variant import Variant
    from smtp_gate.model import Scan
    from smtp_gate.observe.markup import Seen

NO_TRACKERS = "random-no-tracker"
"""Stratum of real mails in which the list names nothing."""


class Fate(NamedTuple):
    """What became of one row.

    Attributes:
        row: the row.
        mail: number of its mail.
        fate: ``gone``, ``refused`` (the mail does not leave), ``excluded`` or ``missed``.
        cause: why it is excluded or missed.
    """

    row: Row
    mail: int
    fate: str
    cause: str


class Alarm(NamedTuple):
    """Something found where nothing is, as far as the list knows."""

    mail: int
    kind: Kind
    carrier: Carrier
    vendor: str
    evidence: tuple[str, ...]
    url: str

    @property
    def mark(self) -> str:
        """Stands for the address in the table of what was looked at."""
        return mark_of(self.url)


class Outcome(NamedTuple):
    """Everything about one mail.

    Attributes:
        mail: its number.
        kind: of the corpus.
        stratum: of the corpus.
        fates: of its rows.
        alarms: findings in a mail that should have none.
        images: how many pictures the independent parser sees.
        faults: what is not faithful.
        edited: whether anything was changed.
        findings: by vendor and by what the list says: ``confirmed``, ``contradicted``, ``unlisted``.
    """

    mail: int
    kind: str
    stratum: str
    fates: tuple[Fate, ...]
    alarms: tuple[Alarm, ...]
    images: int
    faults: tuple[str, ...]
    edited: bool
    findings: Counter[tuple[str, str]]


@cache
def rules() -> Ruleset:
    """The built-in defaults, as ``smtp-gate rewrite`` has them."""
    return ruleset_of(None)


def rewrite(raw: bytes) -> tuple[Scan, Variant]:
    """A mail as it would leave for whom it says, who agreed to nothing."""
    return rewritten(rules(), raw, "", NOTHING, recipient_of(fields(raw).get("to", ())))


def measure(mail: Mail) -> Outcome:
    """Rewrite one mail and compare."""
    raw = mail.read()
    scan, variant = rewrite(raw)
    refused = variant.refusal is not None
    after = raw if refused else variant.content
    told = account("", scan, variant, NOTHING)
    negative = mail.kind == "C" or mail.stratum == NO_TRACKERS
    before = _seen(raw) if mail.rows or negative else []
    now = _seen(after) if mail.rows and not refused else []
    return Outcome(
        mail.number,
        mail.kind,
        mail.stratum,
        tuple(_fate(mail, row, before, now, scan, refused=refused) for row in mail.rows),
        tuple(_alarms(mail, scan)) if negative else (),
        sum(seen.look is not None for seen in before),
        () if refused else tuple(fidelity.faults(scan, after, told)),
        after != raw,
        _findings(mail, scan, negative=negative),
    )


def _seen(raw: bytes) -> list[Seen]:
    return [seen for _, seen in addresses(message_from_bytes(raw, policy=policy.default))]


def _fate(mail: Mail, row: Row, before: list[Seen], now: list[Seen], scan: Scan, *, refused: bool) -> Fate:
    if not _stands(row, before):
        word, cause = "excluded", "not shown: the independent parser does not see it in the mail as it came"
    elif refused:
        word, cause = "refused", "sealed: policy refuses the mail"
    elif not _stands(row, now):
        word, cause = "gone", ""
    else:
        word, cause = _why_there(row, scan)
    return Fate(row, mail.number, word, cause)


def _stands(row: Row, seen: list[Seen]) -> bool:
    return any(row.is_(one.url) and one.loaded == row.loaded for one in seen)


def _why_there(row: Row, scan: Scan) -> tuple[str, str]:
    """Why an address is still there: by rule, or it is missed."""
    known = [one for one in scan.findings if row.is_(one.url)]
    functional = next((one for one in known if one.kind is Kind.FUNCTIONAL), None)
    if functional is not None and not row.loaded:
        return "excluded", f"functional: {', '.join(functional.evidence)}"
    if not row.loaded and by_path(urlsplit(row.url)._replace(scheme="", netloc="").geturl()):
        return "excluded", "functional: path"
    if known:
        left = " ".join(sorted({f"{one.kind.value}({','.join(one.evidence)})" for one in known}))
        return "missed", f"found as {left}, and still there"
    if plain_reading(rules().catalogue).is_content(row.url):
        return "excluded", "content: the same for everybody, by the catalogue"
    return "missed", "the scan has no finding"


def _alarms(mail: Mail, scan: Scan) -> list[Alarm]:
    return [
        Alarm(mail.number, one.kind, one.carrier, one.vendor, one.evidence, one.url)
        for one in scan.findings
        if one.kind in TRACKS
    ]


def _findings(mail: Mail, scan: Scan, *, negative: bool) -> Counter[tuple[str, str]]:
    """What the list, or else the mail's own header, says of each catalogued finding."""
    counts: Counter[tuple[str, str]] = Counter()
    signed = rules().catalogue.tools(scan.headers)
    for finding in scan.findings:
        if not finding.vendor or finding.kind not in TRACKS:
            continue
        named = {name for row in mail.rows if row.is_(finding.url) for name in ids_of(row.guess)}
        if finding.vendor in named or finding.vendor in signed:
            word = "confirmed"
        elif negative or (named and named <= {vendor.id for vendor in rules().catalogue.vendors}):
            word = "contradicted"
        else:
            word = "unlisted"
        counts[finding.vendor, word] += 1
    return counts
