"""The door of the gate's own pixel: the day is kept, the answer is always the same, and nothing else happens.

Nothing is counted or logged here, and no answer tells whether the day was kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from starlette.responses import Response

from smtp_gate.policy.decide import measurable
from smtp_gate.tokens import open_opening
from smtp_gate.web.tracked import DOUBT, GIF

if TYPE_CHECKING:
    from starlette.requests import Request

    from smtp_gate.web.office import Office


class Days(Protocol):
    """Where days go."""

    def opened(self, controller: str, subject: bytes) -> None:
        """A person opened a mail, today."""
        ...


@dataclass(frozen=True, slots=True)
class OpeningDoor:
    """``/o/{token}``.

    Attributes:
        office: what doors share.
        days: where days go; None: nothing is kept.
    """

    office: Office
    days: Days | None

    async def pixel(self, request: Request) -> Response:
        """The picture that tells nobody anything; the day is kept for whoever has not objected."""
        token = open_opening(self.office.keyring, request.path_params["token"])
        if self.days is not None and measurable(await self.office.consent(token.controller, token.subject)):
            self.days.opened(token.controller, token.subject)
        return Response(GIF, 200, DOUBT, "image/gif")
