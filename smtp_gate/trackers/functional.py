"""What marks a personal link that must work: opt-outs, and links by which people act on their own accounts.

Two witnesses are heard: the words that people click on, and the path. Words count only when they say it clearly:
the text of a short link, never a sentence. A bulk mailer wraps its opt-out like any other link, so often the
words alone know.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

from smtp_gate.trackers.phrases import PHRASES

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_WORDS = 80
"""Characters of a link's text; a longer one is a sentence, which may speak of anything."""

TEXTS_REMEMBERED = 2048
"""Link texts whose answer is kept at hand: the next mail of a campaign has the same ones."""

_LINES = [line.strip() for text in PHRASES.values() for line in text.strip().splitlines()]
_WORDS = re.compile(rf"(?<!\w)(?:{'|'.join(_LINES)})(?!\w)")
_PATH = re.compile(
    r"[/?&=-](?:unsubscribe|unsub|opt-?_?out|opt-?_?in|double-?opt-?in|abmelden|abbestellen|desabonnement|"
    r"desabonner|desinscription|desinscrire|email-?_?preferences?|manage-?_?preferences|"
    r"preferences?-?_?cent(?:er|re)|(?:re-?_?set|forgot|set|change)-?_?password|password-?_?reset|passwort|"
    r"confirm(?:ation)?|bestaetigen|verify|verification|validate|activate|activation|magic-?_?link|oobcode|"
    r"one-?_?time|otp|log-?_?in|sign-?_?in|sso|invite|invitation|unsubscribe-auth|x-amz-signature|x-goog-signature)"
    r"(?![a-z])"
)
_BLANKS = re.compile(r"\s+")
_ACCENTS = re.compile("[\u0300-\u036f]")
_ALIKE = {0x2019: "'", 0x142: "l"}
"""Letters without an accent to drop that are yet written in two ways: the apostrophe, the Polish l."""


@lru_cache(TEXTS_REMEMBERED)
def by_words(words: str) -> bool:
    """Whether the visible words of a link say that it must work.

    Args:
        words: visible text of the link, or the alternative text of its only image.
    """
    if not words or len(words) > 2 * MAX_WORDS:  # blanks may double it
        return False
    text = _ACCENTS.sub("", unicodedata.normalize("NFKD", words.lower())).translate(_ALIKE)
    text = _BLANKS.sub(" ", text).strip(" .!>»→:")
    return len(text) <= MAX_WORDS and _WORDS.search(text) is not None


def by_path(rest: str) -> bool:
    """Whether path and query speak of an opt-out, a confirmation, a sign-in, an invitation or a signed address."""
    return _PATH.search(rest.lower()) is not None


def must_work(url: str, rest: str, words: Callable[[], str], protected: frozenset[str]) -> str:
    """Why a link must stay as it is: ``protected``, ``path`` or ``words``; empty when nothing says so.

    Args:
        url: as a client would follow it.
        rest: its path and query; empty when they are not to be asked.
        words: visible words of the link, lower case; asked last.
        protected: addresses by which the recipient acts on the list.
    """
    if url in protected:
        return "protected"
    if rest and by_path(rest):
        return "path"
    return "words" if by_words(words()) else ""
