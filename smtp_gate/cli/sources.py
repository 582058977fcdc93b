"""Where the mails come from that a command is pointed at: files, standard input, folders, maildirs, mboxes."""

from __future__ import annotations

import mailbox
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_MAILDIR = ("cur", "new")


class Source(NamedTuple):
    """One mail: how it is called (a path, with ``#3`` for the third of an mbox) and its bytes."""

    name: str
    raw: bytes


def mails_of(names: Iterable[str]) -> Iterator[Source]:
    """Every mail behind these names, one after the other.

    Args:
        names: paths; ``-`` is standard input. Of a maildir ``cur`` and ``new`` are read, of any other folder all
            files in it and below; a file that begins with ``From `` is an mbox.

    Raises:
        OSError: one cannot be read.
    """
    for name in names:
        if name == "-":
            yield Source(name, sys.stdin.buffer.read())
        else:
            yield from _of_path(Path(name))


def _of_path(path: Path) -> Iterator[Source]:
    if not path.is_dir():
        yield from _of_file(path)
        return
    boxes = [path / name for name in _MAILDIR if (path / name).is_dir()]
    for folder in boxes or [path]:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                yield from _of_file(file)


def _of_file(file: Path) -> Iterator[Source]:
    with file.open("rb") as stream:
        begin = stream.read(5)
        if begin != b"From ":
            yield Source(str(file), begin + stream.read())
            return
    with closing(mailbox.mbox(file, create=False)) as box:
        for number, key in enumerate(box.iterkeys(), 1):
            yield Source(f"{file}#{number}", box.get_bytes(key))
