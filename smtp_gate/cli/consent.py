"""``smtp-gate consent``: ask and change what one person agreed to, bring in many, load the cache anew.

Exit codes: 0; 1 when cache and ledger differ; 65 when rows of a file did not count; 69 when ledger or cache does
not answer; 78 for the configuration; 2 for a command that cannot be understood.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from smtp_gate.cli.desk import (
    Address,
    Config,
    Json,
    controller_named,
    now_of,
    operator,
    progress_bar,
    run_once,
    subject_named,
)
from smtp_gate.cli.imports import import_source
from smtp_gate.cli.rooms import DEFAULT_CONFIG, Books, open_books
from smtp_gate.consent import Choice, Event, names_of, purposes_of, utc_now
from smtp_gate.consent.redis_verify import compare

if TYPE_CHECKING:
    from smtp_gate.consent import Recorded
    from smtp_gate.consent.redis_cache import Reloaded
    from smtp_gate.consent.redis_verify import Compared

app = typer.Typer(no_args_is_help=True, help="Who agreed to what: ask, record, import, reload the cache.")
Whose = Annotated[str, typer.Option("--controller", help="Id of the controller; needed when there are several.")]
Reference = Annotated[str, typer.Option(help="What finds it at the source: a form, a ticket.")]
Notice = Annotated[str, typer.Option(help="Version of the wording that was shown.")]
Language = Annotated[str, typer.Option(help="Language of that wording; left out: the only one that is kept.")]
Method = Annotated[str, typer.Option(help="By which means the person decided: form, phone, paper ...")]


@app.command()
def get(
    address: Address,
    config: Config = DEFAULT_CONFIG,
    controller: Whose = "",
    *,
    history: Annotated[bool, typer.Option("--history", help="Every decision, oldest first.")] = False,
    as_json: Json = False,
) -> None:
    """Show what a person agreed to now, as the ledger has it."""
    with open_books(config) as books:
        subject = subject_named(books, address)
        names = [controller_named(books, controller)] if controller else list(books.settings.controllers)
        told = [now_of(books, name, subject) for name in names]
        events = [_plain(each) for each in books.ledger.history(subject, controller)] if history else None
    if as_json:
        print(
            json.dumps(
                {"address": address, "consent": [now.plain() for now in told]}
                | ({"history": events} if history else {})
            )
        )
        return
    for now in told:
        print(now)
    if events is not None:
        _show_history(events)


@app.command()
def grant(
    address: Address,
    purposes: Annotated[str, typer.Argument(help="performance,profiling,fraud,deliverability,clicks")],
    source: Annotated[str, typer.Option(help="Where the person agreed: a page's address, a list, a desk.")],
    notice: Annotated[str, typer.Option(help="Version of the wording that the person agreed to.")],
    *,
    config: Config = DEFAULT_CONFIG,
    controller: Whose = "",
    method: Method = "command",
    reference: Reference = "",
    language: Language = "",
    expires: Annotated[str, typer.Option(help="End, such as 2027-04-14T00:00:00Z; left out: none.")] = "",
    as_json: Json = False,
) -> None:
    """Record that a person agreed, just now. A grant needs its origin, or it proves nothing."""
    if "all" in purposes.lower():
        raise typer.BadParameter("purposes of a grant must be named one by one")
    with open_books(config) as books:
        end = _moment(expires)
        origin = {
            "method": method,
            "source": source,
            "reference": reference,
            "notice": notice,
            "language": language,
        }
        _record(
            books,
            Choice.GRANT,
            address,
            purposes,
            controller=controller,
            origin=origin,
            expires=end,
            as_json=as_json,
        )


@app.command()
def refuse(
    address: Address,
    purposes: Annotated[str, typer.Argument(help="Names as for grant, or all.")] = "all",
    *,
    config: Config = DEFAULT_CONFIG,
    controller: Whose = "",
    method: Method = "command",
    source: Annotated[str, typer.Option(help="Where the person said no.")] = "command line",
    reference: Reference = "",
    notice: Notice = "",
    language: Language = "",
    as_json: Json = False,
) -> None:
    """Record that a person was asked and said no, just now."""
    with open_books(config) as books:
        origin = {
            "method": method,
            "source": source,
            "reference": reference,
            "notice": notice,
            "language": language,
        }
        _record(books, Choice.REFUSE, address, purposes, controller=controller, origin=origin, as_json=as_json)


@app.command()
def withdraw(
    address: Address,
    purposes: Annotated[str, typer.Argument(help="Names as for grant, or all.")] = "all",
    *,
    config: Config = DEFAULT_CONFIG,
    controller: Whose = "",
    method: Method = "command",
    source: Annotated[str, typer.Option(help="Where the person took it back.")] = "command line",
    reference: Reference = "",
    notice: Notice = "",
    language: Language = "",
    as_json: Json = False,
) -> None:
    """Record that a person takes consent back, just now; what is not named stays."""
    with open_books(config) as books:
        origin = {
            "method": method,
            "source": source,
            "reference": reference,
            "notice": notice,
            "language": language,
        }
        _record(books, Choice.WITHDRAW, address, purposes, controller=controller, origin=origin, as_json=as_json)


app.command("import")(import_source)


@app.command()
def reload(
    config: Config = DEFAULT_CONFIG,
    *,
    verify: Annotated[bool, typer.Option("--verify", help="Only compare; 1: they differ.")] = False,
    as_json: Json = False,
) -> None:
    """Load the cache anew from the ledger, beside the one in use, and change over."""
    with open_books(config) as books, progress_bar(as_json=as_json) as bar:
        cache = books.cache
        if cache is None:
            print(
                json.dumps({"cache": False}) if as_json else "no cache is configured: the ledger is read directly"
            )
            return
        task = bar.add_task("people", total=books.ledger.count())

        def progress(number: int) -> None:
            bar.update(task, completed=number)

        if verify:
            _tell_difference(run_once(books, compare(books.ledger, cache, progress)), as_json=as_json)
            return

        async def load() -> tuple[Reloaded, list[str]]:
            return await cache.reload(books.ledger, progress), await cache.unwise()

        done, unwise = run_once(books, load())
    if as_json:
        print(json.dumps({"cache": True, **done._asdict(), "settings": unwise}))
        return
    print(f"{done.records:,} people up to event {done.applied:,}; {done.removed:,} keys of older ones removed")
    for setting in unwise:
        typer.echo(f"Redis: {setting} should be another one, see docs/consent.md", err=True)


def _tell_difference(found: Compared, *, as_json: bool) -> None:
    """Only numbers: who it is, nobody needs to know, since a reload cures all of it."""
    if as_json:
        print(json.dumps({"same": found.same, **found._asdict()}))
    else:
        differences = ", ".join(
            f"{number:,} {name}" for name, number in found._asdict().items() if name != "records"
        )
        print(f"{found.records:,} people in the ledger; in the cache {differences}")
    if not found.same:
        raise typer.Exit(1)


def _record(
    books: Books,
    decision: Choice,
    address: str,
    purposes: str,
    *,
    controller: str,
    origin: dict[str, str],
    expires: datetime | None = None,
    as_json: bool,
) -> None:
    name, subject = controller_named(books, controller), subject_named(books, address)
    if origin["notice"] and not origin["language"]:
        origin = origin | {"language": _language_kept(books, name, origin["notice"])}
    try:
        event = Event(
            controller=name,
            subject=subject,
            purposes=purposes_of(purposes),
            decision=decision,
            at=utc_now(),
            expires=expires,
            actor=operator(),
            **origin,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    seq = run_once(books, books.register.record(event, address.encode()))
    now = now_of(books, name, subject)
    print(json.dumps({"event": seq} | now.plain()) if as_json else f"event {seq}; {now}")


def _language_kept(books: Books, controller: str, version: str) -> str:
    """The language of a wording that is kept in one only: without it, the proof would not find its text."""
    kept = books.ledger.languages(controller, version)
    if len(kept) > 1:
        raise typer.BadParameter(f"--language must say which was shown: {version} is kept in {', '.join(kept)}")
    return kept[0] if kept else ""


def _plain(each: Recorded) -> dict[str, str | int]:
    event = each.event
    return {
        "event": each.seq,
        "controller": event.controller,
        "at": event.at.isoformat(),
        "decision": event.decision.value,
        "purposes": ", ".join(names_of(event.purposes)),
        "method": event.method,
        "source": event.source,
        "reference": event.reference,
        "notice": event.notice,
        "language": event.language,
        "actor": event.actor,
        "expires": event.expires.isoformat() if event.expires else "",
        "recorded": each.recorded.isoformat(),
    }


def _show_history(events: list[dict[str, str | int]]) -> None:
    columns = ("event", "controller", "at", "decision", "purposes", "method", "source", "notice", "expires")
    console = Console()
    for event in events:
        console.print(f"\nevent {event['event']}", style="bold", highlight=False)
        for column in columns:
            if column != "event" and event[column] not in ("", None):
                console.print(f"  {column:<12}{event[column]}", highlight=False, markup=False, soft_wrap=True)


def _moment(text: str) -> datetime | None:
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    raise typer.BadParameter("--expires must be a time with a zone, such as 2027-04-14T00:00:00Z")
