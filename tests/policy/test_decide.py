"""The matrix of classes and consent, the switches, and what holds whatever is combined."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtp_gate import limits, replies
from smtp_gate.decision import Action, MailClass
from smtp_gate.gate import quoted
from smtp_gate.model import EVERYTHING, NOTHING, UNKNOWN, Carrier, Consent, Kind, Purpose
from smtp_gate.policy import decide as module
from smtp_gate.policy.decide import decide, live, measurable
from smtp_gate.policy.rules import (
    Forwarded,
    OnOpaqueLink,
    OnSealed,
    OnUnreadable,
    OnVisibleTrackedImage,
    ReadReceipts,
    Treat,
)
from smtp_gate.tokens.keyring import Keyring
from smtp_gate.tokens.kinds import AskToken
from smtp_gate.tokens.seal import open_ask, seal
from tests.policy.samples import finding, part, scanned, treatment

PERFORMANCE, CLICKS = Purpose.PERFORMANCE, Purpose.CLICKS
TARGET = "https://www.acme.example/"
REQUEST = MailClass.CONSENT_REQUEST


def one(kind: Kind, granted: Purpose, finding_changes: dict[str, Any] | None = None, **changes: Any) -> str:
    """``"action reason"`` of a mail with one finding."""
    [verdict] = decide(scanned(finding(kind, **(finding_changes or {}))), treatment(**changes), granted).verdicts
    return f"{verdict.action} {verdict.reason}"


@pytest.mark.parametrize("mail_class", [each for each in MailClass if each is not REQUEST])
@pytest.mark.parametrize(
    ("kind", "granted", "became"),
    [
        (Kind.PIXEL, NOTHING, "strip no_consent"),
        (Kind.PIXEL, CLICKS, "strip no_consent"),
        (Kind.PIXEL, PERFORMANCE, "wrap consent"),
        (Kind.PICTURE, NOTHING, "strip no_consent"),
        (Kind.PICTURE, CLICKS, "strip no_consent"),
        (Kind.PICTURE, PERFORMANCE, "wrap consent"),
        (Kind.SUSPECT, EVERYTHING, "keep suspected"),
        (Kind.LINK, NOTHING, "ask no_consent"),
        (Kind.LINK, PERFORMANCE, "ask no_consent"),
        (Kind.LINK, CLICKS, "wrap consent"),
        (Kind.PERSONAL, NOTHING, "clean no_consent"),
        (Kind.PERSONAL, CLICKS, "wrap consent"),
        (Kind.FUNCTIONAL, NOTHING, "keep functional"),
        (Kind.FUNCTIONAL, EVERYTHING, "keep functional"),
        (Kind.OWN, NOTHING, "keep own"),
        (Kind.PLAIN, EVERYTHING, "keep no_tracker"),
    ],
)
def test_consent_decides_in_every_class(mail_class: MailClass, kind: Kind, granted: Purpose, became: str) -> None:
    assert one(kind, granted, mail_class=mail_class) == became


@pytest.mark.parametrize(
    ("kind", "became"),
    [
        (Kind.PIXEL, "strip consent_request"),
        (Kind.PICTURE, "strip consent_request"),
        (Kind.LINK, "ask consent_request"),
        (Kind.FUNCTIONAL, "keep functional"),
    ],
)
def test_a_request_for_consent_never_tracks(kind: Kind, became: str) -> None:
    assert one(kind, EVERYTHING, mail_class=REQUEST) == became


@pytest.mark.parametrize(
    ("url", "became"),
    [
        ("https://risk.acme.example/seen/1", "keep allowed_pixel"),
        ("https://risk.acme.example/seen/1?a=https://evil.example/", "keep allowed_pixel"),
        ("https://RISK.acme.example/seen/1", "keep allowed_pixel"),
        ("http://risk.acme.example/seen/1", "strip no_consent"),
        ("https://risk.acme.example/other", "strip no_consent"),
        ("https://risk.acme.example.evil.example/seen/1", "strip no_consent"),
        ("https://evil.example/https://risk.acme.example/seen/1", "strip no_consent"),
        ("https://risk.acme.example@evil.example/seen/1", "strip no_consent"),
        ("https://risk.acme.example\\@evil.example/seen/1", "strip no_consent"),
        ("https://evil.example#.acme.example/seen/1", "strip no_consent"),
        ("https://risk.acme.example:8443/seen/1", "strip no_consent"),
        ("https://risk.acme.example/seen/../other", "strip no_consent"),
        ("https://risk.acme.example/seen/%2E%2e/other", "strip no_consent"),
        ("https://risk.acme.example/seen/..\\other", "strip no_consent"),
        ("https://risk.acme.example/seen/1..2?up=/../x", "keep allowed_pixel"),
    ],
)
def test_only_listed_security_pixels_need_no_consent(url: str, became: str) -> None:
    rule = {"mail_class": MailClass.AUTHENTICATION, "allow_pixels": ("https://risk.acme.example/seen/*",)}
    assert one(Kind.PIXEL, NOTHING, {"url": url}, **rule) == became


def test_a_star_in_the_host_stays_in_the_host() -> None:
    rule = {"mail_class": MailClass.AUTHENTICATION, "allow_pixels": ("https://*.acme.example/seen",)}
    assert one(Kind.PIXEL, NOTHING, {"url": "https://a.b.acme.example/seen"}, **rule) == "keep allowed_pixel"
    for url in (
        "https://evil.example/x.acme.example/seen",
        "https://evil.example?.acme.example/seen",
        "https://evil.example#.acme.example/seen",
        "https://evil.example\\.acme.example/seen",
        "https://evil.example\t/.acme.example/seen",
        "https://evil.example%2f.acme.example/seen",
        "https://evil.example\uff0f.acme.example/seen",
        "https://a:b@.acme.example/seen",
    ):
        assert one(Kind.PIXEL, NOTHING, {"url": url}, **rule).startswith("strip"), url


def test_outside_authentication_the_list_does_not_count() -> None:
    assert one(Kind.PIXEL, NOTHING, allow_pixels=("https://t.vendor.example/*",)) == "strip no_consent"


def test_a_pixel_needs_every_purpose_it_has() -> None:
    both = {"purposes": PERFORMANCE | Purpose.PROFILING}
    assert one(Kind.PIXEL, PERFORMANCE, both) == "strip no_consent"
    assert one(Kind.PIXEL, PERFORMANCE | Purpose.PROFILING, both) == "wrap consent"
    assert one(Kind.PIXEL, EVERYTHING, {"purposes": NOTHING}) == "strip no_consent"


@pytest.mark.parametrize(
    ("switch", "became", "refusal"),
    [
        (OnOpaqueLink.ASK, "ask no_consent", None),
        (OnOpaqueLink.TEXT, "text no_consent", None),
        (OnOpaqueLink.REJECT, "text no_consent", replies.OPAQUE_LINK),
        (OnOpaqueLink.PASS, "keep opaque_passed", None),
    ],
)
def test_an_opaque_link_follows_its_switch(switch: OnOpaqueLink, became: str, refusal: object) -> None:
    decision = decide(scanned(finding(Kind.LINK)), treatment(on_opaque_link=switch), NOTHING)
    [verdict] = decision.verdicts
    assert f"{verdict.action} {verdict.reason}" == became
    assert decision.refusal == refusal


def test_a_link_whose_target_is_known_is_unwrapped_whatever_the_switch() -> None:
    for switch in OnOpaqueLink:
        decision = decide(scanned(finding(Kind.LINK, target=TARGET)), treatment(on_opaque_link=switch), NOTHING)
        assert [verdict.action for verdict in decision.verdicts] == [Action.UNWRAP]
        assert decision.refusal is None


@pytest.mark.parametrize(
    ("changes", "scan_changes", "reason"),
    [
        ({"controller": None}, {}, "no_controller"),
        ({"can_keep": False}, {}, "no_web"),
        ({}, {"anchors": ()}, "no_footer"),
        ({"pixels": Treat.STRIP}, {}, "rule_strips"),
    ],
)
def test_what_cannot_be_kept_goes_and_says_why(
    changes: dict[str, Any], scan_changes: dict[str, Any], reason: str
) -> None:
    decision = decide(scanned(finding(Kind.PIXEL), **scan_changes), treatment(**changes), EVERYTHING)
    assert [(verdict.action, verdict.reason) for verdict in decision.verdicts] == [(Action.STRIP, reason)]
    assert not decision.personal


@pytest.mark.parametrize(("length", "became"), [(0, "wrap consent"), (1, "strip too_long")])
def test_an_address_at_the_limit_is_wrapped_and_one_above_is_not(length: int, became: str) -> None:
    url = "https://t.vendor.example/".ljust(limits.MAX_WRAPPED_URL + length, "x")
    assert one(Kind.PIXEL, EVERYTHING, {"url": url}) == became
    wide = "https://t.vendor.example/" + "é" * ((limits.MAX_WRAPPED_URL - 25) // 2)
    assert one(Kind.PIXEL, EVERYTHING, {"url": wide + "x" * length * 2}) == became


@pytest.mark.parametrize(
    ("encoding", "limit"),
    [
        ("quoted-printable", limits.MAX_ASKED_URL),
        ("base64", limits.MAX_ASKED_URL),
        ("8bit", limits.MAX_WRAPPED_URL),
        ("7bit", limits.MAX_WRAPPED_URL),
    ],
)
def test_a_link_that_no_page_can_ask_about_becomes_text(encoding: str, limit: int) -> None:
    parts = (replace(part(), encoding=encoding),)
    for length, became in ((limit, (Action.ASK, "no_consent")), (limit + 1, (Action.TEXT, "too_long"))):
        link = finding(Kind.LINK, url="https://t.vendor.example/".ljust(length, "x"))
        decision = decide(scanned(link, parts=parts), treatment(), NOTHING)
        assert [(verdict.action, verdict.reason) for verdict in decision.verdicts] == [became]
        assert decision.refusal is None


def test_the_longest_address_that_is_asked_about_has_a_token_that_opens() -> None:
    ring = Keyring({0: bytes(64)}, 0, bytes(64))
    token = AskToken("c" * 32, "v" * 32, "u" * limits.MAX_ASKED_URL)
    assert open_ask(ring, seal(ring, token)) == token


def test_a_link_of_the_gate_in_the_mail_is_no_footer_of_this_person() -> None:
    decision = decide(scanned(finding(Kind.PIXEL), footered=True), treatment(), EVERYTHING)
    assert decision.footer
    nowhere = decide(scanned(finding(Kind.PIXEL), footered=True, anchors=()), treatment(), EVERYTHING)
    assert not nowhere.personal


@pytest.mark.parametrize(
    ("switch", "became"),
    [(Forwarded.REWRITE, "strip no_consent"), (Forwarded.LEAVE, "keep forwarded")],
)
def test_a_forwarded_message_follows_its_switch(switch: Forwarded, became: str) -> None:
    parts = (part(), replace(part(), index=1, forwarded=True))
    found = scanned(finding(Kind.PIXEL), finding(Kind.PIXEL, part=1), parts=parts)
    decision = decide(found, treatment(forwarded=switch), NOTHING)
    assert [f"{verdict.action} {verdict.reason}" for verdict in decision.verdicts] == ["strip no_consent", became]


@pytest.mark.parametrize("switch", ReadReceipts)
def test_reading_receipts_follow_their_switch(switch: ReadReceipts) -> None:
    rule = treatment(read_receipts=switch)
    assert not decide(scanned(), rule, EVERYTHING).silent
    assert decide(scanned(receipts=((0, 9),)), rule, EVERYTHING).silent is (switch is ReadReceipts.STRIP)


@pytest.mark.parametrize(
    ("switch", "refusal"), [(Forwarded.REWRITE, replies.SEALED_TRACKER), (Forwarded.LEAVE, None)]
)
def test_a_tracker_under_the_seal_of_a_forwarded_message_never_passes_silently(
    switch: Forwarded, refusal: object
) -> None:
    parts = (part(), replace(part(sealed=True), index=1, forwarded=True))
    found = scanned(finding(Kind.PIXEL, part=1), parts=parts)
    assert decide(found, treatment(forwarded=switch), NOTHING).refusal is refusal


@pytest.mark.parametrize(
    ("switch", "findings", "refusal"),
    [
        (OnSealed.PASS_IF_UNTRACKED, [], None),
        (OnSealed.PASS_IF_UNTRACKED, [Kind.FUNCTIONAL], None),
        (OnSealed.PASS_IF_UNTRACKED, [Kind.PIXEL], replies.SEALED_TRACKER),
        (OnSealed.REJECT, [], replies.UNREADABLE),
        (OnSealed.PASS, [Kind.PIXEL], None),
    ],
)
def test_a_sealed_mail_follows_its_switch(switch: OnSealed, findings: list[Kind], refusal: object) -> None:
    scan = scanned(*(finding(kind) for kind in findings), sealed="signed")
    decision = decide(scan, treatment(on_sealed=switch), EVERYTHING)
    assert decision.refusal == refusal
    if refusal is None:
        assert {verdict.action for verdict in decision.verdicts} <= {Action.KEEP}


def test_beside_a_signed_part_nothing_is_kept_and_the_rest_is_edited() -> None:
    parts = (part(sealed=True), replace(part(), index=1))
    beside = [finding(Kind.PIXEL, part=1), finding(Kind.LINK, part=1)]
    scan = scanned(*beside, parts=parts, sealed="signed")
    decision = decide(scan, treatment(), EVERYTHING)
    assert [str(verdict.action) for verdict in decision.verdicts] == ["strip", "ask"]
    assert decision.refusal is None


def test_an_opaque_link_refuses_wherever_it_can_be_seen_but_a_passed_seal() -> None:
    parts = (part(sealed=True), replace(part(), index=1))
    rule = treatment(on_opaque_link=OnOpaqueLink.REJECT, on_sealed=OnSealed.PASS)
    for index, refusal in ((0, None), (1, replies.OPAQUE_LINK)):
        scan = scanned(finding(Kind.LINK, part=index), parts=parts, sealed="signed")
        assert decide(scan, rule, NOTHING).refusal == refusal


@pytest.mark.parametrize(
    ("switch", "refusal"), [(OnUnreadable.PASS, None), (OnUnreadable.REJECT, replies.UNREADABLE)]
)
def test_an_unreadable_mail_follows_its_switch(switch: OnUnreadable, refusal: object) -> None:
    assert decide(scanned(obstacles=("depth",)), treatment(on_unreadable=switch), NOTHING).refusal == refusal
    assert decide(scanned(), treatment(on_unreadable=switch), NOTHING).refusal is None


KINDS = st.lists(
    st.builds(
        finding,
        st.sampled_from(Kind),
        purposes=st.integers(0, 31).map(Purpose),
        target=st.sampled_from([None, TARGET]),
    ),
    max_size=6,
)
RULES = st.fixed_dictionaries(
    {
        "mail_class": st.sampled_from(MailClass),
        "controller": st.sampled_from([None, treatment().controller]),
        "pixels": st.sampled_from(Treat),
        "clicks": st.sampled_from(Treat),
        "on_opaque_link": st.sampled_from(OnOpaqueLink),
        "on_sealed": st.sampled_from(OnSealed),
        "forwarded": st.sampled_from(Forwarded),
        "can_keep": st.booleans(),
    }
)
SCANS = st.fixed_dictionaries(
    {
        "footered": st.booleans(),
        "sealed": st.sampled_from(["", "signed"]),
        "anchors": st.sampled_from([(), scanned().anchors]),
    }
)
SETS = st.integers(0, 31).map(Purpose)


@settings(max_examples=400, deadline=None)
@given(findings=KINDS, rule=RULES, scan=SCANS, granted=SETS, more=SETS)
def test_whatever_is_combined(
    findings: list[Any], rule: dict[str, Any], scan: dict[str, Any], granted: Purpose, more: Purpose
) -> None:
    mail = scanned(*findings, **scan)
    decision = decide(mail, treatment(**rule), granted)
    for found, verdict in zip(findings, decision.verdicts, strict=True):
        if verdict.action is Action.WRAP:
            assert live(found.purposes, granted), "kept only with every purpose granted"
            assert rule["controller"] is not None
            assert rule["can_keep"]
            assert rule["mail_class"] is not REQUEST, "a request for consent tracks nobody"
            assert decision.footer, "what tracks has the footer"
            assert not scan["sealed"]
        if found.kind in (Kind.FUNCTIONAL, Kind.OWN, Kind.PLAIN):
            assert verdict.action is Action.KEEP, "functional links are never touched"
    assert decision.personal == any(verdict.action is Action.WRAP for verdict in decision.verdicts)
    richer = decide(mail, treatment(**rule), granted | more)
    kept = [verdict.action is Action.WRAP for verdict in decision.verdicts]
    kept_then = [verdict.action is Action.WRAP for verdict in richer.verdicts]
    assert all(then for now, then in zip(kept, kept_then, strict=True) if now), "more consent never keeps less"
    assert decide(mail, treatment(**rule), granted) == decision


@pytest.mark.parametrize(
    ("switch", "granted", "became"),
    [
        (OnVisibleTrackedImage.WRAP, NOTHING, "strip no_consent"),
        (OnVisibleTrackedImage.WRAP, PERFORMANCE, "wrap consent"),
        (OnVisibleTrackedImage.STRIP, NOTHING, "strip no_consent"),
        (OnVisibleTrackedImage.STRIP, PERFORMANCE, "strip rule_strips"),
        (OnVisibleTrackedImage.KEEP, NOTHING, "keep picture_passed"),
        (OnVisibleTrackedImage.KEEP, PERFORMANCE, "keep picture_passed"),
    ],
)
def test_the_switch_decides_about_pictures_and_about_nothing_else(
    switch: OnVisibleTrackedImage, granted: Purpose, became: str
) -> None:
    assert one(Kind.PICTURE, granted, on_visible_tracked_image=switch) == became
    for kind in (Kind.PIXEL, Kind.LINK, Kind.PERSONAL):
        assert one(kind, granted, on_visible_tracked_image=switch) == one(kind, granted)


GRANTED = Consent(EVERYTHING, "granted")


@pytest.mark.parametrize(
    ("consent", "may"),
    [
        (UNKNOWN, True),
        (Consent(NOTHING, "expired"), True),
        (GRANTED, True),
        (Consent(Purpose.DELIVERABILITY, "granted"), True),
        (Consent(EVERYTHING & ~Purpose.DELIVERABILITY, "granted"), False),
        (Consent(CLICKS, "granted"), False),
        (Consent(NOTHING, "refused"), False),
        (Consent(NOTHING, "withdrawn"), False),
        (Consent(NOTHING, "doubt"), False),
        (Consent(NOTHING, "unavailable"), False),
        (Consent(NOTHING, "role"), False),
    ],
)
def test_the_day_of_an_opening_may_be_kept_of_whoever_did_not_object(consent: Consent, may: bool) -> None:
    assert measurable(consent) is may


@pytest.mark.parametrize("mail_class", list(MailClass))
def test_the_gates_own_pixel_stands_only_in_mails_that_somebody_asked_for(mail_class: MailClass) -> None:
    mail = scanned(finding(Kind.PIXEL))
    decision = decide(mail, treatment(mail_class=mail_class, pixels=Treat.MINIMISE), NOTHING, measured=True)
    measured = mail_class in (MailClass.TRANSACTIONAL, MailClass.NEWSLETTER)
    assert (decision.verdicts[0].action is Action.MINIMISE) is measured
    assert decision.personal is measured
    assert not decision.footer, "no consent is asked for, so none can be withdrawn"


@pytest.mark.parametrize(
    "changes",
    [{"pixels": Treat.CONSENT}, {"pixels": Treat.STRIP}, {"controller": None}, {"can_keep": False}],
)
def test_the_gates_own_pixel_needs_a_rule_a_controller_and_a_web_part(changes: dict[str, Any]) -> None:
    rule = treatment(**({"pixels": Treat.MINIMISE} | changes))
    assert decide(scanned(finding(Kind.PIXEL)), rule, NOTHING, measured=True).verdicts[0].action is Action.STRIP


def test_the_gates_own_pixel_is_one_and_never_beside_another() -> None:
    rule = treatment(pixels=Treat.MINIMISE)
    pixels = [finding(Kind.PICTURE), *[finding(Kind.PIXEL, carrier=c) for c in (Carrier.CSS, Carrier.IMAGE)] * 2]
    decision = decide(scanned(*pixels), rule, NOTHING, measured=True)
    actions = [verdict.action for verdict in decision.verdicts]
    assert actions == [Action.STRIP, Action.STRIP, Action.MINIMISE, Action.STRIP, Action.STRIP]
    other = [finding(Kind.PIXEL), finding(Kind.PIXEL, purposes=Purpose.PROFILING)]
    agreed = decide(scanned(*other), rule, PERFORMANCE | Purpose.DELIVERABILITY, measured=True)
    assert [verdict.action for verdict in agreed.verdicts] == [Action.WRAP, Action.STRIP]
    objected = decide(scanned(finding(Kind.PIXEL)), rule, NOTHING, measured=False)
    assert objected.verdicts[0].action is Action.STRIP
    assert decide(scanned(finding(Kind.PIXEL), sealed="signed"), rule, NOTHING, measured=True).verdicts[
        0
    ].action in (Action.STRIP, Action.KEEP)


def test_every_reason_is_explained_and_no_other() -> None:
    source = "".join(Path(str(one.__file__)).read_text(encoding="utf-8") for one in (module, quoted))
    used = set(re.findall(r'[Vv]erdict\(Action\.\w+, "(\w+)"\)', source)) | set(
        re.findall(r'return "(\w+)"', source)
    )
    table = (
        (Path(__file__).parent.parent.parent / "docs/policy.md").read_text(encoding="utf-8").split("## Reasons")[1]
    )
    told = {
        word for row in re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE) for word in re.findall(r"`(\w+)`", row)
    }
    assert told == used
