"""The section ``policy`` of the configuration: rules and switches, with their types and defaults."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from smtp_gate.config.section import SECTION
from smtp_gate.config.values import DomainGlob, FieldName, OneOrMore, PixelGlob, RoleName, RuleName, SenderGlob
from smtp_gate.decision import MailClass
from smtp_gate.policy.decide import MEASURED
from smtp_gate.policy.profile import LOOSEST_FIRST, PROFILES
from smtp_gate.policy.rules import (
    Condition,
    Controller,
    Forwarded,
    OnOpaqueLink,
    OnSealed,
    OnUnreadable,
    OnVisibleTrackedImage,
    Policy,
    Profile,
    ReadReceipts,
    RoleAddresses,
    Rule,
    SecurityPixels,
    Treat,
)


class _Model(BaseModel):
    model_config = SECTION


class When(_Model):
    """A rule's condition; all that is said must hold."""

    sender: Annotated[list[SenderGlob], OneOrMore, Field(min_length=1)] = []
    """Globs on the sender's address."""
    sender_domain: Annotated[list[DomainGlob], OneOrMore, Field(min_length=1)] = []
    """Globs on its domain."""
    header: Annotated[dict[FieldName, str], Field(min_length=1)] = {}
    """Header field -> glob on its value."""
    tool: Annotated[list[str], OneOrMore, Field(min_length=1)] = []
    """Catalogue ids of mailing tools."""

    def value(self) -> Condition:
        """As the policy row knows it."""
        return Condition(
            sender=tuple(self.sender),
            sender_domain=tuple(self.sender_domain),
            headers=tuple((name.lower(), glob) for name, glob in self.header.items()),
            tools=frozenset(self.tool),
        )


class RuleSettings(_Model):
    """One rule; the first that matches counts."""

    name: RuleName
    """Shown by explain and in the log."""
    when: When = When()
    """Left out: every mail."""
    mail_class: Annotated[MailClass, Field(alias="class")] = MailClass.UNKNOWN
    """What such mail is for."""
    pixels: Treat = Treat.CONSENT
    """Whether pixel consent counts."""
    clicks: Treat = Treat.CONSENT
    """Whether click consent counts."""
    allow_pixels: list[PixelGlob] = []
    """Security pixels that stay without consent; class authentication only."""
    on_opaque_link: OnOpaqueLink | None = None
    """As in policy, for this rule."""
    infer_from_text: bool | None = None
    """As in policy, for this rule."""
    on_visible_tracked_image: OnVisibleTrackedImage | None = None
    """As in policy, for this rule."""
    on_sealed: OnSealed | None = None
    """As in policy, for this rule."""
    forwarded: Forwarded | None = None
    """As in policy, for this rule."""
    read_receipts: ReadReceipts | None = None
    """As in policy, for this rule."""

    @model_validator(mode="after")
    def _pixels_of_authentication(self) -> Self:
        if self.allow_pixels and self.mail_class is not MailClass.AUTHENTICATION:
            raise ValueError("allow_pixels goes with class: authentication only")
        return self

    @model_validator(mode="after")
    def _measured_classes(self) -> Self:
        if self.pixels is Treat.MINIMISE and self.mail_class not in MEASURED:
            raise ValueError("pixels: minimise goes with class: transactional or newsletter only")
        if self.clicks is Treat.MINIMISE:
            raise ValueError("clicks: minimise is for pixels only; write consent or strip")
        return self

    def value(self) -> Rule:
        """As the policy row knows it."""
        return Rule(
            name=self.name,
            when=self.when.value(),
            mail_class=self.mail_class,
            pixels=self.pixels,
            clicks=self.clicks,
            allow_pixels=tuple(self.allow_pixels),
            on_opaque_link=self.on_opaque_link,
            infer_from_text=self.infer_from_text,
            on_visible_tracked_image=self.on_visible_tracked_image,
            on_sealed=self.on_sealed,
            forwarded=self.forwarded,
            read_receipts=self.read_receipts,
        )


class PolicySettings(_Model):
    """Rules and switches."""

    profile: Profile = Profile.FR
    """Whose law the defaults of the switches are those of."""
    on_opaque_link: OnOpaqueLink | None = None
    """Links that hide their target; left out: by profile where the web part runs, else text."""
    infer_from_text: bool = False
    """Links that hide their target, and whose visible words are one web address, go there."""
    on_visible_tracked_image: OnVisibleTrackedImage | None = None
    """Pictures to look at that only a tracking host serves; left out: by profile."""
    on_sealed: OnSealed | None = None
    """Signed and encrypted mail; left out: by profile."""
    on_unreadable: OnUnreadable | None = None
    """Mail with parts that cannot be searched; left out: by profile."""
    forwarded: Forwarded | None = None
    """Messages forwarded inside the message and shown with it; left out: by profile."""
    read_receipts: ReadReceipts | None = None
    """Header fields that ask for a reading receipt; left out: by profile."""
    security_pixels: SecurityPixels | None = None
    """Pixels on a rule's allow_pixels, without consent; left out: by profile."""
    role_addresses: RoleAddresses | None = None
    """Addresses that several people read, such as info@; left out: by profile."""
    role_names: Annotated[list[RoleName], OneOrMore] = []
    """Globs on further local parts of such addresses."""
    mailing_lists: Annotated[list[SenderGlob], OneOrMore] = []
    """Globs on addresses behind which a mailing list stands."""
    rules: list[RuleSettings] = []
    """First match wins; none: class unknown, the strictest."""

    def value(self, controllers: tuple[Controller, ...], *, web: bool, can_keep: bool) -> Policy:
        """As the policy row knows it.

        Args:
            controllers: whose mail it can be.
            web: whether there are pages that can ask.
            can_keep: whether a tracker can be kept at all.
        """
        said = {switch: getattr(self, switch) for switch in LOOSEST_FIRST if getattr(self, switch) is not None}
        if not web:
            said.setdefault("on_opaque_link", OnOpaqueLink.TEXT)
        return replace(
            PROFILES[self.profile],
            **said,
            role_names=tuple(self.role_names),
            mailing_lists=tuple(self.mailing_lists),
            infer_from_text=self.infer_from_text,
            controllers=controllers,
            rules=tuple(rule.value() for rule in self.rules),
            can_keep=can_keep,
        )
