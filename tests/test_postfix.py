"""Debian's Postfix in front of the running gate: outcomes of each recipient, retries, a gate that comes and goes.

The gate is the real process with two workers, consent is in a real Redis, the next hop records what it accepts. The
recipient's domain decides how Postfix hands a mail over: as relayhost with its queue id, without it, or over LMTP.
"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Self

import pytest

from smtp_gate.model import Purpose
from tests.gate_room import TRACKED, TRACKER_HOSTS
from tests.hop_thread import HopThread
from tests.next_hop import late
from tests.postfix_server import Postfix, needs_root
from tests.redis_server import RedisServer
from tests.serve_process import SENDER, ServeProcess, eventually

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import TracebackType

    from tests.next_hop import ScriptedHop

pytestmark = [needs_root, pytest.mark.xdist_group("postfix")]

SMTP, LMTP, NO_QUEUE_ID = "smtp.example", "lmtp.example", "plain.example"
"""Domains of recipients, by how their mail is handed to the gate."""
ALL = Purpose.PERFORMANCE | Purpose.CLICKS
AGREED = [f"agreed{number}@{domain}" for domain in (SMTP, LMTP, NO_QUEUE_ID) for number in range(3)]
MAILS = 150
CONCURRENCY = 10
"""Deliveries of Postfix at a time, over each transport."""
NUMBER = re.compile(rb"^Subject: Number (\d+)\r$", re.MULTILINE)
UNDER_WAY = re.compile(r"to=<.*status=deferred \(lost connection with \S+ while sending end of data")


class Chain:
    """Postfix, the gate, Redis, a next hop: all of it, running."""

    def __init__(self) -> None:
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        enter = self._stack.enter_context
        self.redis = enter(RedisServer())
        self.thread = enter(HopThread())
        self.gate = enter(ServeProcess(self.thread.url, cache=self.redis.url))
        lmtp = f"{{{LMTP} = lmtp:inet:127.0.0.1:{self.gate.lmtp}}}"
        plain = f"{{{NO_QUEUE_ID} = plain:[127.0.0.1]:{self.gate.smtp}}}"
        settings = [
            f"relayhost = [127.0.0.1]:{self.gate.smtp}",
            f"transport_maps = inline:{{{lmtp}, {plain}}}",
            "smtp_send_xforward_command = yes",
            "lmtp_send_xforward_command = yes",
            f"default_destination_concurrency_limit = {CONCURRENCY}",
        ]
        self.postfix = enter(Postfix(settings, ["plain unix - - n - - smtp -o smtp_send_xforward_command=no"]))
        for person in AGREED:
            self.gate.agrees(person, ALL)
        head = b" %d " % len(AGREED)
        eventually(lambda: head in self.redis.say("GET", "smtp_gate:{0}:live"))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    @property
    def hop(self) -> ScriptedHop:
        """To be scripted."""
        return self.thread.hop

    def fresh(self) -> None:
        """As if nothing had happened."""
        self.hop.forget()
        self.thread.messages.clear()
        self.hop.transactions.clear()

    def wait_until_empty(self, seconds: float = 30) -> None:
        """Until Postfix has no mail left, asking it again and again to try what waits."""
        end = time.monotonic() + seconds
        while self.postfix.queued():
            assert time.monotonic() < end, f"{self.got()}\n{self.postfix.log()[-3000:]}\n{self.gate.text()[-3000:]}"
            self.postfix.flush()
            time.sleep(0.2)

    def got(self) -> Counter[str]:
        """How many mails each recipient has, bounces under the sender's address."""
        return Counter(one.decode() for message in self.thread.messages for one in message.recipients)


@pytest.fixture(scope="module")
def running() -> Iterator[Chain]:
    with Chain() as chain:
        yield chain


@pytest.fixture
def chain(running: Chain) -> Chain:
    running.fresh()
    return running


@pytest.mark.parametrize("domain", [SMTP, LMTP])
def test_three_recipients_have_three_outcomes_at_rcpt(chain: Chain, domain: str) -> None:
    alice, bob, carol = f"agreed0@{domain}", f"bob@{domain}", f"carol@{domain}"
    chain.hop.when("RCPT", b"550 5.1.1 No such user", to=b"bob@")
    chain.hop.when("RCPT", b"450 4.2.1 Busy", to=b"carol@")
    chain.postfix.submit(SENDER, [alice, bob, carol], TRACKED)
    eventually(lambda: chain.got() == {alice: 1, SENDER: 1}, 20)
    bounce = chain.thread.contents(SENDER)[0]
    assert b"No such user" in bounce, "the sender does not hear the next hop's reason"
    assert bob.encode() in bounce
    eventually(lambda: chain.postfix.queued() == 1)  # the bounce leaves; what was answered 450 stays
    chain.hop.forget()
    chain.wait_until_empty()
    assert chain.got() == {alice: 1, carol: 1, SENDER: 1}
    assert b"/p/" in chain.thread.contents(alice)[0]
    assert b"/p/" not in chain.thread.contents(carol)[0]


@pytest.mark.parametrize("domain", [SMTP, LMTP, NO_QUEUE_ID])
def test_a_temporary_outcome_after_the_dot_is_tried_again_for_that_one_only(chain: Chain, domain: str) -> None:
    alice, bob = f"agreed0@{domain}", f"bob@{domain}"
    chain.hop.when("DOT", b"451 4.3.0 Later", to=b"bob@", times=2)
    chain.postfix.submit(SENDER, [alice, bob], TRACKED)  # two variants
    chain.wait_until_empty()
    assert chain.got() == {alice: 1, bob: 1}
    assert b"/p/" in chain.thread.contents(alice)[0]
    assert b"/p/" not in chain.thread.contents(bob)[0]


@pytest.mark.parametrize("domain", [SMTP, LMTP])
def test_a_permanent_outcome_after_the_dot_bounces_for_that_one_only(chain: Chain, domain: str) -> None:
    alice, bob = f"agreed0@{domain}", f"bob@{domain}"
    chain.hop.when("DOT", b"554 5.7.1 Not this text", to=b"bob@")
    chain.postfix.submit(SENDER, [alice, bob], TRACKED)
    chain.wait_until_empty()
    assert chain.got() == {alice: 1, SENDER: 1}
    report = chain.thread.contents(SENDER)[0]
    assert b"Final-Recipient: rfc822; " + bob.encode() in report
    assert b"Final-Recipient: rfc822; " + alice.encode() not in report


@pytest.mark.parametrize("domain", [SMTP, LMTP])
def test_the_null_sender_and_odd_addresses_go_through_byte_for_byte(chain: Chain, domain: str) -> None:
    odd = [f'"with space"@{domain}', f"plus+tag@{domain}", f"UPPER@{domain.title()}"]
    chain.postfix.submit("", odd, TRACKED)
    chain.wait_until_empty()
    assert chain.got() == dict.fromkeys(odd, 1)
    assert {message.sender for message in chain.thread.messages} == {b""}


# --- the gate comes and goes ------------------------------------------------------------------------------------
def load(chain: Chain, during: Callable[[], Any]) -> Counter[tuple[int, bool]]:
    """Send many mails, half of them over LMTP, and do something with the gate while they are on their way.

    Each mail goes to one who agreed and to one who did not, so it has two variants.

    Returns:
        How often each mail arrived, for the one who agreed (True) and the one who did not.
    """
    chain.hop.when("DOT", late(0.03))

    def submit() -> None:
        for number in range(MAILS):
            raw = TRACKED.replace(b"Subject: Autumn", b"Subject: Number %d" % number)
            domain = LMTP if number % 2 else SMTP
            chain.postfix.submit(SENDER, [f"agreed{number % 3}@{domain}", f"other{number}@{domain}"], raw)

    sender = threading.Thread(target=submit)
    sender.start()
    eventually(lambda: len(chain.thread.messages) > MAILS // 3, 60)
    during()
    sender.join(60)
    chain.wait_until_empty(60)
    arrived: Counter[tuple[int, bool]] = Counter()
    tracked = 0
    for message in chain.thread.messages:
        content = message.content or b""
        found = NUMBER.search(content)
        assert found is not None, "not one of ours"
        wrapped = b"/p/" in content
        tracked += wrapped
        assert not any(host in content for host in TRACKER_HOSTS)
        # Both are in one message where the store gave no answer in time, as it may just after a start.
        for recipient in message.recipients:
            agreed = recipient.startswith(b"agreed")
            assert agreed or not wrapped, "tracked without consent"
            arrived[int(found[1]), agreed] += 1
    assert tracked > MAILS // 2, "consent in Redis was not found"
    assert len(arrived) == MAILS * 2, "mail was lost"
    return arrived


def test_a_gate_that_is_stopped_and_started_under_load_delivers_each_mail_once(chain: Chain) -> None:
    def restart() -> None:
        assert chain.gate.stop() == 0
        time.sleep(0.2)  # Postfix meets a closed port
        chain.gate.start()

    arrived = load(chain, restart)
    assert max(arrived.values()) == 1
    assert all(line["unfinished"] == 0 for line in chain.gate.events("stopped"))


def test_a_gate_that_is_killed_under_load_loses_nothing_and_doubles_only_what_was_under_way(chain: Chain) -> None:
    def crash() -> None:
        chain.gate.kill()
        chain.gate.start()

    before = len(UNDER_WAY.findall(chain.postfix.log()))
    arrived = load(chain, crash)
    assert max(arrived.values()) <= 2
    # A recipient's mail may be accepted while Postfix waits for the answer; it sees the connection lost then.
    twice = sum(count > 1 for count in arrived.values())
    assert twice <= len(UNDER_WAY.findall(chain.postfix.log())) - before <= 4 * CONCURRENCY
