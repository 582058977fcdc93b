"""A decision is carried out whole: every verdict, every footer, or nothing leaves."""

from __future__ import annotations

import base64
import dataclasses
from typing import TYPE_CHECKING, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtp_gate import limits
from smtp_gate.config.translations import footer_wording
from smtp_gate.decision import Action, Decision, MailClass, Verdict
from smtp_gate.errors import SpliceError
from smtp_gate.model import Kind, Purpose, Scan
from smtp_gate.render.footer import FooterText, Said
from smtp_gate.render.message import render
from smtp_gate.scan.message import scan
from tests.plain_catalogue import OWN, plain_catalogue

if TYPE_CHECKING:
    from smtp_gate.model import Finding
    from smtp_gate.tokens.mint import Mint

FRENCH = footer_wording("fr")
FOOTER = FooterText(
    Said("Société Acmé", FRENCH, "", pixels=True, clicks=True, purposes=Purpose.PERFORMANCE), f"{OWN}/w/token"
)


class PlainMint:
    """One address for each kind."""

    def pixel(self, finding: Finding) -> str:
        """For a pixel."""
        return f"{OWN}/p/{len(finding.url)}"

    def link(self, finding: Finding) -> str:
        """For a link."""
        return f"{OWN}/l/{len(finding.url)}"

    def ask(self, finding: Finding) -> str:
        """For an opaque link."""
        return f"{OWN}/a/{len(finding.url)}"


MINT = cast("Mint", PlainMint())


def read(raw: bytes) -> Scan:
    """Scan with the plain catalogue."""
    return scan(raw, plain_catalogue(), own=OWN)


def decided(found: Scan, action: Action | None = None, *, footer: bool = False) -> Decision:
    """The same action for all findings; None for what a person without consent gets."""
    actions = [
        action
        or (Action.STRIP if one.kind is Kind.PIXEL else Action.UNWRAP if one.target is not None else Action.TEXT)
        for one in found.findings
    ]
    verdicts = tuple(Verdict(one, "test") for one in actions)
    return Decision(MailClass.UNKNOWN, "test", "acme", verdicts, footer, personal=footer, refusal=None)


MAIL = b"""\
From: a@acme.example\r
Subject: =?utf-8?q?=C3=A9t=C3=A9?=\r
Content-Type: multipart/mixed; boundary=out\r
\r
preamble https://link.example/\r
--out\r
Content-Type: multipart/alternative; boundary=in\r
\r
--in\r
Content-Type: text/plain; charset=iso-8859-1\r
Content-Transfer-Encoding: quoted-printable\r
\r
=C9t=E9: https://link.example/?to=3Dhttps%3A%2F%2Fshop.example%2F=\r
 ici\r
--in\r
Content-Type: text/html; charset=utf-8\r
Content-Transfer-Encoding: base64\r
\r
PHA+PGEgaHJlZj0iaHR0cHM6Ly9saW5rLmV4YW1wbGUvP3RvPWh0dHBzJTNBJTJGJTJGc2hvcC5l\r
eGFtcGxlJTJGIj5pY2k8L2E+PGltZyBzcmM9Imh0dHBzOi8vcGl4ZWwuZXhhbXBsZS8xIj48L2Jv\r
ZHk+\r
--in--\r
--out\r
Content-Type: text/html\r
Content-Disposition: attachment; filename=a.html\r
\r
<img src="https://pixel.example/1">\r
--out--\r
epilogue https://link.example/\r
"""


def views(raw: bytes) -> list[bytes]:
    """The texts of a message."""
    return [part.view for part in read(raw).parts if part.view is not None]


def test_nothing_to_edit_is_the_same_object() -> None:
    found = read(MAIL)
    assert len(found.findings) == 3
    assert render(found, decided(found, Action.KEEP), None, None) is found.raw


def test_without_consent_no_tracker_is_left_and_all_else_is() -> None:
    found = read(MAIL)
    out = render(found, decided(found), None, None)
    assert views(out) == [
        "Été: https://shop.example/ ici".encode("latin-1"),
        b'<p><a href="https://shop.example/">ici</a></body>',
    ]
    assert out.startswith(MAIL[: MAIL.index(b"=C9t")])
    assert out.endswith(MAIL[MAIL.index(b"\r\n--in--") :])
    again = read(out)
    assert again.findings == ()
    assert render(again, decided(again), None, None) is out


def test_with_consent_all_is_wrapped_and_every_body_carries_the_footer() -> None:
    found = read(MAIL)
    out = render(found, decided(found, Action.WRAP, footer=True), MINT, FOOTER)
    text, page = views(out)
    assert b"https://gate.example/l/54 ici\r\n\r\n____" in text
    assert "Arrêter ce suivi".encode("latin-1") in text
    assert (
        b'<a href="https://gate.example/l/54">ici</a><img src="https://gate.example/p/23">\r\n<div lang="fr"'
        in page
    )
    assert page.endswith(b"</div>\r\n</body>")
    again = read(out)
    assert again.footered
    assert {finding.kind for finding in again.findings} == {Kind.OWN}
    assert out.count(b"pixel.example") == 1  # in the attachment, which is nobody's to edit


def test_the_same_decision_gives_the_same_bytes() -> None:
    found = read(MAIL)
    decision = decided(found, Action.WRAP, footer=True)
    assert render(found, decision, MINT, FOOTER) == render(read(bytes(MAIL)), decision, MINT, FOOTER)


RECEIPTS = [
    b"Disposition-Notification-To: a@b.example\r\n",
    b"return-receipt-TO :\r\n a@b.example\r\n",
    b"X-PMRQC: 1\r\n",
]
OTHERS = [
    b"Subject: Return-Receipt-To: x\r\n",
    b"X-Read: y\r\n\tX-PMRQC: 1\r\n",
    b"no field\r\n",
    b"From: a@acme.example\r\n",
]


@given(
    st.lists(st.sampled_from(RECEIPTS + OTHERS), max_size=8), st.sampled_from([b"", b"\r\n", b"\r\nX-PMRQC: 1\r\n"])
)
def test_fields_that_ask_for_a_receipt_go_and_nothing_else(fields: list[bytes], body: bytes) -> None:
    raw = b"".join(fields) + body
    found = read(raw)
    assert render(found, decided(found), None, None) is raw
    silent = render(found, dataclasses.replace(decided(found), silent=True), None, None)
    assert silent == b"".join(field for field in fields if field in OTHERS) + body


@pytest.mark.parametrize(
    ("header", "body", "said"),
    [
        (b"", b"x", b"x\r\n\r\n____"),
        (b"", b"x\r\n", b"x\r\n\r\n____"),
        (b"", b"", b"\r\n____"),
        (b"Content-Type: text/html\r\n", b"", b"<div lang"),
        (b"Content-Type: text/html\r\n", b"<p>", b"<p>\r\n<div lang"),
        (
            b"Content-Transfer-Encoding: 8bit\r\nContent-Type: text/plain; charset=utf-8\r\n",
            b"",
            "améliorer".encode(),
        ),
        (b"Content-Transfer-Encoding: 7bit\r\nContent-Type: text/plain; charset=utf-8\r\n", b"", b"ameliorer"),
        (b"Content-Type: text/plain; charset=iso-2022-jp\r\n", b"\x1b$BF|K\\\x1b(B", b"ameliorer"),
    ],
)
def test_the_footer_fits_its_part(header: bytes, body: bytes, said: bytes) -> None:
    found = read(header + b"\r\n" + body)
    out = render(found, decided(found, footer=True), None, FOOTER)
    assert out.startswith(header + b"\r\n" + body)
    assert said in out[len(header) + 2 :]
    assert b"\n" not in out.replace(b"\r\n", b"")
    assert read(out).footered


@pytest.mark.parametrize("encoding", [b"8bit", b"quoted-printable", b"base64"])
@pytest.mark.parametrize("charset", [b"utf-8", b"utf-8; format=flowed", b"iso-2022-jp"])
def test_a_text_footer_stands_before_the_signature_with_air_round_it(charset: bytes, encoding: bytes) -> None:
    text = b"Hello \r\nyou\r\n-- \r\nAnna \r\nAcme\r\n"
    body = {
        b"8bit": text,
        b"quoted-printable": text.replace(b" \r\n", b"=20\r\n"),
        b"base64": base64.encodebytes(text).replace(b"\n", b"\r\n"),
    }[encoding]
    head = b"Content-Type: text/plain; charset=" + charset + b"\r\nContent-Transfer-Encoding: " + encoding
    found = read(head + b"\r\n\r\n" + body)
    [view] = views(render(found, decided(found, footer=True), None, FOOTER))
    before, rest = view.split(b"\r\n\r\n____")
    assert before == b"Hello \r\nyou"
    assert rest.endswith(b"/w/token\r\n\r\n-- \r\nAnna \r\nAcme\r\n")


def test_the_footer_of_a_wide_charset_keeps_its_accents() -> None:
    raw = b"Content-Type: text/plain; charset=utf-16le\r\nContent-Transfer-Encoding: base64\r\n\r\neAA=\r\n"
    found = read(raw)
    [text] = views(render(found, decided(found, footer=True), None, FOOTER))
    assert b"x\r\n\r\n____" in text
    assert "améliorer".encode() in text


@pytest.mark.parametrize("raw", [b"Content-Type: image/png\r\n\r\nx", b"Content-Type: text/html"])
def test_a_footer_without_a_place_is_refused(raw: bytes) -> None:
    found = read(raw)
    with pytest.raises(SpliceError) as caught:
        render(found, decided(found, footer=True), None, FOOTER)
    assert caught.value.reason == "footer"


def test_a_footer_without_words_is_refused() -> None:
    found = read(MAIL)
    with pytest.raises(SpliceError):
        render(found, decided(found, Action.KEEP, footer=True), None, None)


def test_a_sealed_part_is_never_edited() -> None:
    found = read(b"\r\n-----BEGIN PGP SIGNED MESSAGE-----\r\nhttps://link.example/\r\n")
    with pytest.raises(SpliceError) as caught:
        render(found, decided(found), None, None)
    assert caught.value.reason == "sealed"
    assert render(found, decided(found, Action.KEEP), None, None) is found.raw


PIECES = st.sampled_from(
    [
        b'<a href="https://link.example/?to=https://shop.example/">',
        b"<img src='https://pixel.example/1'>",
        b"https://link.example/ ",
        b"words ",
        b"=\r\n",
        b"=3D",
        b"\r\n",
        b"\n",
        b"\r\n--b\r\n",
        b"\r\n--b--\r\n",
        b"Content-Type: text/html; charset=utf-8\r\n",
        b"Content-Transfer-Encoding: quoted-printable\r\n",
        b"Content-Transfer-Encoding: base64\r\n",
        b"Content-Type: text/html; charset=iso-2022-jp\r\n",
        b"\r\n\r\n",
        b"\x1b$B",
        b"\xe9\0\r",
        b"PHA+",
        b"</a></body>",
    ]
)


@given(st.lists(PIECES, max_size=25), st.booleans())
def test_any_mail_is_rendered_or_refused_and_keeps_its_parts(pieces: list[bytes], multipart: bool) -> None:
    raw = (b"Content-Type: multipart/mixed; boundary=b\r\n" if multipart else b"") + b"".join(pieces)
    found = read(raw)
    assert render(found, decided(found, Action.KEEP), None, None) is raw
    for decision in (decided(found), decided(found, Action.WRAP, footer=bool(found.anchors))):
        try:
            out = render(found, decision, MINT, FOOTER)
        except SpliceError:
            continue
        again = read(out)
        assert [part.media_type for part in again.parts] == [part.media_type for part in found.parts]
        assert again.obstacles == found.obstacles
        assert not {Kind.PIXEL, Kind.LINK} & {finding.kind for finding in again.findings}


@given(st.binary(max_size=300))
def test_random_bytes_leave_as_they_came(raw: bytes) -> None:
    found = read(raw)
    assert render(found, decided(found), None, None) is raw


@pytest.mark.timeout(20)
@pytest.mark.parametrize("encoding", [b"8bit", b"quoted-printable"])
@pytest.mark.parametrize(
    "line", [b"--%d https://link.example/ \r\n", b'<a%d href="https://pixel.example/"> https://link.example/x ']
)
def test_thousands_of_edits_take_no_time(encoding: bytes, line: bytes) -> None:
    filler = b"x" * 60
    raw = b"Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: " + encoding + b"\r\n\r\n"
    raw += b"".join(line % number + filler for number in range(limits.MAX_FINDINGS)) + b"\r\n"
    found = read(raw)
    assert len(found.findings) == limits.MAX_FINDINGS
    for action in (Action.TEXT, Action.WRAP):
        out = render(found, decided(found, action), MINT, None)
        assert b"link.example" not in out or found.obstacles
