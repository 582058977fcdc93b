"""The walker finds the parts where MIME puts them, whatever is missing, and never goes beyond its limits."""

from __future__ import annotations

import base64
import email
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtp_gate import limits
from smtp_gate.scan.mime import walk

if TYPE_CHECKING:
    from email.message import Message

    from smtp_gate.model import Part

MIXED = b"""\
From: a@x.example
Content-Type: multipart/mixed; boundary="out"

preamble
--out
Content-Type: multipart/alternative; boundary="out-in"

--out-in
Content-Type: text/plain; charset=us-ascii

plain
text
--out-in
Content-Type: text/html; charset="UTF-8"
Content-Transfer-Encoding: Quoted-Printable

<p>caf=C3=A9</p>
--out-in--
--out \t
Content-Type: text/html
Content-Disposition: attachment; filename="a.html"

<p>file</p>
--outer is no delimiter
--out--
epilogue
--out
not a part
"""


def outline(raw: bytes) -> list[tuple[str, int, bytes | None]]:
    """Type, parent and view of each part."""
    return [(part.media_type, part.parent, part.view) for part in walk(raw)[0]]


def one(raw: bytes) -> tuple[Part, tuple[str, ...]]:
    """The only part of a message."""
    [part], obstacles = walk(raw)
    return part, obstacles


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_nested_parts_are_found_with_either_line_end(end: bytes) -> None:
    raw = MIXED.replace(b"\n", end)
    assert outline(raw) == [
        ("multipart/mixed", -1, None),
        ("multipart/alternative", 0, None),
        ("text/plain", 1, b"plain" + end + b"text"),
        ("text/html", 1, "<p>café</p>".encode()),
        ("text/html", 0, None),
    ]
    file = walk(raw)[0][4]
    assert file.attachment
    assert raw[file.body.start : file.body.end] == b"<p>file</p>" + end + b"--outer is no delimiter"
    assert walk(raw)[1] == ()


def test_spans_follow_each_other_without_a_gap() -> None:
    for part in walk(MIXED)[0]:
        assert part.header.end == part.body.start
        assert MIXED[part.header.start : part.header.end].endswith(b"\n\n")


@pytest.mark.parametrize("cut", [b"--out-in--\n", b"--out--\nepilogue\n--out\nnot a part\n"])
def test_a_missing_close_delimiter_ends_with_the_part_around(cut: bytes) -> None:
    raw = MIXED.replace(cut, b"")
    assert [media_type for media_type, _, _ in outline(raw)] == [row[0] for row in outline(MIXED)]
    assert walk(raw)[1] == ()


def test_a_message_may_end_inside_a_delimiter_or_a_header() -> None:
    raw = MIXED[: MIXED.index(b"--out-in--") + 4]
    assert [row[0] for row in outline(raw)] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    raw = MIXED[: MIXED.index(b"; charset=us-ascii")]
    assert outline(raw)[-1] == ("text/plain", 1, b"")


def test_without_content_type_a_part_is_text_and_in_a_digest_a_message() -> None:
    assert outline(b"Subject: x\n\nhello\n") == [("text/plain", -1, b"hello\n")]
    digest = b"Content-Type: multipart/digest; boundary=b\n\n--b\n\nSubject: x\n\nhttp://in.example\n--b--\n"
    assert outline(digest)[1:] == [("message/rfc822", 0, None), ("text/plain", 1, b"http://in.example")]


@pytest.mark.parametrize("declared", [b"html", b"text", b"", b";charset=utf-8"])
def test_a_type_that_is_none_is_plain_text(declared: bytes) -> None:
    assert one(b"Content-Type: " + declared + b"\n\nx")[0].media_type == "text/plain"


@pytest.mark.parametrize("media_type", [b"message/rfc822", b"Message/Global", b"message/news"])
@pytest.mark.parametrize("disposition", [b"", b"Content-Disposition: inline; filename=fwd.eml\n"])
def test_a_message_that_is_shown_with_the_message_is_entered(media_type: bytes, disposition: bytes) -> None:
    raw = b"Content-Type: " + media_type + b"\n" + disposition + b"\nContent-Type: text/html\n\n<img src=x>"
    outer, inner = walk(raw)[0]
    assert (outer.media_type, outer.view, outer.forwarded) == (media_type.decode().lower(), None, False)
    assert (inner.media_type, inner.parent, inner.view, inner.forwarded) == ("text/html", 0, b"<img src=x>", True)


def test_what_stands_in_a_forwarded_message_is_forwarded_however_deep() -> None:
    parts = walk(b"Content-Type: message/rfc822\n\n" + MIXED)[0]
    assert [part.forwarded for part in parts] == [False] + [True] * (len(parts) - 1)
    assert len(parts) > 3


def test_an_attached_message_is_not_entered() -> None:
    raw = b"Content-Type: message/rfc822\nContent-Disposition: attachment\n\nContent-Type: text/html\n\n<img>"
    assert outline(raw) == [("message/rfc822", -1, None)]


def test_the_message_in_a_delivery_report_is_evidence_and_not_entered() -> None:
    raw = b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/rfc822\n\n\n<img>\n--b--\n"
    assert outline(raw)[1:] == [("message/rfc822", 0, None)]


def test_an_encoded_message_cannot_be_entered() -> None:
    raw = b"Content-Type: message/rfc822\nContent-Transfer-Encoding: base64\n\nU3ViamVjdDogeAoKeA==\n"
    assert walk(raw)[1] == ("encoding",)


def test_messages_in_messages_are_entered_up_to_the_limit() -> None:
    def russian(depth: int) -> bytes:
        return b"Content-Type: message/rfc822\n\n" * depth + b"\ntext"

    assert walk(russian(limits.MAX_DEPTH))[0][-1].view == b"text"
    assert walk(russian(limits.MAX_DEPTH))[1] == ()
    assert walk(russian(limits.MAX_DEPTH + 1))[1] == ("depth",)


def test_a_boundary_may_be_continued_quoted_and_full_of_signs() -> None:
    header = b"""Content-Type: multipart/mixed;\n boundary*0="a'()+_,-./:=? ";\n boundary*1="b"\n\n"""
    raw = header + b"--a'()+_,-./:=? b\n\nx\n"
    assert outline(raw)[1:] == [("text/plain", 0, b"x\n")]


def test_an_empty_part_keeps_its_place() -> None:
    raw = b"Content-Type: multipart/mixed; boundary=b\n\n--b\n--b\n\n--b\n\nx\n--b--"
    assert outline(raw)[1:] == [("text/plain", 0, b""), ("text/plain", 0, b""), ("text/plain", 0, b"x")]


@pytest.mark.parametrize(
    ("declared", "encoding"),
    [
        (b"", "7bit"),
        (b"8BIT", "8bit"),
        (b"8-bit", "8bit"),
        (b"base64 (folded\n comment)", "base64"),
        (b"QUOTED-PRINTABLE", "quoted-printable"),
        (b"x-uuencode", "unknown"),
    ],
)
def test_transfer_encodings(declared: bytes, encoding: str) -> None:
    part, obstacles = one(b"Content-Transfer-Encoding: " + declared + b"\n\naGk=\n")
    assert part.encoding == encoding
    assert obstacles == (("encoding",) if encoding == "unknown" else ())
    assert part.view is not None


@pytest.mark.parametrize(
    ("header", "body", "code"),
    [
        (b"Content-Type: text/html; charset=utf-16", b"<\0p\0", "charset"),
        (b"Content-Type: text/html; charset=iso-2022-jp", b"\x1b$B!", "charset"),
        (b"Content-Type: multipart/mixed", b"--b\n\n<p>", "parts"),
        (b"Content-Type: multipart/mixed; boundary=b", b"no delimiter", "parts"),
        (b"Content-Type: multipart/mixed; boundary=" + b"b" * 300, b"--" + b"b" * 300 + b"\n\nx", "parts"),
    ],
)
def test_what_cannot_be_read_is_an_obstacle(header: bytes, body: bytes, code: str) -> None:
    part, obstacles = one(header + b"\n\n" + body)
    assert obstacles == (code,)
    assert part.view is None


@pytest.mark.parametrize(
    ("declared", "body", "view"),
    [
        (b"base64", b"PHA=PHA=", b"<p<p"),
        (b"base64", b"PH@A+\r\n", b"<p>"),
        (b"base64", b"PHA+P", b"<p>"),
        (b"Hexa", b"<p>", b"<p>"),
    ],
)
def test_what_is_badly_encoded_is_read_as_forgiving_clients_do(declared: bytes, body: bytes, view: bytes) -> None:
    part, obstacles = one(b"Content-Transfer-Encoding: " + declared + b"\n\n" + body)
    assert part.view == view
    assert obstacles == ("encoding",)


def test_an_attachment_is_no_obstacle_whatever_it_is() -> None:
    raw = b"Content-Disposition: attachment\nContent-Transfer-Encoding: x-uuencode\n\nbegin"
    assert one(raw)[1] == ()


@pytest.mark.parametrize(
    ("disposition", "attachment"),
    [(b"inline; filename=a.txt", False), (b"ATTACHMENT", True), (b"x-odd", True), (b"; filename=a", False)],
)
def test_dispositions(disposition: bytes, attachment: bool) -> None:
    # RFC 2183 section 2.8: a disposition that is not known is an attachment
    part, _ = one(b"Content-Disposition: " + disposition + b"\n\nx")
    assert part.attachment is attachment
    assert (part.view is None) is attachment


def test_text_in_utf16_is_read_as_utf8() -> None:
    body = base64.encodebytes("\ufeff<p>é".encode("utf-16-le"))
    part, _ = one(b"Content-Type: text/html; charset=UTF-16\nContent-Transfer-Encoding: base64\n\n" + body)
    assert part.view == "\ufeff<p>é".encode()
    assert part.transcoded


def test_what_stands_in_a_signature_is_read_and_sealed() -> None:
    raw = b"Content-Type: multipart/signed; boundary=b\n\n--b\nContent-Type: text/html\n\n<p>\n--b--\n"
    parts, _ = walk(raw)
    assert [(part.sealed, part.view) for part in parts] == [(True, None), (True, b"<p>")]


@pytest.mark.parametrize(
    "header",
    [
        b"multipart/encrypted; boundary=b",
        b"application/pkcs7-mime",
        b"application/x-pkcs7-mime",
        b"application/ms-tnef",
    ],
)
def test_sealed_boxes(header: bytes) -> None:
    assert walk(b"Content-Type: " + header + b"\n\n")[0][0].sealed


@pytest.mark.parametrize(
    ("text", "sealed"),
    [
        (b"-----BEGIN PGP SIGNED MESSAGE-----\r\nHash: x", True),
        (b"hi\r\n-----BEGIN PGP MESSAGE----- \r\n", True),
        (b"> -----BEGIN PGP MESSAGE-----\r\n", False),
        (b"-----BEGIN PGP PUBLIC KEY BLOCK-----\r\n", False),
    ],
)
def test_pgp_armour_in_a_text_seals_it(text: bytes, sealed: bool) -> None:
    part, _ = one(b"Subject: x\r\n\r\n" + text)
    assert part.sealed is sealed
    assert part.view == text


def deep(levels: int) -> bytes:
    """A text inside so many multiparts."""
    heads = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(levels))
    return heads + b"\ntext"


def test_depth_is_searched_to_its_limit_and_no_further() -> None:
    assert walk(deep(limits.MAX_DEPTH))[1] == ()
    assert walk(deep(limits.MAX_DEPTH))[0][-1].view == b"text"
    assert walk(deep(limits.MAX_DEPTH + 1))[1] == ("depth",)
    assert len(walk(deep(2000))[0]) == limits.MAX_DEPTH + 1


def test_parts_are_searched_to_their_limit_and_no_further() -> None:
    head = b"Content-Type: multipart/mixed; boundary=b\n\n"
    parts, obstacles = walk(head + b"--b\n\nx\n" * (limits.MAX_PARTS - 1))
    assert (len(parts), obstacles) == (limits.MAX_PARTS, ())
    parts, obstacles = walk(head + b"--b\n\nx\n" * limits.MAX_PARTS)
    assert (len(parts), obstacles) == (limits.MAX_PARTS, ("parts",))


@pytest.mark.parametrize("encoding", [b"7bit", b"quoted-printable", b"base64"])
def test_a_text_is_searched_to_its_limit_and_no_further(encoding: bytes) -> None:
    head = b"Content-Transfer-Encoding: " + encoding + b"\n\n"
    for size, code in ((limits.MAX_TEXT_PART, ()), (limits.MAX_TEXT_PART + 3, ("size",))):
        text = b"x" * size
        body = base64.b64encode(text) if encoding == b"base64" else text
        part, obstacles = one(head + body)
        assert obstacles == code
        assert (part.view is None) is bool(code)


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "line",
    [b"--b\n", b"--bx\n", b"--b--x\n", b"-" * 70 + b"\n", b"\n", b"Content-Type: multipart/mixed; boundary=b\n"],
)
def test_a_megabyte_of_half_delimiters_takes_no_time(line: bytes) -> None:
    heads = b"".join(b"Content-Type: multipart/mixed; boundary=b\n\n--b\n" for _ in range(limits.MAX_DEPTH))
    walk(heads + line * (1_000_000 // len(line)))


PIECES = [
    b"--b\n",
    b"--b--\r\n",
    b"--bb\n",
    b"--bb--",
    b"\n",
    b"\r\n",
    b"Content-Type: multipart/mixed; boundary=bb\n",
    b"Content-Type: text/html; charset=utf-16\n",
    b"Content-Transfer-Encoding: base64\r\n",
    b"Content-Transfer-Encoding: quoted-printable\n",
    b"text =C3=\r\n",
    b"\x00\xff\r",
]


@given(st.lists(st.sampled_from(PIECES), max_size=30))
def test_any_pile_of_pieces_gives_parts_that_lie_in_their_parents(pieces: list[bytes]) -> None:
    raw = b"Content-Type: multipart/mixed; boundary=b\n\n" + b"".join(pieces)
    parts, _ = walk(raw)
    done = [0] * len(parts)
    for index, part in enumerate(parts):
        assert part.index == index
        assert part.parent < index
        around = parts[part.parent].body if part.parent >= 0 else (0, len(raw))
        assert around[0] <= part.header.start <= part.header.end == part.body.start <= part.body.end <= around[1]
        if part.parent >= 0:
            assert part.header.start >= done[part.parent]
            done[part.parent] = part.body.end


@given(st.binary(max_size=200))
def test_any_bytes_are_a_message(raw: bytes) -> None:
    parts, _ = walk(raw)
    assert parts[0].header.start == 0
    assert parts[0].body.end == len(raw)


LEAVES = st.sampled_from(["text/plain", "text/html", "image/png"])
TREES = st.recursive(LEAVES, lambda inner: st.lists(inner, min_size=1, max_size=3), max_leaves=8)


def written(tree: object, number: str = "0") -> bytes:
    """A tree as MIME."""
    if isinstance(tree, str):
        return b"Content-Type: " + tree.encode() + b"\r\n\r\nleaf " + number.encode() + b"\r\n"
    assert isinstance(tree, list)
    boundary = f"=_{number}".encode()
    body = b"".join(
        b"\r\n--" + boundary + b"\r\n" + written(child, f"{number}.{place}") for place, child in enumerate(tree)
    )
    return (
        b'Content-Type: multipart/mixed; boundary="'
        + boundary
        + b'"\r\n\r\n'
        + body
        + b"\r\n--"
        + boundary
        + b"--\r\n"
    )


@given(TREES)
def test_the_standard_library_sees_the_same_tree(tree: object) -> None:
    raw = written(tree)

    def seen(message: Message) -> list[tuple[str, str | None]]:
        payload = None if message.is_multipart() else message.get_payload()
        assert payload is None or isinstance(payload, str)
        return [(message.get_content_type(), payload)]

    theirs = [row for message in email.message_from_bytes(raw).walk() for row in seen(message)]
    ours = [
        (part.media_type, None if part.media_type.startswith("multipart/") else raw[slice(*part.body)].decode())
        for part in walk(raw)[0]
    ]
    assert ours == theirs
