"""What a browser posts: the fields of our own forms, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from smtp_gate.model import EVERYTHING, NOTHING, Purpose

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from starlette.requests import Request

_FIELDS = 16
"""Fields of a form; ours have at most seven."""
_STOP = "stop-"


async def read_form(request: Request) -> Mapping[str, Sequence[str]]:
    """The fields of a form (application/x-www-form-urlencoded); none for a body that is no form of ours."""
    try:
        return parse_qs((await request.body()).decode("ascii"), max_num_fields=_FIELDS)
    except ValueError:
        return {}


def one(form: Mapping[str, Sequence[str]], name: str) -> str:
    """The value of a field; empty when it is not there."""
    return form.get(name, [""])[0]


def chosen(form: Mapping[str, Sequence[str]], granted: Purpose) -> Purpose | None:
    """All that shall be on after an answer; None for an answer that no page of ours gives.

    Args:
        form: the fields.
        granted: what is on now.
    """
    choice = one(form, "choice")
    ticked = NOTHING
    for word in form.get("purpose", []):
        ticked |= _purpose(word)
    if choice.startswith(_STOP):
        stopped = _purpose(choice.removeprefix(_STOP))
        return granted & ~stopped if stopped else None
    answers = {"refuse": NOTHING, "accept": EVERYTHING, "save": ticked, "add": granted | ticked}
    return answers.get(choice)


def stops_one(form: Mapping[str, Sequence[str]]) -> bool:
    """Whether a button of the withdrawal page was pressed that stops one purpose."""
    return one(form, "choice").startswith(_STOP)


def across_sites(request: Request) -> bool:
    """Whether the browser says that another site's page sent this (Fetch Metadata, Sec-Fetch-Site)."""
    return request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none")


def _purpose(word: str) -> Purpose:
    return Purpose.__members__.get(word.upper(), NOTHING)
