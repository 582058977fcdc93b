"""``smtp-gate trackers``: what the catalogue knows, and what it says about one address; nothing is contacted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from smtp_gate.config.catalogue import load_catalogue
from smtp_gate.errors import GateError
from smtp_gate.model import Kind, Look, Purpose

if TYPE_CHECKING:
    from collections.abc import Sequence

    from smtp_gate.model import Judgement
    from smtp_gate.trackers import Catalogue
    from smtp_gate.trackers.vendor import Pattern, Vendor

app = typer.Typer(no_args_is_help=True, help="What the tracker catalogue knows; nothing is contacted.")
Extra = Annotated[
    Path | None, typer.Option("--extra", help="A folder of further vendor files.", file_okay=False, exists=True)
]
Domains = Annotated[
    list[str] | None,
    typer.Option("--domain", help="A tracking host of your own, as VENDOR=HOST; may be given again."),
]
Json = Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")]

BARE = Look(None, None, (), None, responsive=False)
"""A picture of which markup tells nothing."""


@app.command("list")
def list_vendors(extra: Extra = None, domain: Domains = None, *, as_json: Json = False) -> None:
    """The vendors, and how many addresses of each kind are known."""
    catalogue = _catalogue(extra, domain)
    if as_json:
        print(json.dumps({"vendors": [_summary(vendor) for vendor in catalogue.vendors]}))
        return
    table = Table(box=None, header_style="bold")
    for column in ("id", "name", "country"):
        table.add_column(column, no_wrap=True)
    counts = ("pixels", "links", "readable")
    for column in counts:
        table.add_column(column, justify="right", no_wrap=True)
    for vendor in catalogue.vendors:
        summary = _summary(vendor)
        table.add_row(vendor.id, vendor.name, vendor.country, *(str(summary[column]) for column in counts))
    Console().print(table)


@app.command("show")
def show(
    vendor: Annotated[str, typer.Argument(help="Its id, as `list` shows it.")],
    extra: Extra = None,
    domain: Domains = None,
    *,
    as_json: Json = False,
) -> None:
    """Everything that is known about one vendor, and where it is known from."""
    catalogue = _catalogue(extra, domain)
    found = next((entry for entry in catalogue.vendors if entry.id == vendor), None)
    if found is None:
        known = ", ".join(entry.id for entry in catalogue.vendors)
        raise typer.BadParameter(f"{vendor!r} is not in the catalogue; choose one of: {known}")
    told = _vendor(found)
    if as_json:
        print(json.dumps(told))
        return
    print(f"{found.name} ({found.id}{', ' + found.country if found.country else ''})")
    for shelf in ("pixels", "links", "functional", "content", "pictures"):
        for pattern in told[shelf]:
            print(f"\n{shelf}: {pattern['name']}")
            for key, value in pattern.items():
                if key != "name" and value:
                    _line(key, value)
    for header in told["headers"]:
        print(f"\nheader: {header['name']}" + (f": {header['value']}" if header["value"] else ""))
    if found.parameters:
        print(f"\npersonal parameters: {', '.join(found.parameters)}")


@app.command("test")
def judge(
    url: Annotated[str, typer.Argument(help="An address as it stands in a mail.")],
    words: Annotated[str, typer.Option("--words", help="The visible words of the link.")] = "",
    extra: Extra = None,
    domain: Domains = None,
    *,
    as_json: Json = False,
) -> None:
    """What an address is as a link, as a picture without size, as any other load, and where it leads."""
    catalogue = _catalogue(extra, domain)
    told: dict[str, Any] = {
        "url": url,
        "link": _judged(catalogue.link(url, words.lower, frozenset())),
        "image": _judged(catalogue.image(url, BARE)),
        "load": _judged(catalogue.load(url)),
        "target": catalogue.target(url),
    }
    if as_json:
        print(json.dumps(told))
        return
    for way in ("link", "image", "load"):
        print(f"as {way + ':':7}{_sentence(told[way])}")
    if told["link"] and told["link"]["kind"] == Kind.LINK and not told["target"]:
        print("Where it leads is known to the vendor only.")


def _catalogue(extra: Path | None, domains: Sequence[str] | None) -> Catalogue:
    hosts: dict[str, list[str]] = {}
    for pair in domains or ():
        vendor, sign, host = pair.partition("=")
        if not (vendor and sign and host):
            raise typer.BadParameter(f"{pair!r}: write it as VENDOR=HOST, such as lemlist=go.acme.example")
        hosts.setdefault(vendor, []).append(host)
    try:
        return load_catalogue(extra, hosts, "")
    except GateError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(error.exit_code) from None


def _summary(vendor: Vendor) -> dict[str, Any]:
    return {
        "id": vendor.id,
        "name": vendor.name,
        "country": vendor.country,
        "pixels": len(vendor.pixels),
        "links": len(vendor.links),
        "readable": sum(bool(link.targets) for link in vendor.links),
        "functional": len(vendor.functional),
        "content": len(vendor.content),
        "pictures": len(vendor.pictures),
        "headers": len(vendor.headers),
    }


def _vendor(vendor: Vendor) -> dict[str, Any]:
    return {
        "id": vendor.id,
        "name": vendor.name,
        "country": vendor.country,
        "own_purposes": vendor.own_purposes,
        "pixels": [_pattern(pattern) for pattern in vendor.pixels],
        "links": [_pattern(pattern) for pattern in vendor.links],
        "functional": [_pattern(pattern) for pattern in vendor.functional],
        "content": [_pattern(pattern) for pattern in vendor.content],
        "pictures": [_pattern(pattern) for pattern in vendor.pictures],
        "headers": [
            {
                "name": sign.name,
                "value": sign.value.pattern if sign.value else None,
                "confidence": sign.fact.confidence.value,
                "source": sign.fact.source,
                "checked": sign.fact.checked,
            }
            for sign in vendor.headers
        ],
        "parameters": list(vendor.parameters),
    }


def _pattern(pattern: Pattern) -> dict[str, Any]:
    return {
        "name": pattern.name,
        "hosts": list(pattern.hosts),
        "host_pattern": pattern.host_pattern.pattern if pattern.host_pattern else None,
        "path": pattern.path.pattern if pattern.path else None,
        "anywhere": pattern.anywhere,
        "purposes": _purposes(pattern.purposes),
        "targets": [" -> ".join((decoder.start, *decoder.steps)) for decoder in pattern.targets],
        "confidence": pattern.fact.confidence.value,
        "source": pattern.fact.source,
        "checked": pattern.fact.checked,
        "examples": list(pattern.examples),
    }


def _judged(judgement: Judgement | None) -> dict[str, Any] | None:
    if judgement is None:
        return None
    return {
        "kind": judgement.kind.value,
        "vendor": judgement.vendor,
        "target": judgement.target,
        "purposes": _purposes(judgement.purposes),
        "evidence": list(judgement.evidence),
    }


def _purposes(purposes: Purpose) -> list[str]:
    return [purpose.name.lower() for purpose in Purpose if purpose in purposes and purpose.name]


def _line(key: str, value: Any) -> None:
    values = value if isinstance(value, list) else ["yes" if value is True else value]
    for number, item in enumerate(values):
        print(f"  {key + ':' if number == 0 else '':14}{item}")


def _sentence(judged: dict[str, Any] | None) -> str:
    if judged is None:
        return "plain"
    purposes = f", for {' + '.join(judged['purposes'])}" if judged["purposes"] else ""
    vendor = f" of {judged['vendor']}" if judged["vendor"] else ""
    leads = f" -> {judged['target']}" if judged["target"] else ""
    return f"{judged['kind']}{vendor}{purposes} ({', '.join(judged['evidence'])}){leads}"
