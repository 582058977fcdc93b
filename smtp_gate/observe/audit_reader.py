"""The process that reads a sample of what left once more: ``python -m smtp_gate.observe.audit_reader FD``.

A process of its own, since the second opinion takes a tenth of a second of CPU for a newsletter, and nothing else
in its interpreter would run meanwhile. It is told the vendor files, then one mail after the other; it answers with
codes.
"""

from __future__ import annotations

import signal
import sys
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from smtp_gate.observe.audit_sheet import MISSED, Files, Trace
from smtp_gate.observe.markup import web
from smtp_gate.observe.second_opinion import trackers_left
from smtp_gate.trackers import Catalogue

if TYPE_CHECKING:
    from smtp_gate.observe.audit_sheet import Sheet


def traces(sheet: Sheet, catalogue: Catalogue) -> list[Trace]:
    """What the second opinion finds in a mail that left."""
    left = {web(url) or url: why for url, why in sheet.left.items()}
    return [
        Trace(one.vendor, one.kind.value, one.where.rpartition(" ")[2], one.evidence, left.get(one.url, MISSED))
        for one in trackers_left(sheet.content, catalogue)
    ]


def serve(connection: Connection) -> None:
    """Answer until the other side closes: a list of traces for each sheet, the name of a class for what failed."""
    catalogue = Catalogue(())
    while True:
        try:
            told: Files | Sheet = connection.recv()
        except EOFError:
            return
        if isinstance(told, Files):
            catalogue = Catalogue(told.vendors, told.domains, told.own, told.suspicion)
            continue
        answer: list[Trace] | str
        try:
            answer = traces(told, catalogue)
        except Exception as problem:  # noqa: BLE001 - whatever a parser stumbles on costs one reading, not the process
            answer = type(problem).__name__
        connection.send(answer)


if __name__ == "__main__":
    # The terminal's and systemd's signals are for the gate; this process ends when the gate closes the connection.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    serve(Connection(int(sys.argv[1])))
