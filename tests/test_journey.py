"""The short form of ``make journey``: one person's story in a browser, and a withdrawal on five nodes."""

from __future__ import annotations

import pytest

from tests.chromium import needs_chromium

pytestmark = needs_chromium


def test_one_persons_story_from_the_question_to_the_last_withdrawal() -> None:
    from bench.journey.story import story  # noqa: PLC0415 - needs the browser's driver

    assert [step for step in story(quick=True) if not step.kept] == []


@pytest.mark.timeout(180)
def test_a_withdrawal_holds_on_five_nodes_also_when_redis_forgets_it() -> None:
    from bench.journey.nodes import Nodes  # noqa: PLC0415 - needs PostgreSQL's driver

    with Nodes(people=100) as nodes:
        for outcome in (nodes.quiet(), nodes.failing_over()):
            assert outcome.kept, outcome
