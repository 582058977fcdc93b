"""Errors of the API as problem documents (RFC 9457): which field, what is wrong, the cure; never what was sent."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Mapping

MEDIA_TYPE = "application/problem+json"


class FieldProblem(BaseModel):
    """What is wrong with one field."""

    model_config = ConfigDict(frozen=True)

    pointer: Annotated[str, Field(description="JSON Pointer (RFC 6901) to the field; empty for the whole body.")]
    problem: Annotated[str, Field(description="What is wrong, and what would be right.")]


class Problem(BaseModel):
    """A call that did not do what it should."""

    model_config = ConfigDict(frozen=True)

    type: Annotated[str, Field(description="Always about:blank: the status says what it is.")] = "about:blank"
    title: Annotated[str, Field(description="The status in words.")]
    status: Annotated[int, Field(description="The HTTP status.")]
    detail: Annotated[str, Field(description="What went wrong, and the cure.")]
    errors: Annotated[list[FieldProblem], Field(description="Field by field, for 422.")] = []


class Refused(Exception):  # noqa: N818 - a verdict on a call
    """A call ends with a problem.

    Args:
        status: HTTP status.
        detail: a sentence with the cure, without anything that was sent.
        errors: by field.
        headers: of the answer.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        errors: tuple[FieldProblem, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers

    def answer(self) -> Response:
        """The problem document."""
        problem = Problem(
            title=HTTPStatus(self.status).phrase, status=self.status, detail=self.detail, errors=list(self.errors)
        )
        return Response(problem.model_dump_json(), self.status, self.headers, MEDIA_TYPE)
