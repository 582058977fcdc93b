"""Query parameters that stand for one person, and addresses without them.

What only names a campaign (``utm_*``, ``mc_cid``, ``_hsmi`` ...) is the same for everybody and stays. What stays
keeps its order and its bytes: a signature may cover them.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

if TYPE_CHECKING:
    from collections.abc import Iterable

_ALWAYS = """
    at_recipient_id at_recipient_list mindbox-message-key mindbox-click-id user_email_address utm_userid bbeml
    _ope wickedid os_ehash pk_cid pk_vid tw_profile_id
"""
PERSONAL = frozenset(_ALWAYS.split())
"""Lower-case names whose vendors have no file in the catalogue, as public parameter lists agree on them."""

_SHAPED = {"__s": re.compile(r"[a-z0-9]{6,}", re.IGNORECASE)}
"""Names that others use for other things: personal only with a value of this shape (``__s`` is Drip's)."""

_VAGUE = """
    email e em eml mail e-mail emailaddress email_address recipient rcpt to contact contact_id subscriber
    subscriber_id user user_id userid uid rid h hash id n_m address
"""
_BY_VALUE = frozenset(_VAGUE.split())
"""Names that say nothing: personal only when the value is an address in clear."""

_OF_PEOPLE = "email em eml recipient subscriber subscriber_id contact_id email_hash emailhash hashed_email"
_HASHED = frozenset(_OF_PEOPLE.split())
"""Names that speak of a person: personal also when the value is an MD5, SHA-1 or SHA-256 in hex."""

_NAMES = re.compile(r"(?:[?&]|%3[fF])(?:amp;)?([^=&?#%]{1,40})=")
_PARAMETERS = re.compile(r"(?:[?&]|%3[fF])(?:amp;)?([^=&?#%]{1,40})=((?:(?!%3[fF])[^&?#])*)")
_ADDRESS = re.compile(r"[^@\s/:]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63}){1,8}", re.IGNORECASE)
_DIGEST = re.compile(r"(?:[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})", re.IGNORECASE)


class _Piece(NamedTuple):
    """One parameter with the sign before it; ``first`` when that is the question mark of the query."""

    start: int
    end: int
    first: bool


class Parameters:
    """Knows the personal parameters of the whole catalogue.

    Args:
        names: lower-case names from the vendors' files, beside :data:`PERSONAL`.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = PERSONAL | frozenset(names)
        self._suspects = self._names | _BY_VALUE | _HASHED | _SHAPED.keys()

    def clean(self, url: str) -> str | None:
        """The address without what stands for one person; None when nothing in it does."""
        if "=" not in url or self._suspects.isdisjoint(_NAMES.findall(url.lower())):
            return None
        head, hash_sign, fragment = url.partition("#")
        query = head.find("?")
        personal = [
            _Piece(match.start(), match.end(), match.start() == query)
            for match in _PARAMETERS.finditer(head)
            if self._is_personal(match[1].lower(), match[2])
        ]
        if not personal:
            return None
        return _without(head, personal) + hash_sign + fragment

    def _is_personal(self, name: str, value: str) -> bool:
        if not value:
            return False
        if name in self._names:
            return True
        shape = _SHAPED.get(name)
        if shape is not None:
            return shape.fullmatch(value) is not None
        if name in _HASHED and _DIGEST.fullmatch(value):
            return True
        return name in _BY_VALUE and _ADDRESS.fullmatch(unquote(value)) is not None


def _without(head: str, personal: list[_Piece]) -> str:
    """The address without these parameters; the first one that stays takes over the question mark."""
    out: list[str] = []
    done = 0
    headless = False
    for piece in (*personal, _Piece(len(head), len(head), first=False)):
        kept = head[done : piece.start]
        if headless and kept:
            kept = "?" + kept[5 if kept.startswith("&amp;") else 1 :]
            headless = False
        out.append(kept)
        done = piece.end
        headless = headless or piece.first
    return "".join(out)
