"""How large an image is and whether it is hidden, from its own tag."""

from __future__ import annotations

import pytest

from smtp_gate.model import Look
from smtp_gate.scan.look import declarations, look_of


@pytest.mark.parametrize(
    ("width", "number"),
    [
        *(("1", 1), ("1px", 1), ("1 ", 1), (" 01", 1), ("0.5", 0.5), ("0", 0), ("00", 0), ("600", 600), ("0%", 0)),
        *(("1em", 1), ("1;", 1)),
        *(("100%", None), ("", None), ("auto", None), ("-1", None), ("px", None), ("+1", None), (".5", None)),
    ],
)
def test_size_by_attribute(width: str, number: float | None) -> None:
    assert look_of({b"width": width}).width == number
    assert look_of({b"height": width}).height == number


@pytest.mark.parametrize(
    ("style", "number"),
    [
        *(
            ("width:1px", 1),
            ("width: 1px !important", 1),
            ("WIDTH : 1PX", 1),
            ("color:red;width:2px;", 2),
            ("width:0", 0),
        ),
        *(("width:.5px", 0.5), ("width:3pt", 4), ("width:1", 1), ("width:0%", 0), ("width:0.00em", 0)),
        *(("max-width:1px", 1), ("width:100px;max-width:1px", 1), ("width:1px;max-width:100px", 1)),
        *(
            ("width:1px;width:9px", 9),
            ("width:1px!important;width:9px", 1),
            ("width:9px!important;width:1px! important", 1),
        ),
        *(("/* width:2px; */width:1px", 1), ("width:/**/1px", 1), ("width:1px/*", 1)),
        *(("border-width:1px", None), ("min-width:1px", None), ("line-width:1px", None), ("width:100%", None)),
        *(("width:auto", None), ("width:calc(1px)", None), ("width:-1px", None), ("width", None), ("", None)),
    ],
)
def test_size_by_style(style: str, number: float | None) -> None:
    assert look_of({b"style": style}).width == number
    assert look_of({b"style": style.replace("width", "height").replace("WIDTH", "HEIGHT")}).height == number


def test_line_height_is_no_height() -> None:
    assert look_of({b"style": "line-height:1px;border-height:1px"}).height is None


def test_the_smaller_of_attribute_and_style_counts() -> None:
    assert look_of({b"width": "1", b"style": "width:100px"}).width == 1
    assert look_of({b"width": "100", b"style": "width:1px"}).width == 1


@pytest.mark.parametrize(
    ("attributes", "codes"),
    [
        ({b"style": "display:none"}, ("display",)),
        ({b"style": "display:none!important;display:block"}, ("display",)),
        ({b"style": "display:none;display:block"}, ()),
        ({b"style": "visibility:hidden"}, ("visibility",)),
        ({b"style": "visibility: COLLAPSE"}, ("visibility",)),
        ({b"style": "opacity:0"}, ("opacity",)),
        ({b"style": "opacity:0.01"}, ("opacity",)),
        ({b"style": "opacity:1%"}, ("opacity",)),
        ({b"style": "opacity:0.5"}, ()),
        ({b"style": "opacity:50%"}, ()),
        ({b"width": "0"}, ("zero_size",)),
        ({b"style": "max-height:0"}, ("zero_size",)),
        ({b"width": "1", b"height": "1"}, ()),
        ({b"style": "position:absolute;left:-9999px"}, ("off_screen",)),
        ({b"style": "margin-top:-1000em"}, ("off_screen",)),
        ({b"style": "left:-10px"}, ()),
        ({b"hidden": ""}, ("hidden_attribute",)),
        (
            {b"style": "display:none;max-height:0;opacity:0", b"hidden": ""},
            ("display", "opacity", "zero_size", "hidden_attribute"),
        ),
        ({b"style": "display:none-such"}, ()),
        ({b"alt": "display:none"}, ()),
    ],
)
def test_what_hides_an_image(attributes: dict[bytes, str], codes: tuple[str, ...]) -> None:
    assert look_of(attributes).hidden == codes


def test_alternative_text_and_handles_for_style_sheets() -> None:
    assert look_of({}) == Look(None, None, (), None, responsive=False)
    assert look_of({b"alt": ""}).alt == ""
    assert look_of({b"alt": "Logo"}).alt == "Logo"
    assert look_of({b"class": "x"}).responsive
    assert look_of({b"id": "x"}).responsive


def test_important_declarations_win() -> None:
    assert declarations("width:1px;display:none !important;display:block;WIDTH:2PX") == {
        "width": "2px",
        "display": "none",
    }
