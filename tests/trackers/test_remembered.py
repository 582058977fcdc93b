"""What is remembered from mail to mail changes no judgement, and has bounds."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from smtp_gate.config.catalogue import load_catalogue
from smtp_gate.limits import MAX_TARGET_REMEMBERED
from smtp_gate.model import Kind, Look
from smtp_gate.trackers import Catalogue, compiled, decode

VENDORS = [vendor for vendor in load_catalogue(None, {}, "").vendors if vendor.id == "mailchimp"]
NOBODY: frozenset[str] = frozenset()
SHOWN = Look(200.0, 100.0, (), None, responsive=False)
UNSIZED = Look(None, None, (), None, responsive=False)
PLAIN = "https://shop.example/"
CLICK = "https://us1.mailchimp.com/mctx/clicks?xid=1&url="


class Page(NamedTuple):
    """What stands round a picture."""

    hides: bool

    def hidden(self, *, boxes: bool) -> bool:  # noqa: ARG002 - hides in any case, or not
        return self.hides

    def styled(self) -> Look:
        return UNSIZED

    def shown(self) -> bool:
        return False

    def holder(self) -> Look | None:
        return None

    def edge(self) -> bool:
        return False


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue(VENDORS)


def remembers(catalogue: Catalogue, plain: object) -> bool:
    return plain in catalogue._plain


def test_a_plain_link_and_picture_are_looked_at_once(catalogue: Catalogue) -> None:
    def fail(_: str) -> None:
        raise AssertionError("looked at again")

    picture = PLAIN + "hero-large.jpg"
    for _ in range(2):
        assert catalogue.link(PLAIN, lambda: "unsubscribe", NOBODY) is None
        assert catalogue.image(picture, SHOWN, Page(hides=False)) is None
        catalogue._place = fail  # type: ignore[assignment]


@pytest.mark.parametrize("first", [True, False])
def test_a_picture_that_the_page_round_it_may_hide_is_judged_each_time(
    catalogue: Catalogue, *, first: bool
) -> None:
    url = "https://shop.example/x/aGVsbG8gd29ybGQgMTIz/8f14e45fceea167a5a36dedd4bea2543"
    for hides in (first, not first, first):
        judged = catalogue.image(url, UNSIZED, Page(hides))
        assert (judged is not None and judged.kind is Kind.PIXEL) == hides


def test_a_link_that_only_its_words_or_list_keep_is_judged_each_time(catalogue: Catalogue) -> None:
    url = "https://shop.example/?mc_eid=0123456789"
    for words, kind in (("news", Kind.PERSONAL), ("unsubscribe", Kind.FUNCTIONAL), ("news", Kind.PERSONAL)):
        judged = catalogue.link(url, lambda words=words: words, NOBODY)  # type: ignore[misc]
        assert judged is not None
        assert judged.kind is kind


def test_what_weak_patterns_were_not_asked_about_is_not_remembered(catalogue: Catalogue) -> None:
    assert catalogue.link(PLAIN, str, NOBODY, weak=False) is None
    assert not remembers(catalogue, PLAIN)


@pytest.mark.parametrize("longer", [0, 1])
def test_a_long_plain_address_is_not_remembered(catalogue: Catalogue, longer: int) -> None:
    url = PLAIN.ljust(MAX_TARGET_REMEMBERED + longer, "a")
    assert catalogue.link(url, str, NOBODY) is None
    assert remembers(catalogue, url) == (not longer)


def test_plain_addresses_are_forgotten_when_there_are_many(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compiled, "PLAIN_REMEMBERED", 10)
    for number in range(25):
        assert catalogue.link(f"{PLAIN}{number}", str, NOBODY) is None
        assert 0 < len(catalogue._plain) <= 10


@pytest.mark.parametrize("longer", [0, 1])
def test_a_long_target_is_read_each_time(catalogue: Catalogue, longer: int) -> None:
    decode._known.cache_clear()
    target = PLAIN.ljust(MAX_TARGET_REMEMBERED + longer, "a")
    for _ in range(2):
        judged = catalogue.link(CLICK + target, str, NOBODY)
        assert judged is not None
        assert judged.target == target
    assert catalogue._destinations._known_end.cache_info().hits == (not longer)
    assert decode._known.cache_info().hits == (not longer)
