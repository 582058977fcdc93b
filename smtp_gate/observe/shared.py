"""Counting together: one folder for the metrics of all processes of a gate.

prometheus-client decides at its import whether it counts in memory or in files, so this module must not import it.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path


def runtime_folder() -> Path:
    """A folder for what a run shares between its processes: systemd's, else one that goes with this process."""
    given = os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0]
    if given:
        return Path(given)
    made = tempfile.mkdtemp(prefix="smtp-gate-")
    # Workers are forked and leave by os._exit: only the process that made it removes it.
    atexit.register(shutil.rmtree, made, ignore_errors=True)
    os.environ["RUNTIME_DIRECTORY"] = made
    return Path(made)


def count_together(folder: Path) -> None:
    """Let this process and those it starts count into one folder; numbers of an earlier run are removed.

    Call it in the first process, before anything imports :mod:`smtp_gate.observe.metrics`.

    Args:
        folder: on a file system in memory where there is one; made when missing.

    Raises:
        RuntimeError: metrics are imported already.
    """
    if "prometheus_client" in sys.modules:
        raise RuntimeError("count_together() comes before the first import of the metrics")
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.db"):
        old.unlink()
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)
