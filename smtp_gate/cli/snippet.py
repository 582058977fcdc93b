"""``smtp-gate consent snippet``: HTML for a sign-up form, and its wording into the ledger."""

from __future__ import annotations

from typing import Annotated

import typer

from smtp_gate.cli.desk import Config, controller_named
from smtp_gate.cli.rooms import DEFAULT_CONFIG, open_books
from smtp_gate.config.translations import translations
from smtp_gate.consent import purposes_of
from smtp_gate.web.notice import notices_of
from smtp_gate.web.snippet import snippet_of

Whose = Annotated[str, typer.Option("--controller", help="Id of the controller; needed when there are several.")]
Language = Annotated[str, typer.Option("--language", help="Two letters; left out: the controller's.")]
Purposes = Annotated[str, typer.Option("--purposes", help="One box each; name only what you use.")]
Keep = Annotated[
    bool, typer.Option("--keep", help="Keep the wording in the ledger, under the version in the form.")
]


def snippet(
    config: Config = DEFAULT_CONFIG,
    controller: Whose = "",
    language: Language = "",
    purposes: Purposes = "performance,clicks",
    *,
    keep: Keep = False,
) -> None:
    """Print HTML for a sign-up form: boxes for tracking, apart from the newsletter's own, nothing ticked."""
    try:
        wanted = purposes_of(purposes)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--purposes") from None
    with open_books(config) as books:
        name = controller_named(books, controller)
        notice = notices_of(books.settings.rules().controllers)[name]
        spoken = language or notice.language
        if spoken not in translations():
            choices = ", ".join(sorted(translations()))
            raise typer.BadParameter(f"choose one of {choices}", param_hint="--language")
        web = books.settings.web
        made = snippet_of(notice, spoken, wanted, web.public_url if web else "https://preferences.example")
        if keep:
            books.ledger.add_notice(name, made.wording.version, made.wording.language, made.wording.text)
    if not keep:
        typer.echo("The wording is not in the ledger yet: add --keep before the form goes live.", err=True)
    print(made.markup)
