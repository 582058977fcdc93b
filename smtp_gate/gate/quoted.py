"""Addresses of the gate that a mail came with: most stand in a quoted mail, and each is somebody's.

This module alone decides what becomes of them. The reader's own stay, the pixels and links among them only while
the reader agrees, as in any mail that tracks. Somebody else's would end that person's tracking, answer for
them, or count the reader's opening in that person's name: pixels go, links lead straight to their target, and where
only the vendor knows it the words stay without the link. Ask pages are nobody's and stay, like all that our keys do
not open.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from smtp_gate.decision import Action, Verdict
from smtp_gate.errors import BadToken
from smtp_gate.model import Kind
from smtp_gate.policy.decide import FORWARDED, barred, live
from smtp_gate.policy.rules import Treat
from smtp_gate.tokens.kinds import LinkToken, OpeningToken, PixelToken, WithdrawToken
from smtp_gate.tokens.seal import open_consent, open_link, open_opening, open_pixel, open_withdraw
from smtp_gate.tokens.subject import subject_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from smtp_gate.decision import Decision
    from smtp_gate.gate.ruleset import Ruleset
    from smtp_gate.model import Purpose, Scan
    from smtp_gate.policy.match import Treatment
    from smtp_gate.tokens.keyring import Keyring


class Choices(NamedTuple):
    """A page on which one person chooses what to agree to.

    Attributes:
        controller: towards whom.
        subject: the person.
        asks: whether it is the question itself, which takes the first answer at its word.
    """

    controller: str
    subject: bytes
    asks: bool


Personal = OpeningToken | PixelToken | LinkToken | WithdrawToken | Choices


def _open_preferences(keyring: Keyring, text: str) -> Choices:
    token = open_withdraw(keyring, text)
    return Choices(token.controller, token.subject, asks=False)


def _open_question(keyring: Keyring, text: str) -> Choices:
    token = open_consent(keyring, text)
    return Choices(token.controller, token.subject, asks=True)


_OPENERS: Mapping[str, Callable[[Keyring, str], Personal]] = {
    "p": open_pixel,
    "l": open_link,
    "o": open_opening,
    "w": open_withdraw,
    "s": _open_preferences,
    "c": _open_question,
}
"""Doors whose tokens name a person, as the web part has them."""
_GONE = Verdict(Action.STRIP, "quoted")
_PLAIN_LINK = Verdict(Action.UNWRAP, "quoted")
_WORDS = Verdict(Action.TEXT, "quoted")


class Quotes(NamedTuple):
    """What was found of them in one message.

    Attributes:
        scan: the message, in which links of the gate know their targets.
        tokens: place in :attr:`Scan.findings` -> what our keys open there.
    """

    scan: Scan
    tokens: Mapping[int, Personal]

    def name(self, keyring: Keyring | None, address: bytes) -> bool:
        """Whether any of them is the person's at this address."""
        if keyring is None or not self.tokens:
            return False
        subject = subject_of(keyring, address)
        return any(token.subject == subject for token in self.tokens.values())


class Settled(NamedTuple):
    """What became of them for one person.

    Attributes:
        decision: about everything, these too.
        footed: parts in which the person's own withdrawal link stands.
        tracking: tokens that go on tracking, because the person agrees.
    """

    decision: Decision
    footed: frozenset[int]
    tracking: tuple[PixelToken | LinkToken, ...]


def quotes_of(ruleset: Ruleset, scan: Scan) -> Quotes:
    """Open the addresses of the gate in a message; once for all recipients."""
    tokens: dict[int, Personal] = {}
    if ruleset.keyring is not None and ruleset.public_url:
        door = ruleset.public_url + "/"
        for place, finding in enumerate(scan.findings):
            # A gateway on the other side may have put our address behind its own.
            address = finding.url if finding.kind is Kind.OWN else finding.target
            if address is not None and address.startswith(door):
                token = _opened(ruleset.keyring, address.removeprefix(door))
                if token is not None:
                    tokens[place] = token
    if not tokens:
        return Quotes(scan, tokens)
    findings = list(scan.findings)
    for place, token in tokens.items():
        if isinstance(token, LinkToken):
            findings[place] = findings[place]._replace(target=ruleset.catalogue.target(token.url))
    return Quotes(replace(scan, findings=tuple(findings)), tokens)


def settled(
    quotes: Quotes,
    decision: Decision,
    treatment: Treatment,
    granted: Purpose,
    subject: bytes,
    *,
    measured: bool = False,
) -> Settled:
    """What becomes of them for one person.

    Args:
        quotes: of the message.
        decision: about everything else.
        treatment: the rule the message falls under.
        granted: what the person agreed to.
        subject: the person.
        measured: whether the day of the last opening may be kept.
    """
    verdicts = list(decision.verdicts)
    nothing_stays = bool(barred(quotes.scan, treatment))
    footed = set()
    tracking = []
    own = False
    for place, token in quotes.tokens.items():
        finding = quotes.scan.findings[place]
        if quotes.scan.parts[finding.part].sealed or verdicts[place] == FORWARDED:
            continue  # no edit may touch it
        mine = token.subject == subject
        ours = token.controller == decision.controller
        if isinstance(token, WithdrawToken | Choices):
            if not mine:
                verdicts[place] = _WORDS
                continue
            own = True
            if ours and isinstance(token, WithdrawToken):
                footed.add(finding.part)
        elif isinstance(token, OpeningToken):
            if mine and ours and measured and treatment.pixels is Treat.MINIMISE:
                own = True
            else:
                verdicts[place] = _GONE
        elif mine and ours and not nothing_stays and _agreed(token, treatment, granted):
            tracking.append(token)
        elif isinstance(token, PixelToken):
            verdicts[place] = _GONE
        else:
            verdicts[place] = _WORDS if finding.target is None else _PLAIN_LINK
    decided = replace(
        decision,
        verdicts=tuple(verdicts),
        footer=decision.footer or bool(tracking),
        personal=decision.personal or own or bool(tracking),
    )
    return Settled(decided, frozenset(footed), tuple(tracking))


def _agreed(token: PixelToken | LinkToken, treatment: Treatment, granted: Purpose) -> bool:
    rule = treatment.pixels if isinstance(token, PixelToken) else treatment.clicks
    return rule is not Treat.STRIP and live(token.purposes, granted)


def _opened(keyring: Keyring, path: str) -> Personal | None:
    """What a path of the web part holds; its query and fragment mean nothing there."""
    kind, _, rest = path.partition("/")
    opener = _OPENERS.get(kind)
    if opener is None:
        return None
    word = rest.partition("?")[0].partition("#")[0]
    try:
        return opener(keyring, unquote(word))
    except BadToken:
        return None
