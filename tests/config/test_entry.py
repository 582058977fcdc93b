"""Vendor files written from what was learnt are read as they are, and know what was learnt."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from smtp_gate.config.catalogue import load_catalogue
from smtp_gate.config.entry import vendor_file
from smtp_gate.model import Kind, Look
from smtp_gate.trackers.learnt import Form, Lesson, Tally
from smtp_gate.trackers.skeleton import skeleton

if TYPE_CHECKING:
    from pathlib import Path

    from smtp_gate.trackers import Catalogue

MANY = Tally(200, 200, 200)
BARE = Look(None, None, (), None, responsive=False)
NOBODY: frozenset[str] = frozenset()


def catalogue(folder: Path, *lessons: tuple[Form, str, str], host: str = "go.acme.example") -> Catalogue:
    """The shipped catalogue with a file of what was learnt: form, skeleton, and why it acts."""
    found = [(Lesson("acme.example", form, shape, MANY), reason) for form, shape, reason in lessons]
    (folder / "learnt.yaml").write_text(vendor_file(host, found, "2026-11-24"))
    return load_catalogue(folder, {}, "")


@pytest.mark.parametrize(
    "url",
    [
        "https://go.acme.example/c/x9k2q",
        "https://go.acme.example/c/x9k2q?page=2",
        "https://go.acme.example/x9k2q/12345.gif",
        "https://go.acme.example/click.php?ref=autumn&id=x9k2q",
        "https://go.acme.example/?x9k2q",
        "https://go.acme.example/a1x/b2yzz/c3xzz/d4yzz/e5xzz/f6yzz",
    ],
)
def test_a_link_of_a_learnt_shape_is_one_of_the_file(tmp_path: Path, url: str) -> None:
    halves = skeleton(url)
    assert halves is not None
    known = catalogue(tmp_path, (Form.LINK, halves.shape, "host"))
    judged = known.link(url, str, NOBODY)
    assert judged is not None
    assert (judged.kind, judged.vendor) == (Kind.LINK, "learnt_go_acme_example")
    assert known.link("https://go.acme.example/about", str, NOBODY) is None
    assert known.link(url.replace("go.", "www."), str, NOBODY) is None


def test_a_target_in_clear_is_read(tmp_path: Path) -> None:
    known = catalogue(tmp_path, (Form.LINK, "go.acme.example/c/{}?u=@", "host"))
    assert known.target("https://go.acme.example/c/x9?u=https%3A%2F%2Fshop.example%2F") == "https://shop.example/"


def test_pixels_and_hosts_that_differ_are_in_it(tmp_path: Path) -> None:
    host = "{}.go.acme.example"
    known = catalogue(
        tmp_path, (Form.PIXEL, f"{host}/{{}}.gif", "load"), (Form.LINK, f"{host}/trk/{{}}", "path"), host=host
    )
    image = known.image("https://a1b2c3.go.acme.example/x9k2q.gif", BARE)
    link = known.link("https://a1b2c3.go.acme.example/trk/x9k2q", str, NOBODY)
    assert image is not None
    assert link is not None
    assert (image.vendor, link.vendor) == ("learnt_go_acme_example", "learnt_go_acme_example")


def test_what_is_only_seen_is_a_comment_with_what_could_be_done(tmp_path: Path) -> None:
    lessons = [
        (Lesson("acme.example", Form.LINK, "go.acme.example/c/{}", MANY), "host"),
        (Lesson("acme.example", Form.LINK, "go.acme.example/landing?uid={}", MANY), ""),
    ]
    text = vendor_file("go.acme.example", lessons, "2026-11-24")
    assert "# only seen, a link that differs from reader to reader: go.acme.example/landing?uid={}\n" in text
    assert "parameters: [uid]" in text
    assert "#   trackers: {domains: {VENDOR: [go.acme.example]}}\n" in text
    known = catalogue(tmp_path, (Form.LINK, "go.acme.example/c/{}", "host"))
    assert known.link("https://go.acme.example/landing?uid=x9k2q", str, NOBODY) is None
