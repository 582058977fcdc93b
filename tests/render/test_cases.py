"""Whole mails, one folder each below ``cases``: what goes in, for whom, and what comes out.

``case.yaml`` holds

- ``why``: what the case is there for;
- ``rcpt`` and ``sender``: the envelope;
- ``grants``: purposes the recipient agreed to, in lower case; nothing without it;
- ``set``: the switches ``on_opaque_link``, ``infer_from_text``, ``on_sealed`` and ``read_receipts``;
- ``pixels``: of a rule for newsletters that matches every mail;
- ``refused``: name of the reply in :mod:`smtp_gate.replies` when there is no ``out.eml``.

What a run gave, when it differs, is written beside as ``out.eml.got`` (not in git): look at it, and copy it if it
is right. Scan, policy, render and tokens are the real ones, with the shipped catalogue and a fixed key.
"""

from __future__ import annotations

import dataclasses
from functools import lru_cache
from pathlib import Path

import pytest
import yaml

from smtp_gate import replies
from smtp_gate.config.catalogue import load_catalogue
from smtp_gate.decision import MailClass
from smtp_gate.gate.ruleset import Ruleset
from smtp_gate.gate.variant import Variant, compose
from smtp_gate.model import NOTHING, UNKNOWN, Consent, Purpose, Scan
from smtp_gate.policy.decide import measurable
from smtp_gate.policy.rules import Condition, Controller, OnOpaqueLink, OnSealed, Policy, ReadReceipts, Rule, Treat
from smtp_gate.scan.message import scan
from smtp_gate.tokens.keyring import Keyring

CASES = sorted(path for path in (Path(__file__).parent / "cases").iterdir() if path.is_dir())
PUBLIC_URL = "https://preferences.acme.example"
POLICY = Policy(
    controllers=(Controller("acme", "Acme Société", ("@acme.example",), "https://acme.example/privacy", "", "fr"),)
)
KEYRING = Keyring({0: bytes(range(64))}, 0, bytes(range(64, 128)))


@lru_cache(maxsize=1)
def ruleset() -> Ruleset:
    """What the cases are judged by."""
    return Ruleset(POLICY, load_catalogue(None, {}, PUBLIC_URL), KEYRING, PUBLIC_URL)


def variant(raw: bytes, case: dict[str, object]) -> tuple[Scan, Variant]:
    """A mail, read, and what the case's recipient gets."""
    switches = case.get("set", {})
    grants = case.get("grants", [])
    assert isinstance(switches, dict)
    assert isinstance(grants, list)
    policy = dataclasses.replace(
        POLICY,
        on_opaque_link=OnOpaqueLink(switches.get("on_opaque_link", POLICY.on_opaque_link)),
        infer_from_text=switches.get("infer_from_text", POLICY.infer_from_text),
        on_sealed=OnSealed(switches.get("on_sealed", POLICY.on_sealed)),
        read_receipts=ReadReceipts(switches.get("read_receipts", POLICY.read_receipts)),
    )
    if "pixels" in case:
        rule = Rule("news", Condition(), MailClass.NEWSLETTER, pixels=Treat(str(case["pixels"])))
        policy = dataclasses.replace(policy, rules=(rule,))
    rules = dataclasses.replace(ruleset(), policy=policy)
    granted = NOTHING
    for name in grants:
        granted |= Purpose[name.upper()]
    found = scan(raw, rules.catalogue, own=PUBLIC_URL)
    found, treatment = rules.treat(str(case["sender"]).encode(), found)
    measured = measurable(Consent(granted, "granted") if granted else UNKNOWN)
    return found, compose(rules, found, treatment, granted, str(case["rcpt"]).encode(), measured=measured)


@pytest.mark.parametrize("folder", CASES, ids=[path.name for path in CASES])
def test_case(folder: Path) -> None:
    case = yaml.safe_load((folder / "case.yaml").read_text(encoding="utf-8"))
    raw = (folder / "in.eml").read_bytes()
    found, got = variant(raw, case)
    if "refused" in case:
        assert got.refusal is getattr(replies, case["refused"])
        assert not (folder / "out.eml").exists()
        return
    assert got.refusal is None
    assert got.fallback == ""
    wanted = folder / "out.eml"
    if not wanted.exists() or wanted.read_bytes() != got.content:
        (folder / "out.eml.got").write_bytes(got.content)
        pytest.fail(f"not what was expected; compare out.eml with out.eml.got in {folder.name}")
    if not case.get("grants"):
        again, second = variant(got.content, case)
        assert second.content is got.content, "what leaves has nothing more to take out"
        assert len(again.parts) == len(found.parts)
