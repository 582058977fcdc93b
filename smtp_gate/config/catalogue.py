"""The catalogue's files: read, checked with their own examples, and compiled.

One YAML file describes one vendor (``docs/catalogue.md``). The gate brings its own; a folder of further files can
be named. Every fault of every file is told at once, with line and column, key, value and choices.
"""

from __future__ import annotations

import re
from importlib import resources
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from smtp_gate.config.regex import compile_bounded
from smtp_gate.config.yaml_file import Document, dotted, read_yaml
from smtp_gate.errors import ConfigError, ConfigFileError
from smtp_gate.model import NOTHING, Kind, Purpose
from smtp_gate.trackers import Catalogue
from smtp_gate.trackers.address import split
from smtp_gate.trackers.decode import compile_decoder
from smtp_gate.trackers.vendor import Confidence, Decoder, Fact, HeaderSign, Pattern, Vendor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

MAX_CATALOGUE_FILE = 262_144
"""Octets of one vendor's file; ours are below 10,000."""

Path_ = tuple[str | int, ...]


def _regex(text: str) -> str:
    compile_bounded(text)
    return text


def _host(text: str) -> str:
    if not re.fullmatch(r"=?[a-z0-9_-]+(?:\.[a-z0-9_-]+)+", text):
        raise ValueError("is no host: write example.com (with all below it) or =example.com (that one only)")
    return text


Regex = Annotated[str, AfterValidator(_regex)]
Host = Annotated[str, AfterValidator(_host)]
Text = Annotated[str, Field(min_length=1)]
PurposeName = Literal["performance", "profiling", "fraud", "deliverability", "clicks"]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class _Fact(_Model):
    confidence: Literal["real_mail", "vendor", "list"]
    source: Text
    checked: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")]

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
        )

    def served(self, default: Purpose) -> Purpose:
        return default

    def decoders(self) -> tuple[Decoder, ...]:
        return ()


class _Tracking(_Pattern):
    purposes: list[PurposeName] = []
    examples: Annotated[list[Text], Field(min_length=2)]

    def served(self, default: Purpose) -> Purpose:
        served = NOTHING
        for name in self.purposes:
            served |= Purpose[name.upper()]
        return served or default


class _Link(_Tracking):
    targets: list[_Target] = []

    def decoders(self) -> tuple[Decoder, ...]:
        return tuple(target.value() for target in self.targets)


class _Header(_Model):
    name: Annotated[str, Field(pattern=r"^[!-9;-~]+$")]
    value: Regex | None = None
    fact: _Fact

    def sign(self) -> HeaderSign:
        return HeaderSign(self.name.lower(), re.compile(self.value) if self.value else None, self.fact.value())


class _Vendor(_Model):
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    name: Text
    country: Annotated[str, Field(pattern=r"^[A-Z]{2}$")] = ""
    own_purposes: bool | None = None
    pixels: list[_Tracking] = []
    links: list[_Link] = []
    functional: list[_Pattern] = []
    content: list[_Pattern] = []
    headers: list[_Header] = []
    parameters: list[Text] = []

    def value(self) -> Vendor:
        return Vendor(
            self.id,
            self.name,
            self.country,
            self.own_purposes,
            tuple(pattern.value(Purpose.PERFORMANCE) for pattern in self.pixels),
            tuple(pattern.value(Purpose.CLICKS) for pattern in self.links),
            tuple(pattern.value() for pattern in self.functional),
            tuple(pattern.value() for pattern in self.content),
            tuple(header.sign() for header in self.headers),
            tuple(name.lower() for name in self.parameters),
        )


def load_catalogue(extra: Path | None, domains: Mapping[str, Sequence[str]], own: str) -> Catalogue:
    """Read the gate's own files and those of a folder, and compile them.

    Args:
        extra: a folder of further ``*.yaml`` files; None for none.
        domains: vendor id -> the company's own tracking hosts.
        own: public URL of this gate; empty for none.

    Raises:
        ConfigFileError: with every fault of every file.
    """
    errors: list[ConfigError] = []
    vendors: dict[str, Vendor] = {}
    places: dict[str, str] = {}
    for name, text in (*_built_in(), *_of_folder(extra, errors)):
        try:
            document = read_yaml(text, name)
            vendor = read_vendor(document)
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
            "", f"trackers.domains.{vendor}", f"{vendor!r} is no vendor; choose one of: {', '.join(vendors)}"
        )
        for vendor in domains
        if vendor not in vendors
    ]
    if errors:
        raise ConfigFileError(tuple(errors))
    return Catalogue(tuple(vendors.values()), domains, own)


def read_vendor(document: Document) -> Vendor:
    """The vendor that one file describes, its examples checked.

    Raises:
        ConfigFileError: with every fault of the file.
    """
    try:
        vendor = _Vendor.model_validate(document.data).value()
    except ValidationError as error:
        raise ConfigFileError(tuple(_said(document, fault) for fault in error.errors())) from None
    faults = [
        ConfigError(document.value_place(path), dotted(path), problem) for path, problem in _example_faults(vendor)
    ]
    if faults:
        raise ConfigFileError(tuple(faults))
    return vendor


def _built_in() -> Iterable[tuple[str, str]]:
    folder = resources.files("smtp_gate.trackers") / "catalogue"
    files = [entry for entry in folder.iterdir() if entry.name.endswith(".yaml")]
    return [(str(entry), entry.read_text("utf-8")) for entry in sorted(files, key=lambda entry: entry.name)]


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
def _example_faults(vendor: Vendor) -> Iterable[tuple[Path_, str]]:
    """Patterns that can never match or miss their own examples, and decoders that miss their targets."""
    shelves = {
        "pixels": vendor.pixels,
        "links": vendor.links,
        "functional": vendor.functional,
        "content": vendor.content,
    }
    decoders_hold = True
    for shelf, patterns in shelves.items():
        for number, pattern in enumerate(patterns):
            path: Path_ = (shelf, number)
            yield from _pattern_faults(path, pattern)
            for place, decoder in enumerate(pattern.targets):
                try:
                    compile_decoder(decoder)
                except ValueError as error:
                    decoders_hold = False
                    yield (*path, "targets", place), str(error)
    if decoders_hold:
        yield from _target_faults(vendor)


def _pattern_faults(path: Path_, pattern: Pattern) -> Iterable[tuple[Path_, str]]:
    if not pattern.hosts and pattern.host_pattern is None and not pattern.anywhere:
        yield path, "names no host; give hosts, host_pattern, or `anywhere: true` with marks"
        return
    if pattern.anywhere and (pattern.path is None or not pattern.marks):
        yield path, "holds anywhere, so it needs a path and marks (the path segments that it always has)"
        return
    if pattern.marks and not pattern.anywhere:
        yield (*path, "marks"), "is for patterns with `anywhere: true` only"
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


def _target_faults(vendor: Vendor) -> Iterable[tuple[Path_, str]]:
    catalogue = Catalogue((vendor,))
    for number, link in enumerate(vendor.links):
        for place, decoder in enumerate(link.targets):
            for at, (url, expected) in enumerate(decoder.examples):
                path: Path_ = ("links", number, "targets", place, "examples", at)
                got = catalogue.target(url)
                if got != expected:
                    yield (*path, "target"), f"{expected!r} is expected, but {got!r} comes out"
                judged = catalogue.link(url, str, frozenset())
                if judged is None or judged.kind is not Kind.LINK:
                    yield (*path, "url"), f"{url!r} is no link of this vendor"


def _said(document: Document, fault: Any) -> ConfigError:
    """One complaint of pydantic, as our errors are written."""
    path: Path_ = tuple(fault["loc"])
    key, value = dotted(path), fault["input"]
    kind, context = fault["type"], fault.get("ctx", {})
    if kind == "extra_forbidden":
        known = ", ".join(_known_keys(path[:-1]))
        return ConfigError(document.place(path), key, f"is no key here; choose one of: {known}")
    if kind == "missing":
        return ConfigError(document.place(path[:-1]), key, "is missing")
    if kind == "literal_error":
        problem = f"{value!r} is no choice; choose one of: {context['expected'].replace(' or ', ', ')}"
    elif kind == "value_error":
        problem = f"{value!r} {context['error']}"
    elif kind == "string_pattern_mismatch":
        problem = f"{value!r} has not the form {context['pattern']}"
    elif kind == "too_short":
        problem = f"needs {context['min_length']} or more, has {context['actual_length']}"
    elif kind == "string_too_short":
        problem = "is empty"
    else:
        wanted = str(fault["msg"]).removeprefix("Input should be ")
        problem = f"{_short(value)} should be {wanted}"
    return ConfigError(document.value_place(path), key, problem)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."  # noqa: PLR2004 - a line of an error


def _known_keys(path: Path_) -> list[str]:
    """Keys that may stand at a path of the file."""
    model: type[BaseModel] = _Vendor
    for piece in path:
        if isinstance(piece, str):
            model = _INSIDE.get(piece, model)
    return [field.alias or name for name, field in model.model_fields.items()]


_INSIDE: dict[str, type[BaseModel]] = {
    "pixels": _Tracking,
    "links": _Link,
    "functional": _Pattern,
    "content": _Pattern,
    "headers": _Header,
    "fact": _Fact,
    "targets": _Target,
}
