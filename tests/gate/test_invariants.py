"""What holds for the whole core, whatever a mail is made of: hypothesis looks for a mail for which it does not."""

from __future__ import annotations

import base64
import quopri
import re
from email import message_from_bytes

from hypothesis import given, settings
from hypothesis import strategies as st

from smtp_gate.gate.variant import Variant, compose
from smtp_gate.model import EVERYTHING, NOTHING, Purpose
from smtp_gate.policy.match import treat
from smtp_gate.scan.message import scan
from smtp_gate.scan.recipients import told_by_recipients
from tests.gate_room import LINK, OPAQUE, PIXEL, PUBLIC_URL, TARGET, ruleset

ALICE = b"alice@example.com"
ADDRESSES = [
    url.decode() for url in (PIXEL, LINK, OPAQUE, TARGET, b"https://www.acme.example/news?utm_source=a&id=7")
]
PIECES = st.lists(
    st.one_of(
        st.sampled_from(ADDRESSES).map(lambda url: f'<a href="{url}">Boutique d\xe9t\xe9</a>'),
        st.sampled_from(ADDRESSES).map(lambda url: f'<img src="{url.replace("&", "&amp;")}" width="1" height="1">'),
        st.sampled_from(ADDRESSES).map(lambda url: f"<td background='{url}'>x</td>"),
        st.sampled_from(ADDRESSES).map(lambda url: f"<style>.a {{background: url({url})}}</style>"),
        st.text("abc <>&=\xe9\xfc.\n", max_size=90),
    ),
    max_size=8,
).map(
    lambda pieces: (
        "<html><body>" + "\r\n".join(pieces).replace("\r\n", "\n").replace("\n", "\r\n") + "\r\n</body></html>\r\n"
    )
)
GRANTS = st.sampled_from([NOTHING, Purpose.CLICKS, EVERYTHING])
WEB = re.compile(r"https?://[^\s\"'<>()]+")


def mail(html: str, charset: str, encoding: str) -> bytes:
    """A mail of one HTML part."""
    content = html.encode(charset)
    if encoding == "base64":
        content = base64.encodebytes(content).replace(b"\n", b"\r\n")
    elif encoding == "quoted-printable":
        content = quopri.encodestring(content.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    head = (
        "From: Acme <news@acme.example>\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: text/html; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    )
    return head.encode() + content


def through(raw: bytes, granted: Purpose) -> Variant:
    """What Alice gets."""
    rules = ruleset()
    found = told_by_recipients(scan(raw, rules.catalogue, own=PUBLIC_URL), [ALICE])
    return compose(rules, found, treat(rules.policy, b"news@acme.example", found), granted, ALICE)


def text_of(raw: bytes) -> str:
    """The HTML as the standard library decodes it, with one line end."""
    message = message_from_bytes(raw)
    content = message.get_payload(decode=True)
    assert isinstance(content, bytes)
    return content.decode(message.get_content_charset("utf-8")).replace("\r\n", "\n")


@settings(deadline=None)
@given(PIECES, GRANTS)
def test_what_went_through_once_goes_through_unchanged(html: str, granted: Purpose) -> None:
    once = through(mail(html, "utf-8", "8bit"), granted)
    assert once.refusal is None
    assert through(once.content, granted).content == once.content


@settings(deadline=None)
@given(PIECES, GRANTS)
def test_the_same_text_in_every_encoding_gives_the_same_text(html: str, granted: Purpose) -> None:
    """White space apart: each encoding breaks long lines in its own places."""
    forms = [("utf-8", "8bit"), ("utf-8", "quoted-printable"), ("utf-8", "base64"), ("iso-8859-1", "8bit")]
    forms += [("iso-8859-1", "base64"), ("iso-8859-1", "quoted-printable"), ("utf-16", "base64")]
    texts = {text_of(through(mail(html, charset, encoding), granted).content) for charset, encoding in forms}
    assert len({re.sub(r"\s+", " ", text) for text in texts}) == 1


@settings(deadline=None)
@given(PIECES, GRANTS)
def test_no_address_appears_that_was_neither_there_nor_is_ours(html: str, granted: Purpose) -> None:
    left = text_of(through(mail(html, "utf-8", "quoted-printable"), granted).content)
    known = {*ADDRESSES, TARGET.decode(), "https://acme.example/privacy"}
    strange = {
        url
        for url in WEB.findall(left.replace("&amp;", "&"))
        if url not in known and not url.startswith(PUBLIC_URL + "/")
    }
    assert strange == set()


@settings(deadline=None)
@given(PIECES, GRANTS, st.sampled_from(["8bit", "quoted-printable", "base64"]))
def test_a_mail_with_crlf_leaves_without_a_bare_cr_or_lf(html: str, granted: Purpose, encoding: str) -> None:
    raw = mail(html, "utf-8", encoding)
    assert re.search(rb"\r(?!\n)|(?<!\r)\n", raw) is None
    assert re.search(rb"\r(?!\n)|(?<!\r)\n", through(raw, granted).content) is None
