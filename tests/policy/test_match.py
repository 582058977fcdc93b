"""Which rule and which controller a mail falls under."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtp_gate.decision import MailClass
from smtp_gate.policy.match import _MAX_FROM, DEFAULT_RULE, addresses, fits, owns, treat
from smtp_gate.policy.rules import (
    Condition,
    Controller,
    Forwarded,
    OnOpaqueLink,
    OnSealed,
    Policy,
    ReadReceipts,
    Rule,
)
from tests.policy.samples import ACME, scanned

OTHER = Controller("other", "Other", ("login@shared.example", "@*.other.example"))


def rule(name: str, **when: Any) -> Rule:
    """A newsletter rule with a condition."""
    return Rule(name, Condition(**when), MailClass.NEWSLETTER)


def name_of(rules: list[Rule], headers: dict[str, tuple[str, ...]], sender: bytes = b"", *tools: str) -> str:
    """Name of the rule that matches."""
    return treat(Policy(rules=tuple(rules)), sender, scanned(headers=headers, tools=frozenset(tools))).rule


@pytest.mark.parametrize(
    ("headers", "sender", "owner"),
    [
        ({"from": ("Acme <News@ACME.example>",)}, b"bounce@mailer.example", "acme"),
        ({"from": ('"login@shared.example" <x@elsewhere.example>',)}, b"", ""),
        ({"from": ("login@shared.example <x@elsewhere.example>",)}, b"", ""),
        ({"from": ("x@acme.example, y@elsewhere.example",)}, b"", "acme"),
        ({"from": ("x@acme.example, login@shared.example",)}, b"", ""),
        ({"from": ("x@acme.example", "login@shared.example")}, b"x@acme.example", ""),
        ({"from": ("x@elsewhere.example",)}, b"news@acme.example", "acme"),
        ({"from": ("login@shared.example",)}, b"news@acme.example", "other"),
        ({"from": ("else@shared.example",)}, b"", ""),
        ({"from": ("a@sub.other.example",)}, b"", "other"),
        ({"from": ("a@other.example",)}, b"", ""),
        ({"from": ("a@notacme.example",)}, b"", ""),
        ({}, b"", ""),
    ],
)
def test_the_from_field_names_the_controller_and_the_envelope_stands_in(
    headers: dict[str, tuple[str, ...]], sender: bytes, owner: str
) -> None:
    found = treat(Policy(controllers=(ACME, OTHER)), sender, scanned(headers=headers)).controller
    assert (found.id if found else "") == owner


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("A@B.example", ["a@b.example"]),
        ("A. N. Other <a@b.example> (from home)", ["a@b.example"]),
        ('"x@y.example" <a@b.example>', ["a@b.example"]),
        ('"x \\" <x@y.example>" <a@b.example>', ["a@b.example"]),
        ("x@y.example <a@b.example>", ["a@b.example"]),
        ("(x@y.example) a@b.example", ["a@b.example"]),
        ('<"a b"@c.example>', ['"a b"@c.example']),
        ("team: a@b.example, C <c@d.example>;", ["a@b.example", "c@d.example"]),
        ("Andr\u00c3\u00a9 <\u00c3\u00a9@b.example>", ["\u00e9@b.example"]),
        ("Andr\u00e9 <a@b.example>", ["a@b.example"]),
        ("x@y.example <nobody>", []),
        ("a@b@c.example", []),
        ("<>", []),
        ("", []),
    ],
)
def test_addresses_of_a_from_field(value: str, found: list[str]) -> None:
    assert addresses([value]) == found


@pytest.mark.parametrize("piece", ["(\\", '"\\"', "<", "(", "a@", "a@b.example,"])
def test_a_hostile_from_field_is_read_up_to_its_limit(piece: str) -> None:
    assert addresses([piece * 60_000]) == addresses([(piece * 60_000)[:_MAX_FROM]])


@given(st.text('ab@.<>",;:() \\', max_size=30))
def test_any_from_field_gives_addresses_or_nothing(value: str) -> None:
    assert all("@" in address for address in addresses([value]))


def test_a_request_for_consent_lets_nothing_pass() -> None:
    asks = Rule(
        "a",
        Condition(),
        MailClass.CONSENT_REQUEST,
        on_opaque_link=OnOpaqueLink.PASS,
        on_sealed=OnSealed.PASS,
        forwarded=Forwarded.LEAVE,
        read_receipts=ReadReceipts.KEEP,
    )
    found = treat(Policy(rules=(asks,)), b"", scanned())
    assert (found.on_opaque_link, found.on_sealed) == (OnOpaqueLink.TEXT, OnSealed.PASS_IF_UNTRACKED)
    assert found.forwarded is Forwarded.REWRITE
    assert found.read_receipts is ReadReceipts.STRIP


def test_everybody_can_be_one_controller() -> None:
    assert owns(Controller("all", "All", ("*@*",)), "x@y.example")


def test_the_first_rule_that_matches_counts() -> None:
    rules = [rule("a", tools=frozenset({"brevo"})), rule("b", tools=frozenset({"hubspot"})), rule("c")]
    assert name_of(rules, {}, b"", "hubspot") == "b"
    assert name_of(rules, {}, b"", "brevo", "hubspot") == "a"
    assert name_of(rules, {}) == "c"
    assert name_of(rules[:2], {}) == DEFAULT_RULE


def test_a_mail_without_a_rule_is_of_the_strictest_class() -> None:
    assert treat(Policy(), b"", scanned()).mail_class is MailClass.UNKNOWN


def test_all_that_a_condition_says_must_hold() -> None:
    rules = [rule("a", sender_domain=("acme.example",), headers=(("list-id", "*news*"),))]
    assert name_of(rules, {"from": ("x@acme.example",), "list-id": ("<NEWS.acme.example>",)}) == "a"
    assert name_of(rules, {"from": ("x@acme.example",)}) == DEFAULT_RULE
    assert name_of(rules, {"from": ("x@else.example",), "list-id": ("<news.acme.example>",)}) == DEFAULT_RULE


def test_a_rules_switches_beat_the_policys() -> None:
    strict = Rule(
        "a",
        Condition(),
        MailClass.NEWSLETTER,
        on_opaque_link=OnOpaqueLink.REJECT,
        infer_from_text=False,
        forwarded=Forwarded.LEAVE,
        read_receipts=ReadReceipts.KEEP,
    )
    policy = Policy(
        rules=(strict,), on_sealed=OnSealed.PASS, infer_from_text=True, read_receipts=ReadReceipts.STRIP
    )
    found = treat(policy, b"", scanned())
    assert not found.infer_from_text
    assert treat(Policy(infer_from_text=True), b"", scanned()).infer_from_text
    assert (found.on_opaque_link, found.on_sealed) == (OnOpaqueLink.REJECT, OnSealed.PASS)
    assert found.forwarded is Forwarded.LEAVE
    assert found.read_receipts is ReadReceipts.KEEP
    assert treat(replace(policy, rules=()), b"", scanned()).read_receipts is ReadReceipts.STRIP


@pytest.mark.parametrize(
    ("glob", "text", "does"),
    [
        ("a*c", "abc", True),
        ("a*c", "abcd", False),
        ("*news*", "the NEWS of", True),
        ("a?c", "abc", True),
        ("a?c", "ac", False),
        ("a.c", "abc", False),
        ("a*b*c", "a1b2b3c", True),
        ("*@acme.example", "x@acme.example.evil", False),
        ("*", "", True),
        ("", "", True),
    ],
)
def test_globs(glob: str, text: str, does: bool) -> None:
    assert fits(glob, text) is does


def test_a_glob_of_many_stars_is_quick_on_a_long_text() -> None:
    assert not fits("*a" * 30 + "b", "a" * 20_000)


@given(st.text("ab*?", max_size=8), st.text("ab", max_size=8))
def test_globs_match_as_shells_do(glob: str, text: str) -> None:
    table = [[False] * (len(text) + 1) for _ in range(len(glob) + 1)]
    table[0][0] = True
    for i, piece in enumerate(glob):
        for j in range(len(text) + 1):
            if piece == "*":
                table[i + 1][j] = table[i][j] or (j > 0 and table[i + 1][j - 1])
            elif j > 0 and piece in ("?", text[j - 1]):
                table[i + 1][j] = table[i][j - 1]
    assert fits(glob, text) == table[-1][-1]
