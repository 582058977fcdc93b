"""The page of the demo: each mail before and after, for three people, in one file without script or network.

A mail is shown in a sandboxed frame whose own policy forbids every load, so that looking at the page is no opening.
"""

from __future__ import annotations

from email import message_from_bytes, policy
from typing import Any, NamedTuple

from jinja2 import Environment, PackageLoader
from markupsafe import escape

FORBID = (
    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
    'img-src data:"><base target="_blank">'
)
TONES = {
    "strip": "gone",
    "unwrap": "gone",
    "clean": "gone",
    "text": "gone",
    "ask": "asks",
    "wrap": "kept",
    "keep": "",
}


class Person(NamedTuple):
    """One recipient of the demo: address, and what they agreed to in words."""

    address: str
    agreed: str


class Shown(NamedTuple):
    """One mail of the demo.

    Attributes:
        title: the tool it is like.
        before: as it was sent.
        after: address -> as it left.
        accounts: address -> what ``explain --json`` says.
    """

    title: str
    before: bytes
    after: dict[str, bytes]
    accounts: dict[str, dict[str, Any]]


def page(mails: list[Shown], people: list[Person], intro: str) -> str:
    """The whole page as HTML."""
    rooms = Environment(loader=PackageLoader("smtp_gate.cli", "."), autoescape=True)
    template = rooms.get_template("demo_page.html")
    return template.render(
        mails=mails,
        people=people,
        intro=intro,
        tones=TONES,
        forbid=FORBID,
        counts=counts,
        markup=_markup,
        subject=_subject,
    )


def counts(account: dict[str, Any]) -> dict[str, int]:
    """``"pixel strip"`` -> how often, for all that is not simply left alone."""
    tally: dict[str, int] = {}
    for row in account["addresses"]:
        if row["action"] != "keep":
            key = f"{row['kind']} {row['action']}"
            tally[key] = tally.get(key, 0) + 1
    return tally


def _subject(raw: bytes) -> str:
    return str(message_from_bytes(raw, policy=policy.default)["Subject"] or "")


def _markup(raw: bytes) -> str:
    """The body as HTML, as a mail program would choose it."""
    part = message_from_bytes(raw, policy=policy.default).get_body(("html", "plain"))
    text = str(part.get_content()) if part is not None else ""
    plain = part is None or part.get_content_type() == "text/plain"
    return f"<pre>{escape(text)}</pre>" if plain else text
