"""With the real ledger, catalogue and mail behind it: granted, hit, withdrawn by the page, silent from then on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import httpx

import smtp_gate.cli
from smtp_gate.config.catalogue import load_catalogue
from smtp_gate.consent.ledger import Ledger
from smtp_gate.consent.ledger_store import LedgerStore
from smtp_gate.consent.register import Register
from smtp_gate.model import EVERYTHING, Kind
from smtp_gate.scan.message import scan
from smtp_gate.tokens import Mint
from smtp_gate.web.app import GIF, web_app
from tests.web.site import ACME, ALICE, RING, Heard

if TYPE_CHECKING:
    from smtp_gate.model import Finding

MAIL = Path(smtp_gate.cli.__file__).parent / "demo_mails" / "activecampaign.eml"


async def test_a_withdrawal_reaches_the_mail_that_was_delivered(tmp_path: Path) -> None:
    catalogue = load_catalogue(None, {}, "")
    ledger = Ledger(f"sqlite:///{tmp_path / 'consent.db'}")
    store, register, heard = LedgerStore(ledger.path), Register(ledger), Heard()
    app = web_app(catalogue, RING, store, register, {"acme": ACME}, log=heard)
    findings = scan(MAIL.read_bytes(), catalogue).findings
    mint = Mint(RING, "http://gate.example", "acme", ALICE)

    def one(kind: Kind) -> Finding:
        return next(finding for finding in findings if finding.kind is kind)

    pixel, link = one(Kind.PIXEL), one(Kind.LINK)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        unknown = await client.get(mint.pixel(pixel))
        await register.grant("acme", ALICE, EVERYTHING, method="form", source="test")
        opened = await client.get(mint.pixel(pixel))
        clicked = await client.get(mint.link(link))
        done = await client.post(mint.withdraw(), headers={"Accept": "text/html"})
        again = [await client.get(mint.pixel(pixel)) for _ in range(2)]
        onward = await client.get(mint.link(link))
    await store.close()
    ledger.close()
    assert unknown.content == GIF
    assert (opened.status_code, opened.headers["location"]) == (302, pixel.url)
    assert clicked.headers["location"] == link.url
    assert done.status_code == 200
    assert [answer.content for answer in again] == [GIF, GIF]
    assert onward.headers["location"] == link.target
    assert heard.troubles == []
