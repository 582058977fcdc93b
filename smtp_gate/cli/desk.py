"""What commands about people share: whom and which controller they mean, who is typing, how they wait and run."""

from __future__ import annotations

import asyncio
import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple, TypeVar

import typer
from rich.console import Console
from rich.progress import Progress

from smtp_gate.consent import names_of, utc_now
from smtp_gate.consent.mapping import is_address
from smtp_gate.consent.standing import consent_at
from smtp_gate.errors import StoreUnavailable
from smtp_gate.model import UNKNOWN
from smtp_gate.tokens import subject_of

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from smtp_gate.cli.rooms import Books

T = TypeVar("T")
EX_DATAERR = 65
EX_NOINPUT = 66

Config = Annotated[Path, typer.Option("--config", help="The configuration file.", envvar="SMTP_GATE_CONFIG")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object instead of text.")]
Address = Annotated[str, typer.Argument(help="The person's address.", show_default=False)]


def subject_named(books: Books, address: str) -> bytes:
    """The subject id of an address.

    Raises:
        BadParameter: when it is no plain address.
    """
    if not is_address(address):
        raise typer.BadParameter("the address must be a plain one: local@domain")
    return subject_of(books.keyring, address.encode())


def controller_named(books: Books, name: str) -> str:
    """The id of a controller of the configuration; the only one when none is named.

    Raises:
        BadParameter: when there is no such, or there are several.
    """
    known = list(books.settings.controllers)
    if name in known:
        return name
    if not name and len(known) == 1:
        return known[0]
    choices = ", ".join(known) or "none, add one to the configuration"
    raise typer.BadParameter(f"--controller must be one of the configuration: {choices}")


def operator() -> str:
    """Who is typing."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container without a name for its user
        return f"uid {os.getuid()}"


def progress_bar(*, as_json: bool) -> Progress:
    """A bar on standard error, where that is a terminal and no JSON is asked for."""
    console = Console(stderr=True)
    return Progress(console=console, transient=True, disable=as_json or not console.is_terminal)


def run_once(books: Books, work: Coroutine[object, object, T]) -> T:
    """Run it and close the cache, whose connections belong to the loop that ends here."""

    async def run() -> T:
        try:
            return await work
        finally:
            if books.cache is not None:
                await books.cache.close()

    return asyncio.run(run())


def caught_up(books: Books) -> bool:
    """Write what is new into the cache; False when it does not answer."""
    try:
        run_once(books, books.register.catch_up())
    except StoreUnavailable:
        return False
    return True


class Now(NamedTuple):
    """Where a person stands with a controller, for people to read."""

    controller: str
    granted: tuple[str, ...]
    reason: str

    def plain(self) -> dict[str, object]:
        """For JSON."""
        return {"controller": self.controller, "granted": list(self.granted), "reason": self.reason}

    def __str__(self) -> str:
        return f"{self.controller}: {', '.join(self.granted) or 'nothing'} ({self.reason})"


def now_of(books: Books, controller: str, subject: bytes) -> Now:
    """Where a person stands with a controller, as the ledger has it."""
    standing = books.ledger.standing(controller, subject)
    if standing is None:
        return Now(controller, (), UNKNOWN.reason)
    consent = consent_at(standing.mark, standing.grants, utc_now().timestamp())
    return Now(controller, names_of(consent.granted), consent.reason)
