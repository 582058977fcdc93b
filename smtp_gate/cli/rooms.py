"""From a configuration file to the values and stores that commands work with."""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from smtp_gate.config.api_keys import load_api_keys
from smtp_gate.config.catalogue import load_catalogue
from smtp_gate.config.footers import load_footers
from smtp_gate.config.keys import load_keys
from smtp_gate.config.load import check_vendors, load_settings, read_settings
from smtp_gate.config.values import SQLITE
from smtp_gate.consent import Ledger, RedisCache, Register
from smtp_gate.consent.sqlite_file import sqlite_path
from smtp_gate.errors import ConfigError
from smtp_gate.gate.ruleset import Ruleset
from smtp_gate.hooks.endpoint import endpoint_of
from smtp_gate.listener.peers import check_binds
from smtp_gate.tokens import Keyring, reached_by
from smtp_gate.web.brand import load_brands
from smtp_gate.web.brand_look import check_templates
from smtp_gate.web.notice import notices_of
from smtp_gate.witnesses.aliases import Aliases
from smtp_gate.witnesses.redis_learning import RedisLearning
from smtp_gate.witnesses.sqlite_learning import SqliteLearning

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from smtp_gate.config.api_keys import ApiKey
    from smtp_gate.config.settings import Settings
    from smtp_gate.hooks.endpoint import Endpoint
    from smtp_gate.web.notice import ControllerNotice
    from smtp_gate.witnesses.learning_store import LearningStore

BUILT_IN = """
listen: {smtp: "127.0.0.1:10025"}
deliver: {next_hops: ["smtp://127.0.0.1:25"]}
web: {public_url: "https://gate.example"}
keys: none
controllers: {sender: {name: "The sender", senders: ["*@*"]}}
"""
"""What ``rewrite`` and ``explain`` work with when no configuration is named: everybody is one controller."""
TRIAL_KEY = bytes(64)
"""Seals the addresses of a trial without configuration; they lead nowhere and protect nothing."""

STATE = "/var/lib/smtp-gate"
"""Where we keep files when systemd names no folder."""
DEFAULT_CONFIG = Path("/etc/smtp-gate/config.yaml")


class Loaded(NamedTuple):
    """One configuration file, read and checked as far as can be without opening anything.

    Attributes:
        settings: the file.
        ruleset: what mails are judged by.
        api_keys: who may call the API; empty where there is none.
        webhooks: who is told of decisions; none in a file for the web part alone, which tells nobody.
        notices: what pages say of each controller, and how they look, by its id.
    """

    settings: Settings
    ruleset: Ruleset
    api_keys: tuple[ApiKey, ...] = ()
    webhooks: tuple[Endpoint, ...] = ()
    notices: Mapping[str, ControllerNotice] = MappingProxyType({})


def load(config: Path) -> Loaded:
    """Read and check a configuration file, its catalogue files and its keys.

    Raises:
        ConfigError: for keys that cannot be used, or a listener that the whole world could reach.
        ConfigFileError: for all the errors of the file.
    """
    settings = load_settings(config)
    binds = [
        (f"listen.{name}", bind.rpartition(":")[0])
        for name, addresses in (("smtp", settings.listen.smtp), ("lmtp", settings.listen.lmtp))
        for bind in addresses
    ]
    check_binds(binds, settings.listen.allow, place=str(config))
    keyring = load_keys(settings.keys) if settings.keys else None
    hooks = tuple(endpoint_of(hook) for hook in settings.webhooks) if settings.deliver else ()
    ruleset = _ruleset(settings, keyring, str(config))
    notices = notices_of(ruleset.policy.controllers, load_brands(settings))
    check_templates(settings, notices)
    return Loaded(settings, ruleset, api_keys_of(settings), hooks, notices)


def api_keys_of(settings: Settings) -> tuple[ApiKey, ...]:
    """Who may call the API.

    Raises:
        ConfigError: when the file is unusable, or a key is for a controller that there is not.
    """
    path = settings.web.api_keys if settings.web else None
    if path is None:
        return ()
    keys = load_api_keys(path)
    for key in keys:
        if key.controller not in settings.controllers:
            choices = ", ".join(settings.controllers) or "none"
            problem = f"is for {key.controller!r}, which is no controller of the configuration: {choices}"
            raise ConfigError(str(path), key.name, problem)
    return keys


def ruleset_of(config: Path | None) -> Ruleset:
    """What mails are judged by: by a file, or by built-in defaults when there is none."""
    if config is not None:
        return load(config).ruleset
    return _ruleset(read_settings(BUILT_IN, "built-in"), Keyring({0: TRIAL_KEY}, 0, TRIAL_KEY), "built-in")


def _ruleset(settings: Settings, keyring: Keyring | None, name: str) -> Ruleset:
    public_url = settings.web.public_url if settings.web else ""
    trackers = settings.trackers
    catalogue = load_catalogue(trackers.extra, trackers.domains, public_url, settings.place, trackers.thresholds())
    check_vendors(settings, (vendor.id for vendor in catalogue.vendors), name)
    footers = load_footers(settings, catalogue)
    consent = settings.consent
    return Ruleset(
        policy=settings.rules(),
        catalogue=catalogue,
        keyring=keyring,
        public_url=public_url,
        on_failure=consent.on_failure,
        footers=footers,
        reask_after=consent.reask_after,
        on_reask=consent.on_reask,
    )


def aliases_of(settings: Settings) -> Aliases | None:
    """Who asks DNS; None where the configuration lets nobody.

    Raises:
        ConfigError: when no DNS server is known.
    """
    if not settings.trackers.cname:
        return None
    # Here, since it takes a quarter of a second and some megabytes, and few let DNS be asked.
    from smtp_gate.witnesses.resolver import Resolver  # noqa: PLC0415

    return Aliases(Resolver(settings.trackers.dns or ""))


def learning_store_of(settings: Settings) -> LearningStore:
    """Where sightings are counted: in Redis where there is one, else in a file of this machine.

    It lies beside a ledger that is a file, else in the folder that systemd gives the service.
    """
    if settings.consent.cache is not None:
        return RedisLearning(settings.consent.cache)
    if settings.consent.ledger.startswith(SQLITE):
        ledger = sqlite_path(settings.consent.ledger)
        return SqliteLearning(ledger.with_name(f"{ledger.stem}-learnt.db"))
    folder = os.environ.get("STATE_DIRECTORY", "").partition(":")[0] or STATE
    return SqliteLearning(Path(folder) / "consent-learnt.db")


class Books(NamedTuple):
    """What commands about consent work on.

    Attributes:
        settings: the file.
        keyring: names people by subject ids.
        ledger: the authority.
        cache: Redis, when there is one.
        register: takes decisions in.
    """

    settings: Settings
    keyring: Keyring
    ledger: Ledger
    cache: RedisCache | None
    register: Register


@contextmanager
def open_books(config: Path) -> Iterator[Books]:
    """Open ledger and cache for one command.

    Raises:
        ConfigError: when there are no keys: people are named by them.
        StoreUnavailable: when the ledger cannot be opened.
    """
    settings = load_settings(config)
    keyring = load_keys(settings.keys or Path("/etc/smtp-gate/keys.yaml"))
    ledger = Ledger(settings.consent.ledger, reached=partial(reached_by, keyring))
    try:
        cache = RedisCache(settings.consent.cache) if settings.consent.cache else None
        yield Books(settings, keyring, ledger, cache, Register(ledger, cache))
    finally:
        ledger.close()
