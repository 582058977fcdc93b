"""From what was measured to figures, bars, the table of misses and the page in docs."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from bench.accuracy.measure import NO_TRACKERS, rules
from bench.accuracy.vendors import UNKNOWN, ids_of
from smtp_gate.model import Carrier, Kind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from bench.accuracy.measure import Alarm, Fate, Outcome

BAR_CATALOGUED = 0.995
"""Rows of catalogued vendors that are gone."""
BAR_UNCLASSIFIED = 0.98
"""Unclassified pixels that are gone."""
BAR_IMAGES = 0.001
"""Pictures of real mail without listed trackers that are taken for pixels, at most."""
LOOKED_AT = Path(__file__).parent / "looked_at.tsv"
"""What a person made of addresses that list and gate see differently: mark, verdict, why."""
PAGE_BEGIN, PAGE_END = "<!-- made by `make accuracy` -->\n", "<!-- end -->\n"


class Bar(NamedTuple):
    """One promise: its name, what was measured, whether it is kept."""

    name: str
    figure: str
    kept: bool


def looked_at() -> dict[str, tuple[str, str]]:
    """Mark of an address -> verdict (``tracker`` or ``harmless``) and why."""
    with LOOKED_AT.open(encoding="utf-8", newline="") as table:
        return {row["mark"]: (row["verdict"], row["why"]) for row in csv.DictReader(table, delimiter="\t")}


class Figures:
    """Everything counted.

    Args:
        outcomes: of all mails that were measured.
    """

    def __init__(self, outcomes: Sequence[Outcome]) -> None:
        known = {vendor.id for vendor in rules().catalogue.vendors}
        verdicts = looked_at()
        self.outcomes = outcomes
        self.fates: dict[str, Counter[str]] = defaultdict(Counter)
        self.excluded: Counter[str] = Counter()
        self.missed: list[Fate] = []
        self.uncatalogued: Counter[str] = Counter()
        for fate in (fate for outcome in outcomes if outcome.kind == "A" for fate in outcome.fates):
            ids = ids_of(fate.row.guess)
            vendor = UNKNOWN if fate.row.guess == UNKNOWN else next((name for name in ids if name in known), "")
            word, cause = fate.fate, fate.cause
            if word == "missed" and verdicts.get(fate.row.mark, ("",))[0] == "harmless":
                word, cause = "excluded", f"looked at: {verdicts[fate.row.mark][1]}"
            if not vendor:
                self.uncatalogued[f"{fate.row.guess}: {word}"] += 1
                continue
            self.fates[vendor][word] += 1
            if word == "excluded":
                self.excluded[cause] += 1
            elif word == "missed":
                self.missed.append(fate)
        self.alarms = [
            alarm
            for outcome in outcomes
            for alarm in outcome.alarms
            if verdicts.get(alarm.mark, ("",))[0] != "tracker"
        ]
        self.confirmed = sum(len(outcome.alarms) for outcome in outcomes) - len(self.alarms)
        self.images = sum(outcome.images for outcome in outcomes if outcome.stratum == NO_TRACKERS)
        self.findings: Counter[tuple[str, str]] = sum((outcome.findings for outcome in outcomes), Counter())
        self.faults = [(outcome.mail, code) for outcome in outcomes for code in outcome.faults]
        self._kinds = {outcome.mail: outcome.kind for outcome in outcomes}

    def alarms_of(self, kind: str) -> list[Alarm]:
        """False positives in mails of one kind of the corpus."""
        return [alarm for alarm in self.alarms if self._kinds[alarm.mail] == kind]

    def false_pixels(self) -> list[Alarm]:
        """Pictures of real mail that were taken for pixels."""
        return [one for one in self.alarms_of("A") if one.kind is Kind.PIXEL and one.carrier is Carrier.IMAGE]

    def bars(self) -> list[Bar]:
        """The promises."""
        listed = sum((counts for vendor, counts in self.fates.items() if vendor != UNKNOWN), Counter())
        unclassified = self.fates[UNKNOWN]
        false = len(self.false_pixels())
        return [
            Bar("trackers of catalogued vendors that are gone", _of(listed), recall(listed) >= BAR_CATALOGUED),
            Bar(
                "unclassified small and hidden pictures that are gone",
                _of(unclassified),
                recall(unclassified) >= BAR_UNCLASSIFIED,
            ),
            Bar("findings in templates without trackers", str(len(self.alarms_of("C"))), not self.alarms_of("C")),
            Bar(
                "pictures of real mail without listed trackers that go",
                f"{false} of {self.images}",
                false <= BAR_IMAGES * self.images,
            ),
            Bar(
                "mails that are not the same outside the edits",
                f"{len({mail for mail, _ in self.faults})} of {sum(one.edited for one in self.outcomes)} edited",
                not self.faults,
            ),
        ]

    def vendors(self) -> list[dict[str, Any]]:
        """One row for each vendor that the list or the gate names, the most frequent first."""
        names = (set(self.fates) | {vendor for vendor, _ in self.findings}) - {UNKNOWN}
        rows = []
        for name in names:
            fates = self.fates.get(name, Counter())
            says = {word: self.findings[name, word] for word in ("confirmed", "contradicted", "unlisted")}
            sure = says["confirmed"] + says["contradicted"]
            rows.append(
                {
                    "vendor": name,
                    "gone": fates["gone"] + fates["refused"],
                    "missed": fates["missed"],
                    "excluded": fates["excluded"],
                    "recall": recall(fates) if fates["gone"] + fates["refused"] + fates["missed"] else None,
                    **says,
                    "precision": says["confirmed"] / sure if sure else None,
                }
            )
        return sorted(rows, key=lambda row: (-row["gone"] - row["missed"], -row["confirmed"], row["vendor"]))

    def evidence(self) -> dict[str, Any]:
        """Everything as plain values, without an address."""
        return {
            "mails": len(self.outcomes),
            "bars": [bar._asdict() for bar in self.bars()],
            "vendors": self.vendors(),
            "unclassified": dict(self.fates[UNKNOWN]),
            "excluded": dict(self.excluded.most_common()),
            "causes": dict(Counter(fate.cause for fate in self.missed).most_common()),
            "uncatalogued": dict(self.uncatalogued.most_common()),
            "looked_at_and_confirmed": self.confirmed,
            "alarms": [
                {
                    "mail": one.mail,
                    "kind": one.kind,
                    "vendor": one.vendor,
                    "evidence": one.evidence,
                    "mark": one.mark,
                }
                for one in self.alarms
            ],
            "faults": [{"mail": mail, "fault": code} for mail, code in self.faults],
        }


def recall(counts: Counter[str]) -> float:
    """Share that does not leave, of what should not."""
    gone = counts["gone"] + counts["refused"]
    return gone / (gone + counts["missed"]) if gone + counts["missed"] else 0.0


def _of(counts: Counter[str]) -> str:
    gone = counts["gone"] + counts["refused"]
    return f"{gone} of {gone + counts['missed']}, {recall(counts):.2%}"


def misses(figures: Figures) -> Iterable[tuple[str, ...]]:
    """Rows of the table of misses, with the host of each and a mark that stands for the rest of it."""
    yield ("what", "mail", "vendor", "host", "mark", "cause")
    for fate in figures.missed:
        yield ("missed", str(fate.mail), fate.row.guess, _host(fate.row.url), fate.row.mark, fate.cause)
    for one in figures.alarms:
        cause = f"{one.kind.value} {one.carrier.value}: {', '.join(one.evidence)}"
        yield ("false", str(one.mail), one.vendor, _host(one.url), one.mark, cause)
    for mail, code in figures.faults:
        yield ("changed", str(mail), "", "", "", code)


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def page(figures: Figures, day: str) -> str:
    """The part of ``docs/accuracy.md`` that is made anew by each full run."""
    lines = [
        f"Measured on {day}, on {len(figures.outcomes)} files.",
        "",
        "| promise | measured | kept |",
        "|---|---|---|",
    ]
    lines += [f"| {bar.name} | {bar.figure} | {'yes' if bar.kept else '**no**'} |" for bar in figures.bars()]
    lines += ["", "Rows of the list that are not counted, by the rule that excludes them:", ""]
    lines += ["| rule | rows |", "|---|---|"]
    lines += [f"| {cause} | {count} |" for cause, count in figures.excluded.most_common()]
    lines += [
        "",
        "| vendor | gone | missed | not counted | recall | confirmed | contradicted | not listed | precision |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in figures.vendors():
        shares = {name: "" if row[name] is None else f"{row[name]:.1%}" for name in ("recall", "precision")}
        lines.append(
            f"| {row['vendor']} | {row['gone']} | {row['missed']} | {row['excluded']} | {shares['recall']} | "
            f"{row['confirmed']} | {row['contradicted']} | {row['unlisted']} | {shares['precision']} |"
        )
    if figures.uncatalogued:
        lines += [
            "",
            "Rows of senders that have no file in the catalogue:",
            "",
            "| name in the list: fate | rows |",
            "|---|---|",
        ]
        lines += [f"| {name} | {count} |" for name, count in figures.uncatalogued.most_common()]
    return "\n".join(lines) + "\n"
