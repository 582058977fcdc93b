"""``smtp-gate consent import``: decisions from a file, a database or a web source, mapped once in YAML.

Exit codes: 0; 65 when rows did not count; 66 when the source cannot be read (to its end); 69 when the ledger does
not answer; 78 for a configuration or source file; 2 for a command that cannot be understood; 130 interrupted.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer

from smtp_gate.cli.desk import EX_DATAERR, EX_NOINPUT, Config, Json, caught_up, operator, progress_bar
from smtp_gate.cli.rooms import DEFAULT_CONFIG, Books, open_books
from smtp_gate.config.source import Source, load_source, plain_source
from smtp_gate.consent.imports import Imported, Skipped, import_rows
from smtp_gate.consent.mapping import Mapper, plain_columns
from smtp_gate.consent.raw_rows import CsvRows, JsonRows, NotThisFile
from smtp_gate.consent.transition import end_of
from smtp_gate.errors import ConfigError, SourceUnavailable
from smtp_gate.tokens import subject_of

if TYPE_CHECKING:
    from datetime import tzinfo

    from smtp_gate.config.source import Http
    from smtp_gate.consent.http_rows import HttpRows
    from smtp_gate.consent.raw_rows import Rows

MAX_TOLD = 1000
"""Rows of a source that are named one by one; the rest is counted."""
MAX_TOKEN = 65_536
"""Octets of a file with a token; one is some hundreds."""
EX_INTERRUPTED = 130
_YAML = (".yaml", ".yml")
_JSON = (".jsonl", ".ndjson")

File = Annotated[
    Path, typer.Argument(help="SOURCE.yaml, FILE.csv or FILE.jsonl; docs/consent.md.", exists=True, dir_okay=False)
]
Mapped = Annotated[
    Path | None, typer.Option("--map", help="YAML that says which column is what.", exists=True, dir_okay=False)
]
Rejects = Annotated[
    Path | None, typer.Option("--rejects", help="Write rows that do not count into this file, as JSON lines.")
]


def import_source(
    file: File,
    config: Config = DEFAULT_CONFIG,
    *,
    mapped: Mapped = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only tell what would happen.")] = False,
    rejects: Rejects = None,
    show: Annotated[bool, typer.Option("--show", help="Name the addresses of rows that do not count.")] = False,
    zone: Annotated[str, typer.Option(help="Of times without one, such as Europe/Paris.")] = "",
    as_json: Json = False,
) -> None:
    """Bring in decisions; the same row twice is one. Exit code 65: some rows did not count."""
    where = _zone(zone)
    source = _source(file, mapped)
    report = _Report()
    with ExitStack() as room:
        books = room.enter_context(open_books(config))
        rows = _rows(room, file, source, plain=mapped is None)
        if rejects is not None:
            report.rejects = room.enter_context(_private(rejects))
        mapper = Mapper(
            source.map,
            partial(subject_of, books.keyring),
            {name: each.name for name, each in books.settings.controllers.items()},
            folder=source.folder,
            zone=where,
            until=end_of(books.settings.consent.transition_until),
            actor=f"import by {operator()}",
            name=file.name,
        )
        done, problem = _brought(rows, mapper, books, report, dry_run=dry_run, as_json=as_json)
        behind = not dry_run and not caught_up(books)
    _tell(str(file), done, report, dry_run=dry_run, show=show, as_json=as_json)
    if behind:
        typer.echo("the cache does not answer; running gates catch it up", err=True)
    if problem:
        typer.echo(f"{problem}\nwhat was taken before stays; run the same command again", err=True)
        raise typer.Exit(EX_INTERRUPTED if problem == "interrupted" else EX_NOINPUT)
    if done.skipped:
        raise typer.Exit(EX_DATAERR)


class _Report:
    """What does not count."""

    def __init__(self) -> None:
        self.told: list[Skipped] = []
        self.reasons: Counter[str] = Counter()
        self.rejects: IO[str] | None = None

    def skipped(self, row: Skipped) -> None:
        self.reasons[row.reason] += 1
        if len(self.told) < MAX_TOLD:
            self.told.append(row)
        if self.rejects is not None:
            fields = {"_row": row.line, "_reason": row.reason, **row.values}
            text = json.dumps(fields, ensure_ascii=False, default=str)
            self.rejects.write(text.encode("utf-8", "backslashreplace").decode() + "\n")


def _brought(
    rows: Rows, mapper: Mapper, books: Books, report: _Report, *, dry_run: bool, as_json: bool
) -> tuple[Imported, str]:
    """Take the rows in with a bar; what came of it, and why it ended early."""
    seen = Imported(0, 0, 0, 0, 0)

    def progress(done: Imported) -> None:
        nonlocal seen
        seen = done
        bar.update(task, completed=rows.done(), description=f"{done.read:,} rows")

    with progress_bar(as_json=as_json) as bar:
        task = bar.add_task("rows", total=rows.size())
        try:
            done = import_rows(
                rows, mapper, books.ledger, dry_run=dry_run, skipped=report.skipped, progress=progress
            )
        except KeyboardInterrupt:
            return seen, "interrupted"
        except SourceUnavailable as error:
            return seen, str(error)
    return done, ""


def _source(file: Path, mapped: Path | None) -> Source:
    """The map, and the origin when the file names one."""
    if file.suffix.lower() in _YAML:
        if mapped is not None:
            raise typer.BadParameter("--map goes with a CSV or JSON file; a source has its map inside")
        source = load_source(file)
        if source.origin is None:
            raise ConfigError(str(file), "from", "is missing; a map alone is given with --map beside a file")
        return source
    if mapped is None:
        return plain_source(file.resolve().parent)
    source = load_source(mapped)
    if source.origin is not None and (source.origin.sql or source.origin.http):
        raise ConfigError(str(mapped), "from", "is no file; import the source by itself, without --map")
    return source


def _rows(room: ExitStack, file: Path, source: Source, *, plain: bool) -> Rows:
    """Open what the rows come from."""
    origin = source.origin
    rows: Rows
    try:
        if file.suffix.lower() in _YAML:
            assert origin is not None  # noqa: S101 - looked at above
            if origin.sql is not None:
                # Here, since few imports need it.
                from smtp_gate.consent.sql_rows import SqlRows  # noqa: PLC0415

                rows = room.enter_context(closing(SqlRows(origin.sql.url, origin.sql.query)))
            elif origin.http is not None:
                return room.enter_context(closing(_web(origin.http, source.folder)))
            elif origin.jsonl is not None:
                return JsonRows(_opened(room, source.folder / origin.jsonl.path), origin.jsonl.path.name)
            else:
                assert origin.csv is not None  # noqa: S101 - one of the four is there
                csv = origin.csv
                opened = _opened(room, source.folder / csv.path)
                rows = CsvRows(opened, csv.path.name, csv.delimiter, csv.encoding)
        elif file.suffix.lower() in _JSON:
            return JsonRows(_opened(room, file), file.name)
        else:
            shape = origin.csv if origin else None
            opened = _opened(room, file)
            read = CsvRows(opened, file.name, *((shape.delimiter, shape.encoding) if shape else ()))
            if plain:
                read.columns = plain_columns(read.columns)
            rows = read
    except NotThisFile as error:
        typer.echo(f"{file}: {error}", err=True)
        raise typer.Exit(EX_DATAERR) from None
    if not plain or file.suffix.lower() in _YAML:
        source.check_columns(rows.columns or [], rows.name)
    return rows


def _web(http: Http, folder: Path) -> HttpRows:
    # Here, since it takes a quarter of a second to load.
    from smtp_gate.consent.http_rows import HttpRows  # noqa: PLC0415

    token = http.token
    if http.token_file is not None:
        path = folder / http.token_file
        try:
            with path.open("rb") as file:
                token = file.read(MAX_TOKEN).decode("ascii").strip()
        except OSError as error:
            raise SourceUnavailable(str(path), f"cannot be read: {error.strerror}") from None
        except UnicodeDecodeError:
            raise SourceUnavailable(str(path), "holds no token") from None
    headers = {**http.headers, **({"authorization": f"Bearer {token}"} if token else {})}
    return HttpRows(http.url, http.items, http.pages, headers)


def _opened(room: ExitStack, path: Path) -> IO[bytes]:
    try:
        return room.enter_context(path.open("rb"))
    except OSError as error:
        raise SourceUnavailable(str(path), f"cannot be read: {error.strerror}") from None


def _private(path: Path) -> IO[str]:
    """A file that its owner alone reads: people stand in it."""
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise SourceUnavailable(str(path), f"cannot be written: {error.strerror}") from None
    return os.fdopen(handle, "w", encoding="utf-8")


def _tell(file: str, done: Imported, report: _Report, *, dry_run: bool, show: bool, as_json: bool) -> None:
    if as_json:
        told = [
            {"line": row.line, "reason": row.reason, **({"address": row.address} if show else {})}
            for row in report.told
        ]
        counts = {"file": file, "dry_run": dry_run, **done._asdict()}
        print(json.dumps({**counts, "reasons": report.reasons, "rows": told}))
        return
    for row in report.told:
        print(f"{file}:{row.line}: {row.reason}{f' ({row.address})' if show else ''}")
    if done.skipped > len(report.told):
        print(f"... and {done.skipped - len(report.told):,} more")
    word = "would be taken" if dry_run else "taken"
    print(f"{file}: {done.taken:,} {word}, {done.repeated:,} there already, {done.skipped:,} do not count")
    if done.undated:
        print(f"  {done.undated:,} refusals or withdrawals say no time that can be used: they count from now")
    for reason, number in report.reasons.most_common():
        print(f"  {number:,}: {reason}")


def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise typer.BadParameter("--zone must be a time zone such as UTC or Europe/Paris") from None
