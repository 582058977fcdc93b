"""Where decisions are imported from, as its users write it: one YAML file a source.

``from`` says where the rows come from (left out in a file for ``--map``), ``map`` which column is what; that one is
``source_map``'s. Paths are relative to the file's folder.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, ValidationError, model_validator

from smtp_gate.config.environment import expanded
from smtp_gate.config.faults import choose, said
from smtp_gate.config.load import file_text
from smtp_gate.config.source_map import PLAIN, Map
from smtp_gate.config.yaml_file import Document, dotted, read_yaml
from smtp_gate.errors import ConfigError, ConfigFileError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SECRETS = (
    ("from", "sql", "url"),
    ("from", "http", "token"),
    ("from", "http", "headers", "*"),
)
"""Keys whose values may be a variable of the environment."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True, validate_by_name=True)


def _safe_url(text: str) -> str:
    try:
        pieces = urlsplit(text)
        scheme, host = pieces.scheme, pieces.hostname
    except ValueError:
        scheme, host = "", None
    if not host or scheme not in ("https", "http"):
        raise ValueError("is no web address; write https://api.example.com/contacts")
    if scheme == "http" and host not in _LOOPBACK:
        raise ValueError("would send the token and people's addresses in the clear; write https://")
    return text


def _select(text: str) -> str:
    words = text.split(maxsplit=1)
    if not words or words[0].lower() not in ("select", "with"):
        raise ValueError("only reads; write one SELECT")
    return text


SafeUrl = Annotated[str, AfterValidator(_safe_url)]


class Csv(_Model):
    """A CSV file with a first line that names the columns."""

    path: Path
    """Of the file."""
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] | None = None
    """Between two columns; left out: comma, semicolon or tab, whichever the first line has most of."""
    encoding: Literal["utf-8", "windows-1252", "iso-8859-1", "iso-8859-15", "utf-16"] = "utf-8"
    """Of its text; a byte order mark is passed over."""


class JsonLines(_Model):
    """A file with one JSON object a line."""

    path: Path
    """Of the file."""


class Sql(_Model):
    """A query of a database that is only read."""

    url: Annotated[str, Field(min_length=1)]
    """Any address of SQLAlchemy: postgresql+psycopg://reader:${DB_PASSWORD}@db.example/crm."""
    query: Annotated[str, AfterValidator(_select)]
    """One SELECT; its columns are mapped by their names."""


class Pages(_Model):
    """How the next page of a web source is found; one of the three."""

    link: str = ""
    """Where the answer has the address of the next page; ``Link`` for the header of RFC 8288."""
    cursor: str = ""
    """Where the answer has what the next request must say."""
    number: str = ""
    """Parameter that counts pages or rows."""
    parameter: str = "cursor"
    """With ``cursor``: the parameter that it is sent in."""
    first: Annotated[int, Field(ge=0)] = 1
    """With ``number``: of the first page."""
    step: Annotated[int, Field(ge=1)] = 1
    """With ``number``: what is added for the next one: 1 for pages, their size for rows."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(map(bool, (self.link, self.cursor, self.number))) != 1:
            raise ValueError("names no way to the next page, or several; give link, cursor or number")
        return self


class Http(_Model):
    """JSON from a web server, page by page."""

    url: SafeUrl
    """Of the first page; https, or http on this machine."""
    items: str = ""
    """Where the rows are in an answer, such as data.contacts; empty: the answer is the list."""
    pages: Pages | None = None
    """How to the next page; left out: there is one."""
    token: str = ""
    """Sent as a bearer token: ${NAME} of the environment."""
    token_file: Path | None = None
    """A file that holds the token alone."""
    headers: dict[str, str] = {}
    """Further header fields; ${NAME} as a whole value is of the environment."""

    @model_validator(mode="after")
    def _one_token(self) -> Self:
        if self.token and self.token_file:
            raise ValueError("names a token twice; give token or token_file")
        return self


class From(_Model):
    """Where the rows come from; one of the four."""

    csv: Csv | None = None
    """A CSV file."""
    jsonl: JsonLines | None = None
    """A file of JSON lines."""
    sql: Sql | None = None
    """A query."""
    http: Http | None = None
    """A web server."""

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(each is not None for each in (self.csv, self.jsonl, self.sql, self.http)) != 1:
            raise ValueError("names no source, or several; give one of csv, jsonl, sql, http")
        return self


class Source(_Model):
    """One file."""

    origin: From | None = Field(None, alias="from")
    """Where the rows come from; left out in a file for --map."""
    map: Map
    """Which column is what."""
    _document: Document | None = PrivateAttr(default=None)
    _folder: Path = PrivateAttr(default=Path())

    @property
    def folder(self) -> Path:
        """What its paths are relative to."""
        return self._folder

    def read_from(self, document: Document | None, folder: Path) -> Self:
        """Remember the file, for errors that show later."""
        self._document, self._folder = document, folder
        return self

    def check_columns(self, known: Sequence[str], name: str) -> None:
        """Whether each mapped column is there.

        Raises:
            ConfigFileError: with every one that is not, and the choices.
        """
        faults = []
        for path, column in self.map.columns():
            if column not in known:
                place = self._document.value_place(path) if self._document else name
                problem = f"{column!r} is no column of {name}; {choose(column, list(known))}"
                faults.append(ConfigError(place, dotted(path), problem))
        if faults:
            raise ConfigFileError(tuple(faults))


def load_source(path: Path, environment: Mapping[str, str] | None = None) -> Source:
    """Read and check the file of a source.

    Args:
        path: of the file.
        environment: where ``${NAME}`` is looked up; the process's own when left out.

    Raises:
        ConfigFileError: with every error of the file.
    """
    document = read_yaml(file_text(path), str(path))
    if not isinstance(document.data, dict):
        raise ConfigFileError((ConfigError(document.place(()), "", "the file must be keys with values"),))
    data = expanded(document, os.environ if environment is None else environment, SECRETS)
    try:
        source = Source.model_validate(data)
    except ValidationError as error:
        raise ConfigFileError(tuple(said(document, Source, fault) for fault in error.errors())) from None
    return source.read_from(document, path.resolve().parent)


def plain_source(folder: Path) -> Source:
    """What a file is read with that has the columns of ``docs/consent.md`` and no map."""
    return Source.model_validate({"map": PLAIN}).read_from(None, folder)
