"""The shared corpus of real mails, unpacked once into a cache outside the project; absent for most people.

The corpus stands beside the project, not in it: licences of its mails differ. A test that measures on it is
skipped, with the reason, where it is not there.
"""

from __future__ import annotations

import csv
import hashlib
import os
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

import pytest

FOLDER = Path(__file__).parent.parent.parent / "shared" / "corpus"
ARCHIVE = FOLDER / "mails.tar.xz"

needs_corpus = pytest.mark.skipif(
    not ARCHIVE.exists(), reason="the shared corpus of real mails is not beside this project"
)


class Entry(NamedTuple):
    """One file of the corpus: path below the unpacked folder, kind (A, B or C), stratum."""

    path: Path
    kind: str
    stratum: str


def unpacked() -> Path:
    """The folder of the unpacked mails; unpacks on first use, whole or not at all."""
    name = hashlib.sha256(f"{ARCHIVE.stat().st_size}".encode()).hexdigest()[:12]
    home = Path(tempfile.gettempdir()) / f"smtp-gate-corpus-{os.getuid()}-{name}"
    if not home.exists():
        with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
            target = Path(scratch) / "mails"
            with tarfile.open(ARCHIVE) as archive:
                for member in archive:  # extractall(filter="data") is younger than Debian 12's Python 3.11.2
                    if member.isfile() and ".." not in Path(member.name).parts:
                        content = archive.extractfile(member)
                        assert content is not None
                        place = target / member.name.lstrip("/")
                        place.parent.mkdir(parents=True, exist_ok=True)
                        place.write_bytes(content.read())
            try:
                target.rename(home)
            except OSError:
                if not home.exists():
                    raise
    return home


def entries() -> list[Entry]:
    """All files the index names, in its order."""
    home = unpacked()
    with (FOLDER / "INDEX.tsv").open(encoding="utf-8", newline="") as index:
        rows = list(csv.DictReader(index, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [Entry(home / row["path"], row["kind"], row.get("stratum", "")) for row in rows]
