"""Profiles in the configuration, and warnings of what lets more through than they allow."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from smtp_gate.cli import app
from smtp_gate.config.load import read_settings
from smtp_gate.config.loosened import loosened
from smtp_gate.policy.profile import LOOSEST_FIRST, PROFILES
from smtp_gate.policy.rules import OnOpaqueLink, Profile

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "listen: {smtp: 127.0.0.1:10025}\ndeliver: {next_hops: [smtp://127.0.0.1:25]}\n"
WEB = "web: {public_url: https://gate.example}\nkeys: keys.yaml\n"


def warned(policy: str) -> list[str]:
    """Warnings of a file with that section."""
    return [str(warning) for warning in loosened(read_settings(f"{HEAD}{WEB}policy:\n{policy}", "config.yaml"))]


@pytest.mark.parametrize("profile", Profile)
def test_a_profile_gives_every_switch_that_is_left_out(profile: Profile) -> None:
    policy = read_settings(f"{HEAD}{WEB}policy: {{profile: {profile}}}", "config.yaml").rules()
    for switch in (*LOOSEST_FIRST, "profile"):
        assert getattr(policy, switch) == getattr(PROFILES[profile], switch), switch


def test_without_a_profile_it_is_the_french_one() -> None:
    assert read_settings(HEAD + WEB, "config.yaml").rules().profile is Profile.FR


@pytest.mark.parametrize("switch", LOOSEST_FIRST)
def test_what_is_set_beats_the_profile(switch: str) -> None:
    for value in LOOSEST_FIRST[switch]:
        text = f"{HEAD}{WEB}policy: {{profile: strictest, {switch}: {value}}}"
        assert getattr(read_settings(text, "config.yaml").rules(), switch) == value


def test_without_pages_nobody_can_be_asked_under_any_profile() -> None:
    for profile in Profile:
        policy = read_settings(f"{HEAD}policy: {{profile: {profile}}}", "config.yaml").rules()
        assert policy.on_opaque_link is OnOpaqueLink.TEXT


def test_what_is_looser_than_the_profile_is_told_with_its_place() -> None:
    rules = (
        "  rules: [{name: one, when: {sender: '*@x.example'}, forwarded: leave}, {name: two, on_sealed: reject}]\n"
    )
    receipts, forwarded = warned("  profile: strictest\n  read_receipts: keep\n" + rules)
    assert receipts == (
        "config.yaml:7:3: policy.read_receipts: 'keep' lets more through than profile strictest allows, "
        "which is 'strip'"
    )
    assert forwarded.startswith("config.yaml:8:")
    assert ": policy.rules[0].forwarded: 'leave' lets more through" in forwarded


@pytest.mark.parametrize("switch", LOOSEST_FIRST)
@pytest.mark.parametrize("profile", Profile)
def test_every_looser_value_is_warned_of_and_no_other(profile: Profile, switch: str) -> None:
    order = LOOSEST_FIRST[switch]
    least = order.index(getattr(PROFILES[profile], switch))
    told = [bool(warned(f"  profile: {profile}\n  {switch}: {value}\n")) for value in order]
    assert told == [number < least for number in range(len(order))]


def test_security_pixels_that_the_profile_lets_go_are_told() -> None:
    rule = "  rules: [{name: a, class: authentication, allow_pixels: ['https://risk.example/*']}]\n"
    assert warned("  profile: fr\n" + rule) == []
    [told] = warned("  profile: de\n" + rule)
    assert "has no effect under profile de" in told
    [told] = warned("  profile: de\n  security_pixels: listed\n" + rule)
    assert "'listed' lets more through" in told


def test_measuring_without_consent_is_warned_of_where_no_text_exempts_it() -> None:
    rule = "  rules: [{name: a, class: newsletter, pixels: minimise}]\n"
    assert warned("  profile: fr\n" + rule) == []
    for profile in ("it", "uk", "de", "strictest"):
        [told] = warned(f"  profile: {profile}\n" + rule)
        assert "policy.rules[0].pixels: 'minimise' measures without consent" in told


def test_check_config_names_the_profile_and_warns_without_failing(tmp_path: Path) -> None:
    file = tmp_path / "config.yaml"
    file.write_text(f"{HEAD}policy: {{profile: uk, on_sealed: pass}}\n", encoding="utf-8")
    said = CliRunner().invoke(app, ["check-config", "--config", str(file)])
    assert (said.exit_code, "good; profile uk" in said.output, "warning: " in said.output) == (0, True, True)
    told = json.loads(CliRunner().invoke(app, ["check-config", "--config", str(file), "--json"]).output)
    assert (told["ok"], told["profile"], told["warnings"][0]["key"]) == (True, "uk", "policy.on_sealed")
