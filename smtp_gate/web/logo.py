"""The door of logos: a controller's picture comes from the gate itself, and pages load nothing from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.requests import Request

    from smtp_gate.web.notice import ControllerNotice

HEADERS = {
    # The address is made of the picture's hash: another picture has another one.
    "Cache-Control": "public, max-age=31536000, immutable",
    # A drawing styles itself; it loads and runs nothing, also when it is opened by itself.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
}


class LogoDoor:
    """``/b/{name}``.

    Args:
        notices: of the controllers.
    """

    def __init__(self, notices: Iterable[ControllerNotice]) -> None:
        logos = [notice.brand.logo for notice in notices if notice.brand and notice.brand.logo]
        self._logos = {logo.name: logo for logo in logos}

    async def logo(self, request: Request) -> Response:
        """The picture.

        Raises:
            HTTPException: 404, when there is none of this name.
        """
        logo = self._logos.get(request.path_params["name"])
        if logo is None:
            raise HTTPException(404)
        return Response(logo.octets, 200, HEADERS, logo.media_type)
