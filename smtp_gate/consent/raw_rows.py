"""Rows of files as they stand there, before anybody asks what they mean: CSV and JSON lines.

This module alone decides what a row of a file is. A row that cannot be read costs itself and no other.
"""

from __future__ import annotations

import csv
import io
import json
from typing import IO, TYPE_CHECKING, NamedTuple, Protocol

from smtp_gate.limits import MAX_IMPORT_LINE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_DELIMITERS = ",;\t"


class RawRow(NamedTuple):
    """A row, whatever is in it.

    Attributes:
        place: number of its line in a file, of the row in a query or of a web source; from 1.
        values: by column; for JSON with objects inside.
        fault: why it cannot be read; else empty. Nothing of the row is in it.
    """

    place: int
    values: Mapping[str, object]
    fault: str = ""


class Rows(Protocol):
    """Rows of one source, read as they are asked for."""

    @property
    def name(self) -> str:
        """What messages call the source."""
        ...

    @property
    def columns(self) -> Sequence[str] | None:
        """Names of all columns; None where rows differ."""
        ...

    def __iter__(self) -> Iterator[RawRow]:
        """All rows, once."""
        ...

    def done(self) -> int:
        """How much of the source was read, of what ``size`` counts."""
        ...

    def size(self) -> int | None:
        """How much there is; None where nobody knows."""
        ...


class NotThisFile(ValueError):  # noqa: N818 - a verdict
    """The file as a whole cannot be read as what it was said to be; the text says why."""


class CsvRows:
    """The rows of a CSV file.

    Args:
        file: binary, at its beginning.
        name: what messages call it.
        delimiter: between columns; None: comma, semicolon or tab, whichever the first line has most of.
        encoding: of the text; a byte order mark is passed over.

    Raises:
        NotThisFile: when the first line names a column twice, or none.
    """

    def __init__(self, file: IO[bytes], name: str, delimiter: str | None = None, encoding: str = "utf-8") -> None:
        codec = "utf-8-sig" if encoding == "utf-8" else encoding
        self._text = io.TextIOWrapper(file, encoding=codec, errors="surrogateescape", newline="")
        self._file = file
        try:
            header = self._text.readline()
        except UnicodeError:
            raise NotThisFile(f"is not {encoding} text") from None
        between = delimiter or max(_DELIMITERS, key=header.count)
        self.name = name
        self.columns: list[str] = _columns(next(csv.reader([header], delimiter=between), []))
        self._reader = csv.reader(self._text, delimiter=between)

    def __iter__(self) -> Iterator[RawRow]:
        names, width = self.columns, len(self.columns)
        while True:
            line = self._reader.line_num + 2  # of the next row; the header was line 1
            try:
                cells = next(self._reader, None)
            except (csv.Error, UnicodeError):
                yield RawRow(line, {}, "the line cannot be read as CSV")
                continue
            if cells is None:
                self._text.detach()
                return
            if not any(cells):
                continue
            values = dict(zip(names, map(str.strip, cells), strict=False))
            if len(cells) != width:
                yield RawRow(line, values, "the row has another number of columns than the first line")
            else:
                yield RawRow(line, values)

    def done(self) -> int:
        """Octets."""
        return self._file.tell()

    def size(self) -> int | None:
        """Octets."""
        return _size(self._file)


class JsonRows:
    """The rows of a file with one JSON object a line.

    Args:
        file: binary, at its beginning; UTF-8.
        name: what messages call it.
    """

    columns = None

    def __init__(self, file: IO[bytes], name: str) -> None:
        self._file = file
        self.name = name

    def __iter__(self) -> Iterator[RawRow]:
        number = 0
        while line := self._file.readline(MAX_IMPORT_LINE + 1):
            number += 1
            if len(line) > MAX_IMPORT_LINE:
                while line and not line.endswith(b"\n"):
                    line = self._file.readline(MAX_IMPORT_LINE)
                yield RawRow(number, {}, f"the line is longer than {MAX_IMPORT_LINE} octets")
            elif line.strip():
                yield _json_row(number, line.removeprefix(b"\xef\xbb\xbf"))

    def done(self) -> int:
        """Octets."""
        return self._file.tell()

    def size(self) -> int | None:
        """Octets."""
        return _size(self._file)


def inside(value: object, path: str) -> object:
    """What stands in JSON at a dotted path; None where there is nothing."""
    for piece in path.split(".") if path else ():
        if not isinstance(value, dict):
            return None
        value = value.get(piece)
    return value


def _json_row(number: int, line: bytes) -> RawRow:
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return RawRow(number, {}, "the line is no JSON")
    if not isinstance(values, dict):
        return RawRow(number, {}, "the line is no JSON object")
    return RawRow(number, values)


def _size(file: IO[bytes]) -> int | None:
    if not file.seekable():
        return None
    at = file.tell()
    end = file.seek(0, io.SEEK_END)
    file.seek(at)
    return end


def _columns(names: Sequence[str]) -> list[str]:
    found = [name.strip() for name in names]
    if not any(found):
        raise NotThisFile("the first line names no columns")
    named = [name for name in found if name]
    if len(set(named)) != len(named):
        raise NotThisFile("the first line names a column twice")
    return found
