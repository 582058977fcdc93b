"""Transfer encodings and charsets: clean bodies are decoded in one way, unclean ones are refused."""

from __future__ import annotations

import base64
import codecs
import quopri

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtp_gate.transfer import decode, decode_quoted_printable, from_utf8, guess, searchable, to_utf8


@pytest.mark.parametrize("encoding", ["7bit", "8bit", "binary"])
def test_what_encodes_nothing_is_the_body_itself(encoding: str) -> None:
    body = b"\xff\x00 text =41"
    assert decode(body, encoding) is body


@given(st.binary(max_size=300))
def test_quoted_printable_and_base64_give_what_was_encoded(content: bytes) -> None:
    text = content.replace(b"\r", b"").replace(b"\n", b"\r\n")
    encoded = quopri.encodestring(text.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
    assert decode(encoded, "quoted-printable") == text
    assert decode(base64.encodebytes(content), "base64") == content


@given(st.binary(max_size=100), st.sampled_from(["quoted-printable", "base64", "7bit", "unknown"]))
def test_any_bytes_give_bytes_or_none(body: bytes, encoding: str) -> None:
    assert isinstance(decode(body, encoding), bytes | None)


def test_a_soft_break_that_a_transport_padded_is_still_one() -> None:
    assert decode_quoted_printable(b"https://a.example/= \t\r\nlong=\r\ner =\n=3D") == b"https://a.example/longer ="


@pytest.mark.parametrize("body", [b"PHA=PHA=", b"PHA+!", b"PHA+\r\n-- \r\nfooter", b"A", b"P=HA"])
def test_base64_that_readers_would_read_differently_is_refused(body: bytes) -> None:
    assert decode(body, "base64") is None


def test_base64_without_its_last_padding_is_read() -> None:
    assert decode(b"PHA\r\n", "base64") == b"<p"


@pytest.mark.parametrize(
    ("charset", "ascii_based"),
    [
        ("", True),
        ("utf-8", True),
        ("utf8", True),
        ("windows-1252", True),
        ("shift_jis", True),
        ("gb18030", True),
        ("nobody-knows", True),
        ("utf-16", False),
        ("utf-16le", False),
        ("utf32", False),
        ("utf-7", False),
        ("iso-2022-jp", False),
        ("hz-gb-2312", False),
        ("cp037", False),
        ("ibm500", False),
    ],
)
def test_charsets_that_cannot_be_searched_as_bytes_are_known(charset: str, ascii_based: bool) -> None:
    assert searchable(charset) is ascii_based


@pytest.mark.parametrize("charset", ["utf-16le", "utf-32-be", "iso-2022-jp", "hz", "cp037"])
def test_text_goes_to_utf8_and_back(charset: str) -> None:
    text = "<a href='https://a.example/?b=c'>"
    if charset in ("iso-2022-jp", "utf-16le", "utf-32-be"):
        text += "日本語"
    payload = text.encode(charset)
    view = to_utf8(payload, charset)
    assert view == text.encode()
    assert from_utf8(view, payload, charset) == payload


@pytest.mark.parametrize(
    ("mark", "codec"), [(codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be")]
)
def test_a_byte_order_mark_decides_and_stays(mark: bytes, codec: str) -> None:
    payload = mark + "<p>é".encode(codec)
    view = to_utf8(payload, "utf-16")
    assert view == "\ufeff<p>é".encode()
    assert from_utf8(b"\xef\xbb\xbf<b>", payload, "utf-16") == mark + "<b>".encode(codec)


def test_utf16_without_a_mark_is_not_guessed() -> None:
    assert to_utf8("<p>".encode("utf-16-le"), "utf-16") is None


@pytest.mark.parametrize(
    ("payload", "charset"),
    [
        (b"\x1b$B!", "iso-2022-jp"),
        (b"\x1b(B plain", "iso-2022-jp"),
        (b"text", "iso-2022-nowhere"),
        (b"a\x00b", "utf-32-le"),
        (b"text", "utf-16\0"),
    ],
)
def test_what_would_not_come_back_the_same_is_refused(payload: bytes, charset: str) -> None:
    assert to_utf8(payload, charset) is None


def test_a_charset_that_cannot_hold_a_text_says_so() -> None:
    assert from_utf8("é".encode(), b"", "iso-2022-jp") is None
    assert from_utf8(b"e", b"", "nobody-knows") is None


@given(st.binary(max_size=100), st.sampled_from(["base64", "unknown"]))
def test_a_guess_never_fails(body: bytes, encoding: str) -> None:
    assert isinstance(guess(body, encoding), bytes)


@given(st.binary(max_size=60), st.binary(max_size=3))
def test_a_guess_skips_what_is_no_base64(content: bytes, before: bytes) -> None:
    junk = before.translate(None, base64.b64encode(bytes(range(256))) + b"+/=")
    assert guess(junk + base64.b64encode(content), "base64") == content
