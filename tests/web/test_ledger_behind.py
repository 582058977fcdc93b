"""With the real ledger, catalogue and mail behind it: granted, hit, withdrawn by the page, silent from then on."""

from __future__ import annotations

import re
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import TYPE_CHECKING

import httpx

import smtp_gate.cli
from smtp_gate.config.catalogue import load_catalogue
from smtp_gate.consent.clock import utc_now
from smtp_gate.consent.event import Choice, Event
from smtp_gate.consent.ledger import Ledger
from smtp_gate.consent.ledger_store import LedgerStore
from smtp_gate.consent.register import Register
from smtp_gate.delivery.next_hop import NextHop
from smtp_gate.delivery.pool import Pool
from smtp_gate.model import EVERYTHING, NOTHING, Kind
from smtp_gate.scan.message import scan
from smtp_gate.tokens import Mint
from smtp_gate.web.app import web_app
from smtp_gate.web.confirm_mail import HopPost
from smtp_gate.web.tracked import GIF
from tests.hop_thread import HopThread
from tests.web.site import ACME, ALICE, RING, Heard

if TYPE_CHECKING:
    from smtp_gate.model import Finding

MAIL = Path(smtp_gate.cli.__file__).parent / "demo_mails" / "activecampaign.eml"


async def test_a_withdrawal_reaches_the_mail_that_was_delivered(tmp_path: Path) -> None:
    catalogue = load_catalogue(None, {}, "")
    ledger = Ledger(f"sqlite:///{tmp_path / 'consent.db'}")
    store, register, heard = LedgerStore(ledger.reader()), Register(ledger), Heard()
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


async def test_the_button_holds_also_where_an_older_withdrawal_was_recorded_last(tmp_path: Path) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'consent.db'}")
    store, register = LedgerStore(ledger.reader()), Register(ledger)
    app = web_app(load_catalogue(None, {}, ""), RING, store, register, {"acme": ACME}, log=Heard())
    for decision, days in ((Choice.GRANT, 30), (Choice.WITHDRAW, 400)):
        ledger.append(
            Event(
                controller="acme",
                subject=ALICE,
                purposes=EVERYTHING,
                decision=decision,
                at=utc_now() - timedelta(days=days),
                method="import",
                source="crm",
            )
        )
    assert (await store.look_up("acme", [ALICE]))[0].granted == EVERYTHING
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as client:
        for _ in range(2):
            assert (
                await client.post(Mint(RING, "http://gate.example", "acme", ALICE).withdraw())
            ).status_code == 200
    assert (await store.look_up("acme", [ALICE]))[0].granted == NOTHING
    assert [each.event.method for each in ledger.history(ALICE)] == ["import", "import", "one_click"]
    await store.close()
    ledger.close()


async def test_asked_agreed_withdrawn_and_agreed_again_by_mail_with_every_word_in_the_ledger(
    tmp_path: Path,
) -> None:
    ledger = Ledger(f"sqlite:///{tmp_path / 'consent.db'}")
    store, register, heard = LedgerStore(ledger.reader()), Register(ledger), Heard()
    mint = Mint(RING, "http://gate.example", "acme", None)
    english = {"Accept-Language": "en", "Accept": "text/html"}

    async def press(client: httpx.AsyncClient, page: str, path: str) -> httpx.Response:
        seal = re.findall(r'name="form" value="([\w-]+)"', page)
        return await client.post(path, data={"choice": "accept", "form": seal}, headers=english)

    with HopThread() as hop:
        pool = Pool([NextHop.parse(hop.url)], "gate.example")
        app = web_app(
            load_catalogue(None, {}, ""), RING, store, register, {"acme": ACME}, log=heard,
            public_url="http://gate.example", post=HopPost(pool),
        )  # fmt: skip
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gate.example") as client:
            question = mint.consent(b"alice@example.com")
            await press(client, (await client.get(question, headers=english)).text, question)
            assert (await store.look_up("acme", [ALICE]))[0].granted == EVERYTHING
            page = await client.get(question, headers=english)
            [footer] = set(re.findall(r'action="\.\.(/s/[\w-]+)"', page.text))
            for _ in range(5):
                await client.post(footer.replace("/s/", "/w/"), headers=english)
            assert (await store.look_up("acme", [ALICE]))[0].granted == NOTHING
            await press(client, (await client.get(footer, headers=english)).text, footer)
            [mail] = hop.contents("alice@example.com")
            body = message_from_bytes(mail, policy=default).get_body(("plain",))
            assert body is not None
            [link] = re.findall(r"http://gate\.example/g/[\w-]+", body.get_content())
            assert (await client.get(link, headers=english)).status_code == 200
            assert (await store.look_up("acme", [ALICE]))[0].granted == NOTHING
            await client.post(link, headers=english)
            assert (await store.look_up("acme", [ALICE]))[0].granted == EVERYTHING
        await pool.close()
    chained = ledger.chained(ALICE)
    assert [each.recorded.event.decision for each in chained] == ["grant", "withdraw", "grant"]
    notices = ledger.notices(
        (e.controller, e.notice, e.language) for e in (each.recorded.event for each in chained)
    )
    assert [each.notice_sha256 for each in chained] == [
        notices["acme", each.recorded.event.notice, "en"].sha256 for each in chained
    ]
    assert ledger.address(ALICE) == b"alice@example.com"
    assert ledger.verify().fault is None
    assert heard.troubles == []
    await store.close()
    ledger.close()
