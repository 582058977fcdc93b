"""``smtp-gate webhooks``: where the endpoints stand, and whether they can be reached."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from smtp_gate.cli.desk import Config, Json  # noqa: TC001 - Typer reads them at run time
from smtp_gate.cli.rooms import DEFAULT_CONFIG, open_books
from smtp_gate.consent import utc_now
from smtp_gate.hooks.call import NotTold, call
from smtp_gate.hooks.endpoint import endpoint_of
from smtp_gate.hooks.letter import signed, trial
from smtp_gate.limits import HOOK_BATCH

if TYPE_CHECKING:
    from smtp_gate.cli.rooms import Books
    from smtp_gate.hooks.endpoint import Endpoint

app = typer.Typer(no_args_is_help=True, help="Endpoints that are told of decisions: where they stand, a trial.")
EX_UNAVAILABLE = 69


@app.command()
def status(config: Config = DEFAULT_CONFIG, *, as_json: Json = False) -> None:
    """How far each endpoint was told, and when it is tried again."""
    with open_books(config) as books:
        told = [_standing(books, endpoint_of(settings)) for settings in books.settings.webhooks]
    if as_json:
        print(json.dumps({"webhooks": told}))
        return
    for each in told:
        more = "+" if each["waiting"] == HOOK_BATCH else ""
        again = f", tried {each['attempts']} times in vain, again {each['due']}" if each["attempts"] else ""
        waiting = f"{each['waiting']}{more} wait{again}"
        print(f"{each['url']} ({each['controller']}): told up to event {each['told']}, {waiting}")


@app.command("test")
def send_trial(
    config: Config = DEFAULT_CONFIG,
    url: Annotated[str, typer.Option("--url", help="Only this endpoint of the configuration.")] = "",
    *,
    as_json: Json = False,
) -> None:
    """Send each endpoint a signed message of the type "test". Exit code 69: one did not take it."""
    with open_books(config) as books:
        endpoints = [endpoint_of(each) for each in books.settings.webhooks if url in ("", each.url)]
    if not endpoints:
        raise typer.BadParameter("no such endpoint in the configuration", param_hint="--url")
    said = {endpoint.url: _tried(endpoint) for endpoint in endpoints}
    if as_json:
        print(json.dumps({"webhooks": [{"url": place, "answer": answer} for place, answer in said.items()]}))
    else:
        for place, answer in said.items():
            print(f"{place}: {answer}")
    if any(answer != "taken" for answer in said.values()):
        raise typer.Exit(EX_UNAVAILABLE)


def _standing(books: Books, endpoint: Endpoint) -> dict[str, object]:
    state = books.ledger.hook(endpoint.id)
    waiting, _ = books.ledger.hook_events(state.seq, endpoint.controller, endpoint.choices, HOOK_BATCH)
    due = (
        datetime.fromtimestamp(state.due / 1_000_000, UTC).isoformat(timespec="seconds") if state.attempts else None
    )
    return {
        "url": endpoint.url,
        "controller": endpoint.controller,
        "told": state.seq,
        "waiting": len(waiting),
        "attempts": state.attempts,
        "due": due,
    }


def _tried(endpoint: Endpoint) -> str:
    now = utc_now()
    letter = trial(now.isoformat())
    try:
        call(endpoint, letter.body, signed(letter, endpoint.secret, int(now.timestamp())))
    except NotTold as problem:
        return problem.reason
    return "taken"
