"""``smtp-gate trackers learned``: what was learnt while mail flowed, what it counts as, and files to keep it in."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from smtp_gate.cli.rooms import DEFAULT_CONFIG, learning_store_of
from smtp_gate.config.entry import vendor_file
from smtp_gate.config.load import load_settings
from smtp_gate.consent import utc_now
from smtp_gate.trackers.learnt import Lessons

if TYPE_CHECKING:
    from smtp_gate.config.settings import Settings
    from smtp_gate.trackers.learnt import Lesson

Config = Annotated[
    Path, typer.Option("--config", help="The configuration file, for its store.", envvar="SMTP_GATE_CONFIG")
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")]
Entry = Annotated[bool, typer.Option("--entry", help="Print vendor files to keep, one for each host.")]


def learned(config: Config = DEFAULT_CONFIG, *, entry: Entry = False, as_json: Json = False) -> None:
    """Addresses that differ from copy to copy, by sender domain: how often seen, and what they count as."""
    if entry and as_json:
        raise typer.BadParameter("--entry prints YAML; leave out --json", param_hint="--entry")
    settings = load_settings(config)
    found = [
        (lesson, lessons.reason(lesson))
        for lessons in _by_domain(asyncio.run(_read(settings)))
        for lesson in lessons.lessons
    ]
    if as_json:
        told = {"learn": settings.trackers.learn, "learned": [_told(lesson, reason) for lesson, reason in found]}
        print(json.dumps(told))
    elif entry:
        _print_entries(found)
    else:
        _show(settings, found)


async def _read(settings: Settings) -> list[Lesson]:
    store = learning_store_of(settings)
    try:
        return await store.lessons()
    finally:
        await store.close()


def _by_domain(lessons: list[Lesson]) -> list[Lessons]:
    domains: defaultdict[str, list[Lesson]] = defaultdict(list)
    for lesson in sorted(lessons, key=lambda lesson: (lesson.domain, lesson.host, lesson.form, lesson.shape)):
        domains[lesson.domain].append(lesson)
    return [Lessons(several) for several in domains.values()]


def _told(lesson: Lesson, reason: str) -> dict[str, Any]:
    return {
        "sender_domain": lesson.domain,
        "form": lesson.form.value,
        "skeleton": lesson.shape,
        "copies": lesson.tally.copies,
        "values": lesson.tally.values,
        "counts_as": lesson.form.value if reason else None,
        "why": reason,
    }


def _print_entries(found: list[tuple[Lesson, str]]) -> None:
    """One YAML document for each host on which something acts."""
    hosts: defaultdict[str, list[tuple[Lesson, str]]] = defaultdict(list)
    for lesson, reason in found:
        hosts[lesson.host].append((lesson, reason))
    day = f"{utc_now():%Y-%m-%d}"
    print(
        "---\n".join(vendor_file(host, several, day) for host, several in hosts.items() if any(map(_acts, several)))
    )


def _acts(lesson: tuple[Lesson, str]) -> bool:
    return bool(lesson[1])


def _show(settings: Settings, found: list[tuple[Lesson, str]]) -> None:
    if settings.trackers.learn == "off":
        print("trackers.learn is off: nothing is counted now.")
    if not found:
        print("Nothing was learnt yet.")
        return
    table = Table(box=None, header_style="bold")
    for column in ("sender domain", "form", "skeleton"):
        table.add_column(column, no_wrap=column != "skeleton", overflow="fold")
    for column in ("copies", "values"):
        table.add_column(column, justify="right", no_wrap=True)
    table.add_column("counts as", no_wrap=True)
    for lesson, reason in found:
        counts_as = f"{lesson.form.value} ({reason})" if reason else "-"
        if reason and settings.trackers.learn != "act":
            counts_as = f"would be {counts_as}"
        table.add_row(
            lesson.domain,
            lesson.form.value,
            lesson.shape,
            str(lesson.tally.copies),
            str(lesson.tally.values),
            counts_as,
        )
    Console().print(table)
