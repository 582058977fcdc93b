"""The demo: eight tools' mails through an embedded gate; nothing is left for a vendor."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

COMMAND = str(Path(sys.executable).parent / "smtp-gate")


def test_the_demo_ends_by_itself_and_finds_nothing_left(tmp_path: Path) -> None:
    words = ["demo", "--once", "--page", str(tmp_path / "demo.html"), "--evidence", str(tmp_path / "demo.json")]
    done = subprocess.run([COMMAND, *words], capture_output=True, check=False, timeout=110)
    assert done.returncode == 0, done.stderr
    figures = json.loads((tmp_path / "demo.json").read_text(encoding="utf-8"))
    assert figures["good"]
    assert len(figures["rows"]) == 8 * 3
    assert all(row["left"] == 0 < row["trackers_before"] for row in figures["rows"])
    footers = {row["person"]: row["footer"] for row in figures["rows"]}
    assert footers == {"alice@example.com": True, "bob@example.com": True, "carol@example.com": False}
    page = (tmp_path / "demo.html").read_text(encoding="utf-8")
    assert page.count("<iframe") == 8 * 4
    assert page.count("sandbox=") == 8 * 4
    assert "<script" not in page
