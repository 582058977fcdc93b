"""What each piece of evidence weighs, and from which sum on something is done.

A judgement carries codes; their weights add up to its score. This table alone holds the weights;
``docs/evidence.md`` explains the codes, and a test compares both.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

CERTAIN = 100
"""The highest score; what is known, not guessed."""

WEIGHTS: Mapping[str, int] = MappingProxyType(
    {
        # what is known
        "catalogue": CERTAIN,
        "own_domain": CERTAIN,
        "parameters": CERTAIN,
        "recipient": CERTAIN,
        "cname": CERTAIN,
        "learnt": CERTAIN,
        # an address inside an address, where redirects have it
        "redirect": 40,
        # what makes sure of a weak pattern of the catalogue
        "weak": 35,
        "tool": 65,
        # how a load presents itself: one of the first five
        "tiny": 50,
        "hidden": 50,
        "thin": 25,
        "unsized": 15,
        "load": 10,
        "inherited": 0,
        "edge": 10,
        # what its address says
        "token": 25,
        "query": 20,
        "path": 20,
        "short": 15,
        "host": 10,
        "script": 10,
        # what speaks for an honest picture
        "picture": -60,
        "spacer": -40,
        "revealed": -40,
        "file": -30,
        "alt": -30,
        "asset": -20,
    }
)
"""Weight by code; a code that is not in here only says how something is, and weighs nothing."""


class Suspicion(NamedTuple):
    """From which score on something happens.

    Attributes:
        act: it counts as a pixel, and what policy says of pixels is done.
        note: it is told by explain and counted, and stays.
    """

    act: int = 50
    note: int = 25


def score(evidence: Iterable[str]) -> int:
    """The sum of what the codes weigh, from 0 to 100."""
    weight = WEIGHTS.get
    return max(0, min(CERTAIN, sum([weight(code, 0) for code in evidence])))
