"""How far a connection is encrypted, against a hop with a self-made certificate."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from smtp_gate import limits, replies
from smtp_gate.delivery.next_hop import Capabilities, NextHop
from smtp_gate.delivery.pool import Pool
from smtp_gate.errors import ConfigError
from smtp_gate.model import Recipient, Sender
from tests.certificate import Certificate
from tests.next_hop import ScriptedHop, close

if TYPE_CHECKING:
    from pathlib import Path

    from smtp_gate.replies import Reply


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate.make(tmp_path_factory.mktemp("tls"))


async def send(hop: ScriptedHop, options: str, scheme: str = "smtp") -> Reply:
    pool = Pool([NextHop.parse(f"{scheme}://127.0.0.1:{hop.port}?{options}")], "gate.test")
    try:
        transaction = pool.begin(Sender(b"a@x.test"))
        taken = await transaction.rcpt(Recipient(b"b@x.test"))
        deadline = asyncio.get_running_loop().time() + limits.REPLY_DEADLINE
        done = await transaction.data(b"x" * 300_000 + b"\r\n", deadline)
        return done if taken.accepted else taken
    finally:
        await pool.close()


def in_clear(hop: ScriptedHop) -> set[bytes]:
    """Commands that were read outside TLS, as their first word; a handshake is not among them."""
    return {line.split(b" ")[0].upper() for _, line in hop.commands if line.isascii()}


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_required_with_the_right_authority(certificate: Certificate, scheme: str) -> None:
    async with ScriptedHop(certificate=certificate, implicit_tls=scheme == "smtps") as hop:
        assert (await send(hop, f"tls=required&ca={certificate.chain}", scheme)).accepted
        assert hop.messages[0].tls


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_required_with_a_certificate_nobody_vouches_for(certificate: Certificate, scheme: str) -> None:
    async with ScriptedHop(certificate=certificate, implicit_tls=scheme == "smtps") as hop:
        assert await send(hop, "tls=required", scheme) == replies.NEXT_HOP_TLS
        assert hop.transactions == []
        assert in_clear(hop) <= {b"EHLO", b"STARTTLS"}


async def test_required_with_somebody_elses_certificate(tmp_path: Path) -> None:
    other = Certificate.make(tmp_path, "other.test")
    async with ScriptedHop(certificate=other) as hop:
        assert await send(hop, f"tls=required&ca={other.chain}") == replies.NEXT_HOP_TLS
        assert hop.transactions == []


@pytest.mark.parametrize("how", ["not offered", "refused", "broken off"])
async def test_required_and_missing_sends_nothing(certificate: Certificate, how: str) -> None:
    async with ScriptedHop(certificate=None if how == "not offered" else certificate) as hop:
        if how != "not offered":
            hop.when("STARTTLS", b"454 4.7.0 not now" if how == "refused" else close(b"220 go"))
        assert await send(hop, "tls=required") == replies.NEXT_HOP_TLS
        assert in_clear(hop) <= {b"EHLO", b"STARTTLS", b"QUIT"}


async def test_opportunistic_takes_any_certificate(certificate: Certificate) -> None:
    async with ScriptedHop(certificate=certificate) as hop:
        assert (await send(hop, "tls=opportunistic")).accepted
        assert hop.messages[0].tls


@pytest.mark.parametrize("how", ["not offered", "refused", "broken off"])
async def test_opportunistic_goes_on_in_clear(certificate: Certificate, how: str) -> None:
    async with ScriptedHop(certificate=None if how == "not offered" else certificate) as hop:
        if how != "not offered":
            hop.when("STARTTLS", b"454 4.7.0 not now" if how == "refused" else close(b"220 go"))
        assert (await send(hop, "tls=opportunistic")).accepted
        assert not hop.messages[0].tls


async def test_none_does_not_ask_for_it(certificate: Certificate) -> None:
    async with ScriptedHop(certificate=certificate) as hop:
        assert (await send(hop, "tls=none")).accepted
        assert b"STARTTLS" not in in_clear(hop)


async def test_what_was_offered_in_clear_is_forgotten(certificate: Certificate) -> None:
    async with ScriptedHop("8BITMIME", certificate=certificate) as hop:
        hop.when("EHLO", b"250-hop.test\r\n250 DSN", nth=2)
        pool = Pool([NextHop.parse(f"smtp://127.0.0.1:{hop.port}")], "gate.test")
        await pool.probe()
        assert pool.capabilities() == Capabilities(dsn=True)
        await pool.close()


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_an_unusable_authority_file_is_an_error_of_the_configuration(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content, encoding="ascii")
    with pytest.raises(ConfigError, match=r"ca\.pem.*not usable"):
        Pool([NextHop.parse(f"smtp://relay?tls=required&ca={path}")], "gate.test")
