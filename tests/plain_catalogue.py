"""A catalogue whose rules show in the address, for tests that are not about vendors."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qs, urlsplit

from smtp_gate.model import PIXEL_PURPOSES, Judgement, Kind, Purpose

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from smtp_gate.model import Look
    from smtp_gate.trackers import Catalogue

OWN = "https://gate.example"
"""Public URL of the gate in these tests."""


class PlainCatalogue:
    """``pixel.example`` loads, ``link.example`` clicks; ``?to=`` is the target; opaque without it.

    A link with the word "unsubscribe", or protected by a header field, is functional. ``?who=`` on any other host
    makes a link personal.
    """

    def __init__(self) -> None:
        self.asked_words: list[str] = []

    def link(self, url: str, words: Callable[[], str], protected: frozenset[str]) -> Judgement | None:
        """A click."""
        parts = urlsplit(url)
        if parts.hostname == "link.example":
            self.asked_words.append(words())
            if url in protected or "unsubscribe" in self.asked_words[-1]:
                return Judgement(Kind.FUNCTIONAL, "plain", None, Purpose(0), ("words",))
            target = parse_qs(parts.query).get("to", [None])[0]
            return Judgement(Kind.LINK, "plain", target, Purpose.CLICKS, ("catalogue",))
        if "who=" in parts.query:
            return Judgement(Kind.PERSONAL, "", url.split("?", maxsplit=1)[0], Purpose.CLICKS, ("query",))
        return None

    def image(self, url: str, look: Look, around: object = None) -> Judgement | None:
        """A picture."""
        del look
        return self.load(url, around)

    def load(self, url: str, around: object = None) -> Judgement | None:
        """Any other load."""
        del around
        if urlsplit(url).hostname == "pixel.example":
            return Judgement(Kind.PIXEL, "plain", None, PIXEL_PURPOSES, ("catalogue",))
        return None

    def tools(self, headers: Mapping[str, tuple[str, ...]]) -> frozenset[str]:
        """Tools that show in the header."""
        return frozenset(headers.get("x-tool", ()))


def plain_catalogue() -> Catalogue:
    """One, as whoever takes a catalogue wants it."""
    return cast("Catalogue", PlainCatalogue())
