"""A gate whose hot path fails to see a tracker: the audit sees that it left."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from prometheus_client import REGISTRY

from smtp_gate.gate import reading
from smtp_gate.observe.audit import Auditor
from smtp_gate.scan.message import scan
from tests.gate_room import OPAQUE, OPAQUE_ONLY, TRACKED, Room, body_of, letter

if TYPE_CHECKING:
    import pytest

    from smtp_gate.model import Scan
    from smtp_gate.observe.audit_sheet import Sheet
    from smtp_gate.trackers import Catalogue


def missed() -> float:
    """Trackers of one vendor that the audit found and the hot path did not."""
    labels = {"vendor": "mailchimp", "kind": "pixel", "why": "missed"}
    return REGISTRY.get_sample_value("smtp_gate_audit_trackers_total", labels) or 0.0


class Noting:
    """Takes part of an auditor and notes what it is offered."""

    def __init__(self, *, takes: bool = True) -> None:
        self.sheets: list[Sheet] = []
        self._takes = takes

    def takes(self, digest: bytes) -> bool:
        assert len(digest) == 32
        return self._takes

    def offer(self, sheet: Sheet, _catalogue: Catalogue) -> None:
        self.sheets.append(sheet)


async def offered(room: Room, raw: bytes, *, takes: bool = True, codes: tuple[int, ...] = (250,)) -> list[Sheet]:
    """What the audit of a gate is offered for one mail."""
    noting = Noting(takes=takes)
    room.gate.auditor = noting  # type: ignore[assignment] # all that a journey asks of it
    assert (await room.send(raw, b"alice@example.com")).codes == list(codes)
    return noting.sheets


async def test_what_left_is_offered_as_it_left() -> None:
    async with Room() as room:
        [sheet] = await offered(room, TRACKED)
        assert sheet.content == body_of(room.hop.messages[0])
        assert sheet.left == {}


async def test_what_is_not_in_the_sample_is_not_offered() -> None:
    async with Room() as room:
        assert await offered(room, TRACKED, takes=False) == []


async def test_what_was_not_accepted_is_not_offered() -> None:
    async with Room() as room:
        room.hop.when("DOT", b"550 5.7.1 No")
        assert await offered(room, TRACKED, codes=(550,)) == []


async def test_what_policy_leaves_is_told_with_it() -> None:
    async with Room("policy: {on_opaque_link: pass}") as room:
        [sheet] = await offered(room, OPAQUE_ONLY)
        assert sheet.left == {OPAQUE.decode(): "policy"}


async def test_a_visible_picture_that_policy_leaves_is_told_with_it() -> None:
    picture = b"https://demo.r.af.d.sendibt2.com/im/4000001/00112233445566778899aabbccddeeff.png?e=DemoPicture"
    mail = letter(b'<img src="' + picture + b'" width="600" height="200" alt="Autumn">')
    async with Room("policy: {on_visible_tracked_image: keep}") as room:
        [sheet] = await offered(room, mail)
        assert picture in sheet.content
        assert sheet.left == {picture.decode(): "policy"}


async def test_a_miss_of_the_hot_path_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def blind(raw: bytes, catalogue: Catalogue, *, own: str = "", everything: bool = False) -> Scan:
        return replace(scan(raw, catalogue, own=own, everything=everything), findings=(), unjudged=())

    monkeypatch.setattr(reading, "scan", blind)
    async with Room() as room:
        room.gate.auditor = auditor = Auditor(1.0)
        before = missed()
        await room.send(TRACKED, b"alice@example.com")
        assert room.got(b"alice@example.com") == [TRACKED], "the hot path is not blind"
        await asyncio.to_thread(auditor.finish)
        assert missed() == before + 1
        auditor.close()
