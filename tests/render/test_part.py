"""An edit of the decoded text arrives in the encoded part: nothing else changes, and no line grows too long."""

from __future__ import annotations

import base64
import quopri
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtp_gate.errors import SpliceError
from smtp_gate.render.edits import Edit, apply
from smtp_gate.render.part import splice
from smtp_gate.scan.mime import walk

if TYPE_CHECKING:
    from smtp_gate.model import Part


class Written(NamedTuple):
    """A message of one part, as the walker sees it."""

    raw: bytes
    part: Part

    @property
    def view(self) -> bytes:
        """The part's text."""
        assert self.part.view is not None
        return self.part.view

    @property
    def body(self) -> bytes:
        """The part's encoded body."""
        return self.raw[slice(*self.part.body)]

    def edited(self, *edits: Edit) -> bytes:
        """The new body."""
        return splice(self.raw, self.part, edits)


def quoted_printable(content: bytes) -> bytes:
    """Encoded as the standard library does, with CRLF."""
    return quopri.encodestring(content.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")


def base64_lines(content: bytes, width: int = 76) -> bytes:
    """Encoded in lines of a width."""
    text = base64.b64encode(content)
    return b"".join(text[at : at + width] + b"\r\n" for at in range(0, len(text), width))


def written(content: bytes, encoding: str, charset: str = "utf-8", media_type: str = "text/html") -> Written:
    """A message whose only part holds this."""
    body = {"quoted-printable": quoted_printable, "base64": base64_lines}.get(encoding, bytes)(content)
    return as_it_stands(body, encoding, charset, media_type)


def as_it_stands(body: bytes, encoding: str, charset: str = "utf-8", media_type: str = "text/html") -> Written:
    """A message with this body."""
    head = f"Content-Type: {media_type}; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    raw = head.encode() + body
    [part], obstacles = walk(raw)
    assert obstacles == ()
    return Written(raw, part)


def reread(mail: Written, body: bytes) -> bytes:
    """What a reader gets from a new body."""
    [part], _ = walk(mail.raw[: mail.part.body.start] + body)
    assert part.view is not None
    return part.view


WORDS = st.sampled_from(
    ["<p>", "word", " ", "  ", "=", "=3D", "é", "日", "\t", "\r\n", "\r\n\r\n", "-", ".", "x" * 30, "a=b&c "]
)
TEXTS = st.lists(WORDS, max_size=60).map("".join)
NEW = st.sampled_from(
    ["", " ", "x", "https://gate.example/p/" + "Ab-_" * 40, "a = b ", "\r\n<b>\r\n", "y" * 74, "=" * 40]
)


@st.composite
def edits_in(draw: st.DrawFn, view: str, new: st.SearchStrategy[str] = NEW) -> list[Edit]:
    """Edits in order, in UTF-8 offsets, not between CR and LF."""
    marks = sorted(draw(st.lists(st.integers(0, len(view)), max_size=8)))
    marks = [mark for mark in marks if view[mark - 1 : mark + 1] != "\r\n"]
    offsets = [len(view[:mark].encode()) for mark in marks]
    return [Edit(start, end, draw(new).encode()) for start, end in zip(offsets[::2], offsets[1::2], strict=False)]


def kept_lines(old: bytes, new: bytes, touched: set[int]) -> bool:
    """Whether the lines that no edit touches stand in the new body, in their order."""
    lines = iter(new.split(b"\r\n"))
    return all(number in touched or line in lines for number, line in enumerate(old.split(b"\r\n")))


def touched_lines(body: bytes, edits: list[Edit]) -> set[int]:
    """Numbers of the encoded lines in which a quoted-printable edit stands, or at whose edge it does."""
    touched = set()
    at = 0
    for number, line in enumerate(body.split(b"\r\n")):
        size = len(quopri.decodestring(line + b"\r\n"))
        for edit in edits:
            if edit.start <= at + size and edit.end >= at:
                touched.add(number)
        at += size
    return touched


@given(st.data())
def test_quoted_printable_decodes_to_the_edited_text(data: st.DataObject) -> None:
    text = data.draw(TEXTS)
    mail = written(text.encode(), "quoted-printable")
    edits = data.draw(edits_in(mail.view.decode()))
    new = mail.edited(*edits)
    assert reread(mail, new) == apply(mail.view, edits)
    assert max(map(len, new.split(b"\r\n"))) <= 76
    assert not any(line.endswith((b" ", b"\t")) for line in new.split(b"\r\n"))
    assert kept_lines(mail.body, new, touched_lines(mail.body, edits))


@given(
    st.data(),
    st.sampled_from([b"= \r\n", b"=\t \r\n", b"=3d", b"=ZZ", b"==", b"=", b" \r\n", b"=\n", b"=0D=0A", b"x" * 90]),
)
def test_sloppy_quoted_printable_decodes_to_the_edited_text_or_is_refused(data: st.DataObject, odd: bytes) -> None:
    body = quoted_printable(data.draw(TEXTS).encode())
    cut = data.draw(st.integers(0, len(body)))
    mail = as_it_stands(body[:cut] + odd + body[cut:], "quoted-printable", "iso-8859-1")
    marks = sorted(data.draw(st.lists(st.integers(0, len(mail.view)), max_size=4, min_size=2)))
    edits = [Edit(marks[0], marks[1], data.draw(NEW).encode())]
    try:
        new = mail.edited(*edits)
    except SpliceError as error:
        assert error.reason == "verify"  # noqa: PT017 - allowed, and then for this reason only
        return
    assert reread(mail, new) == apply(mail.view, edits)


@given(st.data(), st.sampled_from([76, 60, 4, 64]))
def test_base64_decodes_to_the_edited_text_and_keeps_lines_before_it(data: st.DataObject, width: int) -> None:
    mail = as_it_stands(base64_lines(data.draw(TEXTS).encode(), width), "base64")
    edits = data.draw(edits_in(mail.view.decode()))
    new = mail.edited(*edits)
    assert reread(mail, new) == apply(mail.view, edits)
    assert max(map(len, new.split(b"\r\n"))) <= (width if len(mail.body) > width + 2 else 76)
    real = [edit.start for edit in edits if mail.view[edit.start : edit.end] != edit.new]
    first = min(real, default=len(mail.view)) // (width // 4 * 3)
    assert new.split(b"\r\n")[:first] == mail.body.split(b"\r\n")[:first]
    assert new.endswith(b"\r\n") or not mail.body or not new


@given(st.data(), st.sampled_from(["8bit", "binary", "7bit"]))
def test_text_that_is_not_encoded_is_edited_in_place(data: st.DataObject, encoding: str) -> None:
    mail = written(data.draw(TEXTS).encode(), encoding)
    edits = data.draw(edits_in(mail.view.decode()))
    new = mail.edited(*edits)
    assert new == apply(mail.view, edits)
    assert mail.edited() == mail.body


@given(st.data(), st.sampled_from(["quoted-printable", "base64", "7bit"]))
def test_shifted_charsets_keep_their_other_lines(data: st.DataObject, encoding: str) -> None:
    text = data.draw(TEXTS).replace("é", "語")
    mail = written(text.encode("iso-2022-jp"), encoding, "iso-2022-jp")
    edits = data.draw(edits_in(text))
    new = mail.edited(*edits)
    assert reread(mail, new) == apply(mail.view, edits)


@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "8bit"])
def test_edits_that_together_change_nothing_change_nothing(encoding: str) -> None:
    mail = written(b"xx", encoding, "iso-2022-jp")
    assert mail.edited(Edit(0, 0, b"x"), Edit(0, 2, b"x")) == mail.body


@given(st.data(), st.sampled_from(["utf-16-le", "utf-32-be", "utf-16"]))
def test_wide_charsets_are_written_back(data: st.DataObject, charset: str) -> None:
    text = "<html>" + data.draw(TEXTS)
    content = ("\ufeff" + text).encode("utf-16-le") if charset == "utf-16" else text.encode(charset)
    mail = written(content, "base64", charset)
    edits = [edit for edit in data.draw(edits_in(mail.view.decode())) if edit.start]
    assert reread(mail, mail.edited(*edits)) == apply(mail.view, edits)


@pytest.mark.parametrize(
    "charset", ["utf-8", "iso-8859-1", "windows-1252", "shift_jis", "gb18030", "x-nobody-knows"]
)
@pytest.mark.parametrize("encoding", ["quoted-printable", "base64", "8bit"])
def test_text_in_any_charset_keeps_its_letters(charset: str, encoding: str) -> None:
    codec = "iso-8859-7" if charset.startswith("x-") else charset
    letters = {"shift_jis": "能表示", "gb18030": "語é", "x-nobody-knows": "λόγος"}.get(charset, "été")
    before, after = f"<p>{letters} <a href='".encode(codec), f"'>{letters}</a>\r\n".encode(codec)
    mail = written(before + b"https://link.example/" + after, encoding, charset)
    edit = Edit(len(before), len(before) + 21, b"https://shop.example/")
    assert reread(mail, mail.edited(edit)) == before + b"https://shop.example/" + after


def test_a_quoted_printable_line_without_an_edit_keeps_its_odd_spelling() -> None:
    body = b'odd =61=62 =3d  \r\n<a href=3D"u">\r\nlast =E9=\r\n end'
    mail = as_it_stands(body, "quoted-printable", "iso-8859-1")
    at = mail.view.index(b'u"')
    assert mail.edited(Edit(at, at + 1, b"v=w")) == body.replace(b'"u"', b'"v=3Dw"')


def test_a_removed_line_leaves_no_lone_soft_break() -> None:
    mail = as_it_stands(b"one=\r\n<img>=\r\ntwo=\r\n", "quoted-printable")
    assert mail.edited(Edit(3, 8, b"")) == b"one=\r\ntwo=\r\n"


def test_a_blank_that_comes_to_stand_at_a_line_end_is_encoded() -> None:
    mail = as_it_stands(b"one <img>\r\ntwo", "quoted-printable")
    assert mail.edited(Edit(4, 9, b"")) == b"one=20\r\ntwo"


def test_a_blank_at_the_end_of_a_new_line_is_encoded_too() -> None:
    mail = as_it_stands(b"one\r\n", "quoted-printable")
    assert mail.edited(Edit(3, 3, b" new \r\nlines")) == b"one new=20\r\nlines\r\n"


def test_the_soft_break_in_front_of_an_edit_stays() -> None:
    mail = as_it_stands(b"one=\r\n<img>two\r\n", "quoted-printable")
    assert mail.edited(Edit(3, 8, b"")) == b"one=\r\ntwo\r\n"
    assert mail.edited(Edit(3, 8, b"<b>")) == b"one=\r\n<b>two\r\n"


def test_two_edits_of_a_line_leave_room_for_the_break_between_them() -> None:
    mail = as_it_stands(b"x" * 30 + b"AAAAA" + b"y" * 35 + b"BBBBB" + b"z\r\n", "quoted-printable")
    new = mail.edited(Edit(30, 35, b"C" * 11), Edit(70, 75, b""))
    assert new == b"x" * 30 + b"C" * 11 + b"=\r\n" + b"y" * 35 + b"z\r\n"


def test_a_full_line_makes_room_for_its_soft_break() -> None:
    for last in (b"y", b"=3D"):
        line = b"x" * (76 - len(last)) + last
        mail = as_it_stands(line + b"\r\n", "quoted-printable")
        size = len(mail.view) - 2
        new = mail.edited(Edit(size, size, b"new"))
        assert new == b"x" * (76 - len(last)) + b"=\r\n" + last + b"new\r\n"


def test_base64_lines_before_an_edit_keep_their_odd_form() -> None:
    mail = as_it_stands(b"PHA+ \r\nPH\r\nA+PHA+\r\n\r\nPHA+PHA+\r\n", "base64")
    assert mail.edited(Edit(13, 14, b"b")) == b"PHA+ \r\nPH\r\nA+PHA+\r\n\r\nPHA+PGI+\r\n"


def test_base64_of_one_short_line_grows_in_lines_of_the_usual_length() -> None:
    new = as_it_stands(b"PHA+\r\n", "base64").edited(Edit(3, 3, b"x" * 100))
    assert [len(line) for line in new.split(b"\r\n")] == [4, 76, 60, 0]


def test_base64_of_one_endless_line_is_broken_where_it_is_new() -> None:
    mail = as_it_stands(base64.b64encode(b"<p>" * 500), "base64")
    new = mail.edited(Edit(900, 903, b"<b>"))
    assert max(map(len, new.split(b"\r\n"))) == 76
    assert reread(mail, new) == b"<p>" * 300 + b"<b>" + b"<p>" * 199


def test_a_long_line_is_broken_inside_the_edited_tag() -> None:
    text = b"<p>" + b"x" * 700 + b'<a href="u" class="c">' + b"z" * 200 + b"\r\n"
    mail = written(text, "7bit")
    at = text.index(b'u"')
    new = mail.edited(Edit(at, at + 1, b"v" * 400))
    assert new == text.replace(b' href="u"', b'\r\nhref="' + b"v" * 400 + b'"')
    new = mail.edited(Edit(at, at + 1, b"v" * 900))
    assert new == text.replace(b' href="u" ', b'\r\nhref="' + b"v" * 900 + b'"\r\n')


@pytest.mark.parametrize(
    "before", [b"<p style='background: url(", b'<p style="x:y;background: url(&quot;', b"<img srcset='a 1x, "]
)
def test_a_long_line_is_broken_before_other_carriers_too(before: bytes) -> None:
    text = b"<b>" + b"x" * 700 + before + b"u"
    mail = written(text, "8bit")
    new = mail.edited(Edit(len(text) - 1, len(text), b"v" * 400))
    assert max(map(len, new.split(b"\r\n"))) < 998
    assert new.replace(b"\r\n", b" ") == text[:-1] + b"v" * 400


def test_in_running_text_a_long_line_is_broken_and_loses_nothing() -> None:
    text = b"x" * 700 + b" u " + b"y" * 400
    mail = written(text, "8bit", media_type="text/plain")
    assert mail.edited(Edit(701, 702, b"v" * 300)) == b"x" * 700 + b" \r\n" + b"v" * 300 + b" " + b"y" * 400
    assert mail.edited(Edit(701, 702, b"v" * 600)) == b"x" * 700 + b" \r\n" + b"v" * 600 + b" \r\n" + b"y" * 400


def test_a_line_that_cannot_be_broken_is_refused() -> None:
    mail = written(b"x" * 700 + b"u", "7bit")
    with pytest.raises(SpliceError) as caught:
        mail.edited(Edit(700, 701, b"v" * 400))
    assert (caught.value.part, caught.value.reason) == (0, "line_length")


def test_a_line_that_was_too_long_may_stay_so_but_not_grow() -> None:
    mail = written(b"x" * 2000 + b"uuu", "8bit")
    assert len(mail.edited(Edit(2000, 2003, b"vvv"))) == 2003
    with pytest.raises(SpliceError):
        mail.edited(Edit(2000, 2003, b"vvvv"))


def test_eight_bit_text_does_not_enter_a_seven_bit_part() -> None:
    with pytest.raises(SpliceError) as caught:
        written(b"text", "7bit").edited(Edit(0, 0, "é".encode()))
    assert caught.value.reason == "encoding"


def test_text_that_a_shifted_charset_cannot_hold_is_refused() -> None:
    with pytest.raises(SpliceError) as caught:
        written(b"text", "7bit", "iso-2022-jp").edited(Edit(0, 0, "é".encode()))
    assert caught.value.reason == "charset"


@pytest.mark.parametrize("encoding", ["7bit", "quoted-printable"])
def test_an_edit_never_makes_a_delimiter(encoding: str) -> None:
    raw = (
        b"Content-Type: multipart/mixed; boundary=b1\r\n\r\n--b1\r\nContent-Transfer-Encoding: %s\r\n\r\n"
        % encoding.encode()
    )
    raw += b"--b<img>1\r\n--b1--\r\n"
    parts, _ = walk(raw)
    with pytest.raises(SpliceError) as caught:
        splice(raw, parts[1], [Edit(3, 8, b"")])
    assert (caught.value.part, caught.value.reason) == (1, "verify")
    assert splice(raw, parts[1], [Edit(3, 8, b"x")]) == b"--bx1"


def test_line_ends_of_the_part_are_used() -> None:
    mail = as_it_stands(b"x" * 70 + b"u=\nrest\n", "quoted-printable")
    new = mail.edited(Edit(70, 71, b"v" * 80))
    assert b"\r" not in new
    assert reread(mail, new) == b"x" * 70 + b"v" * 80 + b"rest\n"
