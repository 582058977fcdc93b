"""The one style sheet of a page, and the content security policy that allows it and nothing else."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from smtp_gate.web.notice import ControllerNotice


class Style:
    """The gate's style sheet.

    Args:
        source: its text.
    """

    def __init__(self, source: str) -> None:
        self._text = " ".join(source.split())
        self._hashes: dict[str, str] = {}

    def text(self, _notice: ControllerNotice) -> str:
        """What stands in the style block."""
        return self._text

    def policy(self, notice: ControllerNotice, form_action: str) -> str:
        """Value of Content-Security-Policy for a page of this controller."""
        text = self.text(notice)
        digest = self._hashes.get(text)
        if digest is None:
            digest = self._hashes[text] = b64encode(sha256(text.encode()).digest()).decode()
        return (
            f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; frame-ancestors 'none'; "
            f"form-action {form_action}"
        )
