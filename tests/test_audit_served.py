"""A served gate with a sample: what policy left is counted, nothing is told as missed, its reader ends with it."""

from __future__ import annotations

import subprocess

from tests.gate_room import OPAQUE_ONLY
from tests.hop_thread import HopThread
from tests.serve_process import ServeProcess, eventually


def readers(workers: list[int]) -> list[str]:
    """Reader processes of these workers."""
    words = ["ps", "-o", "args=", "--ppid", ",".join(map(str, workers))]
    listed = subprocess.run(words, capture_output=True, text=True, check=False).stdout
    return [line for line in listed.splitlines() if "audit_reader" in line]


def test_a_served_gate_reads_its_sample_again() -> None:
    config = {"audit": {"sample": 1}, "policy": {"on_opaque_link": "pass"}}
    with HopThread() as hop, ServeProcess(hop.url, config=config) as serve:
        assert serve.send(OPAQUE_ONLY, "bob@example.com") == 250
        eventually(lambda: readers(serve.workers()), 30)
        counted = 'smtp_gate_audit_trackers_total{kind="link",vendor="mailchimp",why="policy"} 1.0'
        eventually(lambda: counted in serve.get(f"http://127.0.0.1:{serve.metrics}/metrics").text, 30)
        workers = serve.workers()
        serve.stop()
        assert readers(workers) == []
        assert serve.events("audit_missed") == serve.events("audit_failed") == []
