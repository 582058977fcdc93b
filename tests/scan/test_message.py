"""A message is read once: what it holds, who made it, whether it is sealed, and where a footer goes."""

from __future__ import annotations

from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtp_gate import limits
from smtp_gate.model import Carrier, Kind, Scan
from smtp_gate.scan.message import scan
from tests.plain_catalogue import OWN, PlainCatalogue, plain_catalogue

PIXEL = b"https://pixel.example/1"
LINK = b"https://link.example/2?to=https%3A%2F%2Fshop.example%2F"
HTML = b'Content-Type: text/html\n\n<a href="' + LINK + b'">Shop</a><img src="' + PIXEL + b'"></body>'
TEXT = b"Content-Type: text/plain\n\nShop: " + LINK + b"\n"


def read(raw: bytes, *, everything: bool = False) -> Scan:
    """Scan with the plain catalogue."""
    return scan(raw, plain_catalogue(), own=OWN, everything=everything)


def multipart(kind: bytes, *children: bytes, options: bytes = b"") -> bytes:
    """A multipart with a boundary of its own."""
    boundary = b"b%d" % sum(map(len, children))
    inner = b"".join(b"--" + boundary + b"\n" + child + b"\n" for child in children)
    return (
        b"Content-Type: multipart/"
        + kind
        + b"; boundary="
        + boundary
        + options
        + b"\n\n"
        + inner
        + b"--"
        + boundary
        + b"--\n"
    )


def kinds(found: Scan) -> list[tuple[int, Kind, Carrier]]:
    """Part, kind and carrier of each finding."""
    return [(finding.part, finding.kind, finding.carrier) for finding in found.findings]


def test_trackers_are_found_in_every_alternative_with_the_spans_of_their_part() -> None:
    found = read(multipart(b"alternative", TEXT, HTML))
    assert kinds(found) == [
        (1, Kind.LINK, Carrier.TEXT),
        (2, Kind.LINK, Carrier.ANCHOR),
        (2, Kind.PIXEL, Carrier.IMAGE),
    ]
    for finding in found.findings:
        view = found.parts[finding.part].view
        assert view is not None
        assert view[slice(*finding.value)] == (PIXEL if finding.kind is Kind.PIXEL else LINK)
    assert found.findings[0].target == "https://shop.example/"
    assert found.tools == {"plain"}


def test_attachments_and_attached_messages_are_not_searched() -> None:
    file = HTML.replace(b"\n\n", b"\nContent-Disposition: attachment\n\n", 1)
    attached = b"Content-Type: message/rfc822\nContent-Disposition: attachment\n\n" + HTML
    assert read(multipart(b"mixed", file, attached)).findings == ()


def test_a_forwarded_message_is_searched_and_is_not_the_message() -> None:
    """Its trackers are found; its tool, its language, its seal and its body are not those of the mail around it."""
    inner = b"Content-Type: text/html\n\n<html lang=fr>" + HTML.partition(b"\n\n")[2]
    sealed = multipart(b"signed", inner, b"Content-Type: application/pgp-signature\n\nx")
    for forwarded in (inner, sealed):
        mail = multipart(
            b"mixed", b"Content-Type: text/plain\n\nsee below", b"Content-Type: message/rfc822\n\n" + forwarded
        )
        found = read(mail)
        assert [one.kind for one in found.findings] == [Kind.LINK, Kind.PIXEL]
        assert (found.tools, found.language, found.sealed) == (frozenset(), "", "")
        assert [anchor.part for anchor in found.anchors] == [1]
        assert found.parts[found.findings[0].part].sealed is (forwarded is sealed)


def test_an_image_a_load_and_a_click_are_asked_about_as_what_they_are() -> None:
    raw = b'Content-Type: text/html\n\n<td background="https://pixel.example/a">'
    raw += b'<div style="background:url(https://pixel.example/b)"><a href="https://pixel.example/c">x</a>'
    assert kinds(read(raw)) == [(0, Kind.PIXEL, Carrier.ATTRIBUTE), (0, Kind.PIXEL, Carrier.CSS)]


def test_plain_addresses_are_findings_only_when_all_are_asked_for() -> None:
    raw = b"Content-Type: text/html\n\n<a href=https://shop.example/>x</a><img src=https://shop.example/a.png>"
    assert read(raw).findings == ()
    assert kinds(read(raw, everything=True)) == [
        (0, Kind.PLAIN, Carrier.ANCHOR),
        (0, Kind.PLAIN, Carrier.IMAGE),
    ]


def test_addresses_of_the_gate_are_its_own_and_a_withdrawal_link_is_the_footer() -> None:
    found = read(b"\nsee " + OWN.encode() + b"/p/token\n")
    assert kinds(found) == [(0, Kind.OWN, Carrier.TEXT)]
    assert not found.footered
    assert read(b"\nsee " + OWN.encode() + b"/w/token\n").footered
    assert read(b"\nsee " + OWN.encode() + b".evil.example/w/token\n").findings == ()
    assert scan(b"\nhttps://a.example/w/x", plain_catalogue()).findings == ()


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("/c/me", Kind.QUESTION),
        ("/c/me?utm_source=x", Kind.QUESTION),
        ("/c/me#top", Kind.QUESTION),
        ("/c/men", Kind.OWN),
        ("/c/me/x", Kind.OWN),
        ("/c/token", Kind.OWN),
    ],
)
def test_the_plain_address_of_the_question_is_a_question_and_each_there_makes_the_mail_ask(
    url: str, kind: Kind
) -> None:
    for raw in (f"\n{OWN}{url}\n", f"Content-Type: text/html\n\n<a href='{OWN}{url}'>yes</a>"):
        found = read(raw.encode())
        assert [finding.kind for finding in found.findings] == [kind]
        assert found.asks
    assert not read(f"\n{OWN}/w/me {OWN}/c {OWN}.evil.example/c/me\n".encode()).asks


def test_a_picture_asks_nobody() -> None:
    found = read(f"Content-Type: text/html\n\n<img src='{OWN}/c/me'>".encode())
    assert ([finding.kind for finding in found.findings], found.asks) == ([Kind.OWN], False)


def test_a_redirect_to_the_question_is_the_question() -> None:
    led = OWN.replace(":", "%3A").replace("/", "%2F")
    found = read(f"\nhttps://link.example/2?to={led}%2Fc%2Fme\n".encode())
    assert [(finding.kind, finding.target) for finding in found.findings] == [(Kind.QUESTION, None)]
    assert found.asks


@pytest.mark.parametrize("field", [b"List-Unsubscribe", b"List-Subscribe"])
def test_addresses_of_list_fields_are_protected_even_when_folded(field: bytes) -> None:
    folded = LINK.replace(b"?", b"\n\t?")
    assert kinds(read(field + b": <mailto:x@y.example>,\n <" + folded + b">\n" + TEXT)) == [
        (0, Kind.FUNCTIONAL, Carrier.TEXT)
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"To UNSUBSCRIBE go to <%s>\n", "to unsubscribe go to"),
        (b"Unsubscribe:\r\n%s\n", "unsubscribe:"),
        (b"Offers: https://shop.example/ (end: %s)", "(end:"),
        (b"one\n\n%s", "one"),
        (b"%s", ""),
    ],
)
def test_the_words_of_an_address_in_running_text_stand_before_it(text: bytes, words: str) -> None:
    catalogue = PlainCatalogue()
    scan(b"\n" + text % b"https://link.example/", cast("object", catalogue))  # type: ignore[arg-type]
    assert catalogue.asked_words == [words]


def test_the_words_of_a_link_are_what_it_shows() -> None:
    raw = b'Content-Type: text/html\n\n<a href="https://link.example/"><b>Un</b>subscribe</a>'
    assert kinds(read(raw)) == [(0, Kind.FUNCTIONAL, Carrier.ANCHOR)]


def test_findings_end_at_their_limit() -> None:
    raw = b"\n" + (PIXEL.replace(b"pixel", b"link") + b"\n") * (limits.MAX_FINDINGS + 1)
    found = read(raw)
    assert len(found.findings) == limits.MAX_FINDINGS
    assert found.obstacles == ("findings",)
    assert read(raw[: raw.rstrip().rindex(b"\n")]).obstacles == ()


OPAQUE = b"https://link.example/1"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *(
            (b"text/calendar", b"URL:"),
            (b"text/vcard", b"URL:"),
            (b"text/markdown", b"[x]("),
            (b"text/enriched", b"x "),
        ),
        *((b"text/richtext", b"x "), (b"text/x-vcalendar", b"DESCRIPTION:")),
    ],
)
def test_other_texts_are_read_and_cannot_carry_a_footer(kind: bytes, text: bytes) -> None:
    head = (
        b"Content-Type: multipart/alternative; boundary=b\n\n--b\nContent-Type: text/html\n\nx\n--b\nContent-Type: "
    )
    tracked = read(head + kind + b"\n\n" + text + OPAQUE + b"\n--b--\n")
    assert [(one.part, one.url) for one in tracked.findings] == [(2, OPAQUE.decode())]
    assert (tracked.anchors, tracked.obstacles) == ((), ())
    untracked = read(head + kind + b"\n\n" + text + b"https://x.example/\n--b--\n")
    assert [anchor.part for anchor in untracked.anchors] == [1]


def test_a_style_sheet_of_its_own_is_read() -> None:
    sheet = read(b"Content-Type: text/css\n\na{b:url(https://pixel.example/1)}")
    assert [(one.kind, one.carrier) for one in sheet.findings] == [(Kind.PIXEL, Carrier.CSS)]


@pytest.mark.parametrize(
    ("head", "text", "obstacles"),
    [
        (b"text/rtf", b"{x " + OPAQUE + b"}", ("type",)),
        (b"text/xml", b"<x>https://pixel.example/1</x>", ("type",)),
        (b"text/rtf", b"{x https://x.example/}", ()),
        (b"text/rtf\nContent-Disposition: attachment", OPAQUE, ()),
        (b"text/rtf\nContent-Transfer-Encoding: base64", b"aHR0cHM6Ly9saW5rLmV4YW1wbGUvMQ==", ("type",)),
        (b"text/rtf\nContent-Transfer-Encoding: x-odd", b"?", ("type",)),
        (b"application/rtf", OPAQUE, ()),
        (b"text/calendar", b"NOTE;ENCODING=QUOTED-PRINTABLE:http=3A//h", ("type",)),
    ],
)
def test_a_tracker_in_a_text_of_unknown_kind_is_an_obstacle(
    head: bytes, text: bytes, obstacles: tuple[str, ...]
) -> None:
    found = read(b"Content-Type: " + head + b"\n\n" + text)
    assert (found.findings, found.obstacles) == ((), obstacles)


def test_markup_that_can_be_read_in_too_many_ways_is_an_obstacle() -> None:
    assert read(b"Content-Type: text/html\n\n<svg><style></style></svg>").obstacles == ()
    assert read(b"Content-Type: text/html\n\n<svg>" + b"<style>" * 2000).obstacles == ("markup",)


@pytest.mark.parametrize(
    ("raw", "language"),
    [
        (b"Content-Language: fr-FR, en\n\nx", "fr"),
        (b"Content-Type: text/html\n\n<html lang=de-AT>", "de"),
        (b"Content-Language: EN\nContent-Type: text/html\n\n<html lang=de>", "en"),
        (b"Content-Language: french\n\nx", ""),
        (b"\nx", ""),
    ],
)
def test_the_language_a_mail_declares(raw: bytes, language: str) -> None:
    assert read(raw).language == language


def test_tools_show_in_the_header() -> None:
    assert read(b"X-Tool: acme-mailer\n\nx").tools == {"acme-mailer"}


@pytest.mark.parametrize(
    ("raw", "sealed"),
    [
        (multipart(b"signed", HTML, b"Content-Type: application/pgp-signature\n\nx"), "signed"),
        (multipart(b"encrypted", b"Content-Type: application/pgp-encrypted\n\nVersion: 1"), "encrypted"),
        (b"Content-Type: application/pkcs7-mime; smime-type=signed-data\n\nMIA=", "signed"),
        (b"Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n\nMIA=", "encrypted"),
        (b"\n-----BEGIN PGP SIGNED MESSAGE-----\nx", "signed"),
        (b"\n-----BEGIN PGP MESSAGE-----\nx", "encrypted"),
        (multipart(b"mixed", TEXT, b"Content-Type: application/ms-tnef\n\nx"), "encrypted"),
        (HTML, ""),
    ],
)
def test_sealed_mail_is_known_and_gets_no_footer(raw: bytes, sealed: str) -> None:
    found = read(raw)
    assert found.sealed == sealed
    assert (not found.anchors) is bool(sealed)


def test_a_tracker_under_a_signature_is_found() -> None:
    found = read(multipart(b"signed", HTML, b"Content-Type: application/pgp-signature\n\nx"))
    assert [finding.kind for finding in found.findings] == [Kind.LINK, Kind.PIXEL]
    assert found.parts[1].sealed


IMAGE = b"Content-Type: image/png\n\nx"
FILE = b"Content-Type: text/plain; name=a.txt\n\nfile\n"


@pytest.mark.parametrize(
    ("raw", "bodies"),
    [
        (HTML, ["text/html"]),
        (TEXT, ["text/plain"]),
        (IMAGE, []),
        (multipart(b"alternative", TEXT, HTML), ["text/plain", "text/html"]),
        (
            multipart(b"alternative", TEXT, HTML.replace(b"text/html", b"text/x-amp-html"), HTML),
            ["text/plain", "text/x-amp-html", "text/html"],
        ),
        (multipart(b"mixed", multipart(b"alternative", TEXT, HTML), IMAGE), ["text/plain", "text/html"]),
        (multipart(b"alternative", TEXT, multipart(b"related", HTML, IMAGE)), ["text/plain", "text/html"]),
        (multipart(b"alternative", TEXT, multipart(b"mixed", HTML, IMAGE, HTML)), ["text/plain", "text/html"]),
        (multipart(b"mixed", TEXT, HTML), ["text/plain"]),
        (multipart(b"mixed", FILE, HTML), ["text/html"]),
        (multipart(b"mixed", b"\n \n", HTML), ["text/html"]),
        (multipart(b"mixed", b"\n \n", IMAGE), ["text/plain"]),
        (multipart(b"related", IMAGE, b"Content-ID: <r>\n" + HTML, options=b'; start="<r>"'), ["text/html"]),
        (multipart(b"related", TEXT, HTML, options=b'; start="<gone>"'), ["text/plain"]),
        (multipart(b"alternative", TEXT, b"Content-Type: text/html; charset=utf-16\n\n<\0"), []),
        (multipart(b"alternative", b"Content-Type: text/html\n", TEXT), []),
        (b"Content-Type: text/html", []),
    ],
)
def test_a_footer_goes_into_every_body_that_a_reader_may_see_or_nowhere(raw: bytes, bodies: list[str]) -> None:
    found = read(raw)
    assert [found.parts[anchor.part].media_type for anchor in found.anchors] == bodies
    assert [anchor.html for anchor in found.anchors] == [body != "text/plain" for body in bodies]


def test_the_footer_goes_before_the_end_of_the_body_or_to_the_end() -> None:
    for raw, end in ((HTML, b"</body>"), (TEXT, b"")):
        found = read(raw)
        [anchor] = found.anchors
        view = found.parts[0].view
        assert view is not None
        assert view[anchor.offset :] == end


@given(
    st.lists(
        st.sampled_from([HTML, TEXT, LINK, PIXEL, b"\n", b"<a href='", b"'", b"--b0\n", b"\xff\0\r"]), max_size=12
    )
)
def test_any_mail_gives_a_scan_with_spans_inside_its_views(pieces: list[bytes]) -> None:
    found = read(b"".join(pieces), everything=True)
    for finding in found.findings:
        view = found.parts[finding.part].view
        assert view is not None
        assert 0 <= finding.element.start <= finding.value.start <= finding.value.end <= finding.element.end
        assert finding.element.end <= len(view)
