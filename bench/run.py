"""Rates through the gate beside no hop, Postfix and a naive proxy, all in one run, as ratios.

Debian's ``smtp-source`` sends, ``smtp-sink`` takes, all on loopback and on the same cores. The ways are
interleaved round by round, so that a slow minute of the machine hits all of them; a rate is the median of its
rounds. ``--quick`` makes fewer and shorter rounds. The table goes to the terminal, the figures to
``build/evidence/bench.json``; the exit code is 1 when the gate misses one of the two bars below.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT))

from bench import mails  # noqa: E402 - the folder is no package of the installed project
from tests.postfix_server import Postfix, free_port  # noqa: E402 - the same

SBIN = os.environ["PATH"] + ":/usr/sbin:/sbin"
SESSIONS = 8
"""Processes of smtp-source at the same time, each with one connection and one copy of the mail."""
BAR_POSTFIX = 0.8
"""The newsletter through the gate, at least this many times Postfix's rate as a relay."""
BAR_NAIVE = 8.0
"""The same, beside the naive proxy."""
UNTRACKED = "nobody@recipient.example"
TRACKED = "agreed@recipient.example"
PEOPLE = 500
"""Who agreed, for each copy; smtp-source puts a running number in front of each recipient's address."""


class Way(NamedTuple):
    """One way for the mail to take."""

    name: str
    port: int
    recipient: str
    settled: Callable[[], bool]


def wait_for(port: int) -> None:
    """Return once something listens on the port; give up after 20 s."""
    for _ in range(400):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise SystemExit(f"nothing listens on port {port}")


@contextlib.contextmanager
def running(*command: str, log: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is stopped at the end; what it says goes to a file, or nowhere."""
    with (log or Path(os.devnull)).open("ab") as words:
        process = subprocess.Popen(command, env=os.environ | {"PATH": SBIN}, stdout=words, stderr=words)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def gate(folder: Path, listen: int, sink: int, redis: int) -> Iterator[None]:
    """The gate with Redis, its ledger and as many workers as cores; one recipient has agreed to everything."""
    folder.mkdir()
    command = str(Path(sys.executable).parent / "smtp-gate")
    subprocess.run([command, "keys", "new", "--keys", str(folder / "keys.yaml")], check=True, capture_output=True)
    config = folder / "config.yaml"
    config.write_text(
        f"""listen: {{smtp: "127.0.0.1:{listen}", allow: [127.0.0.1]}}
deliver: {{next_hops: ["smtp://127.0.0.1:{sink}?tls=none"]}}
consent: {{ledger: "sqlite:///{folder}/consent.db", cache: "redis://127.0.0.1:{redis}/0"}}
web: {{listen: "127.0.0.1:{free_port()}", public_url: "https://preferences.acme.example"}}
keys: {folder}/keys.yaml
controllers:
  acme:
    {{name: Acme, senders: ["@acme.example"], privacy_url: "https://acme.example/p", contact: dpo@acme.example}}
"""
    )
    purposes = "performance profiling fraud deliverability clicks"
    people = folder / "people.csv"
    rows = "\n".join(
        f"{number}-{copy}-{TRACKED},acme,{purposes},grant,2026-11-24T08:00:00Z,bench,bench,v1"
        for copy in range(mails.COPIES)
        for number in range(PEOPLE)
    )
    people.write_text(f"address,controller,purposes,decision,at,method,source,notice\n{rows}\n")
    for words in (["import", str(people)], ["reload"]):
        subprocess.run([command, "consent", *words, "--config", str(config)], check=True, stdout=subprocess.DEVNULL)
    # Postfix writes its log to a file, so the gate does too.
    with running(command, "serve", "--config", str(config), log=folder / "log"):
        wait_for(listen)
        yield


def send(way: Way, copies: Sequence[Path], each: int) -> float:
    """Mails a second, from the first connection until the last mail is out of the way's hands.

    Args:
        way: where they go.
        copies: files of the mail's copies; each is sent by a process of its own, some at a time.
        each: how many times each is sent.
    """
    started = time.perf_counter()

    def source(copy: int) -> None:
        subprocess.run(
            [
                "smtp-source", "-N", "-s", "1", "-m", str(each), "-F", str(copies[copy]),
                "-f", "news@acme.example", "-t", f"-{copy}-{way.recipient}", f"127.0.0.1:{way.port}",
            ],
            check=True,
            env=os.environ | {"PATH": SBIN},
            capture_output=True,
        )  # fmt: skip

    with ThreadPoolExecutor(SESSIONS) as sources:
        list(sources.map(source, range(len(copies))))
    while not way.settled():
        time.sleep(0.01)
    return each * len(copies) / (time.perf_counter() - started)


def main() -> int:
    """Run all ways, print the table, write the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    options.add_argument("--smoke", action="store_true", help="one short round: does it run, not how fast")
    options.add_argument("--evidence", type=Path, default=ROOT / "build/evidence/bench.json")
    chosen = options.parse_args()
    rounds, seconds = (1, 0.2) if chosen.smoke else (3, 1.0) if chosen.quick else (7, 3.0)
    cores = os.cpu_count() or 1
    ports = {name: free_port() for name in ("sink", "gate", "naive", "redis")}
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="smtp-gate-bench-")))
        folder.chmod(0o755)
        stack.enter_context(running("smtp-sink", "-u", "nobody", f"127.0.0.1:{ports['sink']}", "200"))
        stack.enter_context(
            running("redis-server", "--port", str(ports["redis"]), "--save", "", "--dir", str(folder))
        )
        wait_for(ports["redis"])
        for _ in range(cores):
            stack.enter_context(
                running(sys.executable, str(ROOT / "bench/naive.py"), str(ports["naive"]), str(ports["sink"]))
            )
        relay = stack.enter_context(Postfix([f"relayhost = [127.0.0.1]:{ports['sink']}"]))
        stack.enter_context(gate(folder / "gate", ports["gate"], ports["sink"], ports["redis"]))
        wait_for(ports["naive"])
        ways = [
            Way("no hop", ports["sink"], UNTRACKED, lambda: True),
            Way("Postfix, plain relay", relay.port, UNTRACKED, lambda: relay.queued() == 0),
            Way("gate, no consent: strip, unwrap", ports["gate"], UNTRACKED, lambda: True),
            Way("gate, consent: wrap, footer", ports["gate"], TRACKED, lambda: True),
            Way("naive proxy", ports["naive"], UNTRACKED, lambda: True),
        ]
        figures: dict[str, dict[str, list[float]]] = {}
        for name, mail in (("sales 8 KB", mails.sales), ("newsletter 64 KB", mails.newsletter)):
            copies = []
            for number in range(2 if chosen.smoke else mails.COPIES):
                copies.append(folder / f"copy{number}.eml")
                copies[-1].write_bytes(mail(number).replace(b"\r\n", b"\n"))
            each = {way.name: max(1, round(send(way, copies, 2) * seconds / len(copies))) for way in ways}
            rates: dict[str, list[float]] = {way.name: [] for way in ways}
            for _ in range(rounds):
                for way in ways:
                    rates[way.name].append(send(way, copies, each[way.name]))
            figures[name] = rates
    return report(figures, cores, rounds, chosen.evidence)


def report(figures: dict[str, dict[str, list[float]]], cores: int, rounds: int, target: Path) -> int:
    """Print medians and ratios; 1 when a bar is missed."""
    evidence: dict[str, object] = {"cores": cores, "rounds": rounds, "sessions": SESSIONS}
    missed = []
    for mail, rates in figures.items():
        medians = {way: statistics.median(values) for way, values in rates.items()}
        relay, naive = medians["Postfix, plain relay"], medians["naive proxy"]
        print(f"\n{mail}, {cores} cores, median of {rounds} interleaved rounds")
        print(f"{'way':34}{'mails/s':>9}{'/ Postfix':>11}{'/ naive':>9}")
        for way, rate in medians.items():
            print(f"{way:34}{rate:9.0f}{rate / relay:11.2f}{rate / naive:9.1f}")
        evidence[mail] = {
            way: {"per_second": rate, "to_postfix": rate / relay, "to_naive": rate / naive}
            for way, rate in medians.items()
        }
        if mail.startswith("newsletter"):
            for way, rate in medians.items():
                if way.startswith("gate"):
                    missed += [f"{way}: {rate / relay:.2f} of Postfix"] * (rate / relay < BAR_POSTFIX)
                    missed += [f"{way}: {rate / naive:.1f} times naive"] * (rate / naive < BAR_NAIVE)
    evidence["missed"] = missed
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(json.dumps(evidence, indent=2) + "\n")
    print(f"\nbars: {BAR_POSTFIX} of Postfix, {BAR_NAIVE:.0f} times naive: {'; '.join(missed) or 'met'}")
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
