"""The plain reading of the vendor files, and that nothing of the second opinion is the hot path's."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from smtp_gate.model import Kind
from smtp_gate.observe.plain_reading import PlainReading, plain_reading
from tests.gate_room import LINK, OPAQUE, PIXEL, PUBLIC_URL, catalogue

NOBODY: frozenset[str] = frozenset()
OWN_FILES = ("markup", "second_opinion", "plain_reading")


def reading() -> PlainReading:
    return plain_reading(catalogue())


def test_a_pixel_and_a_link_of_the_files_are_known() -> None:
    pixel = reading().loaded(PIXEL.decode())
    link = reading().clicked(LINK.decode(), "our shop", NOBODY)
    assert pixel is not None
    assert link is not None
    assert [(one.kind, one.vendor) for one in (pixel, link)] == [
        (Kind.PIXEL, "mailchimp"),
        (Kind.LINK, "mailchimp"),
    ]


def test_a_redirect_that_is_loaded_counts_as_a_pixel() -> None:
    judged = reading().loaded(OPAQUE.decode())
    assert judged is not None
    assert judged.kind is Kind.PIXEL


@pytest.mark.parametrize(
    "url",
    [
        "https://acme.us13.list-manage.com/unsubscribe?u=00112233445566778899aabbc&id=de00000001&e=de00000002",
        "https://shop.example/autumn",
        "https://[broken/",
        f"{PUBLIC_URL}/l/track/click?u=00112233445566778899aabbc&id=de00000001&e=de00000002",
    ],
)
def test_what_must_work_is_ours_or_nobodys_is_no_tracker(url: str) -> None:
    assert reading().clicked(url, "", NOBODY) is None


def test_words_and_header_protect_a_link() -> None:
    assert reading().clicked(LINK.decode(), "unsubscribe", NOBODY) is None
    assert reading().clicked(LINK.decode(), "", frozenset([LINK.decode()])) is None


def test_pictures_of_the_sender_are_content() -> None:
    url = "https://mcusercontent.com/00112233445566778899aabbc/images/00112233-4455-6677-8899-aabbccddeeff.png"
    assert reading().loaded(url) is None
    assert reading().is_content(url)
    assert not reading().is_content(PIXEL.decode())


@pytest.mark.parametrize("name", OWN_FILES)
def test_the_second_opinion_shares_no_reading_with_the_hot_path(name: str) -> None:
    source = Path(__file__).parent.parent.parent / f"smtp_gate/observe/{name}.py"
    tree = ast.parse(source.read_text(encoding="utf-8"))
    taken = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert not {module for module in taken if module and module.startswith(("smtp_gate.scan", "smtp_gate.render"))}
    assert not {module for module in taken if module in ("smtp_gate.transfer", "smtp_gate.trackers.index")}
    assert not {module for module in taken if module == "smtp_gate.trackers.address"}
