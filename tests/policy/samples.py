"""Scans, treatments and findings for tests of the policy row, made by hand."""

from __future__ import annotations

from typing import Any

from smtp_gate.decision import MailClass
from smtp_gate.model import OPENINGS, Anchor, Carrier, Finding, Kind, Part, Purpose, Scan, Span
from smtp_gate.policy.match import Treatment
from smtp_gate.policy.rules import (
    Controller,
    Forwarded,
    OnOpaqueLink,
    OnSealed,
    OnUnreadable,
    OnVisibleTrackedImage,
    ReadReceipts,
    Treat,
)

ACME = Controller("acme", "Acme", ("@acme.example",))


def part(*, sealed: bool = False) -> Part:
    """One HTML part."""
    return Part(0, -1, Span(0, 0), Span(0, 0), "text/html", "utf-8", "8bit", False, sealed, False, b"")  # noqa: FBT003


def finding(kind: Kind, **changes: Any) -> Finding:
    """A finding with what matters for a decision."""
    values: dict[str, Any] = {
        "part": 0,
        "kind": kind,
        "carrier": Carrier.IMAGE if kind in OPENINGS else Carrier.ANCHOR,
        "element": Span(0, 0),
        "value": Span(0, 0),
        "closing": None,
        "words": None,
        "quote": b'"',
        "url": "https://t.vendor.example/x",
        "vendor": "vendor",
        "target": None if kind in OPENINGS or kind is Kind.LINK else "https://www.acme.example/",
        "purposes": Purpose.PERFORMANCE if kind in OPENINGS else Purpose.CLICKS,
        "evidence": ("catalogue",),
    }
    return Finding(**(values | changes))


def scanned(*findings: Finding, **changes: Any) -> Scan:
    """A scan of one HTML part with these findings."""
    values: dict[str, Any] = {
        "raw": b"",
        "headers": {},
        "parts": (part(sealed=bool(changes.get("sealed"))),),
        "findings": findings,
        "anchors": (Anchor(0, 0, html=True),),
        "obstacles": (),
        "sealed": "",
        "footered": False,
        "tools": frozenset(),
        "language": "",
    }
    return Scan(**(values | changes))


def treatment(**changes: Any) -> Treatment:
    """The treatment of a newsletter of Acme's."""
    values: dict[str, Any] = {
        "rule": "news",
        "mail_class": MailClass.NEWSLETTER,
        "controller": ACME,
        "pixels": Treat.CONSENT,
        "clicks": Treat.CONSENT,
        "allow_pixels": (),
        "on_opaque_link": OnOpaqueLink.ASK,
        "infer_from_text": False,
        "on_visible_tracked_image": OnVisibleTrackedImage.WRAP,
        "on_sealed": OnSealed.PASS_IF_UNTRACKED,
        "on_unreadable": OnUnreadable.PASS,
        "forwarded": Forwarded.REWRITE,
        "read_receipts": ReadReceipts.KEEP,
        "can_keep": True,
    }
    return Treatment(**(values | changes))
