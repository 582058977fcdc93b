"""Every written dialogue is spoken as it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtp_gate import limits
from smtp_gate.listener.front import Front
from tests.dialog import Dialog, matches, unescape
from tests.scripted_gate import SECRET, listening

DIALOGS = sorted((Path(__file__).parent.parent / "dialogs").glob("*.dlg"))


@pytest.mark.parametrize("path", DIALOGS, ids=[path.stem for path in DIALOGS])
async def test_dialog(path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    dialog = Dialog(path)
    for name, value in dialog.limits.items():
        assert isinstance(getattr(limits, name), int | float)
        monkeypatch.setattr(limits, name, value)
    async with listening(Front(lmtp=dialog.lmtp)) as running:
        await dialog.play(running)
        assert running.server.house.memory.left == limits.MEMORY_BUDGET
    assert all(letter.abandoned + (letter.content_bytes is not None) == 1 for letter in running.gate.letters)
    for word in ("secret", "bob", "fake"):
        assert word in SECRET
        assert not any(word in detail for _, detail in running.events)
    assert caplog.text == ""


def test_the_player_reads_escapes() -> None:
    assert unescape(r"a\r\n\x00\xff\\ü") == b"a\r\n\x00\xff\\\xc3\xbc"


def test_the_player_matches_with_dots() -> None:
    assert matches("250...", "250-SIZE 1")
    assert not matches("250", "250 x")
    assert not matches("25.", "250")
