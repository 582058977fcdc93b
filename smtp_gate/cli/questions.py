"""``smtp-gate consent link``: each person's own address of the question, for mails that the gate does not send.

Whoever merges mails elsewhere takes the links from here. Mails that pass the gate need none: there the plain
address ``{public_url}/c/me`` becomes each recipient's own.
"""

from __future__ import annotations

import csv
import json
import os
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path  # noqa: TC003 - typer reads the types of options while it runs
from typing import TYPE_CHECKING, Annotated

import typer

from smtp_gate.cli.desk import EX_DATAERR, Config, Json, progress_bar
from smtp_gate.cli.rooms import DEFAULT_CONFIG, load
from smtp_gate.consent.mapping import is_address
from smtp_gate.policy.roles import spoken_for
from smtp_gate.tokens.mint import Mint

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TextIO

    from rich.progress import Progress

    from smtp_gate.gate.ruleset import Ruleset

    Linker = Callable[[str], tuple[str, str]]

EX_CANTCREAT = 73
MAX_TOLD = 20
"""Rows without a link that are named on standard error; the output marks them all."""
_DELIMITERS = ",;\t"
_NO_ADDRESS = "no plain address"
_MANY = "several people read it"


def link(
    source: Annotated[
        Path, typer.Option("--csv", exists=True, dir_okay=False, help="A first line with names; one is `address`.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The same with the columns `link` and `no_link`.")],
    controller: Annotated[str, typer.Option("--controller", help="Who asks: an id of the configuration.")] = "",
    *,
    config: Config = DEFAULT_CONFIG,
    as_json: Json = False,
) -> None:
    """Write each person's link to the consent page. Exit code 65: some rows got none; 73: no file can be made."""
    ruleset = load(config).ruleset
    mint = _mint(ruleset, controller)

    def one(address: str) -> tuple[str, str]:
        if not is_address(address):
            return "", _NO_ADDRESS
        octets = address.encode()
        if spoken_for(ruleset.policy, octets) is not None:
            return "", _MANY
        return mint.consent(octets), ""

    try:
        made, missed = _copied(source, output, one, progress_bar(as_json=as_json))
    except OSError as error:
        typer.echo(f"{output}: cannot be written: {error.strerror}", err=True)
        raise typer.Exit(EX_CANTCREAT) from None
    except (UnicodeDecodeError, csv.Error):
        raise typer.BadParameter(f"{source} is not UTF-8 text with separated columns") from None
    if as_json:
        told = [{"line": line, "problem": problem} for line, problem in missed]
        print(json.dumps({"links": made, "without": told}))
    else:
        print(f"{output}: {made} links, {len(missed)} rows without")
        for line, problem in missed[:MAX_TOLD]:
            typer.echo(f"{source}:{line}: {problem}", err=True)
    if missed:
        raise typer.Exit(EX_DATAERR)


def _mint(ruleset: Ruleset, controller: str) -> Mint:
    """Makes the links of one controller.

    Raises:
        BadParameter: when there are no pages to lead to, or no such controller.
    """
    if ruleset.keyring is None or not ruleset.public_url:
        raise typer.BadParameter("links lead to the web part: the configuration needs web and keys")
    known = [one.id for one in ruleset.policy.controllers]
    if not controller and len(known) == 1:
        controller = known[0]
    if controller not in known:
        raise typer.BadParameter(f"--controller must be one of the configuration: {', '.join(known) or 'none'}")
    return Mint(ruleset.keyring, ruleset.public_url, controller, None)


def _copied(source: Path, output: Path, one: Linker, progress: Progress) -> tuple[int, list[tuple[int, str]]]:
    """Write the output; how many rows got a link, and line and problem of each that got none.

    Raises:
        OSError: when it cannot be written.
    """
    made = 0
    missed: list[tuple[int, str]] = []
    with source.open("rb") as data, _kept(output) as out, progress as bar:
        task = bar.add_task("rows", total=source.stat().st_size)
        text = TextIOWrapper(data, encoding="utf-8-sig", newline="")
        for line, problem in _linked(text, out, one):
            made += not problem
            if problem:
                missed.append((line, problem))
            bar.update(task, completed=data.tell())
    return made, missed


@contextmanager
def _kept(path: Path) -> Iterator[TextIO]:
    """A file that is there once all of it is written; nobody else may read it, since addresses stand in it."""
    part = path.with_name(path.name + ".part")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", newline="") as out:
            yield out
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _linked(text: TextIOWrapper, out: TextIO, one: Linker) -> Iterator[tuple[int, str]]:
    """Copy the rows with their links; line and problem of each, the problem empty where there is a link.

    Raises:
        BadParameter: when no column is called ``address``.
    """
    header = text.readline()
    delimiter = max(_DELIMITERS, key=header.count)
    names = [name.strip().lower() for name in next(csv.reader([header], delimiter=delimiter), [])]
    if names.count("address") != 1:
        raise typer.BadParameter("the first line must name one column `address`")
    place = names.index("address")
    writer = csv.writer(out, delimiter=delimiter, lineterminator="\n")
    writer.writerow([*next(csv.reader([header], delimiter=delimiter)), "link", "no_link"])
    reader = csv.reader(text, delimiter=delimiter)
    for row in reader:
        if not any(row):
            continue
        found, problem = one(row[place].strip() if place < len(row) else "")
        writer.writerow([*row, *[""] * (len(names) - len(row)), found, problem])
        yield reader.line_num + 1, problem
