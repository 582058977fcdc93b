"""The configuration as its users write it: every key, its type, its default, in one place.

Unknown keys are errors. ``docs/policy.md`` explains the keys and ``config.example.yaml`` shows them; a test
compares both with these models, both ways.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from pydantic import BaseModel, Field, PrivateAttr, model_validator

from smtp_gate.config.brand_section import BrandSettings
from smtp_gate.config.policy_section import PolicySettings
from smtp_gate.config.section import SECTION
from smtp_gate.config.values import (
    SQLITE,
    Bind,
    Binds,
    Cache,
    DnsServer,
    HookUrl,
    Hop,
    Hostname,
    Identifier,
    Language,
    Ledger,
    MailAddress,
    Network,
    NoticeUrl,
    OneOrMore,
    PublicUrl,
    SenderPattern,
    TrackingHost,
    Workers,
)
from smtp_gate.config.yaml_file import Document
from smtp_gate.limits import MAX_MESSAGE_SIZE
from smtp_gate.policy.rules import Controller, Policy
from smtp_gate.trackers.evidence import Suspicion

MIN_SIZE = 65_536
"""Octets: a message limit below it would refuse ordinary mail."""


MAX_REASK_AFTER = 3650
"""Days: ten years; who means for ever does not send the mail."""

MAX_HEADS_EVERY = 1440
MAX_RETENTION = 36_525
"""Minutes: a day without a head would be a day that can be cut off unseen."""


def _located_hop(url: str, folder: Path) -> str:
    """A next hop whose ``ca`` file is an absolute path."""
    pieces = urlsplit(url)
    options = [(name, str(folder / value) if name == "ca" else value) for name, value in parse_qsl(pieces.query)]
    return pieces._replace(query=urlencode(options, safe="/:")).geturl() if options else url


class _Model(BaseModel):
    model_config = SECTION


class Tls(_Model):
    """STARTTLS for clients."""

    certificate: Path
    """PEM file with the certificate and its chain."""
    key: Path
    """PEM file with its private key."""
    required: bool = False
    """No mail before STARTTLS."""


class Listen(_Model):
    """Where mail comes in."""

    smtp: Binds = []
    """HOST:PORT, one or several."""
    lmtp: Binds = []
    """HOST:PORT, one or several: one reply for each recipient, best for Postfix."""
    allow: Annotated[list[Network], OneOrMore] = []
    """Networks that may connect; needed where a bind can be reached from outside."""
    tls: Tls | None = None
    """STARTTLS."""
    hostname: Hostname = ""
    """What the gate calls itself; empty: the machine's name."""
    max_size: Annotated[int, Field(ge=MIN_SIZE, le=MAX_MESSAGE_SIZE * 8)] = MAX_MESSAGE_SIZE
    """Octets of the largest message; never more than the next hop takes."""


class Deliver(_Model):
    """Where mail goes."""

    next_hops: Annotated[list[Hop], OneOrMore, Field(min_length=1)]
    """smtp://HOST:PORT?tls=none|opportunistic|required&ca=FILE, the preferred one first."""
    hostname: Hostname = ""
    """What the gate calls itself to them; empty: as to its clients."""

    def located(self, folder: Path) -> Deliver:
        """The same with absolute paths of CA files."""
        return self.model_copy(update={"next_hops": [_located_hop(url, folder) for url in self.next_hops]})


class Consent(_Model):
    """Who agreed to what."""

    ledger: Ledger = "sqlite:////var/lib/smtp-gate/consent.db"
    """The authority: sqlite:////absolute/path or postgresql://user@host/database."""
    cache: Cache | None = None
    """Redis for look-ups; left out: the ledger is read directly."""
    on_failure: Literal["untracked", "defer"] = "untracked"
    """What mail with trackers gets when the store gives no answer."""
    reask_after: Annotated[int, Field(ge=0, le=MAX_REASK_AFTER)] = 183
    """Days in which nobody is asked for consent by mail again; 0: no limit."""
    on_reask: Literal["reject", "pass"] = "reject"
    """What a mail gets that would ask again."""
    heads: Path | None = None
    """A file for signed heads of the ledger, best on another disk; left out: none are signed."""
    heads_every: Annotated[int, Field(ge=1, le=MAX_HEADS_EVERY)] = 10
    """Minutes between two of them."""
    retention: Annotated[int, Field(ge=1, le=MAX_RETENTION)] | None = None
    """Days after which a person's proof may be erased (`ledger retain`); left out: it is kept."""
    transition_until: date | None = None
    """Last day on which imported silence of the French transition of 2026 counts; left out: it never does."""


class Web(_Model):
    """The part that people and mail programs see."""

    listen: Bind = "127.0.0.1:8080"
    """HOST:PORT; TLS is the web server's in front."""
    public_url: PublicUrl
    """Where the world reaches it."""
    proxies: Annotated[list[Network], OneOrMore] = []
    """Networks of the web servers in front, whose X-Forwarded-For is believed."""
    api_keys: Path | None = None
    """File of `smtp-gate keys api new`; left out: there is no API."""


class FooterSettings(_Model):
    """Templates of the footer, in place of ours."""

    html: Path | None = None
    """Jinja template for HTML bodies; left out: ours."""
    text: Path | None = None
    """Jinja template for plain text; left out: ours."""

    @model_validator(mode="after")
    def _one_at_least(self) -> Self:
        if self.html is None and self.text is None:
            raise ValueError("names no template; give html, text or both, or leave footer out")
        return self


class ControllerSettings(_Model):
    """One controller."""

    name: Annotated[str, Field(min_length=1)]
    """As people know it."""
    senders: Annotated[list[SenderPattern], OneOrMore, Field(min_length=1)]
    """login@example.com, @example.com or @*.example.com."""
    privacy_url: NoticeUrl = ""
    """Its privacy notice."""
    contact: str = ""
    """Whom to write to."""
    language: Language = "en"
    """Of footer and pages, where the mail or browser does not say."""
    mail_from: MailAddress = ""
    """Address that messages to confirm consent come from; left out: contact, where it is a mail address."""
    footer: FooterSettings | None = None
    """Own templates of the footer."""
    brand: BrandSettings | None = None
    """How its pages look."""


class SuspicionSettings(_Model):
    """What a score of evidence leads to, for pictures that nobody catalogued."""

    act: Annotated[int, Field(ge=1, le=100)] = 50
    """From this score on it counts as a pixel."""
    note: Annotated[int, Field(ge=1, le=100)] = 25
    """From this score on it is told by explain and counted."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.note > self.act:
            raise ValueError("note must not be above act: what is acted on is told too")
        return self


class Trackers(_Model):
    """What counts as a tracker, beyond the catalogue."""

    extra: Path | None = None
    """A folder of own catalogue files."""
    domains: dict[str, Annotated[list[TrackingHost], OneOrMore]] = {}
    """Vendor id -> the company's own tracking hosts."""
    learn: Literal["off", "observe", "act"] = "observe"
    """Addresses that differ from copy to copy: count them, and act upon those that are built like trackers."""
    cname: bool = False
    """Look up where hosts of links and images lead (CNAME)."""
    dns: DnsServer | None = None
    """ADDRESS:PORT to ask; left out: the system's own."""
    suspicion: SuspicionSettings = SuspicionSettings()
    """What a score of evidence leads to, for pictures that nobody catalogued."""

    def thresholds(self) -> Suspicion:
        """As the trackers row knows them."""
        return Suspicion(self.suspicion.act, self.suspicion.note)


class Audit(_Model):
    """A second opinion on what leaves."""

    sample: Annotated[float, Field(ge=0, le=1)] = 0.0
    """Share of the messages that another parser reads again; 0: none."""


class Observe(_Model):
    """What an operator sees."""

    log: Literal["auto", "json", "console"] = "auto"
    """auto: JSON unless on a terminal."""
    metrics: Bind | None = None
    """HOST:PORT for Prometheus; left out: none."""


class WebhookSettings(_Model):
    """One endpoint that is told of decisions."""

    url: HookUrl
    """Where it is reached; https."""
    controller: Identifier
    """Whose decisions it is told."""
    secret_file: Path
    """A file with the secret that signs: whsec_ and base64."""
    events: Annotated[list[Literal["grant", "refuse", "withdraw"]], OneOrMore, Field(min_length=1)] = [
        "grant",
        "refuse",
        "withdraw",
    ]
    """Which decisions."""
    networks: Annotated[list[Network], OneOrMore] = []
    """Private networks that the url's name may lead to."""


class Settings(_Model):
    """The whole file."""

    listen: Listen = Listen()
    """Where mail comes in."""
    workers: Workers = "auto"
    """Processes; auto: one for each core."""
    deliver: Deliver | None = None
    """Where mail goes; a file without listen and deliver is for the web part alone."""
    consent: Consent = Consent()
    """Who agreed to what."""
    web: Web | None = None
    """Left out: nothing can be kept, asked or withdrawn."""
    keys: Path | None = None
    """Key file; needed with web."""
    controllers: dict[Identifier, ControllerSettings] = {}
    """Id -> who answers for the mail."""
    trackers: Trackers = Trackers()
    """What counts as a tracker, beyond the catalogue."""
    policy: PolicySettings = PolicySettings()
    """Rules and switches."""
    audit: Audit = Audit()
    """A second opinion on what leaves."""
    webhooks: list[WebhookSettings] = []
    """Endpoints that are told of decisions."""
    observe: Observe = Observe()
    """Log and metrics."""
    _document: Document | None = PrivateAttr(default=None)

    def located(self, folder: Path) -> Settings:
        """The same with its relative paths made absolute, from the folder of its file."""

        def there(path: Path | None) -> Path | None:
            return None if path is None else folder / path

        tls = self.listen.tls
        if tls is not None:
            tls = tls.model_copy(update={"certificate": there(tls.certificate), "key": there(tls.key)})
        controllers = {}
        for name, controller in self.controllers.items():
            footer = controller.footer
            if footer is not None:
                footer = footer.model_copy(update={"html": there(footer.html), "text": there(footer.text)})
            brand = controller.brand and controller.brand.located(folder)
            controllers[name] = controller.model_copy(update={"footer": footer, "brand": brand})
        ledger = self.consent.ledger
        if ledger.startswith(SQLITE):
            ledger = f"{SQLITE}{folder / ledger.removeprefix(SQLITE)}"
        return self.model_copy(
            update={
                "keys": there(self.keys),
                "webhooks": [
                    hook.model_copy(update={"secret_file": there(hook.secret_file)}) for hook in self.webhooks
                ],
                "web": self.web and self.web.model_copy(update={"api_keys": there(self.web.api_keys)}),
                "controllers": controllers,
                "listen": self.listen.model_copy(update={"tls": tls}),
                "deliver": self.deliver and self.deliver.located(folder),
                "consent": self.consent.model_copy(update={"ledger": ledger, "heads": there(self.consent.heads)}),
                "trackers": self.trackers.model_copy(update={"extra": there(self.trackers.extra)}),
            }
        )

    def place(self, path: tuple[str | int, ...]) -> str:
        """``file:line:column`` of the key at ``path``; empty for settings that were read from no file."""
        return "" if self._document is None else self._document.place(path)

    def read_from(self, document: Document) -> None:
        """Remember the file, for errors that show later."""
        self._document = document

    def rules(self) -> Policy:
        """As the policy row knows it."""
        controllers = tuple(
            Controller(
                id=name,
                name=controller.name,
                senders=tuple(controller.senders),
                privacy_url=controller.privacy_url,
                contact=controller.contact,
                language=controller.language,
                mail_from=controller.mail_from,
            )
            for name, controller in self.controllers.items()
        )
        web = self.web is not None
        return self.policy.value(controllers, web=web, can_keep=web and self.keys is not None)
