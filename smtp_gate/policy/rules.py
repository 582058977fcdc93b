"""What an administrator may say about mail, as values: controllers, rules, switches.

This module alone names them; ``config.settings`` reads them from YAML, ``docs/policy.md`` explains them.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smtp_gate.decision import MailClass


class Profile(StrEnum):
    """Whose law the defaults of the switches are those of; :mod:`smtp_gate.policy.profile` has them."""

    FR = "fr"
    """Article 82 of the Loi Informatique et Libertés, CNIL délibération 2026-042."""
    IT = "it"
    """Article 122 of the Codice Privacy, Garante provvedimento 284/2026."""
    UK = "uk"
    """PECR regulation 6 and schedule A1."""
    DE = "de"
    """Section 25 TDDDG."""
    STRICTEST = "strictest"
    """The strictest of all, and what no law asks for but a promise may."""


class OnOpaqueLink(StrEnum):
    """What becomes of a tracked link whose target cannot be decoded and that the person did not agree to."""

    ASK = "ask"
    """It leads to a page of the gate, which goes on only at a button."""
    TEXT = "text"
    """The words stay, the link goes."""
    REJECT = "reject"
    """The mail is refused; the sender learns it from the company's own MTA."""
    PASS = "pass"  # noqa: S105 - no password, a word of the configuration
    """It stays as it is and is counted: a breach risk that somebody took on purpose."""


class OnVisibleTrackedImage(StrEnum):
    """What becomes of a picture to look at that tells, or may tell, a tracking host who opened the mail."""

    WRAP = "wrap"
    """Who agreed sees it, behind the gate; for all others its place stays and its address goes."""
    STRIP = "strip"
    """Its place stays and its address goes, whatever people agreed to."""
    KEEP = "keep"
    """It stays as it is and is counted: a breach risk that somebody took on purpose."""


class OnSealed(StrEnum):
    """What becomes of a signed or encrypted mail, which no edit can touch."""

    REJECT = "reject"
    """It is refused, tracker or not: nobody can tell what is in it."""
    PASS_IF_UNTRACKED = "pass_if_untracked"  # noqa: S105 - as above
    """It is refused when a tracker is seen in it that would have to go."""
    PASS = "pass"  # noqa: S105 - as above
    """It leaves as it came and is counted."""


class Forwarded(StrEnum):
    """What becomes of trackers in a message that is forwarded inside the message and shown with it."""

    REWRITE = "rewrite"
    """The same as in the message itself."""
    LEAVE = "leave"
    """They stay: what is forwarded leaves as it came."""


class OnUnreadable(StrEnum):
    """What becomes of a mail with a part beyond a limit, or of unknown charset or broken encoding."""

    PASS = "pass"  # noqa: S105 - as above
    """That part leaves as it came, and is counted."""
    REJECT = "reject"
    """The mail is refused."""


class ReadReceipts(StrEnum):
    """What becomes of header fields that ask the reader's program for a receipt (RFC 8098)."""

    KEEP = "keep"
    """They stay: a program has to ask its reader before it answers (RFC 8098 section 2.1)."""
    STRIP = "strip"
    """They go."""


class SecurityPixels(StrEnum):
    """What becomes of pixels on a rule's ``allow_pixels``, which help to secure a sign-in."""

    LISTED = "listed"
    """They stay, in mails of the class ``authentication``."""
    STRIP = "strip"
    """They need consent like any other."""


class RoleAddresses(StrEnum):
    """What counts for an address that several people read, such as ``info@``."""

    UNTRACKED = "untracked"
    """Nothing stays: one reader cannot agree for the others."""
    CONSENT = "consent"
    """What the store holds, as for a person."""


class Treat(StrEnum):
    """Whether consent counts for pixels or clicks under a rule."""

    CONSENT = "consent"
    """What the person agreed to may stay, behind the gate."""
    STRIP = "strip"
    """Nothing stays, whatever the person agreed to."""
    MINIMISE = "minimise"
    """As ``consent``; where the person agreed to nothing, the gate's own pixel takes the place of the vendor's. For
    pixels only."""


@dataclass(frozen=True, slots=True)
class Controller:
    """Who decides why and how people are tracked (GDPR article 4(7)); consent is given to one of them.

    Attributes:
        id: its key in the configuration, in the ledger and in tokens.
        name: as people know it.
        senders: ``login@acme.example``, ``@acme.example`` or ``@*.acme.example``, lower case.
        privacy_url: its privacy notice; empty for none.
        contact: whom to write to; empty for none.
        language: two letters, for footer and pages when the mail does not say.
        mail_from: address that messages to confirm consent come from; empty: the contact, where it is one.
    """

    id: str
    name: str
    senders: tuple[str, ...]
    privacy_url: str = ""
    contact: str = ""
    language: str = "en"
    mail_from: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    """When a rule matches: each thing that is said must hold, and of several values of one thing any.

    Attributes:
        sender: globs on the whole address of the From field or the envelope, lower case.
        sender_domain: globs on its domain, lower case.
        headers: pairs of lower-case field name and glob on its value; case does not count.
        tools: catalogue ids of mailing tools.
    """

    sender: tuple[str, ...] = ()
    sender_domain: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    tools: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; None means what the policy says for all.

    Attributes:
        name: shown by ``explain`` and in the log.
        when: its condition; an empty one matches every mail.
        mail_class: what such a mail is for.
        pixels: whether pixel consent counts.
        clicks: whether click consent counts.
        allow_pixels: globs on addresses of pixels that stay without consent in ``authentication`` mails.
        on_opaque_link: as in :class:`Policy`.
        infer_from_text: as in :class:`Policy`.
        on_visible_tracked_image: as in :class:`Policy`.
        on_sealed: as in :class:`Policy`.
        forwarded: as in :class:`Policy`.
        read_receipts: as in :class:`Policy`.
    """

    name: str
    when: Condition
    mail_class: MailClass
    pixels: Treat = Treat.CONSENT
    clicks: Treat = Treat.CONSENT
    allow_pixels: tuple[str, ...] = ()
    on_opaque_link: OnOpaqueLink | None = None
    infer_from_text: bool | None = None
    on_visible_tracked_image: OnVisibleTrackedImage | None = None
    on_sealed: OnSealed | None = None
    forwarded: Forwarded | None = None
    read_receipts: ReadReceipts | None = None


@dataclass(frozen=True, slots=True)
class Policy:
    """All rules and switches; the defaults are those of the profile ``fr`` (``policy.profile``).

    Attributes:
        controllers: whose mail it can be.
        rules: the first that matches counts.
        on_opaque_link: what becomes of links that hide their target.
        infer_from_text: whether such a link goes where its visible words say, when they are one web address.
        on_visible_tracked_image: what becomes of pictures that only a tracking host serves.
        on_sealed: what becomes of signed and encrypted mail.
        on_unreadable: what becomes of mail that cannot be searched.
        forwarded: what becomes of trackers in forwarded messages.
        read_receipts: what becomes of fields that ask for a reading receipt.
        security_pixels: what becomes of pixels on ``allow_pixels``.
        role_addresses: what counts for addresses that several people read.
        role_names: globs on further local parts of such addresses, lower case.
        mailing_lists: globs on whole addresses behind which a list stands, lower case.
        profile: whose law the switches began with.
        can_keep: whether a tracker can be kept at all: the web part has an address and there are keys.
    """

    controllers: tuple[Controller, ...] = ()
    rules: tuple[Rule, ...] = ()
    on_opaque_link: OnOpaqueLink = OnOpaqueLink.ASK
    infer_from_text: bool = False
    on_visible_tracked_image: OnVisibleTrackedImage = OnVisibleTrackedImage.WRAP
    on_sealed: OnSealed = OnSealed.PASS_IF_UNTRACKED
    on_unreadable: OnUnreadable = OnUnreadable.PASS
    forwarded: Forwarded = Forwarded.REWRITE
    read_receipts: ReadReceipts = ReadReceipts.KEEP
    security_pixels: SecurityPixels = SecurityPixels.LISTED
    role_addresses: RoleAddresses = RoleAddresses.UNTRACKED
    role_names: tuple[str, ...] = ()
    mailing_lists: tuple[str, ...] = ()
    profile: Profile = Profile.FR
    can_keep: bool = True
