"""Clients that others have written: smtplib, aiosmtplib, Postfix over SMTP and LMTP."""

from __future__ import annotations

import asyncio
import smtplib
import time
from email.message import EmailMessage
from typing import TYPE_CHECKING

import aiosmtplib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtp_gate.listener.front import Front
from tests.postfix_server import Postfix, needs_root
from tests.scripted_gate import listening
from tests.wire import connect

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.scripted_gate import Running

CONTENT = b"Subject: x\r\n\r\n.dot\r\n..two\r\nend\r\n"


async def test_smtplib() -> None:
    async with listening() as running:

        def send() -> None:
            with smtplib.SMTP("127.0.0.1", running.port, timeout=5) as client:
                for recipients in (["b@x", "c@x"], ["b@x"]):
                    assert client.sendmail("a@x", recipients, CONTENT, ["BODY=8BITMIME"]) == {}
                refused = client.sendmail("a@x", ["b@x", "never@x"], CONTENT)
                assert refused == {"never@x": (550, b"5.1.1 No such user")}
                with pytest.raises(smtplib.SMTPDataError) as caught:
                    client.sendmail("a@x", ["dotlater@x"], CONTENT)
                assert caught.value.smtp_code == 451

        await asyncio.to_thread(send)
        assert running.gate.messages == [CONTENT] * 4


async def test_smtplib_speaks_lmtp() -> None:
    async with listening(Front(lmtp=True)) as running:

        def send() -> None:
            with smtplib.LMTP("127.0.0.1", running.port, timeout=5) as client:
                assert client.sendmail("a@x", ["b@x"], CONTENT) == {}

        await asyncio.to_thread(send)
        assert running.gate.messages == [CONTENT]


async def test_aiosmtplib() -> None:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = "a@x.example", "b@x.example", "Été"
    message.set_content("Bonjour\n.\nfin\n")
    async with listening() as running:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=running.port, start_tls=False) as client:
            for _ in range(3):
                errors, said = await client.send_message(message)
                assert (errors, said) == ({}, "2.0.0 Accepted by the next hop")
        assert len(running.gate.messages) == 3
        assert b"\r\n.\r\n" in running.gate.messages[0]


# --- Postfix ----------------------------------------------------------------------------------------------------
async def until(running: Running, done: Callable[[], bool]) -> None:
    """Wait until the gate has what it should have."""
    end = time.monotonic() + 30
    while not done():
        assert time.monotonic() < end, [letter.taken for letter in running.gate.letters]
        await asyncio.sleep(0.05)


@needs_root
async def test_postfix_hears_each_recipients_outcome_over_lmtp() -> None:
    async with listening(Front(lmtp=True)) as running:
        settings = [
            f"default_transport = lmtp:inet:[127.0.0.1]:{running.port}",
            "lmtp_send_xforward_command = yes",
            "smtpd_authorized_xforward_hosts = 127.0.0.0/8",
        ]
        with Postfix(settings) as postfix:
            await asyncio.to_thread(
                postfix.submit,
                "a@acme.example",
                ["b@x.example", "dotlater@x.example", "dotnever@x.example", "never@x.example"],
                CONTENT,
            )
            await until(
                running,
                lambda: any(
                    one.finished and one.sender.address and len(one.taken) == 1 for one in running.gate.letters
                ),
            )
            log = postfix.log()
        first, *others = [letter for letter in running.gate.letters if letter.sender.address]
        assert {one.address.partition(b"@")[0] for one in first.taken} == {b"b", b"dotlater", b"dotnever"}
        assert others
        # The retry carries the deferred recipient only, the same octets and the same queue id.
        for other in others:
            assert [one.address for one in other.taken] == [b"dotlater@x.example"]
            assert other.content_bytes == first.content_bytes
            assert other.client.xforward["IDENT"] == first.client.xforward["IDENT"] != ""
        assert first.client.protocol == "LMTP"
        for recipient, status in (
            ("b", "sent"),
            ("dotlater", "deferred"),
            ("dotnever", "bounced"),
            ("never", "bounced"),
        ):
            assert any(
                f"to=<{recipient}@x.example>" in line and f"status={status}" in line for line in log.splitlines()
            )


@needs_root
async def test_postfix_over_smtp_sends_bounces_and_uses_what_is_offered() -> None:
    async with listening() as running:
        settings = [
            f"relayhost = [127.0.0.1]:{running.port}",
            "smtp_send_xforward_command = yes",
        ]
        with Postfix(settings) as postfix:
            recipients = [f"r{number}@x.example" for number in range(5)]
            await asyncio.to_thread(postfix.submit, "a@acme.example", [*recipients, "dotnever@x.example"], CONTENT)
            await asyncio.to_thread(postfix.submit, "", ["b@x.example"], "Subject: ü\r\n\r\n8 bit ü\r\n".encode())
            await asyncio.to_thread(postfix.submit, "a@acme.example", ["never@x.example"], CONTENT)
            await until(
                running,
                lambda: len([one for one in running.gate.letters if not one.sender.address and one.finished]) >= 2,
            )
        kinds = {letter.sender.address for letter in running.gate.letters}
        assert kinds == {b"a@acme.example", b""}
        bounce = next(
            letter for letter in running.gate.letters if [r.address for r in letter.taken] == [b"a@acme.example"]
        )
        assert bounce.sender.address == b""
        assert b"No such user" in (bounce.content_bytes or b"")
        assert any(b"BODY=8BITMIME" in letter.sender.parameters for letter in running.gate.letters)
        # Mail that came to Postfix over SMTP has its queue id; a bounce that Postfix wrote itself has none.
        assert "IDENT" not in bounce.client.xforward
        assert all("IDENT" in letter.client.xforward for letter in running.gate.letters if letter is not bounce)


# --- anything at all --------------------------------------------------------------------------------------------
WORDS = st.sampled_from(
    [
        b"EHLO x",
        b"HELO x",
        b"MAIL FROM:<a@x>",
        b"MAIL FROM:<> SIZE=5",
        b"RCPT TO:<b@x>",
        b"RCPT TO:<later@x>",
        b"RCPT TO:<boom@x>",
        b"RCPT TO:<dotnever@x>",
        b"DATA",
        b"RSET",
        b"NOOP",
        b"XFORWARD IDENT=1",
        b"STARTTLS",
        b"MAIL FROM:<bad",
        b"",
        b"\xff\x00",
        b"LHLO x",
    ]
)
CONTENTS = st.sampled_from([b"hi\r\n", b"", b"a\nb\r\n", b"boom\r\n", b"few\r\n", b"..\r\n"])


class Model:
    """What a session must be in, told from its replies alone."""

    def __init__(self) -> None:
        self.greeted = False
        self.sender = False
        self.taken = 0

    def expect(self, word: bytes, code: int) -> None:
        """Check one reply and follow it."""
        verb = word[:4]
        good = code < 400
        if verb in (b"EHLO", b"HELO"):
            assert code == 250
            self.greeted, self.sender, self.taken = True, False, 0
        elif verb == b"RSET":
            assert code == 250
            self.sender, self.taken = False, 0
        elif verb == b"MAIL":
            assert not good or (self.greeted and not self.sender)
            assert good or word.endswith(b"bad") or (b"SIZE" in word) or not self.greeted or self.sender
            self.sender = self.sender or good
        elif verb == b"RCPT":
            assert self.sender or code == 503
            self.taken += good
        elif verb == b"DATA":
            assert good == bool(self.taken)
        elif verb in (b"LHLO", b"", b"\xff\x00"):
            assert code == 500


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(WORDS, CONTENTS), max_size=14), st.booleans())
def test_every_session_keeps_its_order(script: list[tuple[bytes, bytes]], lmtp: bool) -> None:
    async def play() -> None:
        async with listening(Front(lmtp=lmtp)) as running, connect(running.port) as wire:
            model = Model()
            await wire.reply()
            for word, content in script:
                said = await wire.ask(word.replace(b"EHLO", b"LHLO").replace(b"HELO", b"LHLO") if lmtp else word)
                code = int(said[:3])
                if code == 421:
                    break
                if not (lmtp and word == b"LHLO x"):
                    model.expect(word, code)
                else:
                    model.expect(b"EHLO", code)
                if code == 354:
                    wire.writer.write(content + b".\r\n")
                    for _ in range(model.taken if lmtp else 1):
                        outcome = await wire.reply()
                        assert outcome[:3] in (b"250", b"451", b"550")
                        assert not (outcome.startswith(b"250") and b"\nb" in content)
                    model.sender, model.taken = False, 0
        assert all(one.abandoned + (one.content_bytes is not None) == 1 for one in running.gate.letters)

    asyncio.run(play())
