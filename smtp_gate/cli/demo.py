"""``smtp-gate demo``: sample mails of eight tools through an embedded gate, before and after, for three people."""

from __future__ import annotations

import asyncio
import json
import smtplib
import webbrowser
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Mount, Route

from smtp_gate.cli.demo_page import Person, Shown, counts, page
from smtp_gate.cli.embedded import EmbeddedGate
from smtp_gate.cli.mail import account
from smtp_gate.gate.variant import compose
from smtp_gate.model import EVERYTHING, NOTHING, Purpose
from smtp_gate.observe import log
from smtp_gate.observe.second_opinion import trackers_left
from smtp_gate.scan.message import scan
from smtp_gate.web.server import WebServer

if TYPE_CHECKING:
    from smtp_gate.gate import Ruleset

PEOPLE = {
    "alice@example.com": (EVERYTHING, "everything: pixels for all purposes, and tracked links"),
    "bob@example.com": (Purpose.PERFORMANCE, "pixels that measure performance, no tracked links"),
    "carol@example.com": (NOTHING, "nothing (never asked)"),
}
TITLES = {
    "activecampaign": "ActiveCampaign",
    "apollo": "Apollo",
    "brevo": "Brevo",
    "hubspot": "HubSpot",
    "lemlist": "Lemlist",
    "mailchimp": "Mailchimp",
    "outreach": "Outreach",
    "salesforce": "Salesforce Marketing Cloud",
}
CONFIG = """
listen: {{smtp: "127.0.0.1:1"}}
deliver: {{next_hops: ["smtp://127.0.0.1:{hop}?tls=none"]}}
web: {{public_url: "http://127.0.0.1:{web}"}}
keys: made for the demo
controllers:
  acme: {{name: Acme, senders: ["@acme.example"], privacy_url: "https://www.acme.example/privacy"}}
trackers:
  domains: {{lemlist: [go.acme.example], apollo: [click.acme.example]}}
"""
SENDER = "news@acme.example"

Once = Annotated[bool, typer.Option("--once", help="End by itself instead of waiting in the browser.")]
PageFile = Annotated[Path | None, typer.Option("--page", help="Also write the before/after page to this file.")]
Evidence = Annotated[Path | None, typer.Option("--evidence", help="Also write the figures to this file, as JSON.")]


def demo(*, once: Once = False, page_file: PageFile = None, evidence: Evidence = None) -> None:
    """Send sample mails of eight tools to three people through an embedded gate; show before and after."""
    log.configure(json=None, level="error")
    raise typer.Exit(asyncio.run(_demo(once=once, page_file=page_file, evidence=evidence)))


async def _demo(*, once: bool, page_file: Path | None, evidence: Path | None) -> int:
    console = Console()
    people = [Person(address, agreed) for address, (_, agreed) in PEOPLE.items()]
    async with EmbeddedGate(CONFIG) as gate:
        for address, (purposes, _) in PEOPLE.items():
            if purposes:
                await gate.grant("acme", address, purposes)
        shown = []
        for title, raw in _mails():
            gate.hop.messages.clear()
            await asyncio.to_thread(_send, gate.mail_port, raw)
            after = {name: sent.content for sent in gate.hop.messages for name in sent.recipients}
            shown.append(Shown(title, raw, after, _accounts(gate.ruleset, raw)))
        figures = _figures(shown, gate.ruleset)
        _table(console, shown, figures)
        markup = page(shown, people, _INTRO)
        if page_file is not None:
            _write(page_file, markup)
            console.print(f"page: {page_file}", highlight=False)
        if evidence is not None:
            _write(evidence, json.dumps(figures, indent=2) + "\n")
        if not once:
            await _show(console, gate, HTMLResponse(markup))
    return 0 if figures["good"] else 1


def _write(file: Path, text: str) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


_INTRO = (
    "Eight mails as eight tools send them, each through the gate to three people in one transaction. Images are "
    "not loaded here: looking at this page opens nothing. Links at the bottom of Alice's mails really withdraw."
)


def _mails() -> list[tuple[str, bytes]]:
    """Title and message of each sample."""
    folder = resources.files("smtp_gate.cli") / "demo_mails"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".eml")), key=lambda file: file.name)
    return [(TITLES[file.name.removesuffix(".eml")], file.read_bytes()) for file in files]


def _send(port: int, raw: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
        client.ehlo()
        client.mail(SENDER, ["BODY=8BITMIME"])
        for address in PEOPLE:
            client.rcpt(address)
        code, text = client.data(raw)
        if code != 250:  # noqa: PLR2004 - the demo's one expectation
            raise RuntimeError(f"the gate answered {code} {text.decode()}")


def _accounts(ruleset: Ruleset, raw: bytes) -> dict[str, dict[str, Any]]:
    """What ``explain --json`` says of the mail, for each person."""
    found = scan(raw, ruleset.catalogue, own=ruleset.public_url)
    found, treatment = ruleset.treat(SENDER.encode(), found)
    return {
        address: account("", found, compose(ruleset, found, treatment, purposes, address.encode()), purposes)
        for address, (purposes, _) in PEOPLE.items()
    }


def _figures(shown: list[Shown], ruleset: Ruleset) -> dict[str, Any]:
    """Counts for each mail and person, and whether an independent reader finds a tracker in what left."""
    rows = []
    for mail in shown:
        before = len(trackers_left(mail.before, ruleset.catalogue))
        for address, told in mail.accounts.items():
            left = trackers_left(mail.after[address], ruleset.catalogue) if address in mail.after else None
            rows.append(
                {
                    "mail": mail.title,
                    "person": address,
                    "octets": len(mail.before),
                    "trackers_before": before,
                    "actions": counts(told),
                    "footer": told["footer"],
                    "left": None if left is None else len(left),
                }
            )
    good = bool(rows) and all(row["left"] == 0 and row["trackers_before"] for row in rows)
    return {"good": good, "rows": rows}


def _table(console: Console, shown: list[Shown], figures: dict[str, Any]) -> None:
    table = Table("mail", "for", "what became of its trackers", "footer", "left for the vendor")
    rows = iter(figures["rows"])
    for mail in shown:
        for place, address in enumerate(mail.accounts):
            row = next(rows)
            done = ", ".join(f"{count} {what}" for what, count in row["actions"].items())
            title = f"{mail.title}\n{row['trackers_before']} trackers" if place == 0 else ""
            left = "[red]not delivered[/red]" if row["left"] is None else str(row["left"])
            table.add_row(title, address.split("@")[0], done, "yes" if row["footer"] else "", left)
        table.add_section()
    console.print(table)
    verdict = "[green]none[/green]" if figures["good"] else "[red]some, or a mail is missing[/red]"
    console.print(f"Trackers that an independent reader (BeautifulSoup, lxml) still finds: {verdict}")
    story = "asked by mail, tracked behind the gate, stopped with one button, and old mails are dead too"
    console.print(f"One person's story: {story} (`make journey` lives through it)", highlight=False)


async def _show(console: Console, gate: EmbeddedGate, index: HTMLResponse) -> None:
    """Serve the page and the live web part until Ctrl-C."""

    async def front(_: object) -> HTMLResponse:
        return index

    url = f"{gate.ruleset.public_url}/"
    web = WebServer(Starlette(routes=[Route("/", front), Mount("/", gate.web())]))
    serving = asyncio.ensure_future(web.serve(gate.web_door))
    console.print(f"\nBefore and after: [bold]{url}[/bold]   (Ctrl-C ends)", highlight=False)
    with suppress(webbrowser.Error):
        await asyncio.to_thread(webbrowser.open, url)
    try:
        await serving
    except asyncio.CancelledError:
        web.stop()
        await serving
