"""The demo's mails are sound mail, as long as real ones, and the gate finds in each what its tool puts there."""

from __future__ import annotations

import email
import email.policy
from collections import Counter
from pathlib import Path

import pytest

import smtp_gate.cli
from smtp_gate.config.catalogue import load_catalogue
from smtp_gate.limits import MAX_LINE_OUT, MAX_WRAPPED_URL
from smtp_gate.model import Kind
from smtp_gate.scan.message import scan

FOLDER = Path(smtp_gate.cli.__file__).parent / "demo_mails"
CATALOGUE = load_catalogue(None, {"lemlist": ["go.acme.example"], "apollo": ["click.acme.example"]}, "")
NEWSLETTERS = {
    "activecampaign": "activecampaign",
    "brevo": "brevo",
    "hubspot": "hubspot",
    "mailchimp": "mailchimp",
    "salesforce": "salesforce_marketing_cloud",
}
SALES = {"apollo": "apollo", "lemlist": "lemlist", "outreach": "outreach"}
EVERY = pytest.mark.parametrize(("name", "vendor"), (NEWSLETTERS | SALES).items())


def test_there_is_one_mail_a_tool() -> None:
    assert sorted(file.stem for file in FOLDER.glob("*.eml")) == sorted(NEWSLETTERS | SALES)


@EVERY
def test_a_mail_is_sound(name: str, vendor: str) -> None:
    raw = (FOLDER / f"{name}.eml").read_bytes()
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert [defect for part in message.walk() for defect in part.defects] == []
    assert [part.get_content_type() for part in message.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert b"\n" not in raw.replace(b"\r\n", b"")
    assert max(map(len, raw.split(b"\r\n"))) <= MAX_LINE_OUT
    low, high = (20_000, 80_000) if vendor in NEWSLETTERS.values() else (3_000, 10_000)
    assert low <= len(raw) <= high
    assert message["From"].addresses[0].domain == "acme.example"
    assert message["To"].addresses[0].addr_spec == "alice@example.com"


@EVERY
def test_everything_of_the_tool_is_found(name: str, vendor: str) -> None:
    found = scan((FOLDER / f"{name}.eml").read_bytes(), CATALOGUE)
    kinds = Counter(finding.kind for finding in found.findings)
    assert kinds[Kind.PIXEL] == 1
    assert kinds[Kind.FUNCTIONAL] >= 2
    low, high = (25, 60) if vendor in NEWSLETTERS.values() else (4, 10)
    assert low <= kinds[Kind.LINK] <= high
    assert found.tools == {vendor}
    assert len(found.anchors) == 2
    assert (found.obstacles, found.sealed, found.footered) == ((), "", False)
    for finding in found.findings:
        assert len(finding.url) <= MAX_WRAPPED_URL
        if finding.kind in (Kind.PIXEL, Kind.LINK):
            assert finding.vendor == vendor
        if finding.kind is Kind.LINK:
            assert (finding.target is not None) == (vendor in ("activecampaign", "outreach"))
        if finding.target is not None:
            assert finding.target.split("/")[2].endswith("acme.example")
