"""Profiles: what each makes of the matrix of classes and consent, and that the documentation says the same."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import get_type_hints

import pytest

from smtp_gate.decision import MailClass
from smtp_gate.model import EVERYTHING, NOTHING, Kind, Purpose
from smtp_gate.policy import rules
from smtp_gate.policy.decide import decide
from smtp_gate.policy.match import treat
from smtp_gate.policy.profile import LOOSEST_FIRST, PROFILES, looser
from smtp_gate.policy.rules import Condition, Policy, Profile, Rule
from tests.policy.samples import ACME, finding, scanned

POLICY = (Path(__file__).parent.parent.parent / "docs/policy.md").read_text(encoding="utf-8")
ALLOWED = "https://risk.acme.example/seen/*"
MAIL = scanned(
    finding(Kind.PIXEL, url="https://risk.acme.example/seen/1"),
    finding(Kind.PIXEL, url="https://t.vendor.example/open"),
    finding(Kind.LINK, target="https://shop.example/"),
    headers={"from": ("news@acme.example",)},
)
"""A security pixel, a vendor's pixel, a vendor's link."""
GONE = "strip strip unwrap"
ALL = frozenset(Profile)
EXEMPT = frozenset({Profile.FR, Profile.IT})

MATRIX = {
    # test of the requirement: class, granted, profiles, what becomes of the three
    "E2 a request never tracks, G": (MailClass.CONSENT_REQUEST, EVERYTHING, ALL, GONE),
    "E2 a request never tracks, -": (MailClass.CONSENT_REQUEST, NOTHING, ALL, GONE),
    "B1 the security pixel stays, G": (MailClass.AUTHENTICATION, EVERYTHING, EXEMPT, "keep wrap wrap"),
    "B1 the security pixel stays, -": (MailClass.AUTHENTICATION, NOTHING, EXEMPT, "keep strip unwrap"),
    "B1 where no text exempts it, G": (MailClass.AUTHENTICATION, EVERYTHING, ALL - EXEMPT, "wrap wrap wrap"),
    "B1 where no text exempts it, -": (MailClass.AUTHENTICATION, NOTHING, ALL - EXEMPT, GONE),
    "B2 fraud is not security": (MailClass.AUTHENTICATION, Purpose.FRAUD, EXEMPT, "keep strip unwrap"),
    "B10 transactional, G": (MailClass.TRANSACTIONAL, EVERYTHING, ALL, "wrap wrap wrap"),
    "B10 transactional, -": (MailClass.TRANSACTIONAL, NOTHING, ALL, GONE),
    "B4 newsletter, G": (MailClass.NEWSLETTER, EVERYTHING, ALL, "wrap wrap wrap"),
    "B4 newsletter, -": (MailClass.NEWSLETTER, NOTHING, ALL, GONE),
    "B4 soft opt-in, G": (MailClass.SOFT_OPT_IN, EVERYTHING, ALL, "wrap wrap wrap"),
    "B4 soft opt-in, -": (MailClass.SOFT_OPT_IN, NOTHING, ALL, GONE),
    "C4 prospecting, G": (MailClass.PROSPECTING, EVERYTHING, ALL, "wrap wrap wrap"),
    "C4 prospecting, only deliverability": (MailClass.PROSPECTING, Purpose.DELIVERABILITY, ALL, GONE),
    "A3 one to one, G": (MailClass.ONE_TO_ONE, EVERYTHING, ALL, "wrap wrap wrap"),
    "A3 one to one, -": (MailClass.ONE_TO_ONE, NOTHING, ALL, GONE),
    "D6 unknown, G": (MailClass.UNKNOWN, EVERYTHING, ALL, "wrap wrap wrap"),
    "D6 unknown, -": (MailClass.UNKNOWN, NOTHING, ALL, GONE),
    "D4 clicks alone": (MailClass.NEWSLETTER, Purpose.CLICKS, ALL, "strip strip wrap"),
    "D4 openings alone": (MailClass.NEWSLETTER, Purpose.PERFORMANCE, ALL, "wrap wrap unwrap"),
}


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("case", MATRIX)
def test_each_class_gets_what_the_law_of_the_profile_says(case: str, profile: Profile) -> None:
    mail_class, granted, profiles, became = MATRIX[case]
    if profile not in profiles:
        return
    allowed = (ALLOWED,) if mail_class is MailClass.AUTHENTICATION else ()
    rule = Rule("the one", Condition(), mail_class, allow_pixels=allowed)
    policy = replace(PROFILES[profile], controllers=(ACME,), rules=(rule,))
    decision = decide(MAIL, treat(policy, b"", MAIL), granted)
    assert " ".join(verdict.action for verdict in decision.verdicts) == became


def test_the_matrix_has_every_class_under_every_profile() -> None:
    seen = {(row[0], profile, row[1] == EVERYTHING) for row in MATRIX.values() for profile in row[2]}
    assert seen == {
        (each, profile, granted) for each in MailClass for profile in Profile for granted in (True, False)
    }


def test_a_profile_is_its_switches_and_nothing_else() -> None:
    assert set(PROFILES) == ALL
    assert PROFILES[Profile.FR] == Policy(), "the default"
    for profile, policy in PROFILES.items():
        own = {switch: getattr(policy, switch) for switch in LOOSEST_FIRST}
        assert policy == replace(Policy(), profile=profile, **own)


def test_the_strictest_is_nowhere_looser_than_another() -> None:
    for switch in LOOSEST_FIRST:
        strictest = getattr(PROFILES[Profile.STRICTEST], switch)
        assert not any(looser(profile, switch, strictest) for profile in Profile), switch


def test_every_value_of_a_switch_has_its_place_in_the_order() -> None:
    kinds = get_type_hints(Policy, vars(rules) | {"MailClass": MailClass})
    for switch, order in LOOSEST_FIRST.items():
        assert sorted(order) == sorted(value.value for value in kinds[switch]), switch


def test_the_documentation_says_the_same() -> None:
    table = POLICY.split("## Profiles")[1].split("\n## ")[0]
    rows = [
        [cell.strip() for cell in line.strip("| \n").split(" | ")] for line in table.splitlines() if "| S" in line
    ]
    assert rows[0][2:-1] == [profile.value for profile in Profile]
    told = {row[1].removeprefix("`policy.").rstrip("`"): row[2:-1] for row in rows[1:] if "`policy." in row[1]}
    assert told == {
        switch: [f"`{getattr(PROFILES[profile], switch)}`" for profile in Profile] for switch in LOOSEST_FIRST
    }
    assert {row[0] for row in rows[1:]} == {f"S{number}" for number in range(1, 22)}
    assert all(len(row) == len(rows[0]) and re.search(r"\w", row[-1]) for row in rows), "each names its source"
