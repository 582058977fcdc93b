"""The benchmark runs and tells its figures; how fast it is, is not a matter of tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from bench import catalogue, imports, mails, naive
from smtp_gate.cli.rooms import ruleset_of
from smtp_gate.model import Kind
from smtp_gate.scan.message import scan
from tests.postfix_server import needs_root

ROOT = Path(__file__).parent.parent


@needs_root
@pytest.mark.xdist_group("postfix")
def test_all_ways_carry_mail_and_are_compared(tmp_path: Path) -> None:
    words = [sys.executable, str(ROOT / "bench/run.py"), "--smoke", "--evidence", str(tmp_path / "bench.json")]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode in (0, 1), done.stderr
    figures = json.loads((tmp_path / "bench.json").read_text(encoding="utf-8"))
    assert (done.returncode == 1) == bool(figures["missed"])
    for mail in ("sales 8 KB", "newsletter 64 KB"):
        assert len(figures[mail]) == 5
        assert all(way["per_second"] > 0 for way in figures[mail].values())


def test_consent_of_few_people_is_measured_in_both_stores(tmp_path: Path) -> None:
    evidence = tmp_path / "scale.json"
    words = [
        sys.executable,
        str(ROOT / "bench/consent_scale/run.py"),
        "--people",
        "1000",
        "4000",
        "--share",
        "0.02",
    ]
    done = subprocess.run(
        [*words, "--evidence", str(evidence)], capture_output=True, text=True, check=False, timeout=110
    )
    assert done.returncode in (0, 1), done.stderr
    figures = json.loads(evidence.read_text(encoding="utf-8"))
    assert (done.returncode == 1) == bool(figures["missed"])
    assert [each["people"] for each in figures["sizes"]] == [1000, 4000]
    assert all(each["redis"]["same"] and each["redis"]["octets"] < 40 for each in figures["sizes"])
    assert figures["plain_octets"] > 100
    for each in figures["sizes"]:
        for store in ("redis", "sqlite"):
            assert all(found["p99_ms"] > 0 for found in each[store]["look_ups"].values())


def test_the_pixel_gateway_is_measured_beside_a_bare_handler() -> None:
    words = [sys.executable, str(ROOT / "bench/gateway.py"), "--json", "--people", "400", "--rounds", "1"]
    done = subprocess.run(
        [*words, "--seconds", "1", "--connections", "1"], capture_output=True, text=True, check=False, timeout=110
    )
    assert done.returncode == 0, done.stderr
    figures = json.loads(done.stdout)
    assert all(figures[way]["per_second"] > 0 for way in ("bare", "dead", "alive"))
    assert figures["bare"]["ratio"] == 1


def test_few_and_all_vendors_are_compared() -> None:
    figures = catalogue.measure(rounds=1)
    assert figures["vendors"]["few"] == 11
    assert figures["vendors"]["all"] > 11
    assert all(figures[name]["few"] > 0 and figures[name]["ratio"] > 0 for name in catalogue.BARS)


@pytest.mark.parametrize(
    ("mail", "links", "octets"), [(mails.sales(), 30, 8_000), (mails.newsletter(), 40, 64_000)]
)
def test_the_mails_of_the_benchmark_are_what_their_names_say(mail: bytes, links: int, octets: int) -> None:
    found = scan(mail, ruleset_of(None).catalogue).findings
    assert sum(finding.kind is Kind.LINK for finding in found) == links
    assert sum(finding.kind is Kind.PIXEL for finding in found) == 1
    assert abs(len(mail) - octets) < octets // 20


def test_the_naive_proxy_does_its_simple_job() -> None:
    out = naive.rewrite(mails.newsletter())
    assert b"link-tracker" not in out
    assert out.count(b"https://www.acme.example/offer/") == 40


def test_imports_are_measured_and_what_they_brought_is_checked(tmp_path: Path) -> None:
    first, again, mapped = imports.measure(300, tmp_path)
    assert (first.done.taken, again.done.repeated, mapped.done.taken) == (300, 300, 300)
    assert all(took.seconds > 0 and "300" in str(took) for took in (first, again, mapped))
