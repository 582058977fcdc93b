"""What the footer says, sentence by sentence.

This module alone decides its English wording, which is also the key of its translations (``smtp_gate/locale``):
what is measured, by whom, what for; that it can be ended, also for mail that has arrived; that mail keeps coming
(GDPR articles 7(3) and 13; CNIL délibération 2026-042). Ending the tracking is never called unsubscribing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from smtp_gate.model import Purpose

if TYPE_CHECKING:
    from collections.abc import Callable


class Wording(NamedTuple):
    """The sentences of one language; ``%(controller)s``, ``%(purposes)s`` and ``%(words)s`` are places in them.

    Attributes:
        language: its two letters.
        both: openings and clicks are measured.
        opens: openings are.
        clicks: clicks are.
        purpose: names one purpose.
        purposes: names several.
        performance: the purpose of that name; likewise the next three.
        end: that it can be ended, and that mail keeps coming.
        stop: words of the way out.
        privacy: words of the link to the privacy notice.
        label: how words in front of an address end, in plain text.
    """

    language: str
    both: str
    opens: str
    clicks: str
    purpose: str
    purposes: str
    performance: str
    profiling: str
    fraud: str
    deliverability: str
    end: str
    stop: str
    privacy: str
    label: str

    def claim(self, *, pixels: bool, clicks: bool) -> str:
        """The sentence that says what is measured."""
        if pixels and clicks:
            return self.both
        return self.opens if pixels else self.clicks

    def aims(self, purposes: Purpose) -> list[str]:
        """The purposes in words; to know the clicks is said by the claim already."""
        said = (
            (Purpose.PERFORMANCE, self.performance),
            (Purpose.PROFILING, self.profiling),
            (Purpose.FRAUD, self.fraud),
            (Purpose.DELIVERABILITY, self.deliverability),
        )
        return [words for purpose, words in said if purpose in purposes]


def wording(language: str, _: Callable[[str], str]) -> Wording:
    """The sentences in a language.

    Args:
        language: its two letters.
        _: translates an English sentence into it.
    """
    return Wording(
        language=language,
        both=_(
            "With your agreement, %(controller)s measures whether you open this message"
            " and which of its links you click."
        ),
        opens=_("With your agreement, %(controller)s measures whether you open this message."),
        clicks=_("With your agreement, %(controller)s measures which links of this message you click."),
        purpose=_("Purpose: %(purposes)s."),
        purposes=_("Purposes: %(purposes)s."),
        performance=_("measuring and improving our mailings"),
        profiling=_("learning your interests in order to offer you matching content outside email as well"),
        fraud=_("spotting abnormal or fraudulent openings"),
        deliverability=_("checking that our messages arrive"),
        end=_(
            "You can stop this at any time, also for messages you have already received."
            " You will still get our messages."
        ),
        stop=_("Stop this tracking"),
        privacy=_("Privacy information"),
        label=_("%(words)s:"),
    )


ENGLISH = wording("en", str)
