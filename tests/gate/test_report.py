"""What became of findings is counted by vendor; who is nobody has a name of its own."""

from __future__ import annotations

from prometheus_client import REGISTRY

from smtp_gate import replies
from smtp_gate.gate.report import Report
from smtp_gate.gate.variant import Variant
from smtp_gate.model import NOTHING, Client
from smtp_gate.policy.decide import decide
from smtp_gate.scan.message import scan
from smtp_gate.trackers import Catalogue
from tests.policy.samples import treatment

TOKEN = "4f9d2b7c1a8e6035"
MAIL = f"""Content-Type: text/html

<p>Words</p><img src="https://acme.example/a/{TOKEN}"><p>Words</p>
<img src="https://acme.example/a/{TOKEN}" width="1" height="1"><p>Words</p>
"""


def counted(vendor: str, action: str) -> float:
    """The counter of one vendor and action."""
    return REGISTRY.get_sample_value("smtp_gate_actions_total", {"vendor": vendor, "action": action}) or 0.0


def test_what_is_only_suspected_is_counted_apart_from_what_is_acted_on() -> None:
    before = counted("suspected", "keep"), counted("uncatalogued", "strip")
    found = scan(MAIL.encode(), Catalogue(()))
    report = Report(Client("127.0.0.1"), len(MAIL))
    report.composed(Variant(decide(found, treatment(), NOTHING), MAIL.encode(), None, ""), found)
    report.done([replies.RECIPIENT_OK])
    assert (counted("suspected", "keep"), counted("uncatalogued", "strip")) == (before[0] + 1, before[1] + 1)
