"""The numbers, in one process and counted together by several."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from smtp_gate.decision import MailClass
from smtp_gate.observe import metrics
from smtp_gate.observe.shared import count_together

if TYPE_CHECKING:
    from pathlib import Path


def value(name: str, text: bytes | None = None, **labels: str) -> float:
    """A sample's value; 0 when it is not there."""
    for family in text_string_to_metric_families((text or metrics.exposition()).decode()):
        for sample in family.samples:
            if sample.name == name and sample.labels == labels:
                return float(sample.value)
    return 0.0


def test_a_message_is_counted_once_and_each_recipient_by_its_reply() -> None:
    before = value("smtp_gate_messages_total", mail_class="soft_opt_in")
    refused = value("smtp_gate_recipients_total", reply="5xx")
    unwrapped = value("smtp_gate_actions_total", vendor="hubspot", action="unwrap")
    metrics.message_done(
        mail_class=MailClass.SOFT_OPT_IN,
        size=60_000,
        variants=1,
        actions={"hubspot": {"unwrap": 40}},
        consent={"unknown": 3},
        replies={250: 1, 550: 1, 554: 1},
        milliseconds={"total": 4.2},
    )
    assert value("smtp_gate_messages_total", mail_class="soft_opt_in") == before + 1
    assert value("smtp_gate_recipients_total", reply="5xx") == refused + 2
    assert value("smtp_gate_actions_total", vendor="hubspot", action="unwrap") == unwrapped + 40


def test_every_number_has_a_sentence() -> None:
    for line in metrics.exposition().decode().splitlines():
        if line.startswith("# HELP smtp_gate_"):
            assert len(line.split(" ", 3)[3].split()) > 2, line


WORKER = """
import sys
from pathlib import Path
from smtp_gate.observe.shared import count_together
if sys.argv[2] == "first":
    count_together(Path(sys.argv[1]))
from smtp_gate.observe import metrics
metrics.hit("pixel", "vendor")
metrics.SESSIONS.inc()
if sys.argv[2] != "first":
    sys.stdout.buffer.write(metrics.exposition())
"""


def test_processes_count_together(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    subprocess.run([sys.executable, "-c", WORKER, folder, "first"], check=True, env={"PYTHONPATH": "."})
    assert list(folder.glob("*.db"))
    shown = subprocess.run(
        [sys.executable, "-c", WORKER, folder, "second"],
        check=True,
        env={"PYTHONPATH": ".", "PROMETHEUS_MULTIPROC_DIR": str(folder)},
        stdout=subprocess.PIPE,
    ).stdout
    assert value("smtp_gate_hits_total", shown, kind="pixel", outcome="vendor") == 2
    assert not re.search(rb"pid=", shown)


def test_it_is_too_late_to_count_together_after_the_first_number(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError):
        count_together(tmp_path)
