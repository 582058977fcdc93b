"""The whole history of one person, as somebody must show it who is asked for the proof (GDPR article 7(1)).

Who decided, towards whom, on what, when and by which means, where that can be looked up, which wording was shown,
and where each decision stands in the chain. This module alone decides what a proof says, and writes it as text and
for JSON; ``proof_pdf`` sets the same parts on pages; whether the chain as a whole is good is told by ``verify``.
"""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING, NamedTuple

from smtp_gate.consent.event import Choice, names_of
from smtp_gate.consent.notices import key_of, sha256_of
from smtp_gate.consent.transition import words

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from smtp_gate.consent.event import Chained
    from smtp_gate.consent.heads import Head
    from smtp_gate.consent.notices import Notice, NoticeKey
    from smtp_gate.consent.verify import Verdict

_WIDTH = 100
_CHECK = (
    "Each event holds the SHA-256 hash of the event before it and its own, over all its fields, in the form that "
    "docs/consent.md lays down. `smtp-gate ledger verify` computes all of them again; signed heads, kept outside "
    "the database, show that nothing was cut off or replaced since they were signed."
)
_DECIDED = {Choice.GRANT: "agreed", Choice.REFUSE: "said no", Choice.WITHDRAW: "took consent back"}


class Part(NamedTuple):
    """A piece of a proof, as people read it.

    Attributes:
        title: of the piece; empty when it goes on without one.
        fields: labels and values; an empty label goes on with the one before it.
        note: a paragraph of ours.
        shown: a text that a person was shown, all of it; None where this piece is not about one.
    """

    title: str
    fields: Sequence[tuple[str, str]] = ()
    note: str = ""
    shown: str | None = None


class Proof(NamedTuple):
    """What the ledger can prove of one person.

    Attributes:
        address: of the person, as the one who asks gave it.
        subject: 16 octets that stand for it in the ledger.
        kept: the address that the ledger has; empty when it has none (any more).
        made: when this was written.
        by: who had it written.
        command: with which command, and of which version of the gate.
        controllers: names by id, of those that the configuration knows.
        now: what holds at that time: controller, purposes, reason.
        events: all that is recorded, oldest first.
        notices: the wordings that the ledger has.
        erasures: by the seq of an erasing event: how many events lost their person with it.
        verdict: of the whole ledger; None when it was not looked at.
        heads: the signed heads that it was compared with.
    """

    address: str
    subject: bytes
    kept: str
    made: datetime
    by: str
    command: str
    controllers: Mapping[str, str]
    now: Sequence[tuple[str, tuple[str, ...], str]]
    events: Sequence[Chained]
    notices: Mapping[NoticeKey, Notice]
    erasures: Mapping[int, int]
    verdict: Verdict | None
    heads: Sequence[Head]

    @property
    def good(self) -> bool:
        """Whether all that is shown here is as it was recorded, and the whole ledger, if it was looked at."""
        chain = self.verdict is None or self.verdict.fault is None
        return chain and not any(each.fault or self._changed(each) for each in self.events)

    def plain(self) -> dict[str, object]:
        """For JSON; the fields of an event are those that are hashed, so that each hash can be computed again."""
        verdict = self.verdict
        return {
            "address": self.address,
            "subject": self.subject.hex(),
            "kept": self.kept,
            "made": self.made.isoformat(),
            "by": self.by,
            "command": self.command,
            "consent": [
                {"controller": name, "granted": list(granted), "reason": reason}
                for name, granted, reason in self.now
            ],
            "events": [self._event(each) for each in self.events],
            "notices": [
                {
                    "controller": notice.controller,
                    "version": notice.version,
                    "language": notice.language,
                    "sha256": notice.sha256.hex(),
                    "recorded": notice.recorded.isoformat(),
                    "text": notice.text,
                }
                for notice in self.notices.values()
            ],
            "ledger": None
            if verdict is None
            else {
                "good": verdict.fault is None,
                "events": verdict.events,
                "hash": verdict.hash.hex(),
                "heads": len(self.heads),
                "head": self.heads[-1].plain() if self.heads else None,
                "fault": verdict.fault._asdict() if verdict.fault else None,
            },
        }

    def lines(self) -> Iterator[str]:
        """As text, for a file or a screen."""
        for number, part in enumerate(self.parts()):
            if number:
                yield ""
            if part.title:
                yield part.title
            for name, value in part.fields:
                yield f"   {name:<12} {value}"
            if part.shown is not None:
                yield ""
                for line in part.shown.splitlines():
                    yield f"  | {line}"
            yield from textwrap.wrap(part.note, _WIDTH)

    def parts(self) -> Iterator[Part]:
        """Piece by piece, in the order in which it is read."""
        yield Part("PROOF OF CONSENT", tuple(self._about()))
        if not self.events:
            yield Part("", note="Nothing is recorded of this person: no consent, no refusal, no withdrawal.")
        for number, each in enumerate(self.events, 1):
            event = each.recorded.event
            title = f"{number}. {_time(event.at)}: the person {words(event) or _DECIDED[event.decision]}"
            yield Part(title, tuple(self._told(each)))
        for notice in self.notices.values():
            language = f" ({notice.language})" if notice.language else ""
            title = f"WORDING {notice.version}{language} of {self._name(notice.controller)}"
            fields = (("kept since", _time(notice.recorded)), ("SHA-256", notice.sha256.hex()))
            yield Part(title, fields, shown=notice.text)
        yield Part("HOW TO CHECK IT", note=_CHECK)

    def _about(self) -> Iterator[tuple[str, str]]:
        yield "person", self.address
        yield "known as", self.subject.hex()
        for name in self.controllers:
            yield "controller", self._name(name)
        yield "made", f"{_time(self.made)} by {self.by}"
        yield "with", self.command
        yield "ledger", self._ledger()
        if self.verdict is not None:
            yield "its head", f"event {self.verdict.events}, hash {self.verdict.hash.hex()}"
        if self.heads:
            head = self.heads[-1]
            yield "signed head", f"event {head.events}, hash {head.hash.hex()}"
            yield "", f"signed {_time(head.time)}; public key {head.public.hex()}"
        for name, granted, reason in self.now:
            yield "now", f"{self._name(name)}: {', '.join(granted) or 'nothing'} ({reason})"

    def _told(self, each: Chained) -> Iterator[tuple[str, str]]:
        event = each.recorded.event
        if each.recorded.seq in self.erasures:
            count = self.erasures[each.recorded.seq]
            yield "erasure", f"this person was erased: {count} earlier events stay in the ledger, without"
            yield "", "anything that leads to the person; they cannot be shown or proved any more"
        yield "to", self._name(event.controller)
        yield "purposes", ", ".join(names_of(event.purposes))
        yield "by", event.method
        yield "at", event.source
        if event.reference and each.recorded.seq not in self.erasures:
            yield "reference", event.reference
        if event.expires:
            yield "until", _time(event.expires)
        yield "wording", self._wording(each)
        if event.actor:
            yield "recorded by", event.actor
        yield "recorded", _time(each.recorded.recorded)
        yield "in chain", f"event {each.recorded.seq}, {each.fault or 'as it was recorded'}"
        yield "hash", each.hash.hex()
        yield "before it", each.previous.hex()

    def _event(self, each: Chained) -> dict[str, object]:
        event = each.recorded.event
        return {
            "seq": each.recorded.seq,
            "controller": event.controller,
            "controller_name": self.controllers.get(event.controller, ""),
            "subject": event.subject.hex(),
            "decision": event.decision.value,
            "purposes": list(names_of(event.purposes)),
            "at": event.at.isoformat(),
            "recorded": each.recorded.recorded.isoformat(),
            "method": event.method,
            "source": event.source,
            "reference": event.reference,
            "notice": event.notice,
            "notice_sha256": each.notice_sha256.hex() if each.notice_sha256 else None,
            "wording": self._wording(each),
            "language": event.language,
            "actor": event.actor,
            "expires": event.expires.isoformat() if event.expires else None,
            "erased": self.erasures.get(each.recorded.seq),
            "salt": each.salt.hex() if each.salt else None,
            "key": each.key.hex() if each.key else None,
            "person": each.person.hex(),
            "previous": each.previous.hex(),
            "hash": each.hash.hex(),
            "fault": each.fault or None,
        }

    def _wording(self, each: Chained) -> str:
        """Which wording was shown, and whether its text can be."""
        event = each.recorded.event
        if not event.notice:
            return "none named"
        named = f"{event.notice} ({event.language})" if event.language else event.notice
        notice = self.notices.get(key_of(event))
        if notice is None:
            gone = "was taken out of" if each.notice_sha256 else "is not in"
            return f"{named}; its text {gone} the ledger"
        if each.notice_sha256 is None:
            return f"{named}, below; its text came into the ledger later, and this event does not vouch for it"
        if self._changed(each):
            return f"{named}; NOT THE TEXT BELOW: that one was changed after it was shown"
        return f"{named}, below, SHA-256 {each.notice_sha256.hex()}"

    def _changed(self, each: Chained) -> bool:
        """Whether the wording of an event is another one than when it was recorded."""
        notice = self.notices.get(key_of(each.recorded.event))
        return each.notice_sha256 is not None and (notice is None or sha256_of(notice.text) != each.notice_sha256)

    def _name(self, controller: str) -> str:
        name = self.controllers.get(controller)
        return f"{name} [{controller}]" if name else controller

    def _ledger(self) -> str:
        if self.verdict is None:
            return "only the events below were looked at"
        if self.verdict.fault is not None:
            return f"NOT GOOD: {self.verdict.fault.text}"
        heads = f", as signed in {len(self.heads)} heads" if self.heads else "; no signed heads were compared"
        return f"all {self.verdict.events} events are as they were recorded{heads}"


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC"
