"""``smtp-gate inactive``: whom to stop writing to, the only reader of the days of last openings."""

from __future__ import annotations

import csv
import json
import re
import sys
from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import typer

from smtp_gate.cli.desk import Config, Json, controller_named
from smtp_gate.cli.rooms import DEFAULT_CONFIG, Books, open_books
from smtp_gate.consent import utc_now
from smtp_gate.consent.mapping import is_address
from smtp_gate.consent.standing import consent_at
from smtp_gate.model import PIXEL_PURPOSES, UNKNOWN
from smtp_gate.policy.decide import measurable
from smtp_gate.tokens import subject_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_SPAN = re.compile(r"([1-9][0-9]{0,4})d")

Since = Annotated[str, typer.Option("--since", help="Days without an opening, such as 180d.", metavar="DAYS")]
Whose = Annotated[str, typer.Option("--controller", help="Id of the controller; needed when there are several.")]
Among = Annotated[
    Path | None,
    typer.Option(
        "--among",
        help="Addresses you write to, one a line: who of them never opened counts too.",
        exists=True,
        dir_okay=False,
    ),
]
Csv = Annotated[bool, typer.Option("--csv", help="CSV: address, day of the last opening.")]


class Row(NamedTuple):
    """Somebody to stop writing to.

    Attributes:
        address: theirs.
        last: day of the last opening; None where there was none.
    """

    address: str
    last: date | None


def inactive(
    since: Since,
    config: Config = DEFAULT_CONFIG,
    controller: Whose = "",
    among: Among = None,
    *,
    as_csv: Csv = False,
    as_json: Json = False,
) -> None:
    """List addresses that opened nothing for so many days, to stop writing to them (rules with pixels: minimise).

    Who objected is never listed, and who agreed to pixels neither: their openings are not kept here.
    """
    span = _SPAN.fullmatch(since)
    if span is None:
        raise typer.BadParameter("write a number of days, such as 180d", param_hint="--since")
    today = utc_now().date()
    before = today - timedelta(days=int(span[1]))
    left: Counter[str] = Counter()
    with open_books(config) as books:
        name = controller_named(books, controller)
        last = {opening.subject: opening.day for opening in books.ledger.openings(name)}
        people = _among(books, among, left) if among else _known(books, last, left)
        rows = [
            Row(address, last.get(subject))
            for address, subject in people
            if last.get(subject, date.min) <= before and _counts(books, name, subject, left)
        ]
    rows.sort()
    if as_json:
        plain = [{"address": row.address, "last": row.last and row.last.isoformat()} for row in rows]
        print(json.dumps({"controller": name, "before": before.isoformat(), "inactive": plain, "left_out": left}))
    elif as_csv:
        table = csv.writer(sys.stdout, lineterminator="\n")
        table.writerow(("address", "last"))
        table.writerows((row.address, row.last or "") for row in rows)
    else:
        for row in rows:
            print(f"{row.address}  {row.last or 'never'}")
    for reason, number in sorted(left.items()):
        typer.echo(f"left out: {number} {reason}", err=True)


def _known(books: Books, last: dict[bytes, date], left: Counter[str]) -> Iterator[tuple[str, bytes]]:
    """People with a day whose address the ledger knows."""
    for subject in last:
        address = books.ledger.address(subject)
        if address is None:
            left["whose address is not in the ledger: name your list with --among"] += 1
        else:
            yield address.decode("utf-8", "replace"), subject


def _among(books: Books, path: Path, left: Counter[str]) -> Iterator[tuple[str, bytes]]:
    """People of a list; the first column of a CSV file counts."""
    seen = set()
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        for cells in csv.reader(file):
            address = cells[0].strip() if cells else ""
            if not is_address(address):
                left["lines without an address"] += bool(address)
                continue
            subject = subject_of(books.keyring, address.encode())
            if subject not in seen:
                seen.add(subject)
                yield address, subject


def _counts(books: Books, controller: str, subject: bytes, left: Counter[str]) -> bool:
    """Whether no opening means anything: it does not for people whose openings are not kept."""
    standing = books.ledger.standing(controller, subject)
    consent = UNKNOWN if standing is None else consent_at(standing.mark, standing.grants, utc_now().timestamp())
    if consent.granted & PIXEL_PURPOSES:
        left["who agreed to pixels"] += 1
        return False
    if not measurable(consent):
        left["who objected"] += 1
        return False
    return True
