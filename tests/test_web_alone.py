"""The web part in processes of its own, as in a DMZ: no mail there, and withdrawn there holds at the gate."""

from __future__ import annotations

import re
import socket

import httpx
import pytest

from smtp_gate.model import EVERYTHING
from tests.gate_room import TRACKED
from tests.hop_thread import HopThread
from tests.serve_process import ServeProcess, eventually

ALICE = "alice@example.com"


def answers(port: int) -> bool:
    """Whether anybody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_a_withdrawal_at_the_web_part_alone_holds_at_the_gate_without_one() -> None:
    with HopThread() as hop, ServeProcess(hop.url, workers=1, words=("serve", "--no-web")) as gate:
        shared = {"consent": {"ledger": f"sqlite:///{gate.folder}/consent.db"}, "keys": str(gate.keys)}
        no_mail = {"listen": None, "deliver": None}
        with ServeProcess("", workers=2, config={**shared, **no_mail}, words=("web",)) as site:
            gate.write(web={"public_url": site.public_url})
            gate.hup()
            assert [answers(port) for port in (gate.web, site.smtp, site.lmtp)] == [False, False, False]
            gate.agrees(ALICE, EVERYTHING)
            assert gate.send(TRACKED, ALICE) == 250
            [tracked] = hop.contents(ALICE)
            pixel, leave = (re.search(rf"{site.public_url}/{door}/[\w-]+".encode(), tracked) for door in ("p", "w"))
            assert pixel is not None
            assert leave is not None
            assert site.get(pixel[0].decode()).status_code == 302
            assert site.get(leave[0].decode(), "POST").status_code == 200
            eventually(lambda: site.get(pixel[0].decode()).status_code == 200, 5)
            assert gate.send(TRACKED, ALICE) == 250
            assert b"/p/" not in hop.contents(ALICE)[1]
            site.write(controllers={"acme": {"name": "Acme Renamed"}})
            site.hup()
            assert "Acme Renamed" in site.get(leave[0].decode()).text
            assert "smtp_gate_hits_total" in site.get(f"http://127.0.0.1:{site.metrics}/metrics").text
            assert site.stop() == 0
            with pytest.raises(httpx.ConnectError):
                site.get(leave[0].decode())


def test_what_the_web_part_lacks_is_told_at_the_start() -> None:
    site = ServeProcess("smtp://127.0.0.1:25", config={"web": None, "keys": None}, words=("web",))
    try:
        site.launch()
        assert site.exit_code() == 78
        assert "web: is missing" in site.text()
    finally:
        site.__exit__(None, None, None)
