"""``smtp-gate ledger``: check the ledger, sign its head, keep wordings, show or erase one person.

Exit codes: 0; 65 when something is wrong with the ledger, the heads or a wording; 66 for a file that cannot be
read or written; 69 when ledger or cache does not answer; 78 for the configuration; 2 for a command that cannot
be understood.
"""

from __future__ import annotations

import json
import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from smtp_gate import __version__
from smtp_gate.cli import database
from smtp_gate.cli.desk import (
    EX_DATAERR,
    EX_NOINPUT,
    Address,
    Config,
    Json,
    caught_up,
    controller_named,
    now_of,
    operator,
    progress_bar,
    subject_named,
)
from smtp_gate.cli.export import export, export_verdict
from smtp_gate.cli.retain import retain
from smtp_gate.cli.rooms import DEFAULT_CONFIG, open_books
from smtp_gate.consent import utc_now
from smtp_gate.consent.erasure import number_erased
from smtp_gate.consent.heads import NotAHead, OtherLedger, keep_head, read_heads, sign
from smtp_gate.consent.notices import OtherWording, key_of, sha256_of
from smtp_gate.consent.proof import Proof

if TYPE_CHECKING:
    from smtp_gate.cli.rooms import Books
    from smtp_gate.consent.heads import Head
    from smtp_gate.consent.verify import Verdict

app = typer.Typer(no_args_is_help=True, help="The proof: check it, sign it, show it, take a person out.")
app.command()(database.upgrade)
app.command()(database.rebuild)
app.command()(database.roles)
app.command()(retain)
app.command()(export)

File = Annotated[Path, typer.Argument(help="The wording, UTF-8.", exists=True, dir_okay=False)]
Heads = Annotated[Path | None, typer.Option(help="File of signed heads.", exists=True, dir_okay=False)]
Whose = Annotated[str, typer.Option("--controller", help="Id of the controller; left out: all, or the only one.")]


@app.command()
def verify(
    config: Config = DEFAULT_CONFIG,
    heads: Heads = None,
    exported: Annotated[
        Path | None, typer.Option("--export", help="Look at this export instead.", exists=True, dir_okay=False)
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Hash every event again and name the first bad one. Exit code 65: the ledger is not what was recorded."""
    with open_books(config) as books:
        signed = {seq: head.hash for seq, head in _signed(books, heads or _configured(books)).items()}
        verdict = export_verdict(exported, signed) if exported else _looked_at(books, signed, as_json=as_json)
    fault = verdict.fault
    if as_json:
        told = {"events": verdict.events, "hash": verdict.hash.hex(), "good": fault is None}
        print(json.dumps(told | {"fault": fault._asdict() if fault else None}))
    elif fault is None:
        print(f"good: {verdict.events:,} events, the last one's hash is {verdict.hash.hex()}")
    else:
        print(f"NOT GOOD ({fault.kind}): {fault.text}\n{verdict.events:,} events before it are good")
    if fault is not None:
        raise typer.Exit(EX_DATAERR)


@app.command()
def heads(
    config: Config = DEFAULT_CONFIG,
    output: Annotated[Path | None, typer.Option("-o", "--output", help="Add it to this file.")] = None,
    *,
    as_json: Json = False,
) -> None:
    """Sign the head of the ledger: how many events there are, and the last one's hash."""
    with open_books(config) as books:
        if output is None:
            print(sign(*books.ledger.last(), utc_now(), books.keyring).line().decode(), end="")
            return
        try:
            head = keep_head(output, books.ledger, books.keyring, utc_now)
        except OSError as error:
            typer.echo(f"{output}: cannot be written: {error.strerror}", err=True)
            raise typer.Exit(EX_NOINPUT) from None
        except (NotAHead, OtherLedger) as error:
            typer.echo(f"{output}: {error}", err=True)
            raise typer.Exit(EX_DATAERR) from None
    if as_json:
        print(json.dumps({"file": str(output), "added": head is not None}))
    else:
        print(f"{output}: {f'signed at event {head.events:,}' if head else 'nothing new to sign'}")


@app.command()
def notice(
    file: File,
    version: Annotated[str, typer.Option(help="As events name it, such as v3.")],
    config: Config = DEFAULT_CONFIG,
    controller: Whose = "",
    language: Annotated[str, typer.Option(help="Its two-letter language; as events name it.")] = "",
    *,
    as_json: Json = False,
) -> None:
    """Keep a wording for good; events recorded from now on that name it hold its hash."""
    try:
        text = file.read_bytes().decode()
    except UnicodeDecodeError:
        typer.echo(f"{file}: is not UTF-8", err=True)
        raise typer.Exit(EX_DATAERR) from None
    with open_books(config) as books:
        name = controller_named(books, controller)
        try:
            added = books.ledger.add_notice(name, version, language, text)
        except OtherWording:
            problem = f"another wording is {version!r} of {name} already; give this one a version of its own"
            typer.echo(f"{file}: {problem}", err=True)
            raise typer.Exit(EX_DATAERR) from None
    digest = sha256_of(text).hex()
    if as_json:
        print(json.dumps({"controller": name, "version": version, "added": added, "sha256": digest}))
    else:
        print(f"{file}: {'kept' if added else 'there already'} as {version} of {name}, sha256 {digest}")


@app.command()
def proof(
    address: Address,
    config: Config = DEFAULT_CONFIG,
    controller: Whose = "",
    heads: Heads = None,
    *,
    quick: Annotated[bool, typer.Option("--quick", help="Look at this person's events only.")] = False,
    pdf: Annotated[Path | None, typer.Option("--pdf", help="Write it as PDF into this file.")] = None,
    as_json: Json = False,
) -> None:
    """The whole history of one person, with the wordings shown. Exit code 65: something is not as recorded."""
    with open_books(config) as books:
        subject = subject_named(books, address)
        name = controller_named(books, controller) if controller else ""
        signed = {} if quick else _signed(books, heads or _configured(books))
        hashes = {seq: head.hash for seq, head in signed.items()}
        verdict = None if quick else _looked_at(books, hashes, as_json=as_json)
        events = books.ledger.chained(subject, name)
        owners = dict.fromkeys(each.recorded.event.controller for each in events)
        known = books.settings.controllers
        asked = [name] if name else owners or known
        shown = Proof(
            address=address,
            subject=subject,
            kept=(books.ledger.address(subject) or b"").decode(errors="replace"),
            made=utc_now(),
            by=operator(),
            command=_command(address, controller, heads, quick=quick),
            controllers={name: known[name].name for name in asked if name in known},
            now=[now_of(books, name, subject) for name in owners],
            events=events,
            notices=books.ledger.notices(key_of(each.recorded.event) for each in events),
            erasures={
                each.recorded.seq: number for each in events if (number := number_erased(each.recorded.event))
            },
            verdict=verdict,
            heads=[signed[seq] for seq in sorted(signed)],
        )
    if pdf is not None:
        _filed(pdf, shown, as_json=as_json)
    else:
        print(json.dumps(shown.plain(), ensure_ascii=False) if as_json else "\n".join(shown.lines()))
    if not shown.good:
        raise typer.Exit(EX_DATAERR)


@app.command()
def erase(
    address: Address,
    config: Config = DEFAULT_CONFIG,
    controller: Whose = "",
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Take away all that leads to a person, for good. The chain stays whole, and tracking off."""
    with open_books(config) as books:
        subject = subject_named(books, address)
        name = controller_named(books, controller) if controller else ""
        if not yes:
            typer.confirm("What is taken away cannot be proved any more. Take it away?", abort=True, err=True)
        done = books.ledger.erase(subject, name, operator())
        behind = not caught_up(books)
    number = sum(done.values())
    if as_json:
        print(json.dumps({"erased": number, "events": sorted(done)}))
    elif done:
        events = ", ".join(str(seq) for seq in sorted(done))
        print(f"{number:,} events lost their person; event {events} says so and keeps tracking off")
    else:
        print("nothing is recorded of this person")
    if behind:
        typer.echo("the cache does not answer; running gates catch it up", err=True)


def _command(address: str, controller: str, heads: Path | None, *, quick: bool) -> str:
    """How the proof was asked for, and of which version; where it was written to is no part of it."""
    words = ["smtp-gate", "ledger", "proof", address]
    words += ["--controller", controller] if controller else []
    words += ["--heads", str(heads)] if heads else []
    words += ["--quick"] if quick else []
    return f"{shlex.join(words)} (smtp-gate {__version__})"


def _filed(path: Path, shown: Proof, *, as_json: bool) -> None:
    """Write the PDF, readable for its owner only: it is about a person."""
    # Here, since the library takes a second to load, and few commands need it.
    from smtp_gate.consent.proof_pdf import pdf_of  # noqa: PLC0415

    pdf = pdf_of(shown)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600), "wb") as file:
            file.write(pdf.octets)
    except OSError as error:
        typer.echo(f"{path}: cannot be written: {error.strerror}", err=True)
        raise typer.Exit(EX_NOINPUT) from None
    if as_json:
        print(json.dumps({"file": str(path), "pages": pdf.pages, "events": len(shown.events), "good": shown.good}))
    else:
        state = "" if shown.good else "; NOT GOOD, the first page says why"
        print(f"{path}: {len(shown.events)} events on {pdf.pages} pages{state}")


def _signed(books: Books, heads: Path | None) -> dict[int, Head]:
    """The heads of a file, by the event they were signed at."""
    if heads is None:
        return {}
    try:
        return read_heads(heads, books.keyring)
    except NotAHead as error:
        typer.echo(f"{heads}: {error}", err=True)
        raise typer.Exit(EX_DATAERR) from None
    except OSError as error:
        typer.echo(f"{heads}: cannot be read: {error.strerror}", err=True)
        raise typer.Exit(EX_NOINPUT) from None


def _looked_at(books: Books, signed: dict[int, bytes], *, as_json: bool) -> Verdict:
    """Look at the whole ledger, with a bar."""
    with progress_bar(as_json=as_json) as bar:
        task = bar.add_task("events", total=books.ledger.head() + books.ledger.count())
        return books.ledger.verify(signed, lambda number: bar.update(task, completed=number))


def _configured(books: Books) -> Path | None:
    """The configured file of heads, once there is one."""
    path = books.settings.consent.heads
    return path if path is not None and path.exists() else None
