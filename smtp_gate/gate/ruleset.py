"""Everything a mail is judged by, in one value that a reload swaps as a whole.

A message that is under way keeps the ruleset it began with; the next one sees the new.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from smtp_gate.policy.match import treat
from smtp_gate.scan.shown import led_to_what_they_show

if TYPE_CHECKING:
    from collections.abc import Mapping

    from smtp_gate.model import Scan
    from smtp_gate.policy.match import Treatment
    from smtp_gate.policy.rules import Policy
    from smtp_gate.render.own_footer import OwnFooter
    from smtp_gate.tokens.keyring import Keyring
    from smtp_gate.trackers import Catalogue


@dataclass(frozen=True, slots=True)
class Ruleset:
    """Policy, catalogue and keys that belong together.

    Attributes:
        policy: rules, switches, controllers.
        catalogue: what a tracker is, with the company's own tracking hosts.
        keyring: keys of tokens; None where no keys are configured, and then nothing can be kept.
        public_url: where the web part answers, without a slash at the end; empty where it does not run.
        on_failure: what a mail with trackers gets when the consent store gives no answer.
        reask_after: days in which nobody is asked for consent again by mail; 0 for no limit.
        on_reask: what a mail gets that would.
        footers: templates of the controllers that have their own, by controller id.
    """

    policy: Policy
    catalogue: Catalogue
    keyring: Keyring | None
    public_url: str
    on_failure: Literal["untracked", "defer"] = "untracked"
    footers: Mapping[str, OwnFooter] = field(default_factory=dict)
    reask_after: int = 0
    on_reask: Literal["reject", "pass"] = "reject"

    def treat(self, sender: bytes, found: Scan) -> tuple[Scan, Treatment]:
        """The rule that a message falls under, and the message as that rule wants it read.

        Args:
            sender: path of the MAIL command; ``b""`` for the null sender.
            found: what all witnesses found in it.
        """
        treatment = treat(self.policy, sender, found)
        if treatment.infer_from_text:
            found = led_to_what_they_show(found, self.catalogue)
        return found, treatment
