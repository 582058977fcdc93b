"""The catalogue's files: read, checked with their own examples, and compiled.

One YAML file describes one vendor (``docs/catalogue.md``). The gate brings its own; a folder of further files can
be named. Every fault of every file is told at once, with line and column, key, value and choices. Our own files
are held to their examples by tests, so that a start does not judge a thousand addresses.
"""

from __future__ import annotations

import re
from importlib import resources
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from smtp_gate.config.faults import choose, said
from smtp_gate.config.regex import compile_bounded
from smtp_gate.config.yaml_file import Document, dotted, read_yaml
from smtp_gate.errors import ConfigError, ConfigFileError
from smtp_gate.model import NOTHING, Kind, Purpose
from smtp_gate.trackers import Catalogue
from smtp_gate.trackers.address import split
from smtp_gate.trackers.decode import compile_decoder
from smtp_gate.trackers.evidence import Suspicion
from smtp_gate.trackers.vendor import Confidence, Decoder, Fact, HeaderSign, Pattern, Vendor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

MAX_CATALOGUE_FILE = 262_144
"""Octets of one vendor's file; ours are below 10,000."""

Place = tuple[str | int, ...]
"""A key in the file, as :mod:`smtp_gate.config.yaml_file` counts it."""


def _regex(text: str) -> str:
    compile_bounded(text)
    return text


def _shaped(form: str, said: str) -> AfterValidator:
    def check(text: str) -> str:
        if not re.fullmatch(form, text):
            raise ValueError(said)
        return text

    return AfterValidator(check)


def _two(examples: list[str]) -> list[str]:
    if len(examples) < 2:  # noqa: PLR2004 - one example proves a spelling, two a pattern
        raise ValueError("are too few; give two or more")
    return examples


Text = Annotated[str, Field(min_length=1)]
Regex = Annotated[str, AfterValidator(_regex)]
Host = Annotated[
    str,
    _shaped(
        r"=?[a-z0-9_-]+(?:\.[a-z0-9_-]+)+",
        "is no host; write example.com (with all below it) or =example.com (that one only), in lower case",
    ),
]
Day = Annotated[str, _shaped(r"\d{4}-\d{2}-\d{2}", "is no day; write YYYY-MM-DD")]
Id = Annotated[str, _shaped(r"[a-z][a-z0-9_]*", "is no id; write lower-case letters, digits and _")]
Country = Annotated[str, _shaped(r"[A-Z]{2}", "is no country; write two capitals, as ISO 3166 does")]
FieldName = Annotated[str, _shaped(r"[!-9;-~]+", "is no name of a header field")]
PurposeName = Literal["performance", "profiling", "fraud", "deliverability", "clicks"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Fact(_Model):
    confidence: Literal["real_mail", "vendor", "list", "guess"]
    source: Text
    checked: Day

    def value(self) -> Fact:
        return Fact(Confidence(self.confidence), self.source, self.checked)


class _Decoded(_Model):
    url: Text
    target: Text


class _Target(_Model):
    start: Annotated[str, Field(alias="from", min_length=1)]
    steps: list[str] = []
    examples: Annotated[list[_Decoded], Field(min_length=1)]

    def value(self) -> Decoder:
        pairs = tuple((example.url, example.target) for example in self.examples)
        return Decoder(self.start, tuple(self.steps), pairs)


class _Pattern(_Model):
    name: Text
    hosts: list[Host] = []
    host_pattern: Regex | None = None
    path: Regex | None = None
    anywhere: bool = False
    marks: list[Text] = []
    fact: _Fact
    examples: Annotated[list[Text], Field(min_length=1)]

    def value(self, default: Purpose = NOTHING) -> Pattern:
        return Pattern(
            self.name,
            tuple(self.hosts),
            re.compile(self.host_pattern) if self.host_pattern is not None else None,
            re.compile(self.path) if self.path is not None else None,
            self.anywhere,
            frozenset(self.marks),
            self.served(default),
            self.fact.value(),
            tuple(self.examples),
            self.decoders(),
            self.is_weak(),
        )

    def served(self, default: Purpose) -> Purpose:
        return default

    def decoders(self) -> tuple[Decoder, ...]:
        return ()

    def is_weak(self) -> bool:
        return False


class _Tracking(_Pattern):
    purposes: list[PurposeName] = []
    weak: bool = False
    examples: Annotated[list[Text], AfterValidator(_two)]

    def served(self, default: Purpose) -> Purpose:
        served = NOTHING
        for name in self.purposes:
            served |= Purpose[name.upper()]
        return served or default

    def is_weak(self) -> bool:
        return self.weak


class _Link(_Tracking):
    targets: list[_Target] = []

    def decoders(self) -> tuple[Decoder, ...]:
        return tuple(target.value() for target in self.targets)


class _Header(_Model):
    name: FieldName
    value: Regex | None = None
    fact: _Fact

    def sign(self) -> HeaderSign:
        return HeaderSign(self.name.lower(), re.compile(self.value) if self.value else None, self.fact.value())


class _Vendor(_Model):
    id: Id
    name: Text
    country: Country | None = None
    own_purposes: bool | None = None
    pixels: list[_Tracking] = []
    links: list[_Link] = []
    functional: list[_Pattern] = []
    content: list[_Pattern] = []
    pictures: list[_Tracking] = []
    headers: list[_Header] = []
    parameters: list[Text] = []
    cname_targets: list[Host] = []
    cname_pattern: Regex | None = None

    def value(self) -> Vendor:
        return Vendor(
            self.id,
            self.name,
            self.country or "",
            self.own_purposes,
            tuple(pattern.value(Purpose.PERFORMANCE) for pattern in self.pixels),
            tuple(pattern.value(Purpose.CLICKS) for pattern in self.links),
            tuple(pattern.value() for pattern in self.functional),
            tuple(pattern.value() for pattern in self.content),
            tuple(pattern.value(Purpose.PERFORMANCE) for pattern in self.pictures),
            tuple(header.sign() for header in self.headers),
            tuple(name.lower() for name in self.parameters),
            tuple(self.cname_targets),
            re.compile(self.cname_pattern) if self.cname_pattern is not None else None,
        )


def load_catalogue(
    extra: Path | None,
    domains: Mapping[str, Sequence[str]],
    own: str,
    where: Callable[[Place], str] = lambda _: "",
    suspicion: Suspicion = Suspicion(),  # noqa: B008 - a value that nobody can change
) -> Catalogue:
    """Read the gate's own files and those of a folder, and compile them.

    Args:
        extra: a folder of further ``*.yaml`` files; None for none.
        domains: vendor id -> the company's own tracking hosts.
        own: public URL of this gate; empty for none.
        where: tells the place of a key in the file that names the domains.
        suspicion: from which score on a load that nobody catalogued counts as a pixel, or is told.

    Raises:
        ConfigFileError: with every fault of every file.
    """
    errors: list[ConfigError] = []
    vendors: dict[str, Vendor] = {}
    places: dict[str, str] = {}
    ours = our_files()
    for name, text in (*ours.items(), *_of_folder(extra, errors)):
        try:
            document = read_yaml(text, name)
            vendor = read_vendor(document, examples=name not in ours)
        except ConfigFileError as error:
            errors += error.errors
            continue
        if vendor.id in vendors:
            place = document.value_place(("id",))
            errors.append(ConfigError(place, "id", f"{vendor.id!r} is taken already, by {places[vendor.id]}"))
            continue
        vendors[vendor.id] = vendor
        places[vendor.id] = name
    errors += [
        ConfigError(
            where(("trackers", "domains", vendor)),
            f"trackers.domains.{vendor}",
            f"{vendor!r} is no vendor; {choose(vendor, list(vendors))}",
        )
        for vendor in domains
        if vendor not in vendors
    ]
    if errors:
        raise ConfigFileError(tuple(errors))
    return Catalogue(tuple(vendors.values()), domains, own, suspicion)


def read_vendor(document: Document, *, examples: bool = True) -> Vendor:
    """The vendor that one file describes.

    Args:
        document: the file.
        examples: whether patterns and decoders are held to their examples.

    Raises:
        ConfigFileError: with every fault of the file.
    """
    try:
        vendor = _Vendor.model_validate(document.data).value()
    except ValidationError as error:
        raise ConfigFileError(tuple(said(document, _Vendor, fault) for fault in error.errors())) from None
    if examples:
        faults = [
            ConfigError(document.value_place(path), dotted(path), problem)
            for path, problem in _example_faults(vendor)
        ]
        if faults:
            raise ConfigFileError(tuple(faults))
    return vendor


def our_files() -> dict[str, str]:
    """The files that the gate brings: name -> text, in order of their names."""
    folder = resources.files("smtp_gate.trackers") / "catalogue"
    files = [entry for entry in folder.iterdir() if entry.name.endswith(".yaml")]
    return {str(entry): entry.read_text("utf-8") for entry in sorted(files, key=lambda entry: entry.name)}


def _of_folder(folder: Path | None, errors: list[ConfigError]) -> Iterable[tuple[str, str]]:
    if folder is None:
        return []
    found: list[tuple[str, str]] = []
    try:
        paths = sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml"))
    except OSError as error:
        errors.append(ConfigError(str(folder), "", f"cannot be listed: {error.strerror}"))
        return []
    for path in paths:
        try:
            if path.stat().st_size > MAX_CATALOGUE_FILE:
                errors.append(ConfigError(str(path), "", f"is larger than {MAX_CATALOGUE_FILE} octets"))
                continue
            found.append((str(path), path.read_text("utf-8")))
        except UnicodeDecodeError:
            errors.append(ConfigError(str(path), "", "is not UTF-8 text"))
        except OSError as error:
            errors.append(ConfigError(str(path), "", f"cannot be read: {error.strerror}"))
    return found


# --- what a valid shape can still get wrong ---------------------------------------------------------------------
def _example_faults(vendor: Vendor) -> Iterable[tuple[Place, str]]:
    """Patterns that can never match or miss their own examples, and decoders that miss their targets."""
    shelves = {
        "pixels": vendor.pixels,
        "links": vendor.links,
        "functional": vendor.functional,
        "content": vendor.content,
        "pictures": vendor.pictures,
    }
    decoders_hold = True
    for shelf, patterns in shelves.items():
        for number, pattern in enumerate(patterns):
            path: Place = (shelf, number)
            yield from _pattern_faults(path, pattern)
            for place, decoder in enumerate(pattern.targets):
                try:
                    compile_decoder(decoder)
                except ValueError as error:
                    decoders_hold = False
                    yield (*path, "targets", place), str(error)
    if decoders_hold:
        yield from _target_faults(vendor)


def _pattern_faults(path: Place, pattern: Pattern) -> Iterable[tuple[Place, str]]:
    if not pattern.hosts and pattern.host_pattern is None and not pattern.anywhere:
        yield path, "names no host; give hosts, host_pattern, or `anywhere: true` with marks"
        return
    if pattern.anywhere and (pattern.path is None or not pattern.marks):
        yield path, "holds anywhere, so it needs a path and marks (the path segments that it always has)"
        return
    if pattern.marks and not pattern.anywhere:
        yield (*path, "marks"), "is for patterns with `anywhere: true` only"
    if pattern.fact.confidence is Confidence.GUESS and path[0] in ("pixels", "links") and not pattern.weak:
        yield (*path, "fact", "confidence"), "is a guess, so the pattern needs `weak: true`"
    for number, example in enumerate(pattern.examples):
        problem = _missed(pattern, example)
        if problem:
            yield (*path, "examples", number), f"{example!r} {problem}"


def _missed(pattern: Pattern, example: str) -> str:
    place = split(example)
    if place is None:
        return "is no http(s) address"
    host, rest = place
    if pattern.path is not None and pattern.path.match(rest) is None:
        return f"is not matched by the path {pattern.path.pattern!r}"
    if pattern.anywhere:
        route = rest.partition("?")[0]
        if pattern.marks.isdisjoint(route.split("/") if route != "/" else ("/",)):
            return f"has none of the marks as a path segment: {', '.join(sorted(pattern.marks))}"
    elif not pattern.on_host(host):
        return f"is on a host that the pattern does not name: {host}"
    return ""


def _target_faults(vendor: Vendor) -> Iterable[tuple[Place, str]]:
    catalogue = Catalogue((vendor,))
    for number, link in enumerate(vendor.links):
        for place, decoder in enumerate(link.targets):
            for at, (url, expected) in enumerate(decoder.examples):
                path: Place = ("links", number, "targets", place, "examples", at)
                got = catalogue.target(url)
                if got != expected:
                    yield (*path, "target"), f"{expected!r} is expected, but {got!r} comes out"
                judged = catalogue.link(url, str, frozenset())
                if judged is None or judged.kind is not Kind.LINK:
                    yield (*path, "url"), f"{url!r} is no link of this vendor"
