"""An address is read as a browser reads it, and written so that nobody reads it otherwise."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtp_gate.trackers.address import _split_unusual, behind_proxy, proper, split


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://Track.Acme.example/a?b=c#d", ("track.acme.example", "/a?b=c")),
        ("http://acme.example", ("acme.example", "/")),
        ("http://acme.example?q=1", ("acme.example", "/?q=1")),
        ("//acme.example/a", ("acme.example", "/a")),
        ("  https://acme.example/a ", ("acme.example", "/a")),
        ("HTTPS:\\\\acme.example\\a?b\\c", ("acme.example", "/a?b\\c")),
        ("ht\ttps://ac\nme.example/a", ("acme.example", "/a")),
        ("https:/acme.example/a", ("acme.example", "/a")),
        ("https://user:secret@acme.example:8443/a", ("acme.example", "/a")),
        ("https://a@b@acme.example/a", ("acme.example", "/a")),
        ("https://acme.example./a", ("acme.example", "/a")),
        ("https://%61cme.example/a", ("acme.example", "/a")),
        ("https://\uff41cme\u3002example/a", ("acme.example", "/a")),
        ("https://[2001:db8::1]:443/a", ("[2001:db8::1]", "/a")),
    ],
)
def test_a_web_address_is_split(url: str, place: tuple[str, str]) -> None:
    assert split(url) == place


@pytest.mark.parametrize(
    "url", ["", "#", "mailto:a@b.example", "tel:1", "cid:x", "data:image/gif;base64,R0", "/a", "https://"]
)
def test_anything_else_is_no_web_address(url: str) -> None:
    assert split(url) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("https://shop.example/a?b=c&d#e", "https://shop.example/a?b=c&d#e"),
        ("//shop.example/a", "https://shop.example/a"),
        (" http://shop.example \n", "http://shop.example"),
        ("https://shop.example:8443/%7Ba%7D|^", "https://shop.example:8443/%7Ba%7D|^"),
        ('https://shop.example/a b"<i>', "https://shop.example/a%20b%22%3Ci%3E"),
        ("https://shop.example/é", "https://shop.example/%C3%A9"),
        ("https://[2001:db8::1]/a", "https://[2001:db8::1]/a"),
        ("https://192.0.2.1/a", "https://192.0.2.1/a"),
    ],
)
def test_a_target_is_written_in_one_way(text: str, said: str) -> None:
    assert proper(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "a/b",
        "shop.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "ftp://shop.example/",
        "https:///a",
        "https://",
        "https://user@shop.example/",
        "https://shop.example\\@evil.example/",
        "https:\\\\shop.example/",
        "https://shop.example/\\evil",
        "https://shop.example/a\nb",
        "https://shop.example/\x00",
        "https://shop..example/",
        "https://.shop.example/",
        "https://192.0.2.999/",
        "https://1.2.3/",
        "https://[::1::2]/",
        "https://sh%6fp.example/",
        "https://shop.example:http/",
        "http://http://shop.example/",
        "https://shop.example/\ud800",
    ],
)
def test_what_two_programs_could_read_differently_is_no_target(text: str) -> None:
    assert proper(text) is None


@given(st.text(alphabet=st.characters(), max_size=60).map(lambda tail: "https://" + tail) | st.text(max_size=60))
@settings(max_examples=300)
def test_a_target_is_proper_or_nothing(text: str) -> None:
    split(text)
    said = proper(text)
    if said is not None:
        pieces = urlsplit(said)
        assert pieces.scheme.lower() in ("http", "https")
        assert pieces.hostname
        assert "@" not in pieces.netloc
        assert said.isascii()
        assert said.isprintable()
        assert proper(said) == said
        place = split(said)
        assert place is not None
        assert place[0] == pieces.hostname


def test_the_picture_behind_a_webmail_proxy_is_the_one_to_judge() -> None:
    real = "https://click.acme.example/open.aspx?x#y"
    assert behind_proxy(f"https://ci3.googleusercontent.com/meips/AbC=s0-d-e1-ft#{real}") == real
    outlook = "https://imgproxy-prod.services.web.outlook.com/proxy/?t=eyJ&u="
    assert behind_proxy(outlook + "https%3A%2F%2Fclick.acme.example%2Fopen.aspx%3Fx%23y&s=1") == real
    assert behind_proxy(outlook + "cid%3A1") == outlook + "cid%3A1"
    assert (
        behind_proxy("https://acme.example/#https://other.example/")
        == "https://acme.example/#https://other.example/"
    )


@given(
    st.one_of(
        st.text(max_size=30),
        st.lists(
            st.sampled_from(
                [
                    "http://",
                    "https://",
                    "HTTPS://",
                    "//",
                    "a.example",
                    "A.example",
                    "127.0.0.1",
                    ":8",
                    "u@",
                    "/",
                    "?x=1",
                    "#f",
                    "\\",
                    "%41",
                    ".",
                    " ",
                    "é",
                    "\t",
                    "[::1]",
                    "/p~(a)",
                    "_x.b",
                ]
            ),
            max_size=6,
        ).map("".join),
    )
)
def test_the_short_way_reads_an_address_as_the_long_one_does(url: str) -> None:
    assert split(url) == _split_unusual(url)
