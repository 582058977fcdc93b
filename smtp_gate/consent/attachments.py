"""Files that prove what a third party collected; each is read once, its hash stands with every event it proves."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Attachments:
    """The files of a folder, and of those below it.

    Args:
        folder: nothing outside it is read, whatever a row names.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, str] = {}

    def vouched(self, name: str) -> str:
        """How an event refers to a file: its name, and its hash as ``sha256sum`` says it.

        Raises:
            ValueError: when it is not there, or not in the folder; with nothing of the name.
        """
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = f"proof {name} sha256:{self._digest(name)}"
        return known

    def _digest(self, name: str) -> str:
        try:
            folder = self._folder.resolve()
            path = (folder / name).resolve()
            if path.is_relative_to(folder) and path.is_file():
                with path.open("rb") as file:
                    return hashlib.file_digest(file, "sha256").hexdigest()
        except (OSError, ValueError):
            pass
        raise ValueError("proof must be a file in the folder of proofs that can be read")
