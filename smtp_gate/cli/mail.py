"""``smtp-gate rewrite`` and ``smtp-gate explain``: one mail through the pure core, without network or store."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from smtp_gate.cli.rooms import ruleset_of
from smtp_gate.decision import Action
from smtp_gate.gate.quoted import quotes_of
from smtp_gate.gate.variant import compose
from smtp_gate.model import NOTHING, Consent, Purpose
from smtp_gate.policy.decide import measurable
from smtp_gate.policy.roles import ROLE, spoken_for
from smtp_gate.render.edits import edits_of
from smtp_gate.render.plain_lines import breaks_beside
from smtp_gate.scan.message import scan
from smtp_gate.scan.recipients import told_by_recipients
from smtp_gate.trackers.evidence import CERTAIN, score
from smtp_gate.transfer import IDENTITY

if TYPE_CHECKING:
    from smtp_gate.gate.ruleset import Ruleset
    from smtp_gate.gate.variant import Variant
    from smtp_gate.model import Finding, Part, Scan

EX_USAGE = 64
EX_REFUSED = 65
"""EX_DATAERR: policy refuses the mail."""
EX_NO_INPUT = 66
TONES = {
    "strip": "green",
    "unwrap": "green",
    "clean": "green",
    "text": "green",
    "minimise": "yellow",
    "ask": "yellow",
    "invite": "yellow",
    "wrap": "blue",
    "keep": "dim",
}
"""Green: gone. Yellow: somebody is asked, or a day is kept. Blue: stays, behind the gate."""

Mails = Annotated[list[str], typer.Argument(metavar="MAIL...", help="Message files; - is standard input.")]
Rcpt = Annotated[str, typer.Option("--rcpt", metavar="ADDRESS", help="Who it is for.")]
Sender = Annotated[str, typer.Option("--sender", metavar="ADDRESS", help="Envelope sender; else the From field's.")]
Grant = Annotated[
    str,
    typer.Option(
        "--grant",
        metavar="PURPOSE,...",
        help="What the recipient agreed to, instead of the store: performance, profiling, fraud, deliverability, "
        "clicks, all. Nothing without it.",
    ),
]
Config = Annotated[Path | None, typer.Option("--config", dir_okay=False, help="Else built-in defaults.")]
Output = Annotated[
    Path | None, typer.Option("-o", "--output", metavar="FILE|DIR", help="Else standard output (one mail only).")
]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of a table: one object for each mail.")]


def rewrite(
    mails: Mails,
    *,
    rcpt: Rcpt,
    sender: Sender = "",
    grant: Grant = "",
    config: Config = None,
    output: Output = None,
) -> None:
    """Write the mail as it would leave. Exit code 65: policy refuses one; the others are still written."""
    ruleset, granted = ruleset_of(config), purposes(grant)
    targets = _targets(mails, output)
    refused = False
    for name, target in zip(mails, targets, strict=True):
        raw = _read(name)
        _, variant = rewritten(ruleset, raw, sender, granted, rcpt)
        if variant.refusal is not None:
            refused = True
            typer.echo(f"{name}: refused: {variant.refusal.encode().decode().strip()}", err=True)
        elif target is None:
            sys.stdout.buffer.write(variant.content)
            sys.stdout.buffer.flush()
        else:
            target.write_bytes(variant.content)
    if refused:
        raise typer.Exit(EX_REFUSED)


def explain(
    mails: Mails,
    *,
    rcpt: Rcpt,
    sender: Sender = "",
    grant: Grant = "",
    config: Config = None,
    output: Output = None,
    as_json: Json = False,
) -> None:
    """Say for each address in the mail what it is, which rule and consent decided, and what becomes of it."""
    ruleset, granted = ruleset_of(config), purposes(grant)
    targets = _targets(mails, output)
    for name, target in zip(mails, targets, strict=True):
        found, variant = rewritten(ruleset, _read(name), sender, granted, rcpt, everything=True)
        told = account(name, found, variant, granted) | _circumstances(ruleset, rcpt)
        with target.open("w", encoding="utf-8") if target else sys.stdout as stream:
            if as_json:
                stream.write(json.dumps(told, ensure_ascii=False) + "\n")
            else:
                _show(told, Console(file=stream))
            if target is None:
                stream.flush()


def purposes(words: str) -> Purpose:
    """``"performance,clicks"`` as purposes.

    Raises:
        typer.BadParameter: for a word that is no purpose; it names the choices.
    """
    granted = NOTHING
    for word in filter(None, (piece.strip() for piece in words.split(","))):
        if word == "all":
            granted |= Purpose(31)
        elif word.upper() in Purpose.__members__:
            granted |= Purpose[word.upper()]
        else:
            choices = ", ".join(purpose.lower() for purpose in Purpose.__members__)
            raise typer.BadParameter(f"{word!r} is no purpose; the choices are {choices}, all")
    return granted


def rewritten(
    ruleset: Ruleset, raw: bytes, sender: str, granted: Purpose, rcpt: str, *, everything: bool = False
) -> tuple[Scan, Variant]:
    """One mail as it would leave for one person, and what was found in it."""
    found = scan(raw, ruleset.catalogue, own=ruleset.public_url, everything=everything)
    found = told_by_recipients(found, [rcpt.encode()])
    found, treatment = ruleset.treat(sender.encode(), found)
    quotes = quotes_of(ruleset, found)
    consent = spoken_for(ruleset.policy, rcpt.encode()) or Consent(granted, "granted" if granted else "unknown")
    return quotes.scan, compose(
        ruleset,
        quotes.scan,
        treatment,
        consent.granted,
        rcpt.encode(),
        quotes=quotes,
        measured=measurable(consent),
    )


def _read(name: str) -> bytes:
    try:
        return sys.stdin.buffer.read() if name == "-" else Path(name).read_bytes()
    except OSError as error:
        typer.echo(f"{name}: cannot be read: {error.strerror}", err=True)
        raise typer.Exit(EX_NO_INPUT) from None


def _targets(mails: list[str], output: Path | None) -> list[Path | None]:
    """Where each result goes; None is standard output."""
    names = [Path(name).name if name != "-" else "stdin.eml" for name in mails]
    if output is None and len(mails) == 1:
        return [None]
    if output is None:
        raise typer.BadParameter("several mails need -o DIR")
    if len(mails) == 1 and not output.is_dir():
        return [output]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        raise typer.BadParameter(f"{', '.join(sorted(twice))}: two inputs of the same name cannot share one folder")
    output.mkdir(parents=True, exist_ok=True)
    return [output / name for name in names]


def account(name: str, found: Scan, variant: Variant, granted: Purpose) -> dict[str, Any]:
    """Everything about one mail as plain values; the keys are documented in docs/cli.md."""
    decision = variant.decision
    return {
        "mail": name,
        "class": decision.mail_class.value,
        "asks": found.asks,
        "rule": decision.rule,
        "controller": decision.controller,
        "tools": sorted(found.tools),
        "granted": _words(granted),
        "sealed": found.sealed,
        "obstacles": list(found.obstacles),
        "footer": decision.footer,
        "read_receipts": "none" if not found.receipts else "stripped" if decision.silent else "kept",
        "fallback": variant.fallback,
        "refusal": variant.refusal.encode().decode().strip() if variant.refusal else None,
        "changed": variant.refusal is None and variant.content != found.raw,
        "addresses": [
            {
                "part": finding.part,
                "type": found.parts[finding.part].media_type,
                "kind": finding.kind.value,
                "carrier": finding.carrier.value,
                "vendor": finding.vendor,
                "url": finding.url,
                "purposes": _words(finding.purposes),
                "evidence": list(finding.evidence),
                "score": score(finding.evidence),
                "action": verdict.action.value,
                "reason": verdict.reason,
                "result": _result(finding, verdict.action),
                "edits": _edits(finding, verdict.action, found.parts[finding.part]),
            }
            for finding, verdict in zip(found.findings, decision.verdicts, strict=True)
        ],
    }


def _circumstances(ruleset: Ruleset, rcpt: str) -> dict[str, Any]:
    """Whose law the switches are those of, and why nobody's consent counts for the recipient."""
    shared = spoken_for(ruleset.policy, rcpt.encode())
    return {
        "profile": ruleset.policy.profile.value,
        "shared": "" if shared is None else "role" if shared is ROLE else "list",
    }


def _words(purposes: Purpose) -> list[str]:
    return [str(purpose.name).lower() for purpose in purposes]


def _result(finding: Finding, action: Action) -> str:
    """What stands in the mail afterwards, in a word or as the address."""
    if action in (Action.UNWRAP, Action.CLEAN):
        return finding.target or ""
    words = {
        Action.STRIP: "gone",
        Action.TEXT: "words without the link",
        Action.WRAP: "behind the gate",
        Action.MINIMISE: "the gate's own pixel, of which the day is kept",
        Action.ASK: "a page of the gate asks first",
        Action.INVITE: "the recipient's own address of the question",
        Action.KEEP: "as it is",
    }
    return words[action]


def _edits(finding: Finding, action: Action, part: Part) -> list[list[int]]:
    """Begin and end of what changes, in octets of the decoded part.

    Where the part is not encoded, the blanks beside a new address are listed too: a line that would become too long
    is broken there.
    """
    view = part.view or b""
    if action is Action.KEEP:
        return []
    if action in (Action.STRIP, Action.TEXT):
        return [[edit.start, edit.end] for edit in edits_of(finding, action, view, None)]
    start, end = finding.value
    breaks = breaks_beside(view, start, end) if part.encoding in IDENTITY else []
    return sorted([[start, end], *([blank, blank + 1] for blank in breaks)])


def _show(told: dict[str, Any], console: Console) -> None:
    console.print(f"[bold]{told['mail']}[/bold]", highlight=False)
    facts = [
        f"profile {told['profile']}",
        f"class {told['class']}",
        f"rule {told['rule']}",
        f"controller {told['controller'] or 'none'}",
    ]
    facts.append(f"granted {', '.join(told['granted']) or 'nothing'}")
    facts += ["it asks for consent, so nothing in it may track, whatever the rule says"] * told["asks"]
    facts += ["nobody's consent counts: the recipient is a role"] * (told["shared"] == "role")
    facts += ["nobody's consent counts: the recipient is a mailing list"] * (told["shared"] == "list")
    facts += [f"{key} {told[key]}" for key in ("sealed", "fallback") if told[key]]
    facts += [f"tools {', '.join(told['tools'])}"] * bool(told["tools"])
    facts += [f"not searched: {', '.join(told['obstacles'])}"] * bool(told["obstacles"])
    facts += [f"reading receipts {told['read_receipts']}"] * (told["read_receipts"] != "none")
    facts.append("footer added" if told["footer"] else "no footer added")
    facts.append("changed" if told["changed"] else "bytes unchanged")
    console.print("; ".join(facts), highlight=False)
    if told["refusal"]:
        console.print(f"[red]refused[/red]: {told['refusal']}", highlight=False)
    for row in told["addresses"]:
        tone = TONES[row["action"]]
        who = f" of {row['vendor']}" if row["vendor"] else ""
        why = ", ".join([row["reason"], *row["evidence"]])
        if 0 < row["score"] < CERTAIN:
            why += f"; score {row['score']}"
        console.print(
            f"\n[bold]{row['kind']}[/bold]{who}, {row['carrier']} in {row['type']}: "
            f"[{tone}]{row['action']}[/{tone}] ({why})",
            highlight=False,
        )
        console.print(f"  {row['url']}", highlight=False, markup=False, no_wrap=True, overflow="ellipsis")
        console.print(f"  -> {row['result']}", highlight=False, markup=False, no_wrap=True, overflow="ellipsis")
