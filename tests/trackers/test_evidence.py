"""Scores: the table of weights is the documented one, and what is certain needs no second sign."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from smtp_gate.config.catalogue import load_catalogue
from smtp_gate.model import Kind, Look
from smtp_gate.scan.message import scan
from smtp_gate.trackers import Catalogue
from smtp_gate.trackers.evidence import CERTAIN, WEIGHTS, Suspicion, score

DOCS = Path(__file__).parent.parent.parent / "docs/evidence.md"
TOKEN = "4f9d2b7c1a8e6035"


def test_the_documentation_has_every_code_with_its_weight_and_no_other() -> None:
    told = dict(re.findall(r"^\| `(\w+)` \| (-?\d+) \|", DOCS.read_text(encoding="utf-8"), re.MULTILINE))
    assert {code: int(weight) for code, weight in told.items()} == dict(WEIGHTS)


@pytest.mark.parametrize(
    ("codes", "sum_"),
    [
        *(((), 0), (("tiny",), 50), (("tiny", "token", "path"), 95), (("unsized", "token"), 40)),
        *((("catalogue", "redirect"), CERTAIN), (("tiny", "hidden", "token", "path"), CERTAIN), (("spacer",), 0)),
        *((("no such code",), 0), (("redirect", "host", "token"), 75), (("catalogue", "shown"), CERTAIN)),
    ],
)
def test_weights_add_up_and_stay_between_nothing_and_certain(codes: tuple[str, ...], sum_: int) -> None:
    assert score(codes) == sum_


@pytest.mark.parametrize(
    ("suspicion", "kind"),
    [
        (Suspicion(act=40, note=25), Kind.PIXEL),
        (Suspicion(act=41, note=40), Kind.SUSPECT),
        (Suspicion(act=41, note=41), None),
    ],
)
def test_policy_says_from_which_score_on_something_is_done_or_told(suspicion: Suspicion, kind: Kind | None) -> None:
    look = Look(None, None, (), None, responsive=False)
    judged = Catalogue((), suspicion=suspicion).image(f"https://acme.example/a/{TOKEN}", look)
    assert (judged and judged.kind) == kind
    if judged is not None:
        assert judged.evidence == ("unsized", "token")
        assert bool(judged.purposes) == (kind is Kind.PIXEL), "what is not acted on serves nothing that is known"


MAILS = Path(__file__).parent.parent.parent / "smtp_gate/cli/demo_mails"
ACTED_ON = frozenset([Kind.PIXEL, Kind.PICTURE, Kind.LINK, Kind.PERSONAL])


@pytest.mark.parametrize("mail", sorted(MAILS.glob("*.eml")), ids=lambda mail: mail.stem)
def test_whatever_is_acted_on_has_the_score_for_it(mail: Path) -> None:
    found = scan(mail.read_bytes(), load_catalogue(None, {"lemlist": ["go.acme.example"]}, ""))
    scores = [score(finding.evidence) for finding in found.findings if finding.kind in ACTED_ON]
    assert scores
    assert min(scores) >= Suspicion().act
